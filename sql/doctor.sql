-- What `bankalerts doctor` asks of PostgreSQL: each block is one check, or what it needs to print its remedy.

-- name: read_settings
-- Settings of the server that the checks judge, in their base units.
select name, setting from pg_settings where name = any(:names::text[]);

-- name: read_slot_state^
-- The replication slot as it is; what older servers do not tell is null. Bytes; -1 where there is no bound.
select s.active, s.wal_status,
       to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason,
       (to_jsonb(s) ->> 'failover')::boolean as failover,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint as retained_bytes,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint as lag_bytes,
       (select count(*) from pg_stat_replication r where r.pid is distinct from s.active_pid) as standbys
  from pg_replication_slots s
 where s.slot_name = :slot;

-- name: read_publishes_generated$
-- How the publication treats generated columns: n(one), s(tored); null on a server that never publishes them.
select to_jsonb(p) ->> 'pubgencols' from pg_publication p where p.pubname = :publication;

-- name: read_replica_identities
-- Captured tables whose replica identity is another than their primary key, and captured columns that are generated.
select n.nspname || '.' || c.relname as table_name, c.relreplident::text as identity,
       coalesce((select array_agg(a.attname::text order by a.attnum) from pg_attribute a
                  where a.attrelid = c.oid and a.attgenerated <> ''), '{}') as generated
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname || '.' || c.relname = any(:tables::text[])
 order by 1;

-- name: read_default_rows
-- Partitioned tables whose default partition has rows, and the first and last day of these: their month had no partition in time.
select 'bank.account_entry' as table_name, min(booking_date) as first_day, max(booking_date) as last_day from bank.account_entry_default having count(*) > 0
union all select 'bank.card_authorisation' as table_name, min(authorised_on) as first_day, max(authorised_on) as last_day from bank.card_authorisation_default having count(*) > 0
union all select 'bank.payment_order' as table_name, min(changed_on) as first_day, max(changed_on) as last_day from bank.payment_order_default having count(*) > 0
union all select 'bank.customer_activity' as table_name, min(occurred_on) as first_day, max(occurred_on) as last_day from bank.customer_activity_default having count(*) > 0
union all select 'bank.timer_event' as table_name, min(due_on) as first_day, max(due_on) as last_day from bank.timer_event_default having count(*) > 0
union all select 'alerting.alert' as table_name, min(event_date) as first_day, max(event_date) as last_day from alerting.alert_default having count(*) > 0
union all select 'alerting.outbox' as table_name, min(event_date) as first_day, max(event_date) as last_day from alerting.outbox_default having count(*) > 0
union all select 'alerting.delivery_attempt' as table_name, min(event_date) as first_day, max(event_date) as last_day from alerting.delivery_attempt_default having count(*) > 0
union all select 'alerting.receipt' as table_name, min(event_date) as first_day, max(event_date) as last_day from alerting.receipt_default having count(*) > 0
union all select 'alerting.seen_event' as table_name, min(event_date) as first_day, max(event_date) as last_day from alerting.seen_event_default having count(*) > 0;

-- name: read_partitions_missing
-- Months from this one to so many ahead that a partitioned table has no partition for.
select n.nspname || '.' || c.relname as table_name, to_char(month, 'YYYY-MM') as month
  from pg_partitioned_table p
  join pg_class c on c.oid = p.partrelid
  join pg_namespace n on n.oid = c.relnamespace
 cross join generate_series(date_trunc('month', now()), date_trunc('month', now()) + make_interval(months => :months), '1 month') month
 where n.nspname in ('bank', 'alerting') and p.partstrat = 'r'
   and not exists (select from pg_inherits i join pg_class child on child.oid = i.inhrelid
                    where i.inhparent = c.oid and child.relname = c.relname || to_char(month, '_YYYY_MM'))
 order by 1, 2;

-- name: read_transactions
-- Transactions that have been open for longer than so many seconds: who, and what it is doing.
select pid, coalesce(usename, '') as username, coalesce(application_name, '') as application, coalesce(state, '') as state,
       extract(epoch from now() - xact_start)::float8 as seconds
  from pg_stat_activity
 where xact_start < now() - make_interval(secs => :seconds) and pid <> pg_backend_pid() and backend_type = 'client backend'
   and datname = current_database()
 order by xact_start;

-- name: read_prepared
-- Prepared transactions that have waited for longer than so many seconds: nobody ends them by ending a session.
select gid, extract(epoch from now() - prepared)::float8 as seconds
  from pg_prepared_xacts
 where prepared < now() - make_interval(secs => :seconds) and database = current_database()
 order by prepared;

-- name: read_dead_tuples
-- Tables whose dead rows outnumber both a bound and the living ones.
select relid::regclass::text as table_name, n_dead_tup as dead, n_live_tup as live
  from pg_stat_user_tables
 where schemaname in ('bank', 'alerting') and n_dead_tup > :most and n_dead_tup > n_live_tup
 order by 1;

-- name: read_notice_queue$
-- How full the queue of notices is: 1 is full, and every commit that notifies fails then.
select pg_notification_queue_usage();

-- name: read_listeners
-- Sessions that listen and are in a transaction: they keep the queue from being emptied.
select pid from pg_stat_activity
 where starts_with(state, 'idle in transaction') and datname = current_database() and xact_start is not null
 order by xact_start limit 1;

-- name: read_all_positions
-- How far each partition of the topic was judged, and which topic that was.
select topic, partition, topic_id, position from alerting.engine_position where topic = :topic order by partition;

-- name: read_version$
-- The migration that the database is at; null where there is none.
select version_num from alembic_version;

-- name: read_due
-- Channels whose oldest message that is due has waited for longer than so many seconds, and how many wait.
select channel, count(*) as messages, extract(epoch from now() - min(due_at))::float8 as seconds
  from alerting.outbox_due
 where due_at < now() - make_interval(secs => :seconds)
 group by channel
 order by channel;

-- name: read_engine_positions
-- How far each partition of a topic was judged.
select partition, position, topic_id from alerting.engine_position where topic = :topic order by partition;

-- name: read_halts
-- What holds up the engines.
select cause, detail, extract(epoch from now() - began_at)::float8 as seconds
  from alerting.halt where ended_at is null order by began_at, cause;

-- name: count_due_partitions
-- Partitions that their policy lets go and that are still there, by class of data.
select data_class, count(*) as partitions, min(until_date) as until_date
  from alerting.due_partitions(current_date) group by data_class order by data_class;
