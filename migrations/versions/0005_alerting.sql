-- The alerting schema: what the engine decided, what the notifiers send, how far the engine has read.
--
-- alert         one row per alert. Written once by the engine, never changed.
-- outbox        one row per message (an alert on a channel). State: PENDING, then ACCEPTED, FAILED or SUPPRESSED.
-- outbox_due    the messages still to be sent, kept small and apart from the history: a row comes with its outbox row (by trigger)
--               and goes when the message reaches an end. A claim sets the lease; a lease that ran out is claimable again.
-- delivery_attempt   one row per attempt per address or device.
-- engine_position    how far each partition of an event topic was judged; updated by compare-and-set with the alerts.
-- quarantine         what could not be decoded or judged, with its bytes, position and reason.
--
-- alert, outbox and delivery_attempt are partitioned by the date of the event; alerting.add_partitions makes partitions ahead.

create schema alerting;

create table alerting.topic_layout (
    only_row   boolean primary key default true,
    partitions integer not null,
    constraint topic_layout_has_one_row check (only_row),
    constraint partitions_between_1_and_1000 check (partitions between 1 and 1000)
);
comment on table alerting.topic_layout is
    'How many partitions the topics by account have. Changing it means new topics and a new snapshot; the engine halts on a mismatch.';
insert into alerting.topic_layout (partitions) values (8);

create table alerting.alert (
    alert_id      uuid not null,
    event_kind    text not null,
    event_id      text not null,
    event_date    date not null,
    account_id    text not null,
    customer_id   bigint not null,
    alert_type    text not null,
    preference_no integer not null,
    channels      text[] not null,
    event_time    timestamptz not null,
    inserted_at   timestamptz not null,
    committed_at  timestamptz,
    on_kafka_at   timestamptz,
    decided_at    timestamptz not null,
    written_at    timestamptz not null default clock_timestamp(),
    evidence      jsonb not null,
    constraint alert_id_is_unique primary key (alert_id, event_date),
    constraint one_alert_per_event_and_preference
        unique (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no)
) partition by range (event_date);
comment on column alerting.alert.alert_id is 'From the alert''s identity (sha256 of its seven parts), so the same decision has the same id wherever it is made.';
comment on column alerting.alert.channels is 'Where its messages go; a trigger puts one into the outbox for each.';
comment on column alerting.alert.inserted_at is 'When the event''s INSERT ran (its stamp).';
comment on column alerting.alert.committed_at is 'When the event''s transaction committed, by PostgreSQL''s clock, microseconds.';
comment on column alerting.alert.on_kafka_at is 'The event''s timestamp on Kafka, milliseconds.';
comment on column alerting.alert.decided_at is 'When the engine decided, microseconds.';
comment on column alerting.alert.written_at is 'When the row was written, just before its transaction committed.';
comment on column alerting.alert.evidence is 'The values compared, the parameters, the stamp, the versions of preference and permission. No free text.';
create table alerting.alert_default partition of alerting.alert default;

create table alerting.outbox (
    message_id  uuid not null,
    alert_id    uuid not null,
    event_date  date not null,
    channel     text not null,
    state       text not null default 'PENDING',
    reason      text,
    written_at  timestamptz not null default clock_timestamp(),
    claimed_at  timestamptz,
    handed_at   timestamptz,
    finished_at timestamptz,
    constraint message_id_is_unique primary key (message_id, event_date),
    constraint state_is_known check (state in ('PENDING', 'ACCEPTED', 'FAILED', 'SUPPRESSED')),
    constraint finished_when_not_pending check ((state = 'PENDING') = (finished_at is null)),
    constraint handed_when_accepted check (state <> 'ACCEPTED' or handed_at is not null),
    constraint failed_or_suppressed_for_a_reason check (state in ('PENDING', 'ACCEPTED') or reason is not null)
) partition by range (event_date);
comment on column alerting.outbox.message_id is 'From alert_id and channel (sha256), and the idempotency key for the provider.';
comment on column alerting.outbox.claimed_at is 'When a notifier first claimed it.';
comment on column alerting.outbox.handed_at is 'When the provider accepted it.';
create index outbox_of_alert on alerting.outbox (alert_id);
-- room in each page, so that finishing a message is a HOT update
create table alerting.outbox_default partition of alerting.outbox default with (fillfactor = 80);

create table alerting.outbox_due (
    message_id  uuid primary key,
    alert_id    uuid not null,
    event_date  date not null,
    channel     text not null,
    due_at      timestamptz not null default clock_timestamp(),
    attempts    integer not null default 0,
    lease_token uuid
);
comment on table alerting.outbox_due is 'Messages still to be sent. The small working set of the notifiers; its history is alerting.outbox.';
comment on column alerting.outbox_due.due_at is 'When it may be claimed: at once, after a backoff, or when the lease of lease_token has run out.';
create index outbox_due_in_order on alerting.outbox_due (channel, due_at);

create function alerting.message_id(p_alert_id uuid, p_channel text) returns uuid
    language sql immutable strict parallel safe as
$$
    select encode(substr(sha256(uuid_send(p_alert_id) || convert_to(p_channel, 'UTF8')), 1, 16), 'hex')::uuid
$$;
comment on function alerting.message_id is 'The id of the message that brings an alert on a channel: the same whenever it is made.';

create function alerting.make_due() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
begin
    insert into alerting.outbox_due (message_id, alert_id, event_date, channel)
    select message_id, alert_id, event_date, channel from new_rows;
    -- NOTIFY takes a global lock at commit: one per statement and channel, never one per row
    perform pg_notify('alerting_outbox', channel) from (select distinct channel from new_rows) c;
    return null;
end
$$;
create trigger make_due after insert on alerting.outbox referencing new table as new_rows
    for each statement execute function alerting.make_due();

-- An alert comes with its messages: the engine writes alerts alone, and an alert that was there already makes none again.
create function alerting.make_messages() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
begin
    insert into alerting.outbox (message_id, alert_id, event_date, channel)
    select alerting.message_id(alert_id, channel), alert_id, event_date, channel
      from new_rows cross join unnest(channels) channel;
    return null;
end
$$;
create trigger make_messages after insert on alerting.alert referencing new table as new_rows
    for each statement execute function alerting.make_messages();

create table alerting.delivery_attempt (
    message_id   uuid not null,
    event_date   date not null,
    attempt_no   integer not null,
    target       text not null,
    started_at   timestamptz not null,
    finished_at  timestamptz not null,
    outcome      text not null,
    reason       text,
    provider_ref text,
    constraint attempt_is_recorded_once primary key (message_id, attempt_no, target, event_date),
    constraint outcome_is_known check (outcome in ('SENT', 'RETRY', 'DROP')),
    constraint reason_unless_sent check (outcome = 'SENT' or reason is not null)
) partition by range (event_date);
comment on column alerting.delivery_attempt.target is 'The device''s push_id, or the sha256 of the address: the address itself is personal data.';
comment on column alerting.delivery_attempt.attempt_no is 'Starts at 1 and counts the claims of the message.';
create table alerting.delivery_attempt_default partition of alerting.delivery_attempt default;

create table alerting.engine_position (
    topic      text not null,
    partition  integer not null,
    topic_id   text not null,
    position   bigint not null,
    written_at timestamptz not null default clock_timestamp(),
    written_by text not null,
    primary key (topic, partition)
);
comment on column alerting.engine_position.topic_id is 'Kafka''s identity of the topic: another one means the topic was recreated, and the engine halts.';
comment on column alerting.engine_position.position is 'The next offset to be judged.';

create table alerting.quarantine (
    quarantine_id  bigint generated always as identity primary key,
    topic          text not null,
    topic_id       text not null,
    partition      integer not null,
    position       bigint not null,
    event_key      bytea,
    event_value    bytea,
    reason         text not null,
    quarantined_at timestamptz not null default clock_timestamp(),
    quarantined_by text not null,
    constraint quarantined_once unique (topic_id, partition, position)
);
comment on table alerting.quarantine is 'What the engine could not decode or judge. Rows are looked at by an operator; the rest flowed on.';

create table alerting.capture_heartbeat (
    only_row  boolean primary key default true,
    beat_at   timestamptz not null default clock_timestamp(),
    constraint heartbeat_has_one_row check (only_row)
);
comment on table alerting.capture_heartbeat is 'Written by the connector''s heartbeat action; that it comes back through capture proves the flow.';
insert into alerting.capture_heartbeat default values;
create trigger refuse_truncate before truncate on alerting.capture_heartbeat for each statement execute function
    bank.refuse_statement('capture does not see it', 'Leave it alone.');

create function alerting.add_partitions(p_from date, p_until date) returns integer
    language plpgsql as
$$
declare
    v_month date;
    v_table text;
    v_name text;
    v_made integer := 0;
begin
    -- two at once would both find the same table missing
    perform pg_advisory_xact_lock(hashtext('alerting.add_partitions'));
    for v_month in select generate_series(date_trunc('month', p_from::timestamp), p_until::timestamp, '1 month')::date loop
        foreach v_table in array '{bank.account_entry,alerting.alert,alerting.outbox,alerting.delivery_attempt}'::text[] loop
            v_name := v_table || to_char(v_month, '"_"YYYY"_"MM');
            continue when to_regclass(v_name) is not null;
            begin
                execute format('create table %s partition of %s for values from (%L) to (%L) %s',
                    v_name, v_table, v_month, (v_month + interval '1 month')::date,
                    case v_table when 'alerting.outbox' then 'with (fillfactor = 80)' end);
                v_made := v_made + 1;
            exception when check_violation then
                raise warning '% has no partition for %: rows of that month are in %_default already',
                        v_table, to_char(v_month, 'YYYY-MM'), v_table
                    using hint = 'They are whole there, and so are those to come: leave them. Make the partitions of a month before its first row.';
            end;
        end loop;
    end loop;
    return v_made;
end
$$;
comment on function alerting.add_partitions is
    'Makes the monthly partitions of events, alerts, messages and attempts for the dates given, but for a month whose rows are in the default partition: it warns of those. Returns how many were made. Safe to repeat, and at once.';
