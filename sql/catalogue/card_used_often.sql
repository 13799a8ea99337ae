-- CARD_USED_OFTEN. Fires when one card is used for the n-th time within some minutes, approved or declined.

select bank.put_alert_type(
    alert_type => 'CARD_USED_OFTEN',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED,DECLINED}',
    title => 'Card used often in a short time',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{"uses": {"type": "integer", "minimum": 2, "maximum": 100, "default": 3},
                        "minutes": {"type": "integer", "minimum": 2, "maximum": 1440, "default": 10}}',
    condition => 'history.value >= :uses and history.previous < :uses',
    window_aggregate => 'COUNT',
    window_group => '{card_token}',
    window_length => ':minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CARD_USED_OFTEN', 'EMAIL', 'en', 1, 'Card used {{ history.value }} times in {{ parameters.minutes }} minutes',
     'Dear {{ customer.full_name }},

A card of {{ account.name }} was used {{ history.value }} times within {{ parameters.minutes }} minutes, last for {{ event.amount_minor | abs | money(event.currency) }} on {{ event.time | when }}. If you do not know of it, block the card.'),
    ('CARD_USED_OFTEN', 'SMS', 'en', 1, null,
     '{{ account.name }}: card used {{ history.value }} times within {{ parameters.minutes }} minutes, last for {{ event.amount_minor | abs | money(event.currency) }}.'),
    ('CARD_USED_OFTEN', 'PUSH', 'en', 1, 'Card used {{ history.value }} times in {{ parameters.minutes }} minutes',
     '{{ account.name }}: card used {{ history.value }} times within {{ parameters.minutes }} minutes, last for {{ event.amount_minor | abs | money(event.currency) }}.'),
    ('CARD_USED_OFTEN', 'EMAIL', 'nl', 1, 'Pas {{ history.value }} keer gebruikt in {{ parameters.minutes }} minuten',
     'Beste {{ customer.full_name }},

Een pas van {{ account.name }} is {{ history.value }} keer gebruikt binnen {{ parameters.minutes }} minuten, het laatst voor {{ event.amount_minor | abs | money(event.currency) }} op {{ event.time | when }}. Weet u hier niets van? Blokkeer de pas dan.'),
    ('CARD_USED_OFTEN', 'SMS', 'nl', 1, null,
     '{{ account.name }}: pas {{ history.value }} keer gebruikt binnen {{ parameters.minutes }} minuten, het laatst voor {{ event.amount_minor | abs | money(event.currency) }}.'),
    ('CARD_USED_OFTEN', 'PUSH', 'nl', 1, 'Pas {{ history.value }} keer gebruikt in {{ parameters.minutes }} minuten',
     '{{ account.name }}: pas {{ history.value }} keer gebruikt binnen {{ parameters.minutes }} minuten, het laatst voor {{ event.amount_minor | abs | money(event.currency) }}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('CARD_USED_OFTEN', 1, 'The third use within ten minutes; another card counts for itself, and after exactly ten minutes a use is out.', '{}',
     '[{"at": "0 minutes", "amount_minor": -1000},
       {"at": "4 minutes", "amount_minor": -1000},
       {"at": "5 minutes", "amount_minor": -1000, "card_token": "card-2"},
       {"at": "9 minutes", "amount_minor": -1000, "outcome": "DECLINED"},
       {"at": "9 minutes 30 seconds", "amount_minor": -1000},
       {"at": "40 minutes", "amount_minor": -1000},
       {"at": "45 minutes", "amount_minor": -1000},
       {"at": "50 minutes", "amount_minor": -1000}]',
     '[{"event": 4, "history": {"value": 3, "previous": 2}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
