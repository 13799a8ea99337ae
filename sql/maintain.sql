-- What `bankalerts maintain` asks: partitions ahead, partitions and rows that their policy lets go.

-- name: read_missing
-- The months ahead that have no partition.
select partition from alerting.missing_partitions();

-- name: make_partition$
-- Make one: MADE, THERE, LOCKED or IN_DEFAULT.
select alerting.make_partition(:partition);

-- name: read_due_partitions
-- The partitions that their policy lets go.
select parent::text as parent, partition::text as partition, action from alerting.due_partitions();

-- name: detach_partition$
-- Let one go: DETACHED, DROPPED, GONE or LOCKED.
select alerting.detach_partition((:parent::text)::regclass, :partition, :drops);

-- name: read_deletions
-- The classes of data whose old rows are deleted.
select data_class, array_to_string(relations, ', ') as relation, keeps::text as keeps
  from audit.retention_policy
 where action = 'DELETE'
 order by data_class;

-- name: delete_old$
-- Delete some old rows of a class; returns how many.
select alerting.delete_old(:data_class, :most);
