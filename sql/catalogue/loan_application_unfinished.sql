-- LOAN_APPLICATION_UNFINISHED. Fires when a loan application was started, or saved, and then left for so many hours: neither saved again, nor submitted, nor withdrawn. Each
-- application counts for itself.

select bank.put_alert_type(
    alert_type => 'LOAN_APPLICATION_UNFINISHED',
    event_kind => 'CUSTOMER_ACTIVITY',
    statuses => '{}',
    title => 'Loan application not finished',
    category => 'loans',
    purpose => 'MARKETING',
    parameters => '{"hours": {"type": "integer", "minimum": 1, "maximum": 720, "default": 24}}',
    condition => 'true',
    timer_arm => $$event.activity_type in ('LOAN_APPLICATION_STARTED', 'LOAN_APPLICATION_SAVED')$$,
    timer_cancel => $$event.activity_type in ('LOAN_APPLICATION_SUBMITTED', 'LOAN_APPLICATION_WITHDRAWN')$$,
    timer_key => $$event.properties ->> 'application_id'$$,
    timer_after => ':hours * 3600');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('LOAN_APPLICATION_UNFINISHED', 'EMAIL', 'en', 1, 'Your loan application is waiting for you',
     'Dear {{ customer.full_name }},

You started a loan application and have not finished it: nothing happened in the {{ parameters.hours }} hours before {{ event.time | when }}. What you filled in is still there.'),
    ('LOAN_APPLICATION_UNFINISHED', 'SMS', 'en', 1, null,
     'Your loan application is not finished. What you filled in is still there.'),
    ('LOAN_APPLICATION_UNFINISHED', 'PUSH', 'en', 1, 'Your loan application is waiting for you',
     'Your loan application is not finished. What you filled in is still there.'),
    ('LOAN_APPLICATION_UNFINISHED', 'EMAIL', 'nl', 1, 'Uw leningaanvraag staat nog open',
     'Beste {{ customer.full_name }},

U bent aan een leningaanvraag begonnen en hebt die nog niet afgerond: in de {{ parameters.hours }} uur voor {{ event.time | when }} is er niets gebeurd. Wat u hebt ingevuld, is bewaard.'),
    ('LOAN_APPLICATION_UNFINISHED', 'SMS', 'nl', 1, null,
     'Uw leningaanvraag is nog niet afgerond. Wat u hebt ingevuld, is bewaard.'),
    ('LOAN_APPLICATION_UNFINISHED', 'PUSH', 'nl', 1, 'Uw leningaanvraag staat nog open',
     'Uw leningaanvraag is nog niet afgerond. Wat u hebt ingevuld, is bewaard.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('LOAN_APPLICATION_UNFINISHED', 1, 'Started, saved an hour later, and then silent: 24 hours after it was saved. The other application was submitted.', '{}',
     '[{"at": "0 hours", "activity_type": "LOAN_APPLICATION_STARTED", "properties": {"application_id": "A"}},
       {"at": "0 hours", "activity_type": "LOAN_APPLICATION_STARTED", "properties": {"application_id": "B"}},
       {"at": "1 hour", "activity_type": "LOAN_APPLICATION_SAVED", "properties": {"application_id": "A"}},
       {"at": "2 hours", "activity_type": "LOAN_APPLICATION_SUBMITTED", "properties": {"application_id": "B"}},
       {"at": "25 hours", "kind": "TIMER", "timer_key": "A"}]',
     '[{"event": 5}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
