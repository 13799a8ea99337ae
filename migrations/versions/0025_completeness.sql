-- What capture is to be: whose it is, and what it takes. The engine compares with it, and halts where they differ.
create table alerting.capture_identity (
  only_row boolean not null default true,
  system_identifier text not null,
  timeline text not null,
  slot text not null,
  recorded_at timestamptz not null default now(),
  recorded_by text not null default session_user,
  constraint capture_identity_pkey primary key (only_row),
  constraint there_is_one_row check (only_row)
);
comment on table alerting.capture_identity is
  'The database that capture was set up for; written when it first flows. Without a row nothing is checked, and no engine halts.';
comment on column alerting.capture_identity.timeline is 'PostgreSQL begins another one with each restore and each failover.';

create table alerting.captured_table (
  table_name text not null,
  columns text[] not null,
  types text[] not null,
  constraint captured_table_pkey primary key (table_name)
);
comment on table alerting.captured_table is
  'What the publication is to hold; a migration that changes what is captured changes this as well.';

insert into alerting.captured_table (table_name, columns, types)
select p.schemaname || '.' || p.tablename, array_agg(a.attname::text order by a.attname),
       array_agg(format_type(a.atttypid, a.atttypmod) order by a.attname)
  from pg_publication_tables p
  join pg_attribute a on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass and a.attname = any (p.attnames)
 where p.pubname = 'bankalerts'
 group by 1;

create table alerting.halt (
  halt_id bigint generated always as identity,
  cause text not null,
  detail text not null,
  began_at timestamptz not null default now(),
  began_by text not null default session_user,
  ended_at timestamptz,
  ended_by text,
  app_user text,
  reason text,
  constraint halt_pkey primary key (halt_id),
  constraint cause_is_known check (cause in ('SLOT', 'PUBLICATION', 'TABLE', 'RESTORE', 'OPERATOR')),
  constraint ended_is_told check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (reason is null))
);
comment on table alerting.halt is
  'Why engines decide nothing: one open row is enough to hold up all of them. Kept for ever.';
create unique index one_open_halt_per_cause on alerting.halt (cause) where ended_at is null;

create function alerting.database_identity(out system_identifier text, out timeline text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (select c.system_identifier::text from pg_control_system() c), left(pg_walfile_name(pg_current_wal_lsn()), 8)
$$;

create function alerting.capture_findings() returns table (cause text, detail text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with identity as (select * from alerting.capture_identity),
  published as (
    select p.schemaname || '.' || p.tablename as table_name, p.rowfilter,
           (select array_agg(name::text order by name) from unnest(p.attnames) name) as columns
      from pg_publication_tables p where p.pubname = 'bankalerts'
  ),
  present as (
    select t.table_name, c.oid, c.relreplident, array_agg(a.attname::text order by a.attname) as columns,
           array_agg(format_type(a.atttypid, a.atttypmod) order by a.attname) as types
      from alerting.captured_table t
      join pg_class c on c.oid = to_regclass(t.table_name)
      join pg_attribute a on a.attrelid = c.oid and not a.attisdropped and a.attname = any (t.columns)
     group by t.table_name, c.oid, c.relreplident
  ),
  findings as (
    select 'RESTORE' as cause,
           format('the database is another one, or was restored: system %s, timeline %s; capture is of %s, %s',
                  d.system_identifier, d.timeline, i.system_identifier, i.timeline) as detail
      from identity i, alerting.database_identity() d
     where (d.system_identifier, d.timeline) <> (i.system_identifier, i.timeline)
    union all
    select 'SLOT', format('replication slot %s does not exist', i.slot)
      from identity i where not exists (select from pg_replication_slots s where s.slot_name = i.slot)
    union all
    -- conflicting and invalidation_reason are not there on every version
    select 'SLOT', format('replication slot %s lost WAL that it needed (%s)', i.slot,
                          coalesce(to_jsonb(s) ->> 'invalidation_reason', s.wal_status))
      from identity i join pg_replication_slots s on s.slot_name = i.slot
     where s.wal_status = 'lost' or to_jsonb(s) ->> 'invalidation_reason' is not null
    union all
    select 'PUBLICATION', 'publication bankalerts does not exist'
     where not exists (select from pg_publication where pubname = 'bankalerts')
    union all
    select 'PUBLICATION', 'publication bankalerts does not publish every insert, update and delete of whole partitioned tables'
      from pg_publication
     where pubname = 'bankalerts' and not (pubinsert and pubupdate and pubdelete and pubviaroot)
    union all
    select 'PUBLICATION', format('%s is not published', t.table_name)
      from alerting.captured_table t
     where to_regclass(t.table_name) is not null and exists (select from pg_publication where pubname = 'bankalerts')
       and not exists (select from published p where p.table_name = t.table_name)
    union all
    select 'PUBLICATION', format('%s is published with other columns, or not all of its rows', t.table_name)
      from alerting.captured_table t join published p using (table_name) join present c using (table_name)
     where c.columns = t.columns and (p.columns <> t.columns or p.rowfilter is not null)
    union all
    select 'PUBLICATION', format('%s is published and not captured', p.table_name)
      from published p where not exists (select from alerting.captured_table t where t.table_name = p.table_name)
    union all
    select 'TABLE', format('%s does not exist', t.table_name)
      from alerting.captured_table t where to_regclass(t.table_name) is null
    union all
    select 'TABLE', format('captured columns of %s are gone or of another type', t.table_name)
      from alerting.captured_table t join present p using (table_name)
     where (p.columns, p.types) is distinct from (t.columns, t.types)
    union all
    select 'TABLE', format('%s has another replica identity than its key', p.table_name)
      from present p where p.relreplident <> 'd'
    union all
    select 'TABLE', format('trigger %s of %s is disabled', g.tgname, p.table_name)
      from present p join pg_trigger g on g.tgrelid = p.oid
     where g.tgenabled in ('D', 'R') and not g.tgisinternal
  )
  select f.cause, f.detail from findings f where exists (select from identity) order by 1, 2
$$;
comment on function alerting.capture_findings() is
  'What differs between capture as it was set up and the database now; each row is a reason to decide nothing.';

create function alerting.record_identity(p_slot text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with added as (
    insert into alerting.capture_identity (system_identifier, timeline, slot)
    select d.system_identifier, d.timeline, p_slot from alerting.database_identity() d
        on conflict do nothing
    returning 1
  )
  select exists (select from added)
$$;

create function alerting.open_halt(p_cause text, p_detail text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with added as (
    insert into alerting.halt (cause, detail) values (p_cause, p_detail)
        on conflict (cause) where ended_at is null do nothing
    returning 1
  )
  select exists (select from added)
$$;
comment on function alerting.open_halt(text, text) is 'Halts all engines within 5 seconds. False when this cause holds them already.';

create function alerting.end_halt(p_cause text, p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_finding text;
begin
  select string_agg(f.detail, '; ') into v_finding from alerting.capture_findings() f where f.cause = p_cause;
  if v_finding is not null then
    raise exception 'the halt % cannot end while its cause is there', p_cause
      using errcode = 'BA002', detail = v_finding,
            hint = 'Mend it first; for RESTORE: bankalerts connectors accept-restore.';
  end if;
  update alerting.halt
     set ended_at = now(), ended_by = session_user, reason = p_reason,
         app_user = nullif(current_setting('bankalerts.app_user', true), '')
   where cause = p_cause and ended_at is null;
  return found;
end
$$;

create function alerting.accept_restore(p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update alerting.capture_identity i
     set system_identifier = d.system_identifier, timeline = d.timeline, recorded_at = now(), recorded_by = session_user
    from alerting.database_identity() d
   where (i.system_identifier, i.timeline) <> (d.system_identifier, d.timeline);
  return alerting.end_halt('RESTORE', p_reason);
end
$$;
comment on function alerting.accept_restore(text) is
  'Says that the database as it is now is the right one: engines go on with it. False when none was halted for it.';

revoke execute on function alerting.database_identity(), alerting.capture_findings(), alerting.record_identity(text),
  alerting.open_halt(text, text), alerting.end_halt(text, text), alerting.accept_restore(text) from public;
grant usage on schema alerting to bankalerts_engine, bankalerts_operator, bankalerts_caretaker, bankalerts_auditor;
grant execute on function alerting.capture_findings(), alerting.open_halt(text, text)
   to bankalerts_engine, bankalerts_operator, bankalerts_caretaker;
grant execute on function alerting.end_halt(text, text), alerting.accept_restore(text), alerting.record_identity(text)
   to bankalerts_operator;
grant select on alerting.halt to bankalerts_engine, bankalerts_operator, bankalerts_caretaker, bankalerts_auditor;
grant select on alerting.capture_identity, alerting.captured_table to bankalerts_operator, bankalerts_caretaker, bankalerts_auditor;

select alerting.take_ownership();
