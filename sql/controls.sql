-- What the keeper of each notifier asks and tells the schema alerting, every second: pauses, policies, pilots, volumes, what is held.

-- name: read_pauses
-- The open pauses, and when those of the last day ended.
select scope, made_by, ended_at from alerting.pause where ended_at is null or ended_at > now() - interval '1 day';

-- name: read_policies
-- How each channel is drained; one without a row: as the defaults say.
select channel, retries_unknown, unknown_tries_max from alerting.channel_policy;

-- name: read_pilots
-- The alert types that are piloted, and how many customers each is sent to.
select p.alert_type, count(c.customer_id) as customers
  from alerting.pilot p left join alerting.pilot_customer c on c.alert_type = p.alert_type
 group by p.alert_type;

-- name: read_pilot_customers
-- Who is in each pilot.
select alert_type, array_agg(customer_id) as customer_ids from alerting.pilot_customer group by alert_type;

-- name: read_usual_volumes
-- How many messages of a type there are in a minute that has any, over the last week. The last minutes are not part of what is usual:
-- a flood must not raise its own limit.
select alert_type, avg(messages)::float8 as messages, count(*) as minutes
  from alerting.type_volume
 where minute >= now() - interval '7 days' and minute < now() - interval '10 minutes'
 group by alert_type;

-- name: add_volumes
-- Add what this process has let through to what all have; returns the sums.
insert into alerting.type_volume as v (alert_type, minute, messages)
select * from unnest(:alert_types::text[], :minutes::timestamptz[], :messages::bigint[])
    on conflict (alert_type, minute) do update set messages = v.messages + excluded.messages
returning alert_type, minute, messages;

-- name: forget_volumes!
-- Delete volumes and windows that nothing asks for any more.
with volumes as (
    delete from alerting.type_volume where minute < now() - interval '8 days'
)
delete from alerting.throttle where window_ends_at < now() - interval '1 day';

-- name: pull_brake$
-- Pause a type that went above its limit; false: it is paused already.
select alerting.brake(:alert_type, :messages, :limit);

-- name: release_paused
-- Make due what is held for a pause that is no more, some at a time; returns how many on each channel.
-- What is held for other reasons is not looked at: the scopes are found one by one in the index.
with recursive held as (
    (select held_for from alerting.outbox_due where held_for >= 'P' and held_for < 'Q' order by held_for limit 1)
    union all
    select (select d.held_for from alerting.outbox_due d where d.held_for > h.held_for and d.held_for < 'Q' order by d.held_for limit 1)
      from held h
     where h.held_for is not null
), freed as (
    select d.message_id
      from held h
      join alerting.outbox_due d on d.held_for = h.held_for
     where h.held_for like 'PAUSE:%' and d.due_at = 'infinity'
       and not exists (select from alerting.pause p where p.scope = substr(h.held_for, 7) and p.ended_at is null)
     limit :most
       for update of d skip locked
), released as (
    update alerting.outbox_due d set due_at = now() from freed f where d.message_id = f.message_id
    returning d.channel
)
select channel, count(*) as messages from released group by channel;

-- name: take_places
-- Ask for places in the windows of throttled types; returns the messages that have none, with the end of their window. A place belongs to
-- its message: one that has it, whatever became of it since, asks for no other. sent + held is how many asked in the window so far.
with wanted as (
    select w.message_id, w.customer_id, w.alert_type, w.most, w.length,
           row_number() over (partition by w.customer_id, w.alert_type order by w.position) as number,
           count(*) over (partition by w.customer_id, w.alert_type) as messages
      from unnest(:message_ids::uuid[], :customer_ids::bigint[], :alert_types::text[], :most::integer[], :windows::interval[])
               with ordinality as w (message_id, customer_id, alert_type, most, length, position)
      join alerting.outbox_due d on d.message_id = w.message_id and not d.has_place
), asked as (
    insert into alerting.throttle as t (customer_id, alert_type, channel, window_ends_at, sent, held)
    select customer_id, alert_type, :channel, now() + length, least(messages, most), greatest(messages - most, 0)
      from wanted
     where number = 1
     order by customer_id, alert_type
        on conflict (customer_id, alert_type, channel) do update
       set window_ends_at = case when t.window_ends_at <= now() then excluded.window_ends_at else t.window_ends_at end,
           (sent, held) = (
               select least(n.asked, w.most), greatest(n.asked - w.most, 0)
                 from wanted w,
                      lateral (select w.messages + case when t.window_ends_at <= now() then 0 else t.sent + t.held end as asked) n
                where w.customer_id = t.customer_id and w.alert_type = t.alert_type and w.number = 1)
    returning customer_id, alert_type, sent + held as asked, window_ends_at
), answered as (
    select w.message_id, a.window_ends_at, w.number <= w.most - (a.asked - w.messages) as has_place
      from wanted w
      join asked a on a.customer_id = w.customer_id and a.alert_type = w.alert_type
), kept as (
    update alerting.outbox_due d set has_place = true from answered a where d.message_id = a.message_id and a.has_place
)
select message_id, window_ends_at from answered where not has_place;

-- name: claim_digest
-- Lease the other messages of digests that fall due and return them as a claim does: so many of each, one digest after the other until
-- there are so many in all.
with due as (
    select d.message_id, d.held_for
      from unnest(:held_for::text[]) as k (held_for),
           lateral (select message_id, held_for
                      from alerting.outbox_due
                     where held_for = k.held_for and channel = :channel and lease_token is null
                     limit :most_of_each
                       for update skip locked) d
     limit :most
), claimed as (
    update alerting.outbox_due d
       set lease_token = :lease_token, due_at = now() + make_interval(secs => :lease_s), attempts = d.attempts + 1
      from due
     where d.message_id = due.message_id
    returning d.message_id, d.alert_id, d.event_date, d.lease_token, d.attempts, d.rescued, d.has_place, due.held_for
)
select c.message_id, c.alert_id, c.event_date, c.lease_token, c.attempts, c.rescued, c.has_place, c.held_for, o.channel, o.written_at,
       now() as leased_at, now() - least(o.written_at, a.written_at) as age, o.reason as last_reason,
       coalesce(o.claimed_at, clock_timestamp()) as claimed_at, a.event_id, a.event_time, a.account_id, a.customer_id, a.alert_type, a.evidence
  from claimed c
  join alerting.outbox o on o.message_id = c.message_id and o.event_date = c.event_date
 cross join lateral (select * from alerting.alert x where x.alert_id = c.alert_id and x.event_date = c.event_date offset 0) a;
