-- Customers must not see each other: a banking app says for whom it acts, and sees and writes that customer's rows alone.

-- A bank may grant a channel's role to logins of its own, so the name of who asks says nothing. Of several channels: each of them.
create function bank.channels_read() returns text[]
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select array_agg(upper(c.channel)) from unnest(array['email', 'sms', 'push', 'webhook', 'inbox']) c (channel)
   where pg_has_role(current_user, 'bankalerts_notifier_' || c.channel, 'member')
$$;
comment on function bank.channels_read() is 'The channels whose addresses this role may read; null for all of them.';

do $$
declare
  v_table text;
begin
  foreach v_table in array array['customer', 'account', 'account_permission', 'contact_address', 'push_device', 'customer_consent',
                                 'customer_preference', 'alert_preference', 'webhook_secret', 'inbox_message', 'replaced_address'] loop
    execute format('alter table bank.%I enable row level security', v_table);
    execute format('alter table bank.%I force row level security', v_table);
    -- what records, captures, decides and audits sees all: a row that it missed would be an alert that is missing
    execute format('create policy all_rows on bank.%I to bankalerts_owner, bankalerts_core, bankalerts_capture, bankalerts_engine,
                      bankalerts_auditor, bankalerts_operator, bankalerts_caretaker using (true) with check (true)', v_table);
    if v_table not in ('account', 'alert_preference') then
      execute format('create policy own_rows on bank.%I to bankalerts_app using (customer_id = (select bank.acting_for()))', v_table);
    end if;
    if v_table not in ('contact_address', 'webhook_secret') then
      execute format('create policy notified_rows on bank.%I to bankalerts_notifier using (true)', v_table);
    end if;
  end loop;
end
$$;

create policy own_rows on bank.account to bankalerts_app
  using (account_id in (select p.account_id from bank.account_permission p
                         where p.customer_id = (select bank.acting_for())
                           and p.valid_from <= now() and (p.valid_until is null or p.valid_until > now())));
create policy own_rows on bank.alert_preference to bankalerts_app
  using (customer_id = (select bank.acting_for()))
  with check (customer_id = (select bank.acting_for())
              and account_id in (select p.account_id from bank.account_permission p
                                  where p.customer_id = (select bank.acting_for())
                                    and (p.valid_until is null or p.valid_until > now())));
create policy channel_rows on bank.contact_address to bankalerts_notifier
  using ((select bank.channels_read()) is null or channel = any ((select bank.channels_read())::text[]));
create policy channel_rows on bank.webhook_secret to bankalerts_notifier
  using ((select bank.channels_read()) is null or 'WEBHOOK' = any ((select bank.channels_read())::text[]));

alter view audit.event set (security_invoker = true);
alter view audit.outbox_history set (security_invoker = true);
alter view audit.grants set (security_invoker = true);

select alerting.take_ownership();
