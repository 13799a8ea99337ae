-- CREDITED_FROM_ACCOUNT. Fires when more than the threshold comes in from the account that the customer gave. Spaces, and capitals or small letters, make no difference.

select bank.put_alert_type(
    alert_type => 'CREDITED_FROM_ACCOUNT',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Credited from a given account',
    category => 'entries',
    parameters => '{"counterparty_account": {"type": "text"},
                        "threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => $$event.amount_minor > :threshold_minor and upper(replace(event.counterparty_account, ' ', '')) = upper(replace(:counterparty_account, ' ', ''))$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CREDITED_FROM_ACCOUNT', 'EMAIL', 'en', 1, '{{ event.amount_minor | money(event.currency) }} from the account that you named',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | money(event.currency) }} from {{ parameters.counterparty_account }} was credited to {{ account.name }} on {{ event.time | when }}.'),
    ('CREDITED_FROM_ACCOUNT', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited from {{ parameters.counterparty_account }}.'),
    ('CREDITED_FROM_ACCOUNT', 'PUSH', 'en', 1, '{{ event.amount_minor | money(event.currency) }} from the account that you named',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited from {{ parameters.counterparty_account }}.'),
    ('CREDITED_FROM_ACCOUNT', 'EMAIL', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} van de rekening die u opgaf',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | money(event.currency) }} van {{ parameters.counterparty_account }} bijgeschreven op {{ account.name }}.'),
    ('CREDITED_FROM_ACCOUNT', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven van {{ parameters.counterparty_account }}.'),
    ('CREDITED_FROM_ACCOUNT', 'PUSH', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} van de rekening die u opgaf',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven van {{ parameters.counterparty_account }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CREDITED_FROM_ACCOUNT', 1, 'Money from this account, however it is written; not from another, and not money to it.', '{"counterparty_account": "nl02 rabo 0123 4567 89"}',
     '[{"at": "0 minutes", "amount_minor": 7500, "counterparty_account": "NL02RABO0123456789"},
       {"at": "1 hour", "amount_minor": 7500, "counterparty_account": "NL91ABNA0417164300"},
       {"at": "2 hours", "amount_minor": -7500, "counterparty_account": "NL02RABO0123456789"},
       {"at": "3 hours", "amount_minor": 7500}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
