-- The commands that make the two indexes of the sealer, in their order. Each is run alone, outside of a transaction.
--
-- BRIN, because rows come in the order of their times: it costs who writes next to nothing, which a btree does not.
with wanted (parent, indexed, index_name) as (
    values ('alert', 'written_at', 'alert_written'), ('receipt', 'received_at', 'receipt_received')
), part as (
    select w.*, c.relname, c.relname || '_' || w.indexed || '_idx' as of_part
      from wanted w
      join pg_inherits h on h.inhparent = format('alerting.%I', w.parent)::regclass
      join pg_class c on c.oid = h.inhrelid
)
select command
  from (select 1 as step, '' as part, 'set lock_timeout = ''5s''' as command
         union all
        -- waits for whoever is writing, and who comes after waits for it: not for long, then try again
        select 2, w.parent, format('create index if not exists %I on only alerting.%I using brin (%I) with (autosummarize = on)',
                                   w.index_name, w.parent, w.indexed)
          from wanted w
         union all
        select 3, '', 'reset lock_timeout'
         union all
        select 4, p.relname, format('drop index concurrently alerting.%I', i.relname)
          from part p
          join pg_class i on i.relname = p.of_part
          join pg_index x on x.indexrelid = i.oid and not x.indisvalid
         union all
        select 5, p.relname, format('create index concurrently if not exists %I on alerting.%I using brin (%I) with (autosummarize = on)',
                                    p.of_part, p.relname, p.indexed)
          from part p
         union all
        select 6, p.relname, format('alter index alerting.%I attach partition alerting.%I', p.index_name, p.of_part)
          from part p) steps
 order by step, part
