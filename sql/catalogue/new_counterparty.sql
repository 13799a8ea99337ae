-- NEW_COUNTERPARTY. Fires on the first payment ever to a counterparty account. Where the bank gives no counterparty account, it is not judged.

select bank.put_alert_type(
    alert_type => 'NEW_COUNTERPARTY',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'First payment to a new counterparty',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => '- event.amount_minor > :threshold_minor and event.counterparty_account is not null and history.since is null',
    window_aggregate => 'SINCE',
    window_group => '{counterparty_account}',
    window_condition => 'event.amount_minor < 0');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('NEW_COUNTERPARTY', 'EMAIL', 'en', 1, 'First payment to a new account: {{ event.amount_minor | abs | money(event.currency) }}',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} went from {{ account.name }} on {{ event.time | when }} to an account that it never paid before. If you do not know of it, call us.'),
    ('NEW_COUNTERPARTY', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} to an account that it never paid before.'),
    ('NEW_COUNTERPARTY', 'PUSH', 'en', 1, 'First payment to a new account: {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} to an account that it never paid before.'),
    ('NEW_COUNTERPARTY', 'EMAIL', 'nl', 1, 'Eerste betaling naar een nieuwe rekening: {{ event.amount_minor | abs | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} ging {{ event.amount_minor | abs | money(event.currency) }} van {{ account.name }} naar een rekening waarnaar nog nooit is betaald. Weet u hier niets van? Bel ons dan.'),
    ('NEW_COUNTERPARTY', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} naar een rekening waarnaar nog nooit is betaald.'),
    ('NEW_COUNTERPARTY', 'PUSH', 'nl', 1, 'Eerste betaling naar een nieuwe rekening: {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} naar een rekening waarnaar nog nooit is betaald.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('NEW_COUNTERPARTY', 1, 'The first payment, not the second; money that came in before from the same account is no payment.', '{}',
     '[{"at": "-1 day", "amount_minor": 100, "counterparty_account": "NL02RABO0123456789"},
       {"at": "0 minutes", "amount_minor": -2500, "counterparty_account": "NL02RABO0123456789"},
       {"at": "400 days", "amount_minor": -2500, "counterparty_account": "NL02RABO0123456789"},
       {"at": "401 days", "amount_minor": -2500}]',
     '[{"event": 2, "history": {"since": null}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
