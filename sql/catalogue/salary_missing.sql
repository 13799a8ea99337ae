-- SALARY_MISSING. Tells at the day of the month and hour that the customer chose, by their own clock, that less than the minimum came in as salary, pension or
-- benefit in the days before. In a month without that day it is the last one.

select bank.put_alert_type(
    alert_type => 'SALARY_MISSING',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Expected salary not in',
    category => 'entries',
    parameters => '{"day": {"type": "integer", "minimum": 1, "maximum": 31, "default": 25},
                        "hour": {"type": "integer", "minimum": 0, "maximum": 23, "default": 18},
                        "days_before": {"type": "integer", "minimum": 1, "maximum": 28, "default": 7},
                        "minimum_minor": {"type": "integer", "minimum": 1, "maximum": 1000000000000000, "default": 1}}',
    condition => 'coalesce(history.value, 0) < :minimum_minor',
    window_aggregate => 'SUM',
    window_value => 'amount_minor',
    window_condition => $$lower(event.entry_type) in ('salary', 'pension', 'benefit') and event.amount_minor > 0$$,
    window_length => ':days_before * 86400',
    timer_schedule => '{"every": "month", "day": ":day", "hour": ":hour", "minute": 0}');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('SALARY_MISSING', 'EMAIL', 'en', 1, 'Your salary is not in yet',
     'Dear {{ customer.full_name }},

{% if history.value is none %}No salary, pension or benefit{% else %}No more than {{ history.value | money(account.currency) }} of salary, pension or benefit{% endif %} came in on {{ account.name }} in the {{ parameters.days_before }} days up to {{ event.time | when }}.'),
    ('SALARY_MISSING', 'SMS', 'en', 1, null,
     '{{ account.name }}: {% if history.value is none %}no salary{% else %}only {{ history.value | money(account.currency) }} of salary{% endif %} in the last {{ parameters.days_before }} days.'),
    ('SALARY_MISSING', 'PUSH', 'en', 1, 'Your salary is not in yet',
     '{{ account.name }}: {% if history.value is none %}no salary{% else %}only {{ history.value | money(account.currency) }} of salary{% endif %} in the last {{ parameters.days_before }} days.'),
    ('SALARY_MISSING', 'EMAIL', 'nl', 1, 'Uw salaris is nog niet binnen',
     'Beste {{ customer.full_name }},

In de {{ parameters.days_before }} dagen tot {{ event.time | when }} is er {% if history.value is none %}geen salaris, pensioen of uitkering{% else %}niet meer dan {{ history.value | money(account.currency) }} aan salaris, pensioen of uitkering{% endif %} binnengekomen op {{ account.name }}.'),
    ('SALARY_MISSING', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {% if history.value is none %}geen salaris{% else %}maar {{ history.value | money(account.currency) }} salaris{% endif %} in de laatste {{ parameters.days_before }} dagen.'),
    ('SALARY_MISSING', 'PUSH', 'nl', 1, 'Uw salaris is nog niet binnen',
     '{{ account.name }}: {% if history.value is none %}geen salaris{% else %}maar {{ history.value | money(account.currency) }} salaris{% endif %} in de laatste {{ parameters.days_before }} dagen.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('SALARY_MISSING', 1, 'No salary in the week before: a transfer is none, and last month''s is too long ago.', '{"day": 28, "hour": 12}',
     '[{"at": "-31 days", "amount_minor": 245000, "entry_type": "salary"},
       {"at": "-2 days", "amount_minor": 245000, "entry_type": "transfer in"},
       {"at": "0 minutes", "kind": "TIMER"}]',
     '[{"event": 3, "history": {"value": null}}]'),
    ('SALARY_MISSING', 2, 'The salary came the day before.', '{"day": 28, "hour": 12}',
     '[{"at": "-1 day", "amount_minor": 245000, "entry_type": "salary"},
       {"at": "0 minutes", "kind": "TIMER"}]',
     '[]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
