-- What the notifier asks PostgreSQL when providers report on messages. As in notifier.sql, no statement is on alerting and bank at once.

-- name: apply_receipts
-- Apply receipts in their order; says of each what became of it (alerting.apply_receipt).
select alerting.apply_receipt(:provider, r.provider_ref, r.status, r.reason, r.said_at, :without_fallback::text[]) as outcome
  from unnest(:provider_refs::text[], :statuses::text[], :reasons::text[], :said_at::timestamptz[])
       with ordinality as r (provider_ref, status, reason, said_at, n);

-- name: read_types_without_fallback
-- The alert types whose messages go out on no other channel when theirs fails.
select alert_type from bank.alert_type where purpose = 'MARKETING';

-- name: count_refused!
-- Add to the counts of refused receipts of today (UTC).
insert into alerting.refused_receipt as r (day, provider, reason, receipts)
select (now() at time zone 'UTC')::date, c.provider, c.reason, c.receipts
  from unnest(:providers::text[], :reasons::text[], :receipts::bigint[]) as c (provider, reason, receipts)
    on conflict (day, provider, reason) do update set receipts = r.receipts + excluded.receipts;

-- name: read_takers
-- Who took a message, or may have, for each of its targets: the newest attempt's provider.
select distinct on (target) target, provider
  from alerting.delivery_attempt
 where message_id = :message_id and outcome in ('SENT', 'UNKNOWN') and provider is not null
 order by target, outcome = 'SENT' desc, attempt_no desc;

-- name: keep_delay!
-- A provider still tries to deliver a message to a target: nothing is settled by that.
insert into alerting.receipt (message_id, event_date, attempt_no, target, status, provider, reason, said_at)
select message_id, event_date, attempt_no, target, 'DELAYED', provider, :reason, :said_at
  from alerting.delivery_attempt
 where message_id = :message_id and target = :target and outcome in ('SENT', 'UNKNOWN') and provider is not null
 order by outcome = 'SENT' desc, attempt_no desc
 limit 1
    on conflict do nothing;
