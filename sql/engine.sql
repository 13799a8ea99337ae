-- What the engine asks of PostgreSQL and writes into it.
-- Writing a batch is one transaction: move_positions, then the alerts and their messages, then what is quarantined.

-- name: read_layout$
-- How many partitions the topics by account have.
select partitions from alerting.topic_layout;

-- name: read_positions
-- How far each partition of a topic was judged.
select partition, topic_id, position from alerting.engine_position where topic = :topic and partition = any (:partitions);

-- name: start_position!
-- The first position of a partition that was never judged.
insert into alerting.engine_position (topic, partition, topic_id, position, written_by)
values (:topic, :partition, :topic_id, :position, :engine)
on conflict (topic, partition) do nothing;

-- name: move_positions#
-- Begins the transaction of a batch. Compare-and-set: hits as many rows as it was given, or another engine has judged meanwhile.
begin;
update alerting.engine_position p
   set position = m.next, written_at = clock_timestamp(), written_by = %(engine)s
  from unnest(%(partitions)s::integer[], %(expected)s::bigint[], %(next)s::bigint[]) m (partition, expected, next)
 where p.topic = %(topic)s and p.topic_id = %(topic_id)s and p.partition = m.partition and p.position = m.expected;

-- name: copy_alerts#
-- Alerts, straight in: fast, and refused whole where one is there already. A trigger adds their messages.
copy alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
    channels, event_time, inserted_at, committed_at, on_kafka_at, decided_at, evidence) from stdin;

-- name: make_staging#
-- Where alerts wait when some of them may be there already.
create temporary table if not exists staged_alert (like alerting.alert including defaults) on commit delete rows;

-- name: copy_staged#
-- The alerts of a batch in which some may be there already.
copy staged_alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
    channels, event_time, inserted_at, committed_at, on_kafka_at, decided_at, evidence) from stdin;

-- name: insert_staged!
-- Of the staged alerts those that are new, with their messages.
insert into alerting.alert select * from staged_alert on conflict do nothing;

-- name: quarantine!
-- A record that could not be decoded or judged; once, however often it is read.
insert into alerting.quarantine (topic, topic_id, partition, position, event_key, event_value, reason, quarantined_by)
values (:topic, :topic_id, :partition, :position, :event_key, :event_value, :reason, :engine)
on conflict (topic_id, partition, position) do nothing;

-- name: read_permissions_at
-- The permissions of accounts as they were at given state versions.
select w.account_id, w.version, h.customer_id, h.may_see_balance, h.valid_from, h.valid_until, h.from_version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
  join audit.account_permission_history h on h.account_id = w.account_id and h.from_version <= w.version
   and (h.until_version is null or w.version < h.until_version);

-- name: read_preferences_at
-- The preferences of accounts as they were at given state versions.
select w.account_id, w.version, h.customer_id, h.alert_type, h.preference_no, h.currency, h.parameters, h.channels, h.enabled, h.from_version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
  join audit.alert_preference_history h on h.account_id = w.account_id and h.from_version <= w.version
   and (h.until_version is null or w.version < h.until_version);

-- name: read_alert_types_at
-- The alert types as they were at a catalogue version.
select alert_type, event_kind, statuses, condition, parameters, uses_balance
  from audit.alert_type_history
 where from_version <= :version and (until_version is null or :version < until_version);

-- name: read_catalogue_version$
-- The newest version of the catalogue.
select catalogue_version from bank.catalogue;

-- name: read_unknown_versions
-- Those stamps that this database has not reached, of accounts that it has or had: their events cannot have come from it.
select w.account_id, w.version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
 where w.version > coalesce(
    (select a.state_version from bank.account a where a.account_id = w.account_id),
    (select max(coalesce(h.until_version, h.from_version)) from audit.account_permission_history h where h.account_id = w.account_id),
    -1);

-- name: end_stopped_writers
-- Ends the sessions that have held positions for longer than a write may take; returns their processes.
select pg_terminate_backend(a.pid), a.pid
  from pg_stat_activity a
 where a.pid <> pg_backend_pid() and a.datname = current_database() and a.usename = current_user
   and a.xact_start < clock_timestamp() - make_interval(secs => :stopped_for_s)
   and exists (select from pg_locks l
                where l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
                  and l.relation = 'alerting.engine_position'::regclass);
