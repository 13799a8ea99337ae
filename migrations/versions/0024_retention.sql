-- How long what is kept, made ahead and let go; `bankalerts maintain` does it, and may run several times at once.
--
-- audit.retention_policy   one row for each class of data; keeps null: for ever
-- audit.maintenance        what was made, detached, dropped and deleted, when and by whom
--
-- A partition is made and let go under a lock that keeps out everybody, so each is a statement of its own that waits 100 ms for it
-- and says LOCKED otherwise. DETACH CONCURRENTLY is no way: PostgreSQL refuses it where there is a default partition.

create table audit.retention_policy (
  data_class text primary key,
  kept_in    text not null,
  relations  text[] not null default '{}',
  keeps      interval,
  action     text not null default 'NONE',
  ahead      interval,
  reason     text not null,
  changed_at timestamptz not null default now(),
  changed_by text not null default session_user,
  app_user   text default nullif(current_setting('bankalerts.app_user', true), ''),
  constraint kept_in_is_known check (kept_in in ('TABLE', 'TOPIC', 'CHECKPOINT')),
  constraint action_is_known check (action in ('DROP', 'DETACH', 'DELETE', 'TOPIC_RETENTION', 'NONE')),
  constraint what_goes_has_a_time check ((action = 'NONE') = (keeps is null)),
  constraint partitions_go_whole check (ahead is null or action in ('DROP', 'DETACH', 'NONE')),
  constraint only_partitions_go_whole check (ahead is not null or action not in ('DROP', 'DETACH')),
  constraint ahead_is_a_month_at_least check (ahead between interval '1 month' and interval '2 years'),
  constraint kept_longer_than_topics check (keeps >= interval '8 days' or action not in ('DROP', 'DETACH'))
);
comment on table audit.retention_policy is 'How long each class of data is kept. The bank sets it: update keeps, action, reason. bankalerts maintain applies it.';
comment on column audit.retention_policy.keeps is 'How long after its date; of a partition, after its last. Null: for ever.';
comment on column audit.retention_policy.action is 'DROP or DETACH a partition (a detached one stays as a table of its own), DELETE rows, TOPIC_RETENTION: Kafka does it.';
comment on column audit.retention_policy.ahead is 'How far ahead monthly partitions are made; null where there are none.';
comment on column audit.retention_policy.app_user is 'Who used the app: "set local bankalerts.app_user = ..." of the transaction that changed it.';

create table audit.maintenance (
  run_no             bigint generated always as identity primary key,
  what               text not null,
  data_class         text not null,
  relation           text not null,
  rows_or_partitions bigint not null,
  took               interval not null,
  at                 timestamptz not null default clock_timestamp(),
  by                 text not null default session_user,
  app_user           text default nullif(current_setting('bankalerts.app_user', true), ''),
  constraint what_is_known check (what in ('MADE', 'DETACHED', 'DROPPED', 'DELETED'))
);
comment on table audit.maintenance is 'What retention did, in the same transaction as what it did.';

create function audit.check_retention_policies() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_event interval;
  v_seen interval;
begin
  select coalesce(keeps, interval '1000000 days') into strict v_event from audit.retention_policy where data_class = 'EVENT';
  select coalesce(keeps, interval '1000000 days') into strict v_seen from audit.retention_policy where data_class = 'SEEN_EVENT';
  if v_seen < v_event then
    raise exception 'SEEN_EVENT is kept for %, EVENT for %: what was seen must stay as long as the events', v_seen, v_event
      using errcode = 'BA002', hint = 'Shorten EVENT first, or lengthen SEEN_EVENT first; null is for ever.';
  end if;
  return null;
end
$$;

create function audit.stamp_retention_policy() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.changed_at := clock_timestamp();
  new.changed_by := session_user;
  new.app_user := nullif(current_setting('bankalerts.app_user', true), '');
  return new;
end
$$;

insert into audit.retention_policy (data_class, kept_in, relations, keeps, action, ahead, reason) values
  ('EVENT', 'TABLE', '{bank.account_entry,bank.card_authorisation,bank.payment_order,bank.customer_activity,bank.timer_event}', null, 'NONE', '3 months',
   'Windows and explanations need them; the bank decides.'),
  ('SEEN_EVENT', 'TABLE', '{alerting.seen_event}', null, 'NONE', '3 months', 'As long as the events: a topic that is read again finds here what was judged.'),
  ('ALERT', 'TABLE', '{alerting.alert}', null, 'NONE', '3 months', 'Evidence of what was decided; the bank decides.'),
  ('MESSAGE', 'TABLE', '{alerting.outbox}', null, 'NONE', '3 months', 'Evidence of what was sent; the bank decides.'),
  ('ATTEMPT', 'TABLE', '{alerting.delivery_attempt}', null, 'NONE', '3 months', 'Evidence of what was sent where; the bank decides.'),
  ('RECEIPT', 'TABLE', '{alerting.receipt}', null, 'NONE', '3 months', 'What providers said of it; the bank decides.'),
  ('CHANGE', 'TABLE', '{audit.change}', null, 'NONE', null, 'Who changed what; the bank decides.'),
  ('INBOX', 'TABLE', '{bank.inbox_message}', '13 months', 'DELETE', null, 'Rendered text: a customer reads the last year.'),
  ('QUARANTINE', 'TABLE', '{alerting.quarantine}', '90 days', 'DELETE', null, 'It holds personal data; an operator has looked by then.'),
  ('TYPE_VOLUME', 'TABLE', '{alerting.type_volume}', '8 days', 'DELETE', null, 'The brake asks for a week.'),
  ('EVENT_TOPIC', 'TOPIC', '{}', '7 days', 'TOPIC_RETENTION', null, 'The engine may be away that long.'),
  ('STATE_TOPIC', 'TOPIC', '{}', null, 'NONE', null, 'Compacted: what was deleted is gone a day after its tombstone.'),
  ('CHECKPOINT', 'CHECKPOINT', '{}', null, 'NONE', null, 'A copy of the state topic; the engine writes it anew.');

create trigger stamp_policy before insert or update on audit.retention_policy
  for each row execute function audit.stamp_retention_policy();
create trigger check_policies after insert or update or delete on audit.retention_policy
  for each statement execute function audit.check_retention_policies();

create function alerting.missing_partitions(p_now date default current_date)
returns table (data_class text, parent text, partition text, from_date date, until_date date)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.data_class, r.name, r.name || to_char(m, '"_"YYYY"_"MM'), m::date, (m + interval '1 month')::date
    from audit.retention_policy p
   cross join unnest(p.relations) as r (name)
   cross join generate_series(date_trunc('month', p_now::timestamp), p_now + p.ahead, interval '1 month') as m
   where to_regclass(r.name || to_char(m, '"_"YYYY"_"MM')) is null
   order by m, r.name
$$;
comment on function alerting.missing_partitions(date) is 'The months ahead that have no partition, by audit.retention_policy.';

create function alerting.due_partitions(p_now date default current_date)
returns table (data_class text, parent regclass, partition regclass, from_date date, until_date date, action text)
language sql stable security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO' as $$
  with there as (
    select p.data_class, i.inhparent::regclass as parent, i.inhrelid::regclass as partition, b[1]::date as from_date,
           b[2]::date as until_date, p.action, p.keeps
      from audit.retention_policy p
     cross join unnest(p.relations) as r (name)
      join pg_inherits i on i.inhparent = to_regclass(r.name)
      join pg_class c on c.oid = i.inhrelid
     cross join regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([0-9-]+)''\) TO \(''([0-9-]+)''\)') as b
     where p.ahead is not null and b is not null
  )
  select t.data_class, t.parent, t.partition, t.from_date, t.until_date, t.action
    from there t
   where t.action in ('DROP', 'DETACH') and t.until_date + t.keeps <= p_now
     -- what was seen of a month goes after the events of that month
     and (t.data_class <> 'SEEN_EVENT'
          or not exists (select from there e where e.data_class = 'EVENT' and e.from_date < t.until_date))
   order by t.from_date, t.parent::text
$$;
comment on function alerting.due_partitions(date) is 'The partitions that their policy lets go.';

create function alerting.make_partition(p_partition text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  v_began timestamptz := clock_timestamp();
  v_missing record;
  v_column name;
  v_found boolean;
begin
  perform pg_advisory_xact_lock(hashtext('alerting.make_partition'));
  select * into v_missing from alerting.missing_partitions(current_date) m where m.partition = p_partition;
  if not found then
    return 'THERE';
  end if;
  select a.attname into strict v_column
    from pg_partitioned_table t join pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
   where t.partrelid = v_missing.parent::regclass;
  -- looked for without the lock that making it takes
  execute format('select exists (select from %s_default where %I >= %L and %I < %L)', v_missing.parent, v_column,
                 v_missing.from_date, v_column, v_missing.until_date) into v_found;
  if v_found then
    return 'IN_DEFAULT';
  end if;
  begin
    execute format('create table %s partition of %s for values from (%L) to (%L) %s', p_partition, v_missing.parent,
                   v_missing.from_date, v_missing.until_date,
                   case v_missing.parent when 'alerting.outbox' then 'with (fillfactor = 80)' end);
  exception
    when lock_not_available then return 'LOCKED';
    when duplicate_table then return 'THERE';  -- alerting.add_partitions came in between
    when check_violation then return 'IN_DEFAULT';
  end;
  insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
  values ('MADE', v_missing.data_class, p_partition, 1, clock_timestamp() - v_began);
  return 'MADE';
end
$$;
comment on function alerting.make_partition(text) is
  'Makes one that alerting.missing_partitions names. MADE; THERE; LOCKED, or an error of lock_timeout: try again; IN_DEFAULT: rows of its month are in the default partition.';

create function alerting.detach_partition(p_parent regclass, p_partition text, p_drop boolean) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
  v_began timestamptz := clock_timestamp();
  v_due record;
  v_found boolean;
begin
  -- who lets the same one go at once waits, and then finds it gone
  perform pg_advisory_xact_lock(hashtext('alerting.detach_partition'));
  if not exists (select from pg_inherits where inhparent = p_parent and inhrelid = to_regclass(p_partition)) then
    return 'GONE';
  end if;
  select * into v_due from alerting.due_partitions(current_date) d where (d.parent, d.partition) = (p_parent, to_regclass(p_partition));
  if not found or p_drop <> (v_due.action = 'DROP') then
    raise exception 'no policy lets % be %', p_partition, case when p_drop then 'dropped' else 'detached' end
      using errcode = 'BA002', hint = 'audit.retention_policy says what goes when; alerting.due_partitions() what is due.';
  end if;
  perform alerting.check_nothing_due(v_due.data_class, p_partition, v_due.from_date, v_due.until_date);
  if v_due.data_class in ('ALERT', 'MESSAGE') and to_regclass('alerting.seal_entry') is not null then
    execute format('select exists (select from alerting.seal_entry)
                       and exists (select from %s r where not exists (select from alerting.seal_entry e where (e.id, e.kind) = (r.%I, %L)))',
                   p_partition, lower(v_due.data_class) || '_id', v_due.data_class) into v_found;
    if v_found then
      raise exception '% holds what is not sealed yet', p_partition
        using errcode = 'BA002', hint = 'Run bankalerts seal, then bankalerts maintain again.';
    end if;
  end if;
  begin
    execute format('alter table %s detach partition %s', p_parent, p_partition);
    if p_drop then
      execute format('drop table %s', p_partition);
    end if;
  exception
    when lock_not_available then return 'LOCKED';
    when undefined_table then return 'GONE';
  end;
  -- one may have been written in between; the lock now keeps others out
  perform alerting.check_nothing_due(v_due.data_class, p_partition, v_due.from_date, v_due.until_date);
  insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
  values (case when p_drop then 'DROPPED' else 'DETACHED' end, v_due.data_class, p_partition, 1, clock_timestamp() - v_began);
  return case when p_drop then 'DROPPED' else 'DETACHED' end;
end
$$;
comment on function alerting.detach_partition(regclass, text, boolean) is
  'Lets a partition go that is due by its policy. DETACHED; DROPPED; GONE: it is none any more; LOCKED, or an error of lock_timeout: try again. Refuses one with messages to be sent, or not sealed.';

create function alerting.check_nothing_due(p_data_class text, p_partition text, p_from date, p_until date) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_data_class in ('ALERT', 'MESSAGE', 'ATTEMPT', 'RECEIPT')
     and exists (select from alerting.outbox_due where event_date >= p_from and event_date < p_until) then
    raise exception '% has messages that are still to be sent', p_partition
      using errcode = 'BA002', hint = 'See bankalerts outbox; what is paused goes on with bankalerts resume.';
  end if;
end
$$;

create function alerting.delete_old(p_data_class text, p_most integer default 10000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_began timestamptz := clock_timestamp();
  v_before timestamptz;
  v_deleted bigint;
begin
  select now() - keeps into v_before from audit.retention_policy where data_class = p_data_class and action = 'DELETE';
  if not found then
    raise exception 'no policy lets rows of % be deleted', p_data_class
      using errcode = 'BA002', hint = 'audit.retention_policy says what goes when.';
  end if;
  case p_data_class
    when 'INBOX' then
      delete from bank.inbox_message where message_id in
        (select message_id from bank.inbox_message where written_at < v_before limit p_most for update skip locked);
    when 'QUARANTINE' then
      delete from alerting.quarantine where quarantine_id in
        (select quarantine_id from alerting.quarantine where quarantined_at < v_before limit p_most for update skip locked);
    when 'TYPE_VOLUME' then
      delete from alerting.type_volume where (alert_type, minute) in
        (select alert_type, minute from alerting.type_volume where minute < v_before limit p_most for update skip locked);
    else
      raise exception 'rows of % cannot be deleted', p_data_class
        using errcode = 'BA002', hint = 'Only INBOX, QUARANTINE and TYPE_VOLUME are deleted row by row.';
  end case;
  get diagnostics v_deleted = row_count;
  if v_deleted > 0 then
    insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
    select 'DELETED', p_data_class, relations[1], v_deleted, clock_timestamp() - v_began
      from audit.retention_policy where data_class = p_data_class;
  end if;
  return v_deleted;
end
$$;
comment on function alerting.delete_old(text, integer) is 'Deletes some of the rows that their policy lets go; returns how many. Fewer than asked for: these were all.';

revoke execute on function audit.check_retention_policies(), audit.stamp_retention_policy(), alerting.missing_partitions(date),
  alerting.due_partitions(date), alerting.make_partition(text), alerting.detach_partition(regclass, text, boolean),
  alerting.check_nothing_due(text, text, date, date), alerting.delete_old(text, integer) from public;
grant execute on function alerting.missing_partitions(date), alerting.due_partitions(date) to bankalerts_caretaker, bankalerts_operator, bankalerts_auditor;
grant execute on function alerting.make_partition(text), alerting.detach_partition(regclass, text, boolean),
  alerting.delete_old(text, integer) to bankalerts_caretaker, bankalerts_operator;
grant select on audit.retention_policy, audit.maintenance to bankalerts_caretaker, bankalerts_operator, bankalerts_auditor;
grant update (keeps, action, ahead, reason) on audit.retention_policy to bankalerts_operator;

select alerting.take_ownership();
