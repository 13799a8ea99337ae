-- DEBITED_ABOVE. Fires when more than the threshold goes out with one entry (debits are negative).

select bank.put_alert_type(
    alert_type => 'DEBITED_ABOVE',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Debited more than an amount',
    category => 'entries',
    parameters => '{"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000000000000},
                        "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43200, "default": 0}}',
    condition => '- event.amount_minor > :threshold_minor',
    cool_down => ':cool_down_minutes * 60');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('DEBITED_ABOVE', 'EMAIL', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} went out',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} was debited from {{ account.name }} on {{ event.time | when }}, more than {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DEBITED_ABOVE', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} debited.'),
    ('DEBITED_ABOVE', 'PUSH', 'en', 1, '{{ event.amount_minor | abs | money(event.currency) }} went out',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} debited.'),
    ('DEBITED_ABOVE', 'EMAIL', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} afgeschreven',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} afgeschreven van {{ account.name }}, meer dan {{ parameters.threshold_minor | money(event.currency) }}.'),
    ('DEBITED_ABOVE', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.'),
    ('DEBITED_ABOVE', 'PUSH', 'nl', 1, '{{ event.amount_minor | abs | money(event.currency) }} afgeschreven',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} afgeschreven.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('DEBITED_ABOVE', 1, '200.01 going out is more than 200.00; exactly 200.00 is not, and a pending entry waits until it is booked.', '{"threshold_minor": 20000}',
     '[{"at": "0 minutes", "amount_minor": -20001, "status": "PENDING"},
       {"at": "1 hour", "amount_minor": -20001},
       {"at": "2 hours", "amount_minor": -20000},
       {"at": "3 hours", "amount_minor": 30000}]',
     '[{"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
