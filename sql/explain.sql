-- Why, and what would have been: the questions of `bankalerts explain` and `bankalerts dry-run`. Nothing is changed by them.

-- name: find_events(event_kind, event_id)
-- An event with its times and stamp; the same id on another date is another event.
select event_kind, event_id, event_date, account_id, customer_id, event_time, inserted_at, state_version, catalogue_version
  from audit.event
 where event_kind = :event_kind and event_id = :event_id
 order by event_date;

-- name: explain_event(event_kind, event_id, customer_id)
-- One row per preference: the outcome, the values compared, who wrote what counted and when, and its messages.
select * from audit.explain(:event_kind, :event_id, :customer_id);

-- name: limit_waiting(lock_timeout)$
-- Gives up on a lock after so long, in this transaction.
select set_config('lock_timeout', :lock_timeout, true);

-- name: run_statements(statements)$
-- Runs the statements of a file, none of which can end the transaction.
select audit.run_statements(:statements)::text;

-- name: read_present_type(alert_type)$
-- The alert type as it is now, with all its columns.
select to_jsonb(h) from audit.alert_type_history h where h.alert_type = :alert_type and h.until_version is null;

-- name: list_present_types()$
-- The names there are.
select coalesce(array_agg(alert_type order by alert_type), '{}') from bank.alert_type;

-- name: count_changed_preferences()$
-- How many rows that say who wants what this transaction wrote so far.
select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)
  from pg_stat_xact_user_tables
 where schemaname = 'bank' and relname in ('alert_preference', 'customer_preference', 'account_permission');

-- name: check_assumed(declared, assumed)$
-- Refuses parameters that a preference of the type could not have.
select bank.check_parameters('parameters', :declared::jsonb, :assumed::jsonb)::text;

-- name: list_days(since, event_kind)
-- The days with events of a kind, each with their number.
select event_date, count(*) from audit.event where event_kind = :event_kind and event_date >= :since group by event_date order by event_date;

-- name: dry_run(alert_type, since, until, assumed, customer_id)
-- The alerts that this alert type would have led to.
select event_kind, event_id, event_date, account_id, customer_id, preference_no, event_time, channels, compared
  from audit.dry_run(jsonb_populate_record(null::audit.alert_type_history, :alert_type::jsonb), :since, :until, :assumed::jsonb, :customer_id)
 order by event_time, event_id, customer_id, preference_no;
