-- What a bank writes: customers, accounts, permissions, preferences, entries. Every block takes one array for each column and is
-- safe to repeat: what is there already is left as it is, so that no state version is raised and no event comes twice.

-- name: add_partitions(booked_from, booked_until)$
-- Makes the monthly partitions for events booked on these dates; returns how many were made.
select alerting.add_partitions(:booked_from::date, :booked_until::date);

-- name: add_customers(customer_id, full_name, locale, time_zone)!
-- Adds the customers that are not there yet.
insert into bank.customer (customer_id, full_name, locale, time_zone)
select new.*
  from unnest(:customer_id::bigint[], :full_name::text[], :locale::text[], :time_zone::text[])
       as new (customer_id, full_name, locale, time_zone)
 where not exists (select from bank.customer c where c.customer_id = new.customer_id)
    on conflict do nothing;

-- name: add_accounts(account_id, iban, currency, product, time_zone)!
-- Adds the accounts that are not there yet.
insert into bank.account (account_id, iban, currency, product, time_zone)
select new.*
  from unnest(:account_id::text[], :iban::text[], :currency::text[], :product::text[], :time_zone::text[])
       as new (account_id, iban, currency, product, time_zone)
 where not exists (select from bank.account a where a.account_id = new.account_id)
    on conflict (account_id) do nothing;

-- name: add_permissions(account_id, customer_id, role, may_see_balance)!
-- Adds the permissions that are not there yet; one that is there keeps its role and its end.
insert into bank.account_permission (account_id, customer_id, role, may_see_balance)
select new.*
  from unnest(:account_id::text[], :customer_id::bigint[], :role::text[], :may_see_balance::boolean[])
       as new (account_id, customer_id, role, may_see_balance)
 where not exists (select from bank.account_permission p where (p.account_id, p.customer_id) = (new.account_id, new.customer_id))
 order by new.account_id
    on conflict do nothing;

-- name: add_addresses(customer_id, channel, address)!
-- Adds the addresses that are not there yet, as verified.
insert into bank.contact_address (customer_id, channel, address, verified_at)
select new.*, now()
  from unnest(:customer_id::bigint[], :channel::text[], :address::text[]) as new (customer_id, channel, address)
 where not exists (select from bank.contact_address c
                    where (c.customer_id, c.channel, c.address) = (new.customer_id, new.channel, new.address))
    on conflict do nothing;

-- name: add_devices(push_id, customer_id, platform, provider)!
-- Adds the push devices that are not there yet.
insert into bank.push_device (push_id, customer_id, platform, provider)
select new.*
  from unnest(:push_id::text[], :customer_id::bigint[], :platform::text[], :provider::text[])
       as new (push_id, customer_id, platform, provider)
 where not exists (select from bank.push_device d where d.push_id = new.push_id)
    on conflict do nothing;

-- name: put_preferences(account_id, customer_id, alert_type, preference_no, currency, threshold_minor, channels)!
-- Adds preferences or changes them to what is given, enabled; one that is so already is not touched. Channels as '{PUSH,SMS}'.
insert into bank.alert_preference as old (account_id, customer_id, alert_type, preference_no, currency, parameters, channels)
select new.*
  from (select account_id, customer_id, alert_type, preference_no, currency,
               jsonb_build_object('threshold_minor', threshold_minor) as parameters, channels::text[] as channels
          from unnest(:account_id::text[], :customer_id::bigint[], :alert_type::text[], :preference_no::integer[],
                      :currency::text[], :threshold_minor::bigint[], :channels::text[])
               as given (account_id, customer_id, alert_type, preference_no, currency, threshold_minor, channels)) as new
 where not exists (select from bank.alert_preference p
                    where (p.account_id, p.customer_id, p.alert_type, p.preference_no, p.currency, p.parameters, p.channels, p.enabled)
                        = (new.account_id, new.customer_id, new.alert_type, new.preference_no, new.currency, new.parameters,
                           new.channels, true))
 order by new.account_id
    on conflict (account_id, customer_id, alert_type, preference_no) do update
   set (currency, parameters, channels, enabled) = (excluded.currency, excluded.parameters, excluded.channels, true);

-- name: remove_preference(account_id, customer_id, alert_type, preference_no)!
-- The customer no longer wants this.
delete from bank.alert_preference
 where (account_id, customer_id, alert_type, preference_no) = (:account_id, :customer_id, :alert_type, :preference_no);

-- name: revoke_permission(account_id, customer_id)!
-- The customer may no longer see the account.
delete from bank.account_permission where (account_id, customer_id) = (:account_id, :customer_id);

-- name: add_entries(entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, occurred_at, entry_type, counterparty_account, counterparty_name, description)!
-- Adds the entries that are not there yet, in the order given; returns how many there were.
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, occurred_at, entry_type,
                                counterparty_account, counterparty_name, description)
select *
  from unnest(:entry_id::text[], :booking_date::date[], :account_id::text[], :amount_minor::bigint[], :currency::text[],
              :balance_after_minor::bigint[], :occurred_at::timestamptz[], :entry_type::text[], :counterparty_account::text[],
              :counterparty_name::text[], :description::text[])
    on conflict do nothing;

-- name: read_threshold_types()
-- The alert types that a preference gives an amount to, and nothing else that it must give.
select alert_type
  from bank.alert_type
 where event_kind = 'ACCOUNT_ENTRY' and parameters ? 'threshold_minor'
   and not exists (select from jsonb_each(parameters) p (name, rule) where name <> 'threshold_minor' and not rule ? 'default');

-- name: read_channels()
-- The channels there are.
select channel from bank.channel;

-- name: read_balances(account_id)
-- The balance after the last entry of each of these accounts that has one.
select distinct on (account_id) account_id, balance_after_minor
  from bank.account_entry
 where account_id = any (:account_id) and balance_after_minor is not null
 order by account_id, event_time desc, entry_id desc;
