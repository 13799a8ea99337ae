-- PAYMENT_AWAITING_APPROVAL. Fires when a payment order of more than the threshold waits for approval.

select bank.put_alert_type(
    alert_type => 'PAYMENT_AWAITING_APPROVAL',
    event_kind => 'PAYMENT_ORDER',
    statuses => '{AWAITING_APPROVAL}',
    title => 'Payment order awaiting approval',
    category => 'payments',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000, "default": 0}}',
    condition => '- event.amount_minor > :threshold_minor');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('PAYMENT_AWAITING_APPROVAL', 'EMAIL', 'en', 1, 'A payment of {{ event.amount_minor | abs | money(event.currency) }} awaits approval',
     'Dear {{ customer.full_name }},

Payment order {{ event.order_id }} of {{ event.amount_minor | abs | money(event.currency) }} from {{ account.name }} has been awaiting approval since {{ event.time | when }}.'),
    ('PAYMENT_AWAITING_APPROVAL', 'SMS', 'en', 1, null,
     '{{ account.name }}: payment of {{ event.amount_minor | abs | money(event.currency) }} awaits approval.'),
    ('PAYMENT_AWAITING_APPROVAL', 'PUSH', 'en', 1, 'A payment of {{ event.amount_minor | abs | money(event.currency) }} awaits approval',
     '{{ account.name }}: payment of {{ event.amount_minor | abs | money(event.currency) }} awaits approval.'),
    ('PAYMENT_AWAITING_APPROVAL', 'EMAIL', 'nl', 1, 'Een betaling van {{ event.amount_minor | abs | money(event.currency) }} wacht op akkoord',
     'Beste {{ customer.full_name }},

Betaalopdracht {{ event.order_id }} van {{ event.amount_minor | abs | money(event.currency) }} van {{ account.name }} wacht sinds {{ event.time | when }} op akkoord.'),
    ('PAYMENT_AWAITING_APPROVAL', 'SMS', 'nl', 1, null,
     '{{ account.name }}: betaling van {{ event.amount_minor | abs | money(event.currency) }} wacht op akkoord.'),
    ('PAYMENT_AWAITING_APPROVAL', 'PUSH', 'nl', 1, 'Een betaling van {{ event.amount_minor | abs | money(event.currency) }} wacht op akkoord',
     '{{ account.name }}: betaling van {{ event.amount_minor | abs | money(event.currency) }} wacht op akkoord.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('PAYMENT_AWAITING_APPROVAL', 1, 'An order that waits; not when it is received, nor when it is accepted.', '{}',
     '[{"at": "0 minutes", "status": "RECEIVED", "amount_minor": -150000},
       {"at": "1 minute", "status": "AWAITING_APPROVAL", "amount_minor": -150000},
       {"at": "1 hour", "status": "ACCEPTED", "amount_minor": -150000}]',
     '[{"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
