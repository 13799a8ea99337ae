-- DAY_TOTAL_PURCHASES. Fires when the purchases of a card account in the last 24 hours cross the threshold. Cash and refunds do not count.

select bank.put_alert_type(
    alert_type => 'DAY_TOTAL_PURCHASES',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Day total of purchases',
    category => 'cards',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "cool_down_hours": {"type": "integer", "minimum": 0, "maximum": 720, "default": 0}}',
    condition => '- history.value > :threshold_minor and coalesce(- history.previous, 0) <= :threshold_minor',
    window_aggregate => 'SUM',
    window_value => 'amount_minor',
    window_condition => $$event.amount_minor < 0 and coalesce(event.merchant_category, '') not in ('6010', '6011')$$,
    window_length => '86400',
    cool_down => ':cool_down_hours * 3600');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DAY_TOTAL_PURCHASES', 'EMAIL', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} spent by card in a day',
     'Dear {{ customer.full_name }},

In the 24 hours up to {{ event.time | when }}, {{ history.value | abs | money(event.currency) }} was spent by card from {{ account.name }}, more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DAY_TOTAL_PURCHASES', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} spent by card in 24 hours.'),
    ('DAY_TOTAL_PURCHASES', 'PUSH', 'en', 1, 'More than {{ parameters.threshold_minor | money(event.currency) }} spent by card in a day',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} spent by card in 24 hours.'),
    ('DAY_TOTAL_PURCHASES', 'EMAIL', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} uitgegeven met uw pas in een dag',
     'Beste {{ customer.full_name }},

In de 24 uur tot {{ event.time | when }} is in totaal {{ history.value | abs | money(event.currency) }} met passen van {{ account.name }} uitgegeven, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DAY_TOTAL_PURCHASES', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} uitgegeven met een pas in 24 uur.'),
    ('DAY_TOTAL_PURCHASES', 'PUSH', 'nl', 1, 'Meer dan {{ parameters.threshold_minor | money(event.currency) }} uitgegeven met uw pas in een dag',
     '{{ account.name }}: {{ history.value | abs | money(event.currency) }} uitgegeven met een pas in 24 uur.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DAY_TOTAL_PURCHASES', 1, '60.00 and 60.00 cross 100.00; the next does not cross it again, cash does not count, and after exactly 24 hours a purchase is out.', '{"threshold_minor": 10000}',
     '[{"at": "0 hours", "amount_minor": -6000},
       {"at": "1 hour", "amount_minor": -50000, "merchant_category": "6011"},
       {"at": "2 hours", "amount_minor": -6000},
       {"at": "3 hours", "amount_minor": -1000},
       {"at": "27 hours", "amount_minor": -6000},
       {"at": "51 hours", "amount_minor": -6000}]',
     '[{"event": 3, "history": {"value": -12000, "previous": -6000}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
