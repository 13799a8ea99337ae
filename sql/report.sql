-- What came out: alerts and messages against the reference, and how long each stage took. Read-only; each block is one statement, so
-- that it sees one state of the database while the engine goes on.

-- name: compare()^
-- Events, and for alerts and their messages how many are expected, found, missing and extra, with the first ten identities of each (no personal data).
with expected as materialized (
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, channels
      from audit.judged(p_alerted_only => true)
), alert as materialized (
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, null as channel,
           bool_or(is_expected) as is_expected, bool_or(is_found) as is_found
      from (select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, true as is_expected, false as is_found
              from expected
            union all
            select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, false, true
              from alerting.alert) either
     group by 1, 2, 3, 4, 5, 6, 7
), message as materialized (
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, channel,
           bool_or(is_expected) as is_expected, bool_or(is_found) as is_found
      from (select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, channel, 1 as copy,
                   true as is_expected, false as is_found
              from expected cross join unnest(channels) as channel
            union all
            select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, channel,
                   row_number() over (partition by alert_id, channel), false, true
              from alerting.outbox
              left join alerting.alert using (alert_id, event_date)
             where falls_back_from is null) either
     group by 1, 2, 3, 4, 5, 6, 7, 8, copy
), compared as (
    select 'alerts' as what, * from alert
    union all
    select 'messages', * from message
), numbered as (
    select *, case when is_expected <> is_found then row_number() over (partition by what, is_expected, is_found
               order by event_date, event_kind, event_id, account_id, customer_id, alert_type, preference_no, channel) end as n
      from compared
), figures as (
    select what, jsonb_build_object(
            'expected', count(*) filter (where is_expected),
            'found', count(*) filter (where is_found),
            'missing', count(*) filter (where is_expected and not is_found),
            'extra', count(*) filter (where is_found and not is_expected),
            'missing_first', coalesce(jsonb_agg(identity order by n) filter (where n <= 10 and not is_found), '[]'),
            'extra_first', coalesce(jsonb_agg(identity order by n) filter (where n <= 10 and is_found), '[]')) as figure
      from (values ('alerts'), ('messages')) kind (what)
      left join numbered using (what)
     cross join lateral (select jsonb_strip_nulls(jsonb_build_object(
            'event_kind', event_kind, 'event_id', event_id, 'event_date', event_date, 'account_id', account_id, 'customer_id', customer_id,
            'alert_type', alert_type, 'preference_no', preference_no, 'channel', channel)) as identity) named
     group by what
)
select (select count(*) from audit.event) as events,
       (select count(*) from alerting.quarantine) as quarantined,
       (select coalesce(jsonb_object_agg(p.alert_type, p.reason), '{}') from alerting.parked_type p
          join audit.alert_type_history h on h.alert_type = p.alert_type and h.from_version <= p.catalogue_version
         where h.until_version is null) as parked,
       (select figure from figures where what = 'alerts') as alerts,
       (select figure from figures where what = 'messages') as messages;

-- name: count_missing_timers()$
-- Timers that events should have armed, due in the last 90 days or later, that are not there: their alerts would be missing in silence.
select count(*)
  from (select distinct alert_type from audit.alert_type_history where timer_arm is not null or timer_schedule is not null) timed,
       lateral audit.judged(p_alert_type => timed.alert_type) j
 where j.arms and j.timer_key is not null and j.due_at > current_timestamp - interval '90 days'
   and not exists (
       select from alerting.timer t
        where (t.customer_id, t.alert_type, t.preference_no, t.timer_key, t.due_at)
            = (j.customer_id, j.alert_type, j.preference_no, j.timer_key, j.due_at)
          and t.account_id is not distinct from j.account_id);

-- name: measure_stages(since)
-- For each stage: how many alerts or messages passed it, and the 50th, 95th and 99th percentile in microseconds (nearest rank).
-- Alerts count once for the stages of an alert, messages once for theirs, and only once they were handed over. A message that another
-- channel brings instead was written when that one had failed: it has no time in which the engine wrote it.
with alert as (
    select * from alerting.alert where :since::timestamptz is null or inserted_at >= :since
), message as (
    select alert.committed_at, alert.decided_at, outbox.written_at, outbox.handed_at, outbox.channel, outbox.falls_back_from
      from alert
      join alerting.outbox using (alert_id, event_date)
), step (position, stage, channel, started_at, ended_at) as (
    select position, stage, null, started_at, ended_at
      from alert
     cross join lateral (values (1, 'committed', inserted_at, committed_at),
                                (2, 'on Kafka', committed_at, on_kafka_at),
                                (3, 'decided', on_kafka_at, decided_at)) step (position, stage, started_at, ended_at)
    union all
    select position, stage, step.channel, started_at, ended_at
      from message
     cross join lateral (values (4, 'in the outbox', null, case when falls_back_from is null then decided_at end, message.written_at),
                                (5, 'handed to the provider', message.channel, message.written_at, handed_at),
                                (6, 'end to end', message.channel, committed_at, handed_at))
                step (position, stage, channel, started_at, ended_at)
)
select stage, channel, count(*) as n,
       percentile_disc(array[0.5, 0.95, 0.99]) within group (order by (extract(epoch from ended_at - started_at) * 1000000)::bigint)
           as percentiles_us
  from step
 where ended_at is not null and started_at is not null
 group by grouping sets ((position, stage, channel), (position, stage))
having grouping(channel) = 1 or channel is not null
 order by position, channel nulls first;

-- name: count_messages(since)
-- Messages of events inserted since then, by channel and state.
select channel, state, count(*)
  from alerting.outbox
  join alerting.alert using (alert_id, event_date)
 where :since::timestamptz is null or inserted_at >= :since
 group by channel, state
 order by channel, state;

-- name: count_alerts(since)
-- Alerts of events inserted since then, by alert type.
select alert_type, count(*)
  from alerting.alert
 where :since::timestamptz is null or inserted_at >= :since
 group by alert_type
 order by alert_type;

-- name: list_found_with_threshold(event_from, event_until)
-- Alerts of events of these dates with the threshold that was compared, in minor units.
select event_id, account_id, customer_id, alert_type, (evidence -> 'parameters' ->> 'threshold_minor')::bigint as threshold_minor
  from alerting.alert
 where event_date between :event_from and :event_until;

-- name: list_expected_with_threshold(event_from, event_until)
-- The same from the reference.
select event_id, account_id, customer_id, alert_type, (compared -> 'parameters' ->> 'threshold_minor')::bigint as threshold_minor
  from audit.judged(:event_from, :event_until, p_alerted_only => true);

-- name: count_outbox(channel, state)
-- Messages by channel, state, reason and what holds them, the most first; null: any channel, any state. Of ended ones those of a day.
with message as (
    select o.channel, o.reason, o.may_be_twice, d.held_for, d.due_at,
           case when d.lease_token is not null and d.due_at > now() then 'LEASED' else o.state end as state
      from alerting.outbox_due d
      join alerting.outbox o on o.message_id = d.message_id and o.event_date = d.event_date
     union all
    select channel, reason, may_be_twice, null, null, state
      from alerting.outbox
     where finished_at >= now() - interval '1 day'
)
select channel, state, reason, held_for, count(*) as messages, count(*) filter (where may_be_twice) as may_be_twice,
       min(due_at) filter (where isfinite(due_at)) as oldest_due_at
  from message
 where (:channel::text is null or channel = :channel) and (:state::text is null or state = :state)
 group by channel, state, reason, held_for
 order by channel, messages desc, state, reason, held_for;
