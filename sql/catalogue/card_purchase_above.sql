-- CARD_PURCHASE_ABOVE. Fires when a purchase by card of more than the threshold is approved. Cash is not a purchase.

select bank.put_alert_type(
    alert_type => 'CARD_PURCHASE_ABOVE',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Card purchase above an amount',
    category => 'cards',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => $$- event.amount_minor > :threshold_minor and coalesce(event.merchant_category, '') not in ('6010', '6011')$$,
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CARD_PURCHASE_ABOVE', 'EMAIL', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid by card',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} was paid by card from {{ account.name }} on {{ event.time | when }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_PURCHASE_ABOVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid by card{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_PURCHASE_ABOVE', 'PUSH', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid by card',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid by card{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_PURCHASE_ABOVE', 'EMAIL', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} betaald met uw pas',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} met een pas betaald van {{ account.name }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_PURCHASE_ABOVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} betaald met een pas{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_PURCHASE_ABOVE', 'PUSH', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} betaald met uw pas',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} betaald met een pas{% if event.country %} ({{ event.country | country }}){% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CARD_PURCHASE_ABOVE', 1, 'A purchase of 120.00; not one of exactly 100.00, not cash, not one that was declined.', '{"threshold_minor": 10000}',
     '[{"at": "0 minutes", "amount_minor": -12000, "merchant_category": "5732", "country": "NL"},
       {"at": "1 hour", "amount_minor": -10000},
       {"at": "2 hours", "amount_minor": -12000, "merchant_category": "6011"},
       {"at": "3 hours", "amount_minor": -12000, "outcome": "DECLINED"}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
