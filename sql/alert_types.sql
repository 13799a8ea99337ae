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
-- The newest version of each template.
select distinct on (channel, alert_type, locale) channel, alert_type, locale, version, subject, body
  from bank.message_template
 order by channel, alert_type, locale, version desc;
