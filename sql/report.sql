-- What came out: alerts and messages against the reference, and how long each stage took. Read-only; each block is one statement, so
-- that it sees one state of the database while the engine goes on.

-- name: compare_alerts()^
-- Events, expected and found alerts, how many are missing and extra, and the first ten identities of each (no personal data).
with expected as materialized (
    select * from audit.expected_alerts()
), compared as (
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
           expected.there is not null as is_expected, found.there is not null as is_found
      from (select expected.*, true as there from expected) expected
      full join (select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, true as there
                   from alerting.alert) found
     using (event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no)
), wrong as (
    select is_found, row_number() over (partition by is_found order by event_date, event_id, account_id, customer_id) as n,
           jsonb_build_object('event_kind', event_kind, 'event_id', event_id, 'event_date', event_date, 'account_id', account_id,
                              'customer_id', customer_id, 'alert_type', alert_type, 'preference_no', preference_no) as identity
      from compared
     where is_found <> is_expected
)
select (select count(*) from bank.account_entry) as events,
       count(*) filter (where is_expected) as expected,
       count(*) filter (where is_found) as found,
       count(*) filter (where is_expected and not is_found) as missing,
       count(*) filter (where is_found and not is_expected) as extra,
       (select coalesce(jsonb_agg(identity order by n), '[]') from wrong where not is_found and n <= 10) as missing_first,
       (select coalesce(jsonb_agg(identity order by n), '[]') from wrong where is_found and n <= 10) as extra_first,
       (select count(*) from alerting.quarantine) as quarantined
  from compared;

-- name: compare_messages()^
-- The same for messages: each alert has one for each channel of the preference version that its event was judged on.
with expected as materialized (
    select * from audit.expected_alerts()
), expected_message as (
    select expected.*, channel, 1 as copy
      from expected
      join bank.account_entry event on (event.entry_id, event.booking_date) = (expected.event_id, expected.event_date)
      join audit.alert_preference_history preference
        on (preference.account_id, preference.customer_id, preference.alert_type, preference.preference_no)
         = (expected.account_id, expected.customer_id, expected.alert_type, expected.preference_no)
       and preference.from_version <= event.state_version
       and (preference.until_version is null or event.state_version < preference.until_version)
     cross join unnest(preference.channels) as channel
), found_message as (
    select event_id, event_date, account_id, customer_id, alert_type, preference_no, channel,
           row_number() over (partition by alert_id, channel) as copy
      from alerting.outbox
      left join alerting.alert using (alert_id, event_date)
), compared as (
    select event_id, event_date, account_id, customer_id, alert_type, preference_no, channel,
           expected.there is not null as is_expected, found.there is not null as is_found
      from (select *, true as there from expected_message) expected
      full join (select *, true as there from found_message) found
     using (event_id, event_date, account_id, customer_id, alert_type, preference_no, channel, copy)
), wrong as (
    select is_found, row_number() over (partition by is_found order by event_date, event_id, account_id, customer_id, channel) as n,
           jsonb_build_object('event_id', event_id, 'event_date', event_date, 'account_id', account_id, 'customer_id', customer_id,
                              'alert_type', alert_type, 'preference_no', preference_no, 'channel', channel) as identity
      from compared
     where is_found <> is_expected
)
select count(*) filter (where is_expected) as expected,
       count(*) filter (where is_found) as found,
       count(*) filter (where is_expected and not is_found) as missing,
       count(*) filter (where is_found and not is_expected) as extra,
       (select coalesce(jsonb_agg(identity order by n), '[]') from wrong where not is_found and n <= 10) as missing_first,
       (select coalesce(jsonb_agg(identity order by n), '[]') from wrong where is_found and n <= 10) as extra_first
  from compared;

-- name: measure_stages(since)
-- For each stage: how many alerts or messages passed it, and the 50th, 95th and 99th percentile in microseconds (nearest rank).
-- Alerts count once for the stages of an alert, messages once for theirs, and only once they were handed over.
with alert as (
    select * from alerting.alert where :since::timestamptz is null or inserted_at >= :since
), message as (
    select alert.committed_at, alert.decided_at, outbox.written_at, outbox.handed_at, outbox.channel
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
     cross join lateral (values (4, 'in the outbox', null, decided_at, message.written_at),
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
select expected.event_id, expected.account_id, expected.customer_id, expected.alert_type,
       (preference.parameters ->> 'threshold_minor')::bigint as threshold_minor
  from audit.expected_alerts(:event_from, :event_until) expected
  join bank.account_entry event on (event.entry_id, event.booking_date) = (expected.event_id, expected.event_date)
  join audit.alert_preference_history preference
    on (preference.account_id, preference.customer_id, preference.alert_type, preference.preference_no)
     = (expected.account_id, expected.customer_id, expected.alert_type, expected.preference_no)
   and preference.from_version <= event.state_version
   and (preference.until_version is null or event.state_version < preference.until_version);
