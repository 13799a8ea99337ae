-- Delivery: what is known of a message's way, and what holds it up.
--
-- States of a message: PENDING; ACCEPTED (a provider took it); DELIVERED (a receipt said so); FAILED; SUPPRESSED; EXPIRED; UNKNOWN (it
-- may have been sent, and nobody can tell). All but PENDING are final, but for receipts. A message in the hands of a notifier is PENDING
-- still; its lease is in outbox_due, and audit.outbox_history calls it LEASED: a state of its own would be a second write for each claim.

alter table alerting.outbox
    add delivered_at timestamptz,
    add may_be_twice boolean not null default false,
    add falls_back_from text,
    drop constraint state_is_known,
    drop constraint handed_when_accepted,
    drop constraint failed_or_suppressed_for_a_reason,
    add constraint state_is_known
        check (state in ('PENDING', 'ACCEPTED', 'DELIVERED', 'FAILED', 'SUPPRESSED', 'EXPIRED', 'UNKNOWN')),
    add constraint handed_when_accepted check (state not in ('ACCEPTED', 'DELIVERED') or handed_at is not null),
    add constraint ended_otherwise_for_a_reason check (state in ('PENDING', 'ACCEPTED', 'DELIVERED') or reason is not null);
comment on column alerting.outbox.delivered_at is 'When it reached the customer, as a receipt says.';
comment on column alerting.outbox.may_be_twice is 'A provider took it after an attempt of which nobody knows whether it was sent: it may have come twice.';
comment on column alerting.outbox.falls_back_from is 'The channel on which the alert could not be brought; null: the customer asked for this one.';

alter table alerting.outbox_due
    add held_for text,
    add rescued boolean not null default false;
comment on column alerting.outbox_due.held_for is
    'Why it waits although nothing failed: PAUSE:<scope>, QUIET, or DIGEST:<customer>:<alert type>. Null: it is not held.';
comment on column alerting.outbox_due.rescued is 'A lease of it ran out: its notifier ended, and may have sent it.';
create index outbox_due_held on alerting.outbox_due (held_for) where held_for is not null;

alter table alerting.delivery_attempt
    add provider text,
    add receipt text,
    add receipt_at timestamptz,
    drop constraint outcome_is_known,
    add constraint outcome_is_known check (outcome in ('SENT', 'RETRY', 'DROP', 'UNKNOWN')),
    add constraint receipt_is_known check (receipt in ('DELIVERED', 'BOUNCED', 'FAILED'));
comment on column alerting.delivery_attempt.provider is 'The name of the provider that was called; null where none was.';
comment on column alerting.delivery_attempt.outcome is
    'SENT: it took the message. RETRY: certainly not taken, may be later. DROP: refused for good. UNKNOWN: it may have been taken.';
comment on column alerting.delivery_attempt.receipt is 'What the provider said later: the first word it gave.';

create table alerting.channel_policy (
    channel           text primary key,
    retries_unknown   boolean not null default true,
    unknown_tries_max integer not null default 3,
    falls_back_to     text,
    constraint some_tries check (unknown_tries_max between 1 and 20),
    constraint no_fallback_to_itself check (falls_back_to <> channel)
);
comment on table alerting.channel_policy is 'How a channel is drained. A channel without a row has the defaults, and falls back to none.';
comment on column alerting.channel_policy.retries_unknown is
    'Whether a message that may have been sent is sent again: better twice, and marked, than never. False: it ends UNKNOWN.';
comment on column alerting.channel_policy.unknown_tries_max is 'After so many attempts whose outcome is unknown a message ends UNKNOWN all the same.';
comment on column alerting.channel_policy.falls_back_to is 'The channel that brings the alert when this one fails for good.';
insert into alerting.channel_policy (channel, falls_back_to) values ('PUSH', 'SMS'), ('SMS', null), ('EMAIL', null), ('WEBHOOK', null), ('INBOX', null);

create table alerting.pause (
    pause_id bigint generated always as identity primary key,
    scope    text not null,
    reason   text not null,
    made_by  text not null default session_user,
    made_at  timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    ended_by text,
    constraint scope_is_known check (scope = 'ALL' or scope ~ '^(CHANNEL|TYPE):[A-Z][A-Z0-9_]*$'),
    constraint ended_by_somebody check ((ended_at is null) = (ended_by is null))
);
comment on table alerting.pause is 'What operators, or the brake, hold up. Ended ones stay as history.';
create unique index one_open_pause_per_scope on alerting.pause (scope) where ended_at is null;

create table alerting.suppressed_address (
    channel    text not null,
    target     text not null,
    reason     text not null,
    message_id uuid,
    since      timestamptz not null default clock_timestamp(),
    primary key (channel, target)
);
comment on table alerting.suppressed_address is 'Addresses that providers called dead: nothing is sent to them until the row is deleted.';
comment on column alerting.suppressed_address.target is 'As in delivery_attempt: the sha256 of the address, or the device''s push_id.';

create table alerting.pilot (
    alert_type text primary key,
    since      timestamptz not null default clock_timestamp()
);
comment on table alerting.pilot is 'Alert types that are decided for all and sent to a few.';
create table alerting.pilot_customer (
    alert_type  text not null references alerting.pilot on delete cascade,
    customer_id bigint not null,
    primary key (alert_type, customer_id)
);

create table alerting.type_volume (
    alert_type text not null,
    minute     timestamptz not null,
    messages   bigint not null,
    primary key (alert_type, minute)
);
comment on table alerting.type_volume is 'How many messages of an alert type went out in a minute: the brake''s measure. Kept for 8 days.';

create table alerting.throttle (
    customer_id    bigint not null,
    alert_type     text not null,
    channel        text not null,
    window_ends_at timestamptz not null,
    sent           integer not null,
    held           integer not null,
    primary key (customer_id, alert_type, channel)
);
comment on table alerting.throttle is 'How many messages of a type a customer got in the window that runs, and how many were held back for a digest.';

create function alerting.pause(p_scope text, p_reason text) returns bigint
    language sql as
$$
    select pg_notify('alerting_control', p_scope);
    with made as (
        insert into alerting.pause (scope, reason) values (p_scope, p_reason)
            on conflict (scope) where ended_at is null do nothing
        returning pause_id
    )
    select pause_id from made
    union all
    select pause_id from alerting.pause where scope = p_scope and ended_at is null
     limit 1;
$$;
comment on function alerting.pause is 'Holds up everything (ALL), a channel (CHANNEL:x) or an alert type (TYPE:x). Repeatable; returns the open pause.';

create function alerting.resume(p_scope text) returns boolean
    language sql as
$$
    select pg_notify('alerting_control', p_scope);
    with ended as (
        update alerting.pause set ended_at = clock_timestamp(), ended_by = session_user
         where scope = p_scope and ended_at is null
        returning pause_id
    )
    select exists (select from ended);
$$;
comment on function alerting.resume is 'Ends a pause; what it held is sent. False: there was none.';

create function alerting.brake(p_alert_type text, p_messages_last_minute bigint, p_limit bigint) returns boolean
    language sql as
$$
    with made as (
        insert into alerting.pause (scope, reason, made_by)
        values ('TYPE:' || p_alert_type,
                format('%s messages in a minute, %s are its limit', p_messages_last_minute, p_limit), 'brake')
            on conflict (scope) where ended_at is null do nothing
        returning scope
    )
    select count(pg_notify('alerting_control', scope)) > 0 from made;
$$;
comment on function alerting.brake is 'Pauses an alert type that sends far more than it normally does. False: it is paused already.';

create or replace view audit.outbox_history as
select o.message_id, a.alert_id, a.event_kind, a.event_id, a.event_date, a.account_id, a.customer_id, a.alert_type, a.preference_no,
       o.channel, case when o.state = 'PENDING' and d.lease_token is not null and d.due_at > now() then 'LEASED' else o.state end as state,
       o.reason, a.event_time, a.inserted_at, a.committed_at, a.on_kafka_at, a.decided_at,
       o.written_at, o.claimed_at, o.handed_at, o.finished_at,
       (select count(*) from alerting.delivery_attempt t where t.message_id = o.message_id and t.event_date = o.event_date) as attempts,
       a.evidence, o.delivered_at, o.may_be_twice, o.falls_back_from, d.held_for, d.due_at
  from alerting.outbox o
  join alerting.alert a on a.alert_id = o.alert_id and a.event_date = o.event_date
  left join alerting.outbox_due d on d.message_id = o.message_id;
