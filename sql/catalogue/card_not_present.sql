-- CARD_NOT_PRESENT. Fires when a payment of more than the threshold is approved without the card being there: on the internet, by telephone, by mail.

select bank.put_alert_type(
    alert_type => 'CARD_NOT_PRESENT',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Card not present',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => 'not event.card_present and - event.amount_minor > :threshold_minor');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CARD_NOT_PRESENT', 'EMAIL', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid without your card being there',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} was paid from {{ account.name }} on {{ event.time | when }} with the details of a card alone{% if event.country %} ({{ event.country | country }}){% endif %}. If you do not know of it, block the card.'),
    ('CARD_NOT_PRESENT', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid with card details alone{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_NOT_PRESENT', 'PUSH', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid without your card being there',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid with card details alone{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_NOT_PRESENT', 'EMAIL', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} betaald zonder de pas zelf',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} betaald van {{ account.name }} met alleen de gegevens van een pas{% if event.country %} ({{ event.country | country }}){% endif %}. Weet u hier niets van? Blokkeer de pas dan.'),
    ('CARD_NOT_PRESENT', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} betaald met alleen pasgegevens{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_NOT_PRESENT', 'PUSH', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} betaald zonder de pas zelf',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} betaald met alleen pasgegevens{% if event.country %} ({{ event.country | country }}){% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CARD_NOT_PRESENT', 1, 'On the internet; not in a shop.', '{}',
     '[{"at": "0 minutes", "amount_minor": -4999, "card_present": false, "country": "IE"},
       {"at": "1 hour", "amount_minor": -4999, "card_present": true}]',
     '[{"event": 1}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
