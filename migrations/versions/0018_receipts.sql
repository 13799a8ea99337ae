-- Receipts: what a provider says of a message after it took it. Delivered; bounced (there is no such address); failed.
--
-- receipt           one row per receipt that was applied: an attempt has at most one of each status, so a repetition changes nothing.
-- refused_receipt   how many were refused, and why. Counts alone: what was refused is not kept.
--
-- apply_receipt finds the attempt by the provider's own name for the message, or by the idempotency key that it was sent with: where
-- the answer was lost, the provider's name is not known. The first receipt of an attempt is its word (delivery_attempt.receipt); one
-- that says otherwise later is kept in receipt and changes no state. A bounce puts the address into alerting.suppressed_address
-- whenever it comes. The message follows its attempts: ACCEPTED or UNKNOWN -> DELIVERED when one target has it; -> FAILED when every
-- target that took it, or may have, bounced or failed; then its alert goes out on the channel to fall back to.

create index delivery_attempt_of_provider_ref on alerting.delivery_attempt (provider_ref) where provider_ref is not null;

create table alerting.receipt (
    message_id  uuid not null,
    event_date  date not null,
    attempt_no  integer not null,
    target      text not null,
    status      text not null,
    provider    text not null,
    reason      text,
    said_at     timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    constraint receipt_is_applied_once primary key (message_id, attempt_no, target, status, event_date),
    constraint status_is_known check (status in ('DELIVERED', 'BOUNCED', 'FAILED')),
    constraint reason_is_a_code check (reason ~ '^[A-Za-z0-9._:-]{1,64}$')
) partition by range (event_date);
comment on table alerting.receipt is 'What providers said of messages after they took them. One row for each attempt and status.';
comment on column alerting.receipt.reason is 'The provider''s code. Never its text: that may hold an address.';
comment on column alerting.receipt.said_at is 'When it happened, by the provider''s clock.';
create table alerting.receipt_default partition of alerting.receipt default;

create table alerting.refused_receipt (
    day      date not null,
    provider text not null,
    reason   text not null,
    receipts bigint not null,
    primary key (day, provider, reason)
);
comment on table alerting.refused_receipt is 'How many receipts were refused on each day (UTC).';
comment on column alerting.refused_receipt.provider is 'Who sent them; ''?'' where no signature says so.';

create function alerting.apply_receipt(
    p_provider text, p_provider_ref text, p_status text, p_reason text, p_at timestamptz, p_without_fallback text[] default '{}'
) returns text
    language plpgsql as
$$
declare
    v_attempt alerting.delivery_attempt;
    v_message alerting.outbox;
begin
    -- a provider may use a name again after months: the newest is meant
    select * into v_attempt from alerting.delivery_attempt
     where provider_ref = p_provider_ref and provider = p_provider
     order by started_at desc limit 1;
    if not found and p_provider_ref ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[.][0-9a-f]{16}$' then
        -- the message's id, and the start of the sha256 of the address (which is the target's own key) or of the device
        select * into v_attempt from alerting.delivery_attempt
         where message_id = split_part(p_provider_ref, '.', 1)::uuid and provider = p_provider and outcome in ('SENT', 'UNKNOWN')
           and split_part(p_provider_ref, '.', 2) in (left(target, 16), left(encode(sha256(convert_to(target, 'UTF8')), 'hex'), 16))
         order by outcome = 'SENT' desc, attempt_no desc limit 1;
    end if;
    if not found then
        return 'UNKNOWN_MESSAGE';
    end if;
    -- the message first: receipts of one message, and the notifier that records it, take turns
    select * into strict v_message from alerting.outbox
     where message_id = v_attempt.message_id and event_date = v_attempt.event_date for update;

    insert into alerting.receipt (message_id, event_date, attempt_no, target, status, provider, reason, said_at)
    values (v_attempt.message_id, v_attempt.event_date, v_attempt.attempt_no, v_attempt.target, p_status, p_provider, p_reason, p_at)
        on conflict do nothing;
    if not found then
        return 'REPEATED';
    end if;
    if p_status = 'BOUNCED' then
        insert into alerting.suppressed_address (channel, target, reason, message_id)
        values (v_message.channel, v_attempt.target, concat_ws(' ', 'bounced', p_reason), v_message.message_id)
            on conflict do nothing;
    end if;
    update alerting.delivery_attempt set receipt = p_status, receipt_at = p_at
     where message_id = v_attempt.message_id and event_date = v_attempt.event_date and attempt_no = v_attempt.attempt_no
       and target = v_attempt.target and receipt is null;
    if not found then
        return 'CONTRADICTED';
    end if;
    if p_status = 'DELIVERED' then
        -- of one that is PENDING still, for another target, delivered_at says it until record_messages concludes it
        update alerting.outbox
           set delivered_at = coalesce(delivered_at, p_at), handed_at = coalesce(handed_at, p_at),
               state = case when state in ('ACCEPTED', 'UNKNOWN') then 'DELIVERED' else state end,
               reason = case when state in ('ACCEPTED', 'UNKNOWN') then null else reason end
         where message_id = v_message.message_id and event_date = v_message.event_date;
        return 'APPLIED';
    end if;
    update alerting.outbox
       set state = 'FAILED', reason = concat_ws(' ', case p_status when 'BOUNCED' then 'bounced' else 'taken and not delivered' end, p_reason)
     where message_id = v_message.message_id and event_date = v_message.event_date and state in ('ACCEPTED', 'UNKNOWN')
       and not exists (select from alerting.delivery_attempt a
                        where a.message_id = v_message.message_id and a.event_date = v_message.event_date
                          and (a.outcome = 'SENT' or a.outcome = 'UNKNOWN' and v_message.state = 'UNKNOWN')
                          and (a.receipt is null or a.receipt = 'DELIVERED'));
    if found then
        insert into alerting.outbox (message_id, alert_id, event_date, channel, falls_back_from)
        select alerting.message_id(a.alert_id, p.falls_back_to), a.alert_id, a.event_date, p.falls_back_to, v_message.channel
          from alerting.channel_policy p, alerting.alert a
         where p.channel = v_message.channel and p.falls_back_to is not null
           and a.alert_id = v_message.alert_id and a.event_date = v_message.event_date and a.alert_type <> all (p_without_fallback)
            on conflict do nothing;
    end if;
    return 'APPLIED';
end
$$;
comment on function alerting.apply_receipt is
    'Takes one receipt. APPLIED; REPEATED: it was here before; CONTRADICTED: kept, but another one came first; UNKNOWN_MESSAGE: nothing has that name, nothing changed. Alert types in p_without_fallback go out on no other channel.';
