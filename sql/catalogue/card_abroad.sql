-- CARD_ABROAD. Fires when a card is used in another country than the home country, or, where the customer listed countries (NL,DE), in one of those.

select bank.put_alert_type(
    alert_type => 'CARD_ABROAD',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Card used abroad or in listed countries',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{"countries": {"type": "text", "default": ""},
                        "home_country": {"type": "text", "default": "NL"}}',
    condition => $$length(:countries) = 0 and event.country <> :home_country or strpos(',' || upper(replace(:countries, ' ', '')) || ',', ',' || event.country || ',') > 0$$);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CARD_ABROAD', 'EMAIL', 'en', 1, 'Card used: {{ event.country | country }}',
     'Dear {{ customer.full_name }},

A card of {{ account.name }} was used on {{ event.time | when }} for {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}. If you do not know of it, block the card.'),
    ('CARD_ABROAD', 'SMS', 'en', 1, null,
     '{{ account.name }}: card used for {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_ABROAD', 'PUSH', 'en', 1, 'Card used: {{ event.country | country }}',
     '{{ account.name }}: card used for {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_ABROAD', 'EMAIL', 'nl', 1, 'Pas gebruikt: {{ event.country | country }}',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is een pas van {{ account.name }} gebruikt voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}. Weet u hier niets van? Blokkeer de pas dan.'),
    ('CARD_ABROAD', 'SMS', 'nl', 1, null,
     '{{ account.name }}: pas gebruikt voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}.'),
    ('CARD_ABROAD', 'PUSH', 'nl', 1, 'Pas gebruikt: {{ event.country | country }}',
     '{{ account.name }}: pas gebruikt voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CARD_ABROAD', 1, 'Abroad is not home; a country that is not known is neither.', '{}',
     '[{"at": "0 minutes", "amount_minor": -3500, "country": "DE"},
       {"at": "1 hour", "amount_minor": -3500, "country": "NL"},
       {"at": "2 hours", "amount_minor": -3500}]',
     '[{"event": 1}]'),
    ('CARD_ABROAD', 2, 'In the countries of the list, and in no other.', '{"countries": "us, BR"}',
     '[{"at": "0 minutes", "amount_minor": -3500, "country": "DE"},
       {"at": "1 hour", "amount_minor": -3500, "country": "BR"}]',
     '[{"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
