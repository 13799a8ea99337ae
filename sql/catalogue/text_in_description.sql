-- TEXT_IN_DESCRIPTION. Fires when the description of an entry has the text that the customer gave, in capitals or small letters. The description itself is not told.

select bank.put_alert_type(
    alert_type => 'TEXT_IN_DESCRIPTION',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Text in the description',
    category => 'entries',
    parameters => '{"text": {"type": "text"}}',
    condition => 'length(:text) > 0 and strpos(lower(event.description), lower(:text)) > 0');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('TEXT_IN_DESCRIPTION', 'EMAIL', 'en', 1, 'An entry with the text that you gave',
     'Dear {{ customer.full_name }},

{{ event.amount_minor | abs | money(event.currency) }} with “{{ parameters.text }}” in its description was {% if event.amount_minor < 0 %}debited from{% else %}credited to{% endif %} {{ account.name }} on {{ event.time | when }}.'),
    ('TEXT_IN_DESCRIPTION', 'SMS', 'en', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}debited{% else %}credited{% endif %}, with "{{ parameters.text }}" in the description.'),
    ('TEXT_IN_DESCRIPTION', 'PUSH', 'en', 1, 'An entry with the text that you gave',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}debited{% else %}credited{% endif %}, with "{{ parameters.text }}" in the description.'),
    ('TEXT_IN_DESCRIPTION', 'EMAIL', 'nl', 1, 'Een boeking met de tekst die u opgaf',
     'Beste {{ customer.full_name }},

Op {{ event.time | when }} is {{ event.amount_minor | abs | money(event.currency) }} met “{{ parameters.text }}” in de omschrijving {% if event.amount_minor < 0 %}afgeschreven van{% else %}bijgeschreven op{% endif %} {{ account.name }}.'),
    ('TEXT_IN_DESCRIPTION', 'SMS', 'nl', 1, null,
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}afgeschreven{% else %}bijgeschreven{% endif %}, met "{{ parameters.text }}" in de omschrijving.'),
    ('TEXT_IN_DESCRIPTION', 'PUSH', 'nl', 1, 'Een boeking met de tekst die u opgaf',
     '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }} {% if event.amount_minor < 0 %}afgeschreven{% else %}bijgeschreven{% endif %}, met "{{ parameters.text }}" in de omschrijving.')
on conflict (alert_type, channel, locale, version) do nothing;

insert into bank.alert_type_example (alert_type, example_no, says, parameters, events, alerts) values
    ('TEXT_IN_DESCRIPTION', 1, '“rent” is in “RENT MARCH” and in “Current affairs”, not in “Rnt”; % is a sign as any other.', '{"text": "rent"}',
     '[{"at": "0 minutes", "amount_minor": -95000, "description": "RENT MARCH"},
       {"at": "1 hour", "amount_minor": 2500, "description": "Current affairs"},
       {"at": "2 hours", "amount_minor": -95000, "description": "Rnt"},
       {"at": "3 hours", "amount_minor": -95000}]',
     '[{"event": 1}, {"event": 2}]')
on conflict (alert_type, example_no) do update
   set (says, parameters, events, alerts) = (excluded.says, excluded.parameters, excluded.events, excluded.alerts);
