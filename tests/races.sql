-- What the banking apps of tests/races.py write while they race.

-- name: add_customers(first, last)!
-- Customers by number.
insert into bank.customer (customer_id, full_name)
select n, 'Racer ' || n from generate_series(:first, :last) n
    on conflict do nothing;

-- name: add_accounts(prefix, last)!
-- Accounts prefix0 to prefix<last>.
insert into bank.account (account_id, currency) select :prefix || n, 'EUR' from generate_series(0, :last) n;

-- name: add_permissions(prefix, last, first, customers)!
-- Two owners for each account.
insert into bank.account_permission (account_id, customer_id, role)
select :prefix || n, :first + mod(n + k, :customers), 'OWNER' from generate_series(0, :last) n, generate_series(0, 1) k;

-- name: add_preferences(prefix, alert_types, threshold_minor, channels)!
-- For each owner one of each of these alert types.
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
select account_id, customer_id, alert_type, 'EUR', jsonb_build_object('threshold_minor', :threshold_minor::bigint), :channels::text[]
  from bank.account_permission cross join bank.alert_type
 where starts_with(account_id, :prefix) and alert_type = any (:alert_types);

-- name: add_entry(entry_id, booking_date, account_id, amount_minor, balance_minor, status, entry_type)!
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, entry_type)
values (:entry_id, :booking_date, :account_id, :amount_minor, 'EUR', :balance_minor, :status, :entry_type);

-- name: look_around()$
-- The first statement of a transaction: under repeatable read everything after it sees what it saw.
select count(*) from bank.alert_preference;

-- name: put_preference(account_id, customer_id, alert_type, preference_no, currency, threshold_minor, channels)!
-- Nothing where there is no such alert type (now).
insert into bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels)
select :account_id, :customer_id, alert_type, :preference_no, :currency,
       jsonb_build_object('threshold_minor', :threshold_minor::bigint), :channels::text[]
  from bank.alert_type where alert_type = :alert_type
    on conflict (account_id, customer_id, alert_type, preference_no) do update
   set (currency, parameters, channels, enabled) = (excluded.currency, excluded.parameters, excluded.channels, true);

-- name: remove_preferences(account_id, customer_id, alert_type)!
delete from bank.alert_preference where (account_id, customer_id, alert_type) = (:account_id, :customer_id, :alert_type);

-- name: switch_preferences(account_id, alert_type)!
-- Of all customers: one statement, one version, several rows.
update bank.alert_preference set enabled = not enabled where (account_id, alert_type) = (:account_id, :alert_type);

-- name: switch_balance(account_id)!
update bank.account_permission set may_see_balance = not may_see_balance where account_id = :account_id;

-- name: end_permission(account_id, customer_id, before_ms, after_ms)!
-- It began `before_ms` ago and ends `after_ms` from now; NULL: never.
update bank.account_permission
   set (valid_from, valid_until) = (clock_timestamp() - :before_ms * interval '1 ms', clock_timestamp() + :after_ms * interval '1 ms')
 where (account_id, customer_id) = (:account_id, :customer_id);

-- name: remove_permission(account_id, customer_id)!
delete from bank.account_permission where (account_id, customer_id) = (:account_id, :customer_id);

-- name: put_permission(account_id, customer_id, may_see_balance)!
insert into bank.account_permission (account_id, customer_id, role, may_see_balance)
values (:account_id, :customer_id, 'AUTHORISED', :may_see_balance)
    on conflict (account_id, customer_id) do update
   set (valid_from, valid_until, may_see_balance) = (now(), null, excluded.may_see_balance);

-- name: put_alert_type(alert_type, statuses, condition)!
-- It comes, or changes its condition and its statuses.
insert into bank.alert_type (alert_type, event_kind, statuses, condition, parameters, category, title)
values (:alert_type, 'ACCOUNT_ENTRY', :statuses::text[], :condition, '{"threshold_minor": {"type": "integer"}}', 'race', 'Race')
    on conflict (alert_type) do update set (statuses, condition) = (excluded.statuses, excluded.condition);

-- name: remove_alert_type(alert_type)!
-- Refused as long as somebody has a preference for it.
delete from bank.alert_type where alert_type = :alert_type;

-- name: remove_templates(alert_type)!
delete from bank.message_template where alert_type = :alert_type;

-- name: put_template(alert_type, body)!
-- A template that shows the balance makes its alert type one for customers who may see it.
insert into bank.message_template (alert_type, channel, locale, version, body)
select alert_type, 'PUSH', 'en', 1, :body from bank.alert_type where alert_type = :alert_type
    on conflict (alert_type, channel, locale, version) do update set body = excluded.body;
