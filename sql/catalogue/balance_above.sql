-- BALANCE_ABOVE. Fires when an entry takes the balance from the threshold or less to above it (design 4.2). An entry without a balance is not judged.
-- With a margin, it fires again only after the balance was that much below the threshold; with a cool-down, not sooner than that.

select bank.put_alert_type(
    alert_type => 'BALANCE_ABOVE',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Balance above an amount',
    category => 'balance',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": -1000000000000000, "maximum": 1000000000000000},
                        "rearm_margin_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => 'event.balance_after_minor > :threshold_minor and event.balance_after_minor - event.amount_minor <= :threshold_minor',
    rearm_margin => ':rearm_margin_minor',
    rearm_condition => 'event.balance_after_minor <= :threshold_minor - :rearm_margin_minor',
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('BALANCE_ABOVE', 'EMAIL', 'en', 1, 'Your balance is above {{ parameters.threshold_minor | money(event.currency) }}',
     'Dear {{ customer.full_name }},

The balance of {{ account.name }} went above {{ parameters.threshold_minor | money(event.currency) }} on {{ event.time | when }}: it is now {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_ABOVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, above {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_ABOVE', 'PUSH', 'en', 1, 'Your balance is above {{ parameters.threshold_minor | money(event.currency) }}',
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, above {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_ABOVE', 'EMAIL', 'nl', 1, 'Uw saldo is boven {{ parameters.threshold_minor | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Het saldo van {{ account.name }} kwam op {{ event.time | when }} boven {{ parameters.threshold_minor | money(event.currency) }}: het is nu {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_ABOVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, boven {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_ABOVE', 'PUSH', 'nl', 1, 'Uw saldo is boven {{ parameters.threshold_minor | money(event.currency) }}',
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, boven {{ parameters.threshold_minor | money(event.currency) }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('BALANCE_ABOVE', 1, 'From 980.00 to 1,080.00 crosses 1,000.00; more on top of it does not.', '{"threshold_minor": 100000}',
     '[{"at": "0 minutes", "amount_minor": 10000, "balance_after_minor": 108000},
       {"at": "1 hour", "amount_minor": 10000, "balance_after_minor": 118000}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
