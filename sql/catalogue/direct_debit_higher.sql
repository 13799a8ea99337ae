-- DIRECT_DEBIT_HIGHER. Fires when a direct debit is more than the margin higher than the one before of the same counterparty account, in the last 400 days.

select bank.put_alert_type(
    alert_type => 'DIRECT_DEBIT_HIGHER',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Direct debit higher than last time',
    category => 'entries',
    parameters => '{"margin_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => $$lower(event.entry_type) = 'direct debit' and - event.amount_minor > - history.last + :margin_minor$$,
    window_aggregate => 'MIN',
    window_value => 'amount_minor',
    window_group => '{counterparty_account}',
    window_condition => $$lower(event.entry_type) = 'direct debit' and event.amount_minor < 0$$,
    window_length => '400 * 86400');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DIRECT_DEBIT_HIGHER', 'EMAIL', 'en', 1, 'A direct debit is higher than last time',
     'Dear {{ customer.full_name }},

A direct debit of {{ event.amount_minor | abs | money(event.currency) }} was collected from {{ account.name }} on {{ event.time | when }}. Last time it was {{ history.last | abs | money(event.currency) }}.'),
    ('DIRECT_DEBIT_HIGHER', 'SMS', 'en', 1, null,
     '{{ account.name }}: direct debit of {{ event.amount_minor | abs | money(event.currency) }}, last time {{ history.last | abs | money(event.currency) }}.'),
    ('DIRECT_DEBIT_HIGHER', 'PUSH', 'en', 1, 'A direct debit is higher than last time',
     '{{ account.name }}: direct debit of {{ event.amount_minor | abs | money(event.currency) }}, last time {{ history.last | abs | money(event.currency) }}.'),
    ('DIRECT_DEBIT_HIGHER', 'EMAIL', 'nl', 1, 'Een incasso is hoger dan de vorige keer',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is een incasso van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven van {{ account.name }}. De vorige keer was het {{ history.last | abs | money(event.currency) }}.'),
    ('DIRECT_DEBIT_HIGHER', 'SMS', 'nl', 1, null,
     '{{ account.name }}: incasso van {{ event.amount_minor | abs | money(event.currency) }}, de vorige keer {{ history.last | abs | money(event.currency) }}.'),
    ('DIRECT_DEBIT_HIGHER', 'PUSH', 'nl', 1, 'Een incasso is hoger dan de vorige keer',
     '{{ account.name }}: incasso van {{ event.amount_minor | abs | money(event.currency) }}, de vorige keer {{ history.last | abs | money(event.currency) }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DIRECT_DEBIT_HIGHER', 1, '12.50 more than last month is above the margin of 5.00; the first is compared with nothing, another creditor''s with its own.', '{"margin_minor": 500}',
     '[{"at": "0 minutes", "amount_minor": -8000, "entry_type": "direct debit", "counterparty_account": "NL02RABO0123456789"},
       {"at": "1 day", "amount_minor": -20000, "entry_type": "direct debit", "counterparty_account": "NL20INGB0001234567"},
       {"at": "30 days", "amount_minor": -9250, "entry_type": "direct debit", "counterparty_account": "NL02RABO0123456789"},
       {"at": "60 days", "amount_minor": -9750, "entry_type": "direct debit", "counterparty_account": "NL02RABO0123456789"}]',
     '[{"event": 3, "history": {"last": -8000, "value": -9250, "previous": -8000}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
