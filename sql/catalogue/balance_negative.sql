-- BALANCE_NEGATIVE. Fires when an entry takes the balance from zero or more to below zero. An entry without a balance is not judged.
-- With a margin, it fires again only after the balance was that much above zero; with a cool-down, not sooner than that.

select bank.put_alert_type(
    alert_type => 'BALANCE_NEGATIVE',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Balance negative',
    category => 'balance',
    parameters => '{"rearm_margin_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => 'event.balance_after_minor < 0 and event.balance_after_minor - event.amount_minor >= 0',
    rearm_margin => ':rearm_margin_minor',
    rearm_condition => 'event.balance_after_minor >= :rearm_margin_minor',
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('BALANCE_NEGATIVE', 'EMAIL', 'en', 1, 'Your balance is negative',
     'Dear {{ customer.full_name }},

The balance of {{ account.name }} went below zero on {{ event.time | when }}: it is now {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_NEGATIVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, below zero.'),
    ('BALANCE_NEGATIVE', 'PUSH', 'en', 1, 'Your balance is negative',
     '{{ account.name }}: balance {{ event.balance_after_minor | money(event.currency) }}, below zero.'),
    ('BALANCE_NEGATIVE', 'EMAIL', 'nl', 1, 'Uw saldo is negatief',
     'Beste {{ customer.full_name }},

Het saldo van {{ account.name }} kwam op {{ event.time | when }} onder nul: het is nu {{ event.balance_after_minor | money(event.currency) }}.'),
    ('BALANCE_NEGATIVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, onder nul.'),
    ('BALANCE_NEGATIVE', 'PUSH', 'nl', 1, 'Uw saldo is negatief',
     '{{ account.name }}: saldo {{ event.balance_after_minor | money(event.currency) }}, onder nul.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('BALANCE_NEGATIVE', 1, 'From 10.00 to -5.00 is negative now; from -5.00 to -15.00 it was already, and 0.00 is not negative.', '{}',
     '[{"at": "0 minutes", "amount_minor": -1500, "balance_after_minor": -500},
       {"at": "1 hour", "amount_minor": -1000, "balance_after_minor": -1500},
       {"at": "2 hours", "amount_minor": 2000, "balance_after_minor": 500},
       {"at": "3 hours", "amount_minor": -500, "balance_after_minor": 0}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
