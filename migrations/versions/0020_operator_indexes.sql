-- The commands that make the index, in their order. Each is run alone, outside of a transaction.
--
-- `bankalerts outbox` and `bankalerts pilot show` ask for messages that ended lately. BRIN, because a notifier writes finished_at of
-- every message: any other index would take from that update that it leaves the message's other index entries alone (HOT). Before
-- PostgreSQL 16 this one would as well, so there is none there, and the two commands read the table.
select command
  from (select 1 as step, '' as part, 'set lock_timeout = ''5s''' as command
         union all
        -- waits for whoever is writing, and who comes after waits for it: not for long, then try again
        select 2, '', 'create index if not exists outbox_ended on only alerting.outbox using brin (finished_at) with (autosummarize = on)'
         union all
        select 3, '', 'reset lock_timeout'
         union all
        select 4, c.relname, format('drop index concurrently alerting.%I', i.relname)
          from pg_inherits h
          join pg_class c on c.oid = h.inhrelid
          join pg_index x on x.indrelid = c.oid and not x.indisvalid
          join pg_class i on i.oid = x.indexrelid and i.relname = c.relname || '_finished_at_idx'
         where h.inhparent = 'alerting.outbox'::regclass
         union all
        select 5, c.relname, format(
               'create index concurrently if not exists %I on alerting.%I using brin (finished_at) with (autosummarize = on)',
               c.relname || '_finished_at_idx', c.relname)
          from pg_inherits h
          join pg_class c on c.oid = h.inhrelid
         where h.inhparent = 'alerting.outbox'::regclass
         union all
        select 6, c.relname, format('alter index alerting.outbox_ended attach partition alerting.%I', c.relname || '_finished_at_idx')
          from pg_inherits h
          join pg_class c on c.oid = h.inhrelid
         where h.inhparent = 'alerting.outbox'::regclass) steps
 where current_setting('server_version_num')::integer >= 160000
 order by step, part
