-- DIRECT_DEBIT_COLLECTED. Fires when a direct debit of more than the threshold is collected.

select bank.put_alert_type(
    alert_type => 'DIRECT_DEBIT_COLLECTED',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Direct debit collected',
    category => 'entries',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => $$lower(event.entry_type) = 'direct debit' and - event.amount_minor > :threshold_minor$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DIRECT_DEBIT_COLLECTED', 'EMAIL', 'en', 1, 'Direct debit of {{ event.amount_minor | abs | money(event.currency) }}',
     'Dear {{ customer.full_name }},

A direct debit of {{ event.amount_minor | abs | money(event.currency) }} was collected from {{ account.name }} on {{ event.time | when }}.'),
    ('DIRECT_DEBIT_COLLECTED', 'SMS', 'en', 1, null,
     '{{ account.name }}: direct debit of {{ event.amount_minor | abs | money(event.currency) }} collected.'),
    ('DIRECT_DEBIT_COLLECTED', 'PUSH', 'en', 1, 'Direct debit of {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: direct debit of {{ event.amount_minor | abs | money(event.currency) }} collected.'),
    ('DIRECT_DEBIT_COLLECTED', 'EMAIL', 'nl', 1, 'Incasso van {{ event.amount_minor | abs | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is een incasso van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven van {{ account.name }}.'),
    ('DIRECT_DEBIT_COLLECTED', 'SMS', 'nl', 1, null,
     '{{ account.name }}: incasso van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.'),
    ('DIRECT_DEBIT_COLLECTED', 'PUSH', 'nl', 1, 'Incasso van {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: incasso van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DIRECT_DEBIT_COLLECTED', 1, 'A direct debit above 50.00; not one of exactly 50.00, not one that is paid back, not a transfer.', '{"threshold_minor": 5000}',
     '[{"at": "0 minutes", "amount_minor": -8250, "entry_type": "direct debit"},
       {"at": "1 hour", "amount_minor": -5000, "entry_type": "direct debit"},
       {"at": "2 hours", "amount_minor": 8250, "entry_type": "direct debit"},
       {"at": "3 hours", "amount_minor": -8250, "entry_type": "transfer out"}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
