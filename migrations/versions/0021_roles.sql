-- Roles belong to the cluster, which may have several of our databases: one that is there is left as it is.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['owner', 'app', 'core', 'capture', 'engine', 'notifier', 'notifier_email', 'notifier_sms',
                                'notifier_push', 'notifier_webhook', 'notifier_inbox', 'designer', 'approver', 'auditor',
                                'operator', 'caretaker'] loop
    begin
      execute format('create role %I nologin', 'bankalerts_' || v_role);
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end
$$;

do $$
begin
  alter role bankalerts_capture replication;
exception when insufficient_privilege then
  raise warning 'bankalerts_capture cannot read the log yet: have a superuser run "alter role bankalerts_capture replication"';
end
$$;

create function bank.acting_for() returns bigint
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when current_setting('bankalerts.customer_id', true) ~ '^[0-9]{1,18}$'
              then current_setting('bankalerts.customer_id', true)::bigint end
$$;
comment on function bank.acting_for() is
  'The customer for whom a banking app acts: it says so with "set local bankalerts.customer_id = ''42''". Null when it does not.';

create function alerting.take_ownership(p_owner name default 'bankalerts_owner') returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_statement text;
  v_taken integer := 0;
begin
  for v_statement in
    select format('alter schema %I owner to %I', n.nspname, p_owner)
      from pg_namespace n
     where n.nspname in ('bank', 'alerting', 'audit', 'vault') and n.nspowner <> p_owner::regrole
    union all
    select format('alter table %s owner to %I', c.oid::regclass, p_owner)
      from pg_class c
     where c.relnamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relowner <> p_owner::regrole
       and not exists (select from pg_depend d
                        where d.classid = 'pg_class'::regclass and d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
    union all
    select format('alter routine %s owner to %I', p.oid::regprocedure, p_owner)
      from pg_proc p
     where p.pronamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and p.proowner <> p_owner::regrole
    union all
    select format('alter type %s owner to %I', t.oid::regtype, p_owner)
      from pg_type t left join pg_class c on c.oid = t.typrelid
     where t.typnamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and (t.typtype in ('d', 'e') or c.relkind = 'c') and t.typowner <> p_owner::regrole
    union all
    select format('alter publication %I owner to %I', p.pubname, p_owner)
      from pg_publication p
     where p.pubname = 'bankalerts' and p.pubowner <> p_owner::regrole
  loop
    execute v_statement;
    v_taken := v_taken + 1;
  end loop;
  return v_taken;
end
$$;
comment on function alerting.take_ownership(name) is
  'Gives everything of these schemas to bankalerts_owner, whoever made it; each migration ends with it. How much there was.';

create view audit.grants as
select coalesce(g.rolname, 'public') as role, o.schema_name, o.object_name, o.kind, o.column_name, a.privilege_type as verb
  from (select n.nspname as schema_name, n.nspname as object_name, 'SCHEMA' as kind, null as column_name, n.nspacl as acl,
               n.nspowner as owner
          from pg_namespace n
         union all
        select n.nspname, c.relname, case c.relkind when 'v' then 'VIEW' when 'S' then 'SEQUENCE' else 'TABLE' end, null,
               c.relacl, c.relowner
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'S') and not c.relispartition
         union all
        select n.nspname, c.relname, 'TABLE', t.attname, t.attacl, c.relowner
          from pg_attribute t join pg_class c on c.oid = t.attrelid join pg_namespace n on n.oid = c.relnamespace
         where not c.relispartition and t.attacl is not null
         union all
        select n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', 'FUNCTION', null,
               coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace) o
 cross join lateral aclexplode(o.acl) a
  left join pg_roles g on g.oid = a.grantee
 where o.schema_name in ('bank', 'alerting', 'audit', 'vault') and a.grantee <> o.owner;
comment on view audit.grants is 'Who may do what with which object, as the database has it: what is granted to roles and to PUBLIC.';

alter function alerting.add_partitions(date, date) security definer set search_path = pg_catalog, pg_temp;

select alerting.take_ownership();
