-- What the notifier asks PostgreSQL for the channel INBOX, and the bank's app of what it wrote.

-- name: write_messages!
-- Put messages into their customers' lists. One that is there already stays as it is, with its read mark: it was sent twice.
insert into bank.inbox_message (message_id, customer_id, alert_type, subject, body)
select m.message_id, m.customer_id, m.alert_type, m.subject, m.body
  from unnest(:message_ids::uuid[], :customer_ids::bigint[], :alert_types::text[], :subjects::text[], :bodies::text[])
       as m (message_id, customer_id, alert_type, subject, body)
    on conflict (message_id) do nothing;

-- name: read_messages
-- A customer's list, the newest first, as the bank's app shows it.
select message_id, alert_type, subject, body, written_at, read_at
  from bank.inbox_message
 where customer_id = :customer_id
 order by written_at desc
 limit :most;

-- name: mark_read!
-- The customer has read these; the first time counts. Only the customer's own are marked.
update bank.inbox_message set read_at = clock_timestamp()
 where message_id = any(:message_ids::uuid[]) and customer_id = :customer_id and read_at is null;
