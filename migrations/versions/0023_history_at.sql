-- What was the case at a time, and by whose hand: for auditors. The functions read with their owner's rights, as the vault and
-- the customers' rows are closed to most; so who may call them is what decides.

create function audit.rows_at(p_table text, p_customer bigint, p_at timestamptz)
returns table (row_key text, "row" jsonb, changed_at timestamptz, changed_by text, app_user text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set intervalstyle = 'postgres' as $$
declare
  how audit.recorded_table;
begin
  select * into strict how from audit.recorded_table r where r.table_name = p_table;
  return query
    select s.row_key, s.changed || coalesce(vault.open(p_customer, 'change:' || s.change_no, s.sealed)::jsonb, '{}'),
           s.changed_at, s.changed_by, s.app_user
      from (select distinct on (c.row_key) c.*
              from audit.change c
             where c.customer_id = p_customer and c.table_name = p_table and (c.changed_at <= p_at or c.changed_at is null)
             order by c.row_key, c.changed_at desc nulls last, c.change_no desc) s
     where s.operation <> 'DELETE';
  return query execute format(
    'select k.row_key, k.r, null::timestamptz, null::text, null::text'
    '  from %s t, lateral (select to_jsonb(t) - $2.left_out as r, audit.row_key($2, to_jsonb(t)) as row_key) k'
    ' where t.customer_id = $1 and not exists (select from audit.change c where c.table_name = $3 and c.row_key = k.row_key)',
    how.table_name::regclass) using p_customer, how, p_table;
end
$$;
comment on function audit.rows_at(text, bigint, timestamptz) is
  'A customer''s rows of a recorded table as they were; changed_at is null where the row is as it was found. Personal columns are missing once the customer is erased.';

create function audit.addresses_at(p_customer bigint, p_at timestamptz)
returns table (channel text, address text, verified_at timestamptz, changed_at timestamptz, changed_by text, app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s."row" ->> 'channel', s."row" ->> 'address', (s."row" ->> 'verified_at')::timestamptz, s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.contact_address', p_customer, p_at) s
  union all
  select 'PUSH', s."row" ->> 'push_id', (s."row" ->> 'registered_at')::timestamptz, s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.push_device', p_customer, p_at) s
   where s."row" ->> 'retired_at' is null
$$;
comment on function audit.addresses_at(bigint, timestamptz) is
  'Where messages to a customer could go; devices in use as channel PUSH. address is null once the customer is erased.';

create function audit.consents_at(p_customer bigint, p_at timestamptz)
returns table (purpose text, granted boolean, said_at timestamptz, changed_at timestamptz, changed_by text, app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s."row" ->> 'purpose', (s."row" ->> 'granted')::boolean, (s."row" ->> 'changed_at')::timestamptz,
         s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.customer_consent', p_customer, p_at) s
$$;
comment on function audit.consents_at(bigint, timestamptz) is
  'What a customer had agreed to. said_at is the app''s word for when, changed_at when the database was told.';

create function audit.preferences_at(p_customer bigint, p_at timestamptz)
returns table (account_id text, alert_type text, preference_no integer, currency text, parameters jsonb, channels text[],
               enabled boolean, from_version bigint, began_at timestamptz, began_by text, began_app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select h.account_id, h.alert_type, h.preference_no, h.currency, h.parameters, h.channels, h.enabled, h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.alert_preference_history h
   where h.customer_id = p_customer and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
  union all
  select null, h.alert_type, h.preference_no, null, h.parameters, h.channels, h.enabled, h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.customer_preference_history h
   where h.customer_id = p_customer and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
$$;
comment on function audit.preferences_at(bigint, timestamptz) is 'What a customer wanted to know, on accounts and (account_id null) on themselves.';

create function audit.permissions_at(p_account text, p_at timestamptz)
returns table (customer_id bigint, role text, may_see_balance boolean, valid_from timestamptz, valid_until timestamptz,
               is_valid boolean, from_version bigint, began_at timestamptz, began_by text, began_app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select h.customer_id, h.role, h.may_see_balance, h.valid_from, h.valid_until,
         h.valid_from <= p_at and (h.valid_until is null or p_at < h.valid_until), h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.account_permission_history h
   where h.account_id = p_account and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
$$;
comment on function audit.permissions_at(text, timestamptz) is 'Who had a permission on an account; is_valid: it let them see the account at that time.';

create function audit.templates_at(p_alert_type text, p_at timestamptz)
returns table (channel text, locale text, version integer, subject text, body text, changed_at timestamptz, changed_by text,
               app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select distinct on (t.channel, t.locale) t.*
    from (select s.changed ->> 'channel' as channel, s.changed ->> 'locale' as locale, (s.changed ->> 'version')::integer as version,
                 s.changed ->> 'subject' as subject, s.changed ->> 'body' as body, s.changed_at, s.changed_by, s.app_user
            from (select distinct on (c.row_key) c.*
                    from audit.change c
                   where c.table_name = 'bank.message_template'
                     and c.row_key >= p_alert_type || '|' and c.row_key < p_alert_type || '}'
                     and (c.changed_at <= p_at or c.changed_at is null)
                   order by c.row_key, c.changed_at desc nulls last, c.change_no desc) s
           where s.operation <> 'DELETE'
          union all
          select m.channel, m.locale, m.version, m.subject, m.body, null, null, null
            from bank.message_template m
           where m.alert_type = p_alert_type
             and not exists (select from audit.change c
                              where c.table_name = 'bank.message_template'
                                and c.row_key = concat_ws('|', m.alert_type, m.channel, m.locale, m.version))) t
   order by t.channel, t.locale, t.version desc
$$;
comment on function audit.templates_at(text, timestamptz) is
  'The text that messages of an alert type had, by channel and locale. changed_at is null where it was there before changes were recorded.';

create function audit.changes_of(p_customer bigint, p_from timestamptz, p_until timestamptz)
returns table (changed_at timestamptz, table_name text, row_key text, operation text, changed jsonb, personal jsonb,
               changed_by text, app_user text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select c.changed_at, c.table_name, c.row_key, c.operation, c.changed,
         vault.open(p_customer, 'change:' || c.change_no, c.sealed)::jsonb, c.changed_by, c.app_user
    from audit.change c
   where c.customer_id = p_customer and c.changed_at >= p_from and c.changed_at < p_until
   order by c.changed_at, c.change_no
$$;
comment on function audit.changes_of(bigint, timestamptz, timestamptz) is
  'Who changed what of a customer''s settings, addresses, devices and consents. personal is null once the customer is erased.';

create function audit.alerts_of_customer(p_customer bigint, p_from date, p_until date)
returns table (message_id uuid, alert_id uuid, event_kind text, event_id text, event_date date, account_id text, alert_type text,
               preference_no integer, channel text, state text, reason text, event_time timestamptz, decided_at timestamptz,
               handed_at timestamptz, delivered_at timestamptz, may_be_twice boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  -- By the events of the accounts that the customer ever had a permission on, and of the customer: an index by customer on
  -- alerting.alert would cost the engine more than these few auditors are worth.
  return query
    with account as materialized (
      select distinct h.account_id from audit.account_permission_history h where h.customer_id = p_customer
    ), event as materialized (
      select 'ACCOUNT_ENTRY' as kind, e.entry_id as id, e.booking_date as day
        from account a join bank.account_entry e using (account_id) where e.booking_date between p_from and p_until
      union all
      select 'CARD_AUTHORISATION', e.authorisation_id, e.authorised_on
        from account a join bank.card_authorisation e using (account_id) where e.authorised_on between p_from and p_until
      union all
      select 'PAYMENT_ORDER', e.status_change_id, e.changed_on
        from account a join bank.payment_order e using (account_id) where e.changed_on between p_from and p_until
      union all
      select 'CUSTOMER_ACTIVITY', e.activity_id, e.occurred_on
        from bank.customer_activity e where e.customer_id = p_customer and e.occurred_on between p_from and p_until
      union all
      select 'TIMER', e.timer_id, e.due_on
        from bank.timer_event e where e.customer_id = p_customer and e.due_on between p_from and p_until
    )
    select h.message_id, h.alert_id, h.event_kind, h.event_id, h.event_date, h.account_id, h.alert_type, h.preference_no,
           h.channel, h.state, h.reason, h.event_time, h.decided_at, h.handed_at, h.delivered_at, h.may_be_twice
      from event e cross join lateral (
        select * from audit.outbox_history o
         where o.event_id = e.id and o.event_date = e.day and o.event_kind = e.kind and o.customer_id = p_customer offset 0) h
     order by h.decided_at, h.message_id;
end
$$;
comment on function audit.alerts_of_customer(bigint, date, date) is
  'The messages to a customer about events of these dates, both included; as far back as the events are kept.';

create function audit.messages_ended(p_from timestamptz, p_until timestamptz)
returns table (message_id uuid, alert_id uuid, event_kind text, event_id text, event_date date, account_id text, customer_id bigint,
               alert_type text, preference_no integer, channel text, state text, reason text, committed_at timestamptz,
               handed_at timestamptz, finished_at timestamptz, delivered_at timestamptz, took interval, may_be_twice boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return query
    with ended as materialized (
      select o.* from alerting.outbox o where o.finished_at >= p_from and o.finished_at < p_until
    )
    select o.message_id, o.alert_id, a.event_kind, a.event_id, a.event_date, a.account_id, a.customer_id, a.alert_type,
           a.preference_no, o.channel, o.state, o.reason, a.committed_at, o.handed_at, o.finished_at, o.delivered_at,
           o.handed_at - coalesce(a.committed_at, a.inserted_at), o.may_be_twice
      from ended o cross join lateral (
        select * from alerting.alert l where l.alert_id = o.alert_id and l.event_date = o.event_date offset 0) a;
end
$$;
comment on function audit.messages_ended(timestamptz, timestamptz) is
  'The messages that came to their end in a period, whatever the date of their event; took: from the event''s commit until the provider had it.';

-- one event, so by indexes whatever the planner thinks of a month's alerts; audit.explained goes on for all events of a period
alter function audit.explain(text, text, bigint) set enable_seqscan = off;
alter function audit.explain(text, text, bigint) set enable_hashjoin = off;
alter function audit.explain(text, text, bigint) set enable_mergejoin = off;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc p
     where p.pronamespace = 'audit'::regnamespace
       and p.proname in ('addresses_at', 'consents_at', 'preferences_at', 'permissions_at', 'templates_at', 'changes_of',
                         'alerts_of_customer', 'messages_ended', 'rows_at', 'row_key', 'note_change')
  loop
    execute format('revoke all on function %s from public', v_function);
    if v_function::text !~ '\.(row_key|note_change)\(' then
      execute format('grant execute on function %s to bankalerts_auditor', v_function);
    end if;
  end loop;
end
$$;
grant usage on schema audit to bankalerts_auditor;
grant select on audit.change, audit.recorded_table to bankalerts_auditor;

select alerting.take_ownership();
