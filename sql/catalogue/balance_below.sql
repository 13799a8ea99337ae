-- BALANCE_BELOW. Fires when an entry takes the balance from the threshold or more to below it (design 4.2). An entry without a balance is not judged.
-- With a margin, it fires again only after the balance was that much above the threshold; with a cool-down, not sooner than that.

select bank.put_alert_type(
    alert_type => 'BALANCE_BELOW',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Balance below an amount',
    category => 'balance',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": -1000000000000000, "maximum": 1000000000000000},
                        "rearm_margin_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => 'event.balance_after_minor < :threshold_minor and event.balance_after_minor - event.amount_minor >= :threshold_minor',
    rearm_margin => ':rearm_margin_minor',
    rearm_condition => 'event.balance_after_minor >= :threshold_minor + :rearm_margin_minor',
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('BALANCE_BELOW', 'EMAIL', 'en', 1, 'Your balance is below {{ parameters.threshold_minor | money(event.currency) }}',
     'Dear {{ customer.full_name }},

The balance of {{ account.name }} went below {{ parameters.threshold_minor | money(event.currency) }} on {{ event.time | when }}: it is now {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_BELOW', 'SMS', 'en', 1, null,
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, below {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_BELOW', 'PUSH', 'en', 1, 'Your balance is below {{ parameters.threshold_minor | money(event.currency) }}',
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, below {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_BELOW', 'EMAIL', 'nl', 1, 'Uw saldo is onder {{ parameters.threshold_minor | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Het saldo van {{ account.name }} kwam op {{ event.time | when }} onder {{ parameters.threshold_minor | money(event.currency) }}: het is nu {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_BELOW', 'SMS', 'nl', 1, null,
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, onder {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('BALANCE_BELOW', 'PUSH', 'nl', 1, 'Uw saldo is onder {{ parameters.threshold_minor | money(event.currency) }}',
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, onder {{ parameters.threshold_minor | money(event.currency) }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('BALANCE_BELOW', 1, 'From 120.00 to 90.00 crosses 100.00; from 90.00 to 80.00 does not, and exactly 100.00 is not below.', '{"threshold_minor": 10000}',
     '[{"at": "0 minutes", "amount_minor": -3000, "balance_after_minor": 9000},
       {"at": "1 hour", "amount_minor": -1000, "balance_after_minor": 8000},
       {"at": "2 hours", "amount_minor": 4000, "balance_after_minor": 12000},
       {"at": "3 hours", "amount_minor": -2000, "balance_after_minor": 10000},
       {"at": "4 hours", "amount_minor": -1, "balance_after_minor": 9999}]',
     '[{"event": 1}, {"event": 5}]'),
    ('BALANCE_BELOW', 2, 'With a margin of 50.00 a balance around 100.00 alerts once, and again only after it was 150.00.', '{"threshold_minor": 10000, "rearm_margin_minor": 5000}',
     '[{"at": "0 minutes", "amount_minor": -3000, "balance_after_minor": 9000},
       {"at": "1 hour", "amount_minor": 2000, "balance_after_minor": 11000},
       {"at": "2 hours", "amount_minor": -2000, "balance_after_minor": 9000},
       {"at": "3 hours", "amount_minor": 6000, "balance_after_minor": 15000},
       {"at": "4 hours", "amount_minor": -6000, "balance_after_minor": 9000}]',
     '[{"event": 1}, {"event": 5}]'),
    ('BALANCE_BELOW', 3, 'With a cool-down of an hour the second crossing, half an hour later, is not told; the third is.', '{"threshold_minor": 10000, "cool_down_minutes": 60}',
     '[{"at": "0 minutes", "amount_minor": -3000, "balance_after_minor": 9000},
       {"at": "10 minutes", "amount_minor": 2000, "balance_after_minor": 11000},
       {"at": "30 minutes", "amount_minor": -2000, "balance_after_minor": 9000},
       {"at": "50 minutes", "amount_minor": 2000, "balance_after_minor": 11000},
       {"at": "60 minutes", "amount_minor": -2000, "balance_after_minor": 9000}]',
     '[{"event": 1}, {"event": 5}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
