-- SAME_MERCHANT_TWICE. Fires when the same merchant takes the same amount again within 24 hours.

select bank.put_alert_type(
    alert_type => 'SAME_MERCHANT_TWICE',
    event_kind => 'CARD_AUTHORISATION',
    statuses => '{APPROVED}',
    title => 'Same merchant and amount twice in a day',
    category => 'security',
    purpose => 'SECURITY',
    parameters => '{}',
    condition => 'event.amount_minor < 0 and history.previous >= 1',
    window_aggregate => 'COUNT',
    window_group => '{merchant_id,amount_minor}',
    window_condition => 'event.amount_minor < 0',
    window_length => '86400');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('SAME_MERCHANT_TWICE', 'EMAIL', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid again to the same merchant',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} was paid by card from {{ account.name }} on {{ event.time | when }}: {{ history.value }} times to the same merchant within 24 hours.'),
    ('SAME_MERCHANT_TWICE', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid {{ history.value }} times to the same merchant within 24 hours.'),
    ('SAME_MERCHANT_TWICE', 'PUSH', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} paid again to the same merchant',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} paid {{ history.value }} times to the same merchant within 24 hours.'),
    ('SAME_MERCHANT_TWICE', 'EMAIL', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} opnieuw betaald bij dezelfde winkel',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} met een pas betaald van {{ account.name }}: {{ history.value }} keer bij dezelfde winkel binnen 24 uur.'),
    ('SAME_MERCHANT_TWICE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {{ history.value }} keer betaald bij dezelfde winkel binnen 24 uur.'),
    ('SAME_MERCHANT_TWICE', 'PUSH', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} opnieuw betaald bij dezelfde winkel',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {{ history.value }} keer betaald bij dezelfde winkel binnen 24 uur.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('SAME_MERCHANT_TWICE', 1, 'The second of the same amount; not another amount, not another merchant, not a merchant that is not known, and not 24 hours later.', '{}',
     '[{"at": "0 hours", "amount_minor": -4250, "merchant_id": "shop-1"},
       {"at": "1 hour", "amount_minor": -4250, "merchant_id": "shop-2"},
       {"at": "2 hours", "amount_minor": -4251, "merchant_id": "shop-1"},
       {"at": "3 hours", "amount_minor": -4250, "merchant_id": "shop-1"},
       {"at": "4 hours", "amount_minor": -4250},
       {"at": "5 hours", "amount_minor": -4250},
       {"at": "27 hours", "amount_minor": -4250, "merchant_id": "shop-1"}]',
     '[{"event": 4, "history": {"value": 2, "previous": 1}}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
