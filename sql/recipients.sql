-- What the notifier asks the schema bank, and the little that it writes there. No statement here touches the schema alerting: the two
-- can live in two clusters (design 3).

-- name: read_recipients
-- Who each message goes to, and what stands against it, as the bank has it now: one row for each wanted row, in order.
-- Only verified addresses count; one that was replaced in the last 72 hours gets SECURITY messages as well.
-- An alert without an account (customer activity) needs no permission. targets: pairs of a push_id and its provider, of an address and null.
-- secrets: of webhooks, pairs of an address and a secret, the newest first.
select c.customer_id is not null as known, c.full_name, c.locale, c.time_zone, c.contact_status, c.quiet_from, c.quiet_until,
       c.shows_balance, a.iban, a.product, a.currency, a.status as account_status,
       w.account_id is null or p.customer_id is not null as permitted,
       w.account_id is null or p.may_see_balance or t.uses_balance is not true as balance_permitted,
       t.purpose, t.mandatory, t.title, s.granted as consent, r.time_to_live, r.throttle_messages, r.throttle_window,
       case :reach::text
            when 'DEVICES' then
                array(select array[d.push_id, d.provider] from bank.push_device d
                       where d.customer_id = w.customer_id and d.retired_at is null
                       order by d.push_id)
            when 'ADDRESSES' then
                array(select array[x.address, null] from bank.contact_address x
                       where x.customer_id = w.customer_id and x.channel = :channel and x.verified_at is not null
                       order by x.address)
                || case when t.purpose = 'SECURITY' then
                       array(select array[x.address, null] from bank.replaced_address x
                              where x.customer_id = w.customer_id and x.channel = :channel and x.replaced_at > now() - interval '72 hours'
                              order by x.address)
                   end
       end as targets,
       case when :channel = 'WEBHOOK' then
           array(select array[k.address, k.secret] from bank.webhook_secret k where k.customer_id = w.customer_id order by k.made_at desc)
       end as secrets
  from unnest(:customer_ids::bigint[], :account_ids::text[], :alert_types::text[])
       with ordinality as w (customer_id, account_id, alert_type, n)
  left join bank.customer c on c.customer_id = w.customer_id
  left join bank.account a on a.account_id = w.account_id
  left join bank.account_permission p
    on p.account_id = w.account_id and p.customer_id = w.customer_id
   and p.valid_from <= now() and (p.valid_until is null or now() < p.valid_until)
  left join bank.alert_type t on t.alert_type = w.alert_type
  left join bank.customer_consent s on s.customer_id = w.customer_id and s.purpose = t.purpose
  left join bank.delivery_rule r on r.alert_type = w.alert_type
 order by w.n;

-- name: read_templates
-- The newest version of each template of a channel, and whether what its history holds are balances.
select distinct on (m.alert_type, m.locale) m.alert_type, m.locale, m.version, m.subject, m.body,
       coalesce(t.window_value ~ 'balance', false) as history_is_balance
  from bank.message_template m
  join bank.alert_type t on t.alert_type = m.alert_type
 where m.channel = :channel
 order by m.alert_type, m.locale, m.version desc;

-- name: read_currencies
-- How many digits the minor unit of each currency has.
select currency, minor_digits from bank.currency;

-- name: read_limits
-- How many messages a minute of an alert type are at most sent, where its designer said so.
select alert_type, per_minute_max from bank.delivery_rule where per_minute_max is not null;

-- name: retire_devices!
-- Send nothing more to devices that their provider does not know; one that was registered anew since then is known again.
update bank.push_device d
   set retired_at = clock_timestamp(), retired_reason = r.reason
  from (select distinct on (push_id) push_id, tried_at, reason
          from unnest(:push_ids::text[], :tried_at::timestamptz[], :reasons::text[]) as r (push_id, tried_at, reason)
         order by push_id, tried_at desc) r
 where d.push_id = r.push_id and d.retired_at is null and d.registered_at <= r.tried_at;

-- name: forget_replaced_addresses!
-- Delete replaced addresses that are not written to any more.
delete from bank.replaced_address where replaced_at <= now() - interval '72 hours';
