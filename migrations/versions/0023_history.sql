-- History with its authors: the app's own user beside the database role, and every change of what decides about messages.
--
-- audit.*_history     preferences and permissions by version, as before; now also with the app's user
-- audit.change        one row for each changed row of the tables in audit.recorded_table, personal columns sealed
--
-- A row that was there before it was recorded, or was written with triggers switched off, has no INSERT. Its first change
-- writes what it was before, as FOUND; until then the row itself says what it is. So nothing is copied when recording begins.

alter table audit.account_permission_history add column began_app_user text, add column ended_app_user text;
alter table audit.alert_preference_history add column began_app_user text, add column ended_app_user text;
alter table audit.customer_preference_history add column began_app_user text, add column ended_app_user text;
alter table audit.account_permission_history
  alter column began_app_user set default nullif(current_setting('bankalerts.app_user', true), '');
alter table audit.alert_preference_history
  alter column began_app_user set default nullif(current_setting('bankalerts.app_user', true), '');
alter table audit.customer_preference_history
  alter column began_app_user set default nullif(current_setting('bankalerts.app_user', true), '');
comment on column audit.account_permission_history.began_app_user is 'Who used the app: "set local bankalerts.app_user = ..." of the transaction. Null where it did not say.';
comment on column audit.alert_preference_history.began_app_user is 'As in account_permission_history.';
comment on column audit.customer_preference_history.began_app_user is 'As in account_permission_history.';

create or replace function audit.record_account_permission() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update audit.account_permission_history h
       set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.account a using (account_id)
     where (h.account_id, h.customer_id) = (o.account_id, o.customer_id) and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.account_permission_history
      (account_id, customer_id, from_version, role, may_see_balance, valid_from, valid_until)
    select account_id, customer_id, state_version, role, may_see_balance, valid_from, valid_until from new_rows;
  end if;
  return null;
end
$$;

create or replace function audit.record_alert_preference() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update audit.alert_preference_history h
       set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.account a using (account_id)
     where (h.account_id, h.customer_id, h.alert_type, h.preference_no)
           = (o.account_id, o.customer_id, o.alert_type, o.preference_no)
       and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.alert_preference_history
      (account_id, customer_id, alert_type, preference_no, from_version, currency, parameters, channels, enabled)
    select account_id, customer_id, alert_type, preference_no, state_version, currency, parameters, channels, enabled
      from new_rows;
  end if;
  return null;
end
$$;

create or replace function audit.record_customer_preference() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update audit.customer_preference_history h
       set until_version = c.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.customer c using (customer_id)
     where (h.customer_id, h.alert_type, h.preference_no) = (o.customer_id, o.alert_type, o.preference_no)
       and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.customer_preference_history
      (customer_id, alert_type, preference_no, from_version, parameters, channels, enabled)
    select customer_id, alert_type, preference_no, state_version, parameters, channels, enabled from new_rows;
  end if;
  return null;
end
$$;

create table audit.recorded_table (
  table_name text primary key,
  key_columns text[] not null,
  personal_columns text[] not null default '{}',
  left_out text[] not null default '{}'
);
comment on table audit.recorded_table is 'The tables whose changes audit.change keeps, and how.';
comment on column audit.recorded_table.personal_columns is 'Kept sealed with the customer''s key. One that is also a key column stands in row_key as a commitment.';
comment on column audit.recorded_table.left_out is 'Never kept: secrets, what nobody asks for, and what triggers write.';
insert into audit.recorded_table (table_name, key_columns, personal_columns, left_out) values
  ('bank.customer', '{customer_id}', '{}', '{full_name,state_version}'),
  ('bank.account', '{account_id}', '{}', '{iban,state_version}'),
  ('bank.contact_address', '{customer_id,channel,address}', '{address}', '{}'),
  ('bank.push_device', '{push_id}', '{push_id}', '{}'),
  ('bank.customer_consent', '{customer_id,purpose}', '{}', '{}'),
  ('bank.webhook_secret', '{customer_id,address,made_at}', '{address}', '{secret}'),
  ('bank.message_template', '{alert_type,channel,locale,version}', '{}', '{}'),
  ('bank.delivery_rule', '{alert_type}', '{}', '{}'),
  ('bank.alert_type', '{alert_type}', '{}', '{catalogue_version}'),
  ('alerting.channel_policy', '{channel}', '{}', '{}'),
  ('alerting.pilot', '{alert_type}', '{}', '{}'),
  ('alerting.pilot_customer', '{alert_type,customer_id}', '{}', '{}');

create sequence audit.change_no;

create table audit.change (
  change_no bigint primary key default nextval('audit.change_no'),
  table_name text not null,
  row_key text collate "C" not null,
  customer_id bigint,
  operation text not null,
  changed jsonb not null,
  sealed bytea,
  changed_at timestamptz,
  changed_by text,
  app_user text,
  transaction_id bigint not null default pg_current_xact_id()::text::bigint,
  constraint operation_is_known check (operation in ('FOUND', 'INSERT', 'UPDATE', 'DELETE')),
  constraint found_has_no_author 
    check ((operation = 'FOUND') = (changed_at is null) and (operation = 'FOUND') = (changed_by is null))
);
comment on table audit.change is 'Who changed which row of the tables in audit.recorded_table when, and what it then was.';
comment on column audit.change.row_key is 'The values of the key columns, with | between them.';
comment on column audit.change.operation is 'FOUND: what the row was before its first recorded change; nobody knows since when.';
comment on column audit.change.changed is 'The whole row after the change (of a DELETE: before it), without personal columns.';
comment on column audit.change.sealed is 'The personal columns: vault.seal(customer_id, ''change:'' || change_no, ...). Null where there are none, or once erased.';
comment on column audit.change.transaction_id is 'What one transaction changed belongs together.';
create index change_of_row on audit.change (table_name, row_key, changed_at desc nulls last);
create index change_of_customer on audit.change (customer_id, changed_at) where customer_id is not null;

create function audit.row_key(p_how audit.recorded_table, p_row jsonb) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select string_agg(case when k.name <> all (p_how.personal_columns) then p_row ->> k.name
                         else coalesce(left(encode(vault.commitment((p_row ->> 'customer_id')::bigint, p_how.table_name,
                                                                    p_row ->> k.name), 'hex'), 32), 'erased') end,
                    '|' order by k.place)
    from unnest(p_how.key_columns) with ordinality k (name, place)
$$;
comment on function audit.row_key(audit.recorded_table, jsonb) is 'What names a row in audit.change; a personal value only as a commitment, which says nothing once the key is gone.';

create function audit.note_change(p_how audit.recorded_table, p_operation text, p_row jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  number bigint := nextval('audit.change_no');
  customer bigint := p_row ->> 'customer_id';
  personal text;
begin
  if p_how.personal_columns <> '{}' and customer is not null then
    select jsonb_object_agg(name, p_row -> name)::text into personal from unnest(p_how.personal_columns) name;
  end if;
  insert into audit.change (change_no, table_name, row_key, customer_id, operation, changed, sealed, changed_at, changed_by, app_user)
  select number, p_how.table_name, audit.row_key(p_how, p_row), customer, p_operation, p_row - p_how.personal_columns,
         case when personal is not null then vault.seal(customer, 'change:' || number, personal) end,
         case when known then clock_timestamp() end, case when known then session_user end,
         case when known then nullif(current_setting('bankalerts.app_user', true), '') end
    from (values (p_operation <> 'FOUND')) v (known);
end
$$;
comment on function audit.note_change(audit.recorded_table, text, jsonb) is 'Writes one row of audit.change.';

create function audit.record_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set intervalstyle = 'postgres' as $$
declare
  how audit.recorded_table;
  before jsonb;
  after jsonb;
begin
  select * into strict how from audit.recorded_table r where r.table_name = tg_table_schema || '.' || tg_table_name;
  before := case when tg_op <> 'INSERT' then to_jsonb(old) - how.left_out end;
  after := case when tg_op <> 'DELETE' then to_jsonb(new) - how.left_out end;
  if before = after then
    return null;
  end if;
  if how.personal_columns <> '{}' then
    perform vault.make_keys(array[(before ->> 'customer_id')::bigint, (after ->> 'customer_id')::bigint]);
  end if;
  if before is not null and not exists (select from audit.change c
                                         where c.table_name = how.table_name and c.row_key = audit.row_key(how, before)) then
    perform audit.note_change(how, 'FOUND', before);
  end if;
  if tg_op = 'UPDATE' and audit.row_key(how, before) <> audit.row_key(how, after) then
    perform audit.note_change(how, 'DELETE', before);
    perform audit.note_change(how, 'INSERT', after);
  else
    perform audit.note_change(how, tg_op, coalesce(after, before));
  end if;
  return null;
end
$$;
comment on function audit.record_change() is 'Row by row, as a row that changes its key ends under the old one and begins under the new.';

-- each change of a preference raises the state_version of an account or customer: the WHEN keeps that as cheap as it was.
-- Their INSERTs are loads of the bank's; what they were is FOUND at their first change.
create trigger record_change_2 after update on bank.customer for each row
  when ((old.customer_id, old.locale, old.time_zone, old.contact_status, old.quiet_from, old.quiet_until, old.shows_balance)
        is distinct from
        (new.customer_id, new.locale, new.time_zone, new.contact_status, new.quiet_from, new.quiet_until, new.shows_balance))
  execute function audit.record_change();
create trigger record_change_3 after delete on bank.customer for each row execute function audit.record_change();
create trigger record_change_2 after update on bank.account for each row
  when ((old.account_id, old.currency, old.product, old.time_zone, old.status)
        is distinct from (new.account_id, new.currency, new.product, new.time_zone, new.status))
  execute function audit.record_change();
create trigger record_change_3 after delete on bank.account for each row execute function audit.record_change();
do $$
declare
  v_table text;
begin
  for v_table in select table_name from audit.recorded_table where table_name not in ('bank.customer', 'bank.account') loop
    execute format('create trigger record_change after insert or update or delete on %s'
                   ' for each row execute function audit.record_change()', v_table);
  end loop;
end
$$;
