-- INCOME_RECEIVED. Fires when salary, pension or a benefit comes in: an entry of that type.

select bank.put_alert_type(
    alert_type => 'INCOME_RECEIVED',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Salary or benefit in',
    category => 'entries',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => $$lower(event.entry_type) in ('salary', 'pension', 'benefit') and event.amount_minor > :threshold_minor$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('INCOME_RECEIVED', 'EMAIL', 'en', 1, 'Your income of {{ event.amount_minor | money(event.currency) }} is in',
     'Dear {{ customer.full_name }},

Your salary, pension or benefit of {{ event.amount_minor | money(event.currency) }} was credited to {{ account.name }} on {{ event.time | when }}.'),
    ('INCOME_RECEIVED', 'SMS', 'en', 1, null,
     '{{ account.name }}: income of {{ event.amount_minor | money(event.currency) }} credited.'),
    ('INCOME_RECEIVED', 'PUSH', 'en', 1, 'Your income of {{ event.amount_minor | money(event.currency) }} is in',
     '{{ account.name }}: income of {{ event.amount_minor | money(event.currency) }} credited.'),
    ('INCOME_RECEIVED', 'EMAIL', 'nl', 1, 'Uw inkomen van {{ event.amount_minor | money(event.currency) }} is binnen',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is uw salaris, pensioen of uitkering van {{ event.amount_minor | money(event.currency) }} bijgeschreven op {{ account.name }}.'),
    ('INCOME_RECEIVED', 'SMS', 'nl', 1, null,
     '{{ account.name }}: inkomen van {{ event.amount_minor | money(event.currency) }} bijgeschreven.'),
    ('INCOME_RECEIVED', 'PUSH', 'nl', 1, 'Uw inkomen van {{ event.amount_minor | money(event.currency) }} is binnen',
     '{{ account.name }}: inkomen van {{ event.amount_minor | money(event.currency) }} bijgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('INCOME_RECEIVED', 1, 'A salary and a benefit; not a transfer, and not a salary that is paid out.', '{}',
     '[{"at": "0 minutes", "amount_minor": 245000, "entry_type": "salary"},
       {"at": "1 hour", "amount_minor": 31250, "entry_type": "BENEFIT"},
       {"at": "2 hours", "amount_minor": 245000, "entry_type": "transfer in"},
       {"at": "3 hours", "amount_minor": -245000, "entry_type": "salary"}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
