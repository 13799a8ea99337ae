-- FOREIGN_PAYMENT. Fires when money goes out in another currency than the account's, or to an IBAN of another country than the home country.

select bank.put_alert_type(
    alert_type => 'FOREIGN_PAYMENT',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Foreign payment',
    category => 'entries',
    parameters => '{"home_country": {"type": "text", "default": "NL"}}',
    condition => $$event.amount_minor < 0 and (event.original_currency <> event.currency or left(event.counterparty_account, 2) <> :home_country and substr(event.counterparty_account, 1, 1) between 'A' and 'Z' and substr(event.counterparty_account, 2, 1) between 'A' and 'Z' and substr(event.counterparty_account, 3, 1) between '0' and '9')$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('FOREIGN_PAYMENT', 'EMAIL', 'en', 1, 'Foreign payment of {{ event.amount_minor | abs | money(event.currency) }}',
     'Dear {{ customer.full_name }},

A foreign payment of {{ event.amount_minor | abs | money(event.currency) }}{% if event.original_currency %}, made in {{ event.original_currency }},{% endif %} was debited from {{ account.name }} on {{ event.time | when }}.'),
    ('FOREIGN_PAYMENT', 'SMS', 'en', 1, null,
     '{{ account.name }}: foreign payment of {{ event.amount_minor | abs | money(event.currency) }} debited.'),
    ('FOREIGN_PAYMENT', 'PUSH', 'en', 1, 'Foreign payment of {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: foreign payment of {{ event.amount_minor | abs | money(event.currency) }} debited.'),
    ('FOREIGN_PAYMENT', 'EMAIL', 'nl', 1, 'Buitenlandse betaling van {{ event.amount_minor | abs | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is een buitenlandse betaling van {{ event.amount_minor | abs | money(event.currency) }}{% if event.original_currency %}, gedaan in {{ event.original_currency }},{% endif %} afgeschreven van {{ account.name }}.'),
    ('FOREIGN_PAYMENT', 'SMS', 'nl', 1, null,
     '{{ account.name }}: buitenlandse betaling van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.'),
    ('FOREIGN_PAYMENT', 'PUSH', 'nl', 1, 'Buitenlandse betaling van {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: buitenlandse betaling van {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('FOREIGN_PAYMENT', 1, 'A payment in dollars and one to Germany; not one to the Netherlands, not one to an account that is no IBAN, and nothing that comes in.', '{}',
     '[{"at": "0 minutes", "amount_minor": -4630, "original_amount_minor": -5000, "original_currency": "USD"},
       {"at": "1 hour", "amount_minor": -12000, "counterparty_account": "DE89370400440532013000"},
       {"at": "2 hours", "amount_minor": -12000, "counterparty_account": "NL02RABO0123456789"},
       {"at": "3 hours", "amount_minor": -12000, "counterparty_account": "41403269/QR"},
       {"at": "4 hours", "amount_minor": 12000, "counterparty_account": "DE89370400440532013000"},
       {"at": "5 hours", "amount_minor": -100}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
