-- DORMANT_ACCOUNT. Fires on an entry on an account that had none for so many days. The first entry of an account does not fire.

select bank.put_alert_type(
    alert_type => 'DORMANT_ACCOUNT',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Dormant account moves',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{"days": {"type": "integer", "minimum": 1, "maximum": 3650, "default": 180}}',
    condition => 'history.since >= :days * 86400',
    window_aggregate => 'SINCE');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DORMANT_ACCOUNT', 'EMAIL', 'en', 1, 'Your account is in use again',
     'Dear {{ customer.full_name }},

There was no entry on {{ account.name }} for {{ history.since | duration }}. {{ event.amount_minor | abs | money(event.currency) }} was {% if event.amount_minor < 0 %}debited{% else %}credited{% endif %} on {{ event.time | when }}. If you do not know of it, call us.'),
    ('DORMANT_ACCOUNT', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}debited{% else %}credited{% endif %}, the first entry in {{ history.since | duration }}.'),
    ('DORMANT_ACCOUNT', 'PUSH', 'en', 1, 'Your account is in use again',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}debited{% else %}credited{% endif %}, the first entry in {{ history.since | duration }}.'),
    ('DORMANT_ACCOUNT', 'EMAIL', 'nl', 1, 'Uw rekening is weer in gebruik',
     'Beste {{ customer.full_name }},

Op {{ account.name }} was {{ history.since | duration }} lang geen boeking. Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}afgeschreven{% else %}bijgeschreven{% endif %}. Weet u hier niets van? Bel ons dan.'),
    ('DORMANT_ACCOUNT', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}afgeschreven{% else %}bijgeschreven{% endif %}, de eerste boeking in {{ history.since | duration }}.'),
    ('DORMANT_ACCOUNT', 'PUSH', 'nl', 1, 'Uw rekening is weer in gebruik',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}afgeschreven{% else %}bijgeschreven{% endif %}, de eerste boeking in {{ history.since | duration }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DORMANT_ACCOUNT', 1, '200 days after the first entry, and exactly 180 days; not a day later.', '{}',
     '[{"at": "0 minutes", "amount_minor": 1000},
       {"at": "200 days", "amount_minor": -5000},
       {"at": "201 days", "amount_minor": -5000},
       {"at": "381 days", "amount_minor": 700}]',
     '[{"event": 2, "history": {"since": 17280000}}, {"event": 4, "history": {"since": 15552000}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
