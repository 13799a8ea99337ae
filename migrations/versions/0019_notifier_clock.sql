-- What a message keeps while it goes back and forth between the outbox and a notifier.
--
-- A place in the window of a throttled type belongs to the message that got it: given back, paused or looked up a second time, it
-- counts once.
--
-- A message that a digest told has an attempt that says which: provider 'digest', provider_ref the message that brought it. When a receipt
-- says that this one failed, so did what it told: each goes out on the channel to fall back to.

alter table alerting.outbox_due add has_place boolean not null default false;
comment on column alerting.outbox_due.has_place is 'It got a place in the window of its throttled alert type, and asks for none again.';
comment on column alerting.delivery_attempt.provider is
    'The name of the provider that was called; null where none was. digest: provider_ref is the message of the digest that told this one.';

create or replace function alerting.apply_receipt(
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
        -- what it told as a digest reached the customer no more than itself did
        with told as (
            update alerting.outbox o
               set state = 'FAILED',
                   reason = concat_ws(' ', 'as its digest', v_message.message_id::text || ':',
                                      case p_status when 'BOUNCED' then 'bounced' else 'taken and not delivered' end, p_reason)
              from alerting.delivery_attempt t
             where t.provider_ref = v_message.message_id::text and t.provider = 'digest'
               and o.message_id = t.message_id and o.event_date = t.event_date and o.state = 'SUPPRESSED'
            returning o.alert_id, o.event_date
        ), failed as (
            select alert_id, event_date from told
            union all
            select v_message.alert_id, v_message.event_date
        )
        insert into alerting.outbox (message_id, alert_id, event_date, channel, falls_back_from)
        select alerting.message_id(a.alert_id, p.falls_back_to), a.alert_id, a.event_date, p.falls_back_to, v_message.channel
          from alerting.channel_policy p, failed f
          join alerting.alert a on a.alert_id = f.alert_id and a.event_date = f.event_date
         where p.channel = v_message.channel and p.falls_back_to is not null and a.alert_type <> all (p_without_fallback)
            on conflict do nothing;
    end if;
    return 'APPLIED';
end
$$;
