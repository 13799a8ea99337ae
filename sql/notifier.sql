-- What the notifier asks PostgreSQL. The blocks on alerting and the blocks on bank never meet in one statement: the two schemas
-- can live in two clusters (design 3).

-- alerting: claim and record ------------------------------------------------------------------------------------------------------

-- name: claim_messages
-- Lease the messages of a channel that are due, oldest first, and return them with their alerts. A lease that ran out is due.
-- Their age is told by the clock that wrote them; last_reason is why the attempt before failed.
with due as (
    select message_id
      from alerting.outbox_due
     where channel = :channel and due_at <= now()
     order by due_at
     limit :most
       for update skip locked
), claimed as (
    update alerting.outbox_due d
       set lease_token = :lease_token, due_at = now() + make_interval(secs => :lease_s), attempts = d.attempts + 1
      from due
     where d.message_id = due.message_id
    returning d.message_id, d.alert_id, d.event_date, d.lease_token, d.attempts
)
select c.message_id, c.event_date, c.lease_token, c.attempts, o.written_at, now() - o.written_at as age, o.reason as last_reason,
       coalesce(o.claimed_at, clock_timestamp()) as claimed_at, a.event_id, a.event_time, a.account_id, a.customer_id, a.alert_type, a.evidence
  from claimed c
  join alerting.outbox o on o.message_id = c.message_id and o.event_date = c.event_date
  join alerting.alert a on a.alert_id = c.alert_id and a.event_date = c.event_date;

-- name: look_at_outbox$
-- Whether there is an outbox that may be read: fails where not.
select exists (select from alerting.outbox_due);

-- name: count_undrained
-- How many messages are due on each channel that is not among these.
select channel, count(*) as messages
  from alerting.outbox_due
 where due_at <= now() and channel <> all(:drained::text[])
 group by channel
 order by channel;

-- name: read_sent_targets
-- The targets that took one of these messages at an earlier attempt, and when.
select d.message_id, d.target, min(d.finished_at) as sent_at
  from unnest(:message_ids::uuid[], :event_dates::date[]) as m (message_id, event_date)
  join alerting.delivery_attempt d on d.message_id = m.message_id and d.event_date = m.event_date
 where d.outcome = 'SENT'
 group by d.message_id, d.target;

-- name: record_messages
-- Record conclusions and attempts. Only the holder of the lease may conclude: returns the messages that were still its own.
with concluded as (
    select *
      from unnest(:message_ids::uuid[], :event_dates::date[], :lease_tokens::uuid[], :states::text[], :reasons::text[],
                  :claimed_at::timestamptz[], :handed_at::timestamptz[], :retry_in_s::float8[])
        as c (message_id, event_date, lease_token, state, reason, claimed_at, handed_at, retry_in_s)
), attempted as (
    insert into alerting.delivery_attempt
           (message_id, event_date, attempt_no, target, started_at, finished_at, outcome, reason, provider_ref)
    select *
      from unnest(:attempt_message_ids::uuid[], :attempt_event_dates::date[], :attempt_nos::integer[], :targets::text[],
                  :started_at::timestamptz[], :finished_at::timestamptz[], :outcomes::text[], :attempt_reasons::text[],
                  :provider_refs::text[])
        on conflict do nothing
), ended as (
    delete from alerting.outbox_due d
     using concluded c
     where d.message_id = c.message_id and d.lease_token = c.lease_token and c.state <> 'PENDING'
    returning d.message_id
), postponed as (
    update alerting.outbox_due d
       set lease_token = null, due_at = clock_timestamp() + make_interval(secs => c.retry_in_s)
      from concluded c
     where d.message_id = c.message_id and d.lease_token = c.lease_token and c.state = 'PENDING'
    returning d.message_id
)
update alerting.outbox o
   set state = c.state, reason = c.reason, claimed_at = c.claimed_at, handed_at = c.handed_at,
       finished_at = case when c.state <> 'PENDING' then clock_timestamp() end
  from concluded c
 where o.message_id = c.message_id and o.event_date = c.event_date
   and (c.message_id in (select message_id from ended) or c.message_id in (select message_id from postponed))
returning o.message_id;

-- bank: addresses, permissions, templates --------------------------------------------------------------------------------------

-- name: read_recipients
-- Who each message goes to, as the bank has it now: one row for each wanted row, in order. Only verified addresses count.
-- An alert without an account (customer activity) needs no permission.
select c.customer_id is not null as known, c.full_name, c.locale, c.time_zone, a.iban, a.product, a.currency,
       w.account_id is null or p.customer_id is not null as permitted,
       w.account_id is null or p.may_see_balance or t.uses_balance is not true as balance_permitted,
       case when :devices::boolean
            then array(select d.push_id from bank.push_device d where d.customer_id = w.customer_id order by d.push_id)
            else array(select x.address from bank.contact_address x
                        where x.customer_id = w.customer_id and x.channel = :channel and x.verified_at is not null
                        order by x.address)
       end as addresses
  from unnest(:customer_ids::bigint[], :account_ids::text[], :alert_types::text[])
       with ordinality as w (customer_id, account_id, alert_type, n)
  left join bank.customer c on c.customer_id = w.customer_id
  left join bank.account a on a.account_id = w.account_id
  left join bank.account_permission p
    on p.account_id = w.account_id and p.customer_id = w.customer_id
   and p.valid_from <= now() and (p.valid_until is null or now() < p.valid_until)
  left join bank.alert_type t on t.alert_type = w.alert_type
 order by w.n;

-- name: read_templates
-- The newest version of each template of a channel.
select distinct on (alert_type, locale) alert_type, locale, version, subject, body
  from bank.message_template
 where channel = :channel
 order by alert_type, locale, version desc;

-- name: read_currencies
-- How many digits the minor unit of each currency has.
select currency, minor_digits from bank.currency;
