-- CREDITED_ABOVE. Fires when more than the threshold comes in with one entry.

select bank.put_alert_type(
    alert_type => 'CREDITED_ABOVE',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Credited more than an amount',
    category => 'entries',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => 'event.amount_minor > :threshold_minor',
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CREDITED_ABOVE', 'EMAIL', 'en', 1, '{{ event.amount_minor | money(event.currency) }} came in',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | money(event.currency) }} was credited to {{ account.name }} on {{ event.time | when }}, more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('CREDITED_ABOVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited.'),
    ('CREDITED_ABOVE', 'PUSH', 'en', 1, '{{ event.amount_minor | money(event.currency) }} came in',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited.'),
    ('CREDITED_ABOVE', 'EMAIL', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} bijgeschreven',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | money(event.currency) }} bijgeschreven op {{ account.name }}, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('CREDITED_ABOVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven.'),
    ('CREDITED_ABOVE', 'PUSH', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} bijgeschreven',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CREDITED_ABOVE', 1, '200.01 is more than 200.00; exactly 200.00 is not.', '{"threshold_minor": 20000}',
     '[{"at": "0 minutes", "amount_minor": 20001},
       {"at": "1 hour", "amount_minor": 20000},
       {"at": "2 hours", "amount_minor": -30000}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
