-- CREDITED_ABOVE. Fires when more than the threshold comes in with one entry.

insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)
values ('CREDITED_ABOVE', 'ACCOUNT_ENTRY',
        'event.amount_minor > :threshold_minor',
        '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000}}',
        'entries', 'Credited more than an amount')
on conflict (alert_type) do update
   set (event_kind, statuses, condition, parameters, category, title) =
       (excluded.event_kind, excluded.statuses, excluded.condition, excluded.parameters, excluded.category, excluded.title)
 where (alert_type.event_kind, alert_type.statuses, alert_type.condition, alert_type.parameters, alert_type.category, alert_type.title) is distinct from
       (excluded.event_kind, excluded.statuses, excluded.condition, excluded.parameters, excluded.category, excluded.title);

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('CREDITED_ABOVE', 'EMAIL', 'en', 1, '{{ event.amount_minor | money(event.currency) }} came in',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | money(event.currency) }} was credited to {{ account.name }} on {{ event.time | when }}, more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('CREDITED_ABOVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited.'),
    ('CREDITED_ABOVE', 'PUSH', 'en', 1, '{{ event.amount_minor | money(event.currency) }} came in',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} credited.'),
    ('CREDITED_ABOVE', 'EMAIL', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} bijgeschreven',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | money(event.currency) }} bijgeschreven op {{ account.name }}, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('CREDITED_ABOVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven.'),
    ('CREDITED_ABOVE', 'PUSH', 'nl', 1, '{{ event.amount_minor | money(event.currency) }} bijgeschreven',
     '{{ account.name }}: {{ event.amount_minor | money(event.currency) }} bijgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;
