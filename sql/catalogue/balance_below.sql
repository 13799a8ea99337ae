-- BALANCE_BELOW. Fires when an entry takes the balance from the threshold or more to below it (design 4.2). An entry without a balance is not judged.

insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)
values ('BALANCE_BELOW', 'ACCOUNT_ENTRY',
        'event.balance_after_minor < :threshold_minor and event.balance_after_minor - event.amount_minor >= :threshold_minor',
        '{"threshold_minor": {"type": "integer", "minimum": -1000000000000000, "maximum": 1000000000000000}}',
        'balance', 'Balance below an amount')
on conflict (alert_type) do update
   set (event_kind, statuses, condition, parameters, category, title) =
       (excluded.event_kind, excluded.statuses, excluded.condition, excluded.parameters, excluded.category, excluded.title)
 where (alert_type.event_kind, alert_type.statuses, alert_type.condition, alert_type.parameters, alert_type.category, alert_type.title) is distinct from
       (excluded.event_kind, excluded.statuses, excluded.condition, excluded.parameters, excluded.category, excluded.title);

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
