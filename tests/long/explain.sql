-- How the explanation of all events is compared with what the engine wrote.

-- name: explain_all#
-- The explanation of every event, in one call.
create temporary table explanation as select * from audit.explained();
create index on explanation (event_id);
analyze explanation;

-- name: compare
-- By outcome: rows, rows with an alert, and alerts whose evidence says something else.
select e.outcome, count(*), count(e.alert_id),
       count(*) filter (where a.alert_id is not null
                          and ((a.evidence ->> 'preference_version')::bigint is distinct from e.preference_version
                               or (a.evidence ->> 'permission_version')::bigint is distinct from e.permission_version
                               or a.evidence -> 'parameters' is distinct from e.compared -> 'parameters'
                               or coalesce(a.evidence -> 'history', 'null') is distinct from e.compared -> 'history'))
  from explanation e left join alerting.alert a using (alert_id, event_date)
 group by e.outcome;

-- name: count_unexplained$
-- Alerts that have no row.
select count(*) from alerting.alert a where not exists (select from explanation e where e.alert_id = a.alert_id);

-- name: list_disagreements
-- The first rows where the engine did otherwise.
select event_kind, event_id, customer_id, alert_type, preference_no, outcome
  from explanation
 where (outcome in ('ALERTED', 'SUPPRESSED')) <> (alert_id is not null)
 order by event_id
 limit 5;

-- name: count_explained_otherwise(seed, events)$
-- Of so many events those that audit.explain, asked for one of them, explains otherwise than among all.
select count(*)
  from (select event_kind, event_id, event_date from audit.event order by md5(event_id || :seed) limit :events) w
 cross join lateral (
    select (select coalesce(jsonb_agg(to_jsonb(x) - 'messages' order by x.account_id, x.customer_id, x.alert_type, x.preference_no), '[]')
              from audit.explain(w.event_kind, w.event_id) x where x.event_date = w.event_date) as alone,
           (select coalesce(jsonb_agg(to_jsonb(e) - '{event_kind,event_id,messages}'::text[]
                                      order by e.account_id, e.customer_id, e.alert_type, e.preference_no), '[]')
              from explanation e
             where (e.event_kind, e.event_id, e.event_date) = (w.event_kind, w.event_id, w.event_date)) as among_all) explained
 where alone <> among_all;

-- name: count_events$
-- Of all kinds.
select count(*) from audit.event;

-- name: count_timers_due$
-- Those that are due and were not rung yet.
select count(*) from alerting.timer where state = 'ARMED' and due_at <= clock_timestamp();

-- name: count_alerts
-- By kind of event.
select event_kind, count(*) from alerting.alert group by event_kind order by event_kind;
