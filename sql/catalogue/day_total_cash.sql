-- DAY_TOTAL_CASH. Fires when the cash taken with cards in the last 24 hours crosses the threshold.

select bank.put_alert_type(
    alert_type => 'DAY_TOTAL_CASH',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Day total of cash',
    category => 'cards',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "cool_down_hours": {"type": "integer", "minimum": 0, "maximum": 720, "default": 0}}',
    condition => '- history.value > :threshold_minor and coalesce(- history.previous, 0) <= :threshold_minor',
    window_aggregate => 'SUM',
    window_value => 'amount_minor',
    window_condition => $$event.amount_minor < 0 and event.merchant_category in ('6010', '6011')$$,
    window_length => '86400',
    cool_down => ':cool_down_hours * 3600');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DAY_TOTAL_CASH', 'EMAIL', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} in cash in a day',
     'Dear {{ customer.full_name }},

In the 24 hours up to {{ event.time | when }}, {{ history.value | abs | money(event.currency) }} was taken in cash from {{ account.name }}, more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DAY_TOTAL_CASH', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} taken in cash in 24 hours.'),
    ('DAY_TOTAL_CASH', 'PUSH', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} in cash in a day',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} taken in cash in 24 hours.'),
    ('DAY_TOTAL_CASH', 'EMAIL', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} contant opgenomen in een dag',
     'Beste {{ customer.full_name }},

In de 24 uur tot {{ event.time | when }} is in totaal {{ history.value | abs | money(event.currency) }} contant opgenomen van {{ account.name }}, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DAY_TOTAL_CASH', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} contant opgenomen in 24 uur.'),
    ('DAY_TOTAL_CASH', 'PUSH', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} contant opgenomen in een dag',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} contant opgenomen in 24 uur.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DAY_TOTAL_CASH', 1, '200.00 and 100.00 cross 250.00; a purchase in between does not count.', '{"threshold_minor": 25000}',
     '[{"at": "0 hours", "amount_minor": -20000, "merchant_category": "6011"},
       {"at": "1 hour", "amount_minor": -20000, "merchant_category": "5411"},
       {"at": "5 hours", "amount_minor": -10000, "merchant_category": "6010"}]',
     '[{"event": 3, "history": {"value": -30000, "previous": -20000}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
