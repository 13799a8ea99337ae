-- CASH_WITHDRAWAL. Fires when cash of more than the threshold is taken with a card, from a machine (6011) or at a counter (6010).

select bank.put_alert_type(
    alert_type => 'CASH_WITHDRAWAL',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Cash withdrawal',
    category => 'cards',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => $$event.merchant_category in ('6010', '6011') and - event.amount_minor > :threshold_minor$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CASH_WITHDRAWAL', 'EMAIL', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} in cash',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} was taken in cash from {{ account.name }} on {{ event.time | when }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CASH_WITHDRAWAL', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} taken in cash{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CASH_WITHDRAWAL', 'PUSH', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} in cash',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} taken in cash{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CASH_WITHDRAWAL', 'EMAIL', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} contant opgenomen',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} contant opgenomen van {{ account.name }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CASH_WITHDRAWAL', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} contant opgenomen{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CASH_WITHDRAWAL', 'PUSH', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} contant opgenomen',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} contant opgenomen{% if event.country %} ({{ event.country | country }}){% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CASH_WITHDRAWAL', 1, 'At a machine and at a counter; not in a shop.', '{}',
     '[{"at": "0 minutes", "amount_minor": -5000, "merchant_category": "6011"},
       {"at": "1 hour", "amount_minor": -20000, "merchant_category": "6010"},
       {"at": "2 hours", "amount_minor": -5000, "merchant_category": "5411"}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
