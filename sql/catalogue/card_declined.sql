-- CARD_DECLINED. Fires when a card is declined, with the reason.

select bank.put_alert_type(
    alert_type => 'CARD_DECLINED',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{DECLINED}',
    title => 'Card declined',
    category => 'cards',
    purpose => 'SECURITY',
    parameters => '{}',
    condition => 'true');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CARD_DECLINED', 'EMAIL', 'en', 1, 'Card declined for {{ event.amount_minor | abs | money(event.currency) }}',
     'Dear {{ customer.full_name }},

A card of {{ account.name }} was declined on {{ event.time | when }} for {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.'),
    ('CARD_DECLINED', 'SMS', 'en', 1, null,
     '{{ account.name }}: card declined for {{ event.amount_minor | abs | money(event.currency) }}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.'),
    ('CARD_DECLINED', 'PUSH', 'en', 1, 'Card declined for {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: card declined for {{ event.amount_minor | abs | money(event.currency) }}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.'),
    ('CARD_DECLINED', 'EMAIL', 'nl', 1, 'Pas geweigerd voor {{ event.amount_minor | abs | money(event.currency) }}',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is een pas van {{ account.name }} geweigerd voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.country %} ({{ event.country | country }}){% endif %}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.'),
    ('CARD_DECLINED', 'SMS', 'nl', 1, null,
     '{{ account.name }}: pas geweigerd voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.'),
    ('CARD_DECLINED', 'PUSH', 'nl', 1, 'Pas geweigerd voor {{ event.amount_minor | abs | money(event.currency) }}',
     '{{ account.name }}: pas geweigerd voor {{ event.amount_minor | abs | money(event.currency) }}{% if event.decline_reason %}: {{ event.decline_reason | reason }}{% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CARD_DECLINED', 1, 'Declined, with a reason and without; not approved.', '{}',
     '[{"at": "0 minutes", "amount_minor": -6495, "outcome": "DECLINED", "decline_reason": "WRONG_PIN", "country": "NL"},
       {"at": "1 minute", "amount_minor": -6495, "outcome": "DECLINED"},
       {"at": "2 minutes", "amount_minor": -6495}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
