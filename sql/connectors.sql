-- What connectors/ asks of PostgreSQL.

-- name: read_partitions$
-- How many partitions the topics by account have.
select partitions from alerting.topic_layout;

-- name: read_publication
-- Tables and columns of the publication.
select schemaname || '.' || tablename, attnames::text[] from pg_publication_tables where pubname = :publication;

-- name: read_slot^
-- Whether somebody reads the replication slot, and whether it still has its WAL.
select active, wal_status from pg_replication_slots where slot_name = :slot;

-- name: read_clock$
-- The database's clock.
select clock_timestamp();

-- name: beat!
-- What the connector runs at each heartbeat; that the row comes back proves the flow.
update alerting.capture_heartbeat set beat_at = clock_timestamp();
