-- What the engine remembers of events (design 4.4), written with the positions of the events that it comes from.
--
-- seen_event         events that something remembered was judged on, in the order they were judged: the order in which windows,
--                    cool-downs and timers saw them. An event that is here is never judged by those again.
-- last_seen          when something was last seen that has to be known for longer than events are kept.
-- preference_memory  what a cool-down and a re-arm margin have to know of a preference.
-- parked_type        alert types that the engine could not compile: nothing is judged by them.

create sequence alerting.seen_no;

create table alerting.seen_event (
    seen_no     bigint not null default nextval('alerting.seen_no'),
    event_kind  text collate "C" not null,
    event_id    text collate "C" not null,
    event_date  date not null,
    account_id  text collate "C",
    customer_id bigint,
    constraint event_is_seen_once primary key (event_id, event_date, event_kind),
    constraint seen_for_account_or_customer check (account_id is not null or customer_id is not null)
) partition by range (event_date);
comment on table alerting.seen_event is
    'Events that were judged by something that remembers, in that order. f was seen before e where f.seen_no < e.seen_no; an f that is not here, where f.transaction_id < e.seen_below.';
comment on column alerting.seen_event.seen_no is 'Ascending in the order of judging, among the events of one account (or customer); with gaps.';
create table alerting.seen_event_default partition of alerting.seen_event default;

create table alerting.last_seen (
    alert_type  text collate "C" not null,
    definition  text collate "C" not null,
    account_id  text collate "C",
    customer_id bigint,
    group_key   text collate "C" not null,
    last_time   timestamptz not null,
    constraint last_seen_once unique nulls not distinct (account_id, customer_id, alert_type, definition, group_key)
);
comment on table alerting.last_seen is 'The newest event time of each group of a window without length (SINCE): it outlives the events.';
comment on column alerting.last_seen.definition is 'Digest of what the type counts; where that changes, older rows are no longer read.';
comment on column alerting.last_seen.group_key is 'Digest of the values that the type groups by.';
create index last_seen_of_customer on alerting.last_seen (customer_id) where account_id is null;

create table alerting.preference_memory (
    account_id      text collate "C",
    customer_id     bigint not null,
    alert_type      text collate "C" not null,
    preference_no   integer not null,
    armed           boolean not null,
    last_alert_time timestamptz,
    constraint preference_remembered_once unique nulls not distinct (account_id, customer_id, alert_type, preference_no)
);
comment on table alerting.preference_memory is 'What a preference with a cool-down or a re-arm margin has to know of its past.';
comment on column alerting.preference_memory.armed is 'False after an alert decided under a re-arm margin, until an event meets the type''s rearm_condition.';
comment on column alerting.preference_memory.last_alert_time is 'Event time of the newest alert decided under a cool-down.';
create index preference_memory_of_customer on alerting.preference_memory (customer_id) where account_id is null;

create table alerting.parked_type (
    alert_type        text collate "C" not null,
    catalogue_version bigint not null,
    reason            text not null,
    parked_at         timestamptz not null default clock_timestamp(),
    constraint parked_once_per_version primary key (alert_type, catalogue_version)
);
comment on table alerting.parked_type is 'Alert types that the engine could not compile, by catalogue version: nothing is judged by them, the others go on.';
