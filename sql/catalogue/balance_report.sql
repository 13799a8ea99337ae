-- BALANCE_REPORT. Tells the balance every week at the weekday (1 is Monday) and hour that the customer chose, by their own clock: the balance after the
-- latest entry of the last 92 days that has one. Without such an entry nothing is told.

select bank.put_alert_type(
    alert_type => 'BALANCE_REPORT',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Weekly balance report',
    category => 'balance',
    parameters => '{"weekday": {"type": "integer", "minimum": 1, "maximum": 7, "default": 1},
                        "hour": {"type": "integer", "minimum": 0, "maximum": 23, "default": 8}}',
    condition => 'history.last is not null',
    window_aggregate => 'MIN',
    window_value => 'balance_after_minor',
    window_condition => 'event.balance_after_minor is not null',
    window_length => '92 * 86400',
    timer_schedule => '{"every": "week", "weekday": ":weekday", "hour": ":hour", "minute": 0}');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('BALANCE_REPORT', 'EMAIL', 'en', 1, 'Your balance',
     'Dear {{ customer.full_name }},

The balance of {{ account.name }} on {{ event.time | when }} is {{ history.last | money(account.currency) }}.'),
    ('BALANCE_REPORT', 'SMS', 'en', 1, null,
     '{{ account.name }}: balance {{ history.last | money(account.currency) }} on {{ event.time | when }}.'),
    ('BALANCE_REPORT', 'PUSH', 'en', 1, 'Your balance',
     '{{ account.name }}: balance {{ history.last | money(account.currency) }} on {{ event.time | when }}.'),
    ('BALANCE_REPORT', 'EMAIL', 'nl', 1, 'Uw saldo',
     'Beste {{ customer.full_name }},

Het saldo van {{ account.name }} op {{ event.time | when }} is {{ history.last | money(account.currency) }}.'),
    ('BALANCE_REPORT', 'SMS', 'nl', 1, null,
     '{{ account.name }}: saldo {{ history.last | money(account.currency) }} op {{ event.time | when }}.'),
    ('BALANCE_REPORT', 'PUSH', 'nl', 1, 'Uw saldo',
     '{{ account.name }}: saldo {{ history.last | money(account.currency) }} op {{ event.time | when }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('BALANCE_REPORT', 1, 'The balance after the latest entry, on Friday at 17:00.', '{"weekday": 5, "hour": 17}',
     '[{"at": "-3 days", "amount_minor": 5000, "balance_after_minor": 45000},
       {"at": "-1 day", "amount_minor": -12345, "balance_after_minor": 32655},
       {"at": "-1 hour", "amount_minor": -100},
       {"at": "0 minutes", "kind": "TIMER"}]',
     '[{"event": 4, "history": {"last": 32655}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
