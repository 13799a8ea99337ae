-- PAYMENT_NOT_EXECUTED. Fires for every permitted customer when a payment order is rejected or returned, with the reason that may be told. Mandatory: a preference may
-- change the channels, not switch it off.

select bank.put_alert_type(
    alert_type => 'PAYMENT_NOT_EXECUTED',
    event_kind => 'PAYMENT_ORDER',
    statuses => '{REJECTED,RETURNED}',
    title => 'Payment order not executed',
    category => 'payments',
    purpose => 'STATUTORY',
    mandatory => true,
    default_channels => '{EMAIL,PUSH}',
    parameters => '{}',
    condition => 'true');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('PAYMENT_NOT_EXECUTED', 'EMAIL', 'en', 1, 'Your payment of {{ event.amount_minor | abs | money(event.currency) }} was {% if event.status == ''RETURNED'' %}returned{% else %}not executed{% endif %}',
     'Dear {{ customer.full_name }},

Your payment order {{ event.order_id }} of {{ event.amount_minor | abs | money(event.currency) }} from {{ account.name }} was {% if event.status == ''RETURNED'' %}returned{% else %}not executed{% endif %} on {{ event.time | when }}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.'),
    ('PAYMENT_NOT_EXECUTED', 'SMS', 'en', 1, null,
     '{{ account.name }}: payment of {{ event.amount_minor | abs | money(event.currency) }} {% if event.status == ''RETURNED'' %}returned{% else %}not executed{% endif %}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.'),
    ('PAYMENT_NOT_EXECUTED', 'PUSH', 'en', 1, 'Your payment of {{ event.amount_minor | abs | money(event.currency) }} was {% if event.status == ''RETURNED'' %}returned{% else %}not executed{% endif %}',
     '{{ account.name }}: payment of {{ event.amount_minor | abs | money(event.currency) }} {% if event.status == ''RETURNED'' %}returned{% else %}not executed{% endif %}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.'),
    ('PAYMENT_NOT_EXECUTED', 'EMAIL', 'nl', 1, 'Uw betaling van {{ event.amount_minor | abs | money(event.currency) }} is {% if event.status == ''RETURNED'' %}teruggeboekt{% else %}niet uitgevoerd{% endif %}',
     'Beste {{ customer.full_name }},

Uw betaalopdracht {{ event.order_id }} van {{ event.amount_minor | abs | money(event.currency) }} van {{ account.name }} is op {{ event.time | when }} {% if event.status == ''RETURNED'' %}teruggeboekt{% else %}niet uitgevoerd{% endif %}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.'),
    ('PAYMENT_NOT_EXECUTED', 'SMS', 'nl', 1, null,
     '{{ account.name }}: betaling van {{ event.amount_minor | abs | money(event.currency) }} {% if event.status == ''RETURNED'' %}teruggeboekt{% else %}niet uitgevoerd{% endif %}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.'),
    ('PAYMENT_NOT_EXECUTED', 'PUSH', 'nl', 1, 'Uw betaling van {{ event.amount_minor | abs | money(event.currency) }} is {% if event.status == ''RETURNED'' %}teruggeboekt{% else %}niet uitgevoerd{% endif %}',
     '{{ account.name }}: betaling van {{ event.amount_minor | abs | money(event.currency) }} {% if event.status == ''RETURNED'' %}teruggeboekt{% else %}niet uitgevoerd{% endif %}{% if event.disclosable_reason %}: {{ event.disclosable_reason | reason }}{% endif %}.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('PAYMENT_NOT_EXECUTED', 1, 'Rejected with a reason, and returned without one; an order that the customer cancelled, or that was executed, is not told.', null,
     '[{"at": "0 minutes", "status": "REJECTED", "amount_minor": -150000, "disclosable_reason": "INSUFFICIENT_FUNDS"},
       {"at": "1 hour", "status": "RETURNED", "amount_minor": -2500, "order_id": "order-2"},
       {"at": "2 hours", "status": "CANCELLED", "amount_minor": -2500, "order_id": "order-3"},
       {"at": "3 hours", "status": "EXECUTED", "amount_minor": -2500, "order_id": "order-4"}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
