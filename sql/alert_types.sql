-- The catalogue for designers: alert types, their examples and their templates. Read-only.

-- name: list_alert_types()
-- Every alert type as one JSON object, by category and name.
select to_jsonb(t) from bank.alert_type t order by t.category, t.alert_type;

-- name: list_examples()
-- Every example of an alert type, with the seconds from its start to each of its events.
select e.alert_type, e.example_no, t.event_kind, e.says, e.parameters, e.events,
       array(select extract(epoch from (event ->> 'at')::interval)::bigint
               from jsonb_array_elements(e.events) with ordinality as x (event, n) order by n) as after_s,
       e.alerts
  from bank.alert_type_example e
  join bank.alert_type t on t.alert_type = e.alert_type
 order by e.alert_type, e.example_no;

-- name: list_templates()
-- The newest version of each template, and whether what its history holds are balances.
select distinct on (m.channel, m.alert_type, m.locale) m.channel, m.alert_type, m.locale, m.version, m.subject, m.body,
       coalesce(t.window_value ~ 'balance', false)
  from bank.message_template m
  join bank.alert_type t on t.alert_type = m.alert_type
 order by m.channel, m.alert_type, m.locale, m.version desc;

-- name: list_minor_digits()
-- How many digits the minor unit of each currency has.
select currency, minor_digits from bank.currency;

-- name: read_names(alert_type)$
-- What templates of this type may read; null where there is no such type.
select array(select jsonb_object_keys(bank.template_names(t)) order by 1) from bank.alert_type t where t.alert_type = :alert_type;

-- name: read_fault(alert_type, text)$
-- What is wrong with a text of a template of this type; null where nothing is.
select bank.template_fault(:alert_type, :text);
