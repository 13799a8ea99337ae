-- MONTH_TOTAL_MERCHANT_CATEGORY. Fires when the purchases of one merchant category in the last 30 days cross the threshold: of the category that the customer gave, or of any.

select bank.put_alert_type(
    alert_type => 'MONTH_TOTAL_MERCHANT_CATEGORY',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Month total of a merchant category',
    category => 'cards',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "merchant_category": {"type": "text", "default": ""},
                        "cool_down_hours": {"type": "integer", "minimum": 0, "maximum": 720, "default": 0}}',
    condition => '(length(:merchant_category) = 0 or event.merchant_category = :merchant_category) and - history.value > :threshold_minor and coalesce(- history.previous, 0) <= :threshold_minor',
    window_aggregate => 'SUM',
    window_value => 'amount_minor',
    window_group => '{merchant_category}',
    window_condition => 'event.amount_minor < 0',
    window_length => '30 * 86400',
    cool_down => ':cool_down_hours * 3600');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'EMAIL', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} spent in a month: {{ event.merchant_category | merchant_category }}',
     'Dear {{ customer.full_name }},

In the 30 days up to {{ event.time | when }}, {{ history.value | abs | money(event.currency) }} was spent by card from {{ account.name }} ({{ event.merchant_category | merchant_category }}), more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} spent in 30 days ({{ event.merchant_category | merchant_category }}).'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'PUSH', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} spent in a month: {{ event.merchant_category | merchant_category }}',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} spent in 30 days ({{ event.merchant_category | merchant_category }}).'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'EMAIL', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} uitgegeven in een maand: {{ event.merchant_category | merchant_category }}',
     'Beste {{ customer.full_name }},

In de 30 dagen tot {{ event.time | when }} is in totaal {{ history.value | abs | money(event.currency) }} met passen van {{ account.name }} uitgegeven aan {{ event.merchant_category | merchant_category }}, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} uitgegeven in 30 dagen ({{ event.merchant_category | merchant_category }}).'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 'PUSH', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} uitgegeven in een maand: {{ event.merchant_category | merchant_category }}',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} uitgegeven in 30 dagen ({{ event.merchant_category | merchant_category }}).')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 1, 'Restaurants cross 150.00 with the third; supermarkets do not.', '{"threshold_minor": 15000}',
     '[{"at": "0 days", "amount_minor": -6000, "merchant_category": "5812"},
       {"at": "5 days", "amount_minor": -14000, "merchant_category": "5411"},
       {"at": "10 days", "amount_minor": -6000, "merchant_category": "5812"},
       {"at": "20 days", "amount_minor": -6000, "merchant_category": "5812"},
       {"at": "21 days", "amount_minor": -20000}]',
     '[{"event": 4, "history": {"value": -18000, "previous": -12000}}]'),
    ('MONTH_TOTAL_MERCHANT_CATEGORY', 2, 'Only the category that was given.', '{"threshold_minor": 5000, "merchant_category": "7995"}',
     '[{"at": "0 days", "amount_minor": -6000, "merchant_category": "5812"},
       {"at": "1 day", "amount_minor": -6000, "merchant_category": "7995"}]',
     '[{"event": 2, "history": {"value": -6000, "previous": null}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
