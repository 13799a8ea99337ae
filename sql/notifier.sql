-- What the notifier asks the schema alerting: claiming messages, and recording what became of them. What it asks the schema bank stands
-- in recipients.sql: the two can live in two clusters (design 3).

-- name: claim_messages
-- Lease the messages of a channel that are due, oldest first, and return them with their alerts. A lease that ran out is due: its
-- notifier ended and may have sent the message, which is an attempt with an unknown outcome, noted here.
-- due_from: an old transaction elsewhere keeps the entries of what was claimed long ago in the index; nothing before it is looked at.
-- offset 0: else the planner finds alerts by their day alone while a partition was never analysed, reading all of it for each message.
-- What is held for a digest stays marked: else its messages would go out one by one when their notifier is killed.
-- Their age is told by the clock that wrote them, and is that of the alert; last_reason is why the attempt before failed.
with due as (
    select message_id, lease_token is not null as lease_ran_out, held_for
      from alerting.outbox_due
     where channel = :channel and due_at >= :due_from and due_at <= now()
     order by due_at
     limit :most
       for update skip locked
), claimed as (
    update alerting.outbox_due d
       set lease_token = :lease_token, due_at = now() + make_interval(secs => :lease_s), attempts = d.attempts + 1,
           held_for = case when due.held_for like 'DIGEST:%' then due.held_for end, rescued = d.rescued or due.lease_ran_out
      from due
     where d.message_id = due.message_id
    returning d.message_id, d.alert_id, d.event_date, d.lease_token, d.attempts, d.rescued, d.has_place, due.lease_ran_out, due.held_for
), noted as (
    insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at, outcome, reason)
    select message_id, event_date, attempts - 1, '*', now(), now(), 'UNKNOWN', 'its notifier ended before it recorded the attempt'
      from claimed
     where lease_ran_out
        on conflict do nothing
)
select c.message_id, c.alert_id, c.event_date, c.lease_token, c.attempts, c.rescued, c.has_place, c.held_for, o.channel, o.written_at,
       now() as leased_at, now() - least(o.written_at, a.written_at) as age, o.reason as last_reason,
       coalesce(o.claimed_at, clock_timestamp()) as claimed_at, a.event_id, a.event_time, a.account_id, a.customer_id, a.alert_type, a.evidence
  from claimed c
  join alerting.outbox o on o.message_id = c.message_id and o.event_date = c.event_date
 cross join lateral (select * from alerting.alert x where x.alert_id = c.alert_id and x.event_date = c.event_date offset 0) a;

-- name: give_back_messages
-- Make due again what these tokens lease: their claims were not answered, so none of it was begun. It is found among what is leased now.
-- Returns the tokens that leased something.
with unanswered as (
    select message_id, lease_token
      from alerting.outbox_due
     where channel = :channel and due_at > now() and due_at <= now() + make_interval(secs => :lease_s)
       and lease_token = any(:lease_tokens::uuid[])
       for update
), given_back as (
    update alerting.outbox_due d
       set lease_token = null, due_at = now() + make_interval(secs => :after_s), attempts = d.attempts - 1
      from unanswered u
     where d.message_id = u.message_id
    returning d.message_id, d.event_date, u.lease_token
), told as (
    update alerting.outbox o set reason = coalesce(o.reason, :reason) from given_back g
     where o.message_id = g.message_id and o.event_date = g.event_date
)
select distinct lease_token from given_back;

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

-- name: read_oldest_due
-- How long the oldest message has been due, in seconds, on each of these channels; 0 where none is.
select wanted.channel, coalesce(extract(epoch from now() - oldest.due_at), 0)::float8 as seconds
  from unnest(:channels::text[]) wanted (channel)
  left join lateral (
       select d.due_at
         from alerting.outbox_due d
        where d.channel = wanted.channel and d.due_at <= now()
        order by d.due_at
        limit 1) oldest on true;

-- name: read_tried_targets
-- Of messages that were tried before, by target: when it took one, unless that came back; how often nobody knows whether it did;
-- whether it refused it for good. The target '*' stands for an attempt of which nothing is known at all.
select d.message_id, d.target,
       min(d.finished_at) filter (where d.outcome = 'SENT' and (d.receipt is null or d.receipt = 'DELIVERED')
                                     or d.outcome = 'UNKNOWN' and d.receipt = 'DELIVERED') as sent_at,
       count(*) filter (where d.outcome = 'UNKNOWN' and d.receipt is null) as unknown,
       coalesce(bool_or(d.outcome = 'DROP'), false) as is_dropped
  from unnest(:message_ids::uuid[], :event_dates::date[]) as m (message_id, event_date)
  join alerting.delivery_attempt d on d.message_id = m.message_id and d.event_date = m.event_date
 where d.outcome in ('SENT', 'UNKNOWN', 'DROP')
 group by d.message_id, d.target;

-- name: read_suppressed_targets
-- The targets of a channel that a provider has called dead.
select s.target from unnest(:targets::text[]) as t (target) join alerting.suppressed_address s on s.channel = :channel and s.target = t.target;

-- name: suppress_targets!
-- Send nothing more to these targets of a channel.
insert into alerting.suppressed_address (channel, target, reason, message_id)
select :channel, * from unnest(:targets::text[], :reasons::text[], :message_ids::uuid[])
    on conflict do nothing;

-- name: record_messages
-- Record conclusions and attempts. Only the holder of the lease may conclude: returns the messages that were still its own.
-- A message that stays PENDING is due at due_at, else after retry_in_s, and may be held_for something; an uncounted attempt was none.
-- One that falls back is brought by the channel that its own names for that.
with concluded as (
    select *
      from unnest(:message_ids::uuid[], :event_dates::date[], :lease_tokens::uuid[], :states::text[], :reasons::text[],
                  :claimed_at::timestamptz[], :handed_at::timestamptz[], :retry_in_s::float8[], :due_at::timestamptz[],
                  :held_for::text[], :uncounted::boolean[], :may_be_twice::boolean[], :falls_back::boolean[])
        as c (message_id, event_date, lease_token, state, reason, claimed_at, handed_at, retry_in_s, due_at,
              held_for, uncounted, may_be_twice, falls_back)
), attempted as (
    insert into alerting.delivery_attempt
           (message_id, event_date, attempt_no, target, started_at, finished_at, outcome, reason, provider_ref, provider)
    select *
      from unnest(:attempt_message_ids::uuid[], :attempt_event_dates::date[], :attempt_nos::integer[], :targets::text[],
                  :started_at::timestamptz[], :finished_at::timestamptz[], :outcomes::text[], :attempt_reasons::text[],
                  :provider_refs::text[], :providers::text[])
        on conflict do nothing
), ended as (
    delete from alerting.outbox_due d
     using concluded c
     where d.message_id = c.message_id and d.lease_token = c.lease_token and c.state <> 'PENDING'
    returning d.message_id, d.alert_id, d.event_date, d.channel, c.falls_back, c.lease_token
), postponed as (
    update alerting.outbox_due d
       set lease_token = null, held_for = c.held_for, attempts = d.attempts - c.uncounted::integer,
           due_at = coalesce(c.due_at, clock_timestamp() + make_interval(secs => c.retry_in_s))
      from concluded c
     where d.message_id = c.message_id and d.lease_token = c.lease_token and c.state = 'PENDING'
    returning d.message_id, c.lease_token
), fallen_back as (
    insert into alerting.outbox (message_id, alert_id, event_date, channel, falls_back_from)
    select alerting.message_id(e.alert_id, p.falls_back_to), e.alert_id, e.event_date, p.falls_back_to, e.channel
      from ended e
      join alerting.channel_policy p on p.channel = e.channel and p.falls_back_to is not null
     where e.falls_back
        on conflict do nothing
)
update alerting.outbox o
   set state = case when c.state = 'ACCEPTED' and o.delivered_at is not null then 'DELIVERED' else c.state end,
       reason = c.reason, claimed_at = c.claimed_at, handed_at = coalesce(c.handed_at, o.handed_at),
       may_be_twice = o.may_be_twice or c.may_be_twice,
       finished_at = case when c.state <> 'PENDING' then clock_timestamp() end
  from concluded c
 where o.message_id = c.message_id and o.event_date = c.event_date
   -- of two conclusions of a message in one batch, an earlier holder's and ours, only that of the lease counts
   and ((c.message_id, c.lease_token) in (select message_id, lease_token from ended)
        or (c.message_id, c.lease_token) in (select message_id, lease_token from postponed))
returning o.message_id;
