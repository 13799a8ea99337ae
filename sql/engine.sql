-- What the engine asks of PostgreSQL and writes into it.
-- Writing a batch is one transaction: move_positions, then the alerts and their messages, then what is quarantined.

-- name: read_layout$
-- How many partitions the topics by account have.
select partitions from alerting.topic_layout;

-- name: read_positions
-- How far each partition of a topic was judged.
select partition, topic_id, position from alerting.engine_position where topic = :topic and partition = any (:partitions);

-- name: start_position!
-- The first position of a partition that was never judged.
insert into alerting.engine_position (topic, partition, topic_id, position, written_by)
values (:topic, :partition, :topic_id, :position, :engine)
on conflict (topic, partition) do nothing;

-- name: move_positions#
-- Begins the transaction of a batch. Compare-and-set: hits as many rows as it was given, or another engine has judged meanwhile.
begin;
update alerting.engine_position p
   set position = m.next, written_at = clock_timestamp(), written_by = %(engine)s
  from unnest(%(partitions)s::integer[], %(expected)s::bigint[], %(next)s::bigint[]) m (partition, expected, next)
 where p.topic = %(topic)s and p.topic_id = %(topic_id)s and p.partition = m.partition and p.position = m.expected;

-- name: copy_alerts#
-- Alerts, straight in: fast, and refused whole where one is there already. A trigger adds their messages.
copy alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
    channels, event_time, inserted_at, committed_at, on_kafka_at, decided_at, evidence) from stdin;

-- name: make_staging#
-- Where alerts wait when some of them may be there already.
create temporary table if not exists staged_alert (like alerting.alert including defaults) on commit delete rows;

-- name: copy_staged#
-- The alerts of a batch in which some may be there already.
copy staged_alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
    channels, event_time, inserted_at, committed_at, on_kafka_at, decided_at, evidence) from stdin;

-- name: insert_staged!
-- Of the staged alerts those that are new, with their messages.
insert into alerting.alert select * from staged_alert on conflict do nothing;

-- name: copy_seen#
-- Events that something remembered was judged on, in that order.
copy alerting.seen_event (event_kind, event_id, event_date, account_id, customer_id) from stdin;

-- name: put_preference_memory!
-- What is remembered of preferences from here on.
insert into alerting.preference_memory as m (account_id, customer_id, alert_type, preference_no, armed, last_alert_time)
select * from unnest(:account_id::text[], :customer_id::bigint[], :alert_type::text[], :preference_no::integer[], :armed::boolean[],
                     :last_alert_time::timestamptz[])
on conflict (account_id, customer_id, alert_type, preference_no)
do update set armed = excluded.armed, last_alert_time = excluded.last_alert_time;

-- name: put_last_seen!
-- When groups were last seen; the newest time stays.
insert into alerting.last_seen as l (alert_type, definition, account_id, customer_id, group_key, last_time)
select * from unnest(:alert_type::text[], :definition::text[], :account_id::text[], :customer_id::bigint[], :group_key::text[],
                     :last_time::timestamptz[])
on conflict (account_id, customer_id, alert_type, definition, group_key)
do update set last_time = excluded.last_time where l.last_time < excluded.last_time;

-- name: park_type!
-- An alert type that does not compile, with the reason; once for a version of the catalogue.
insert into alerting.parked_type (alert_type, catalogue_version, reason) values (:alert_type, :catalogue_version, :reason)
on conflict do nothing;

-- name: list_parked
-- Alert types that are parked as they are now, with the newest reason.
select distinct on (p.alert_type) p.alert_type, p.reason
  from alerting.parked_type p
  join audit.alert_type_history h
    on h.alert_type = p.alert_type and h.until_version is null and h.from_version <= p.catalogue_version
 order by p.alert_type, p.catalogue_version desc;

-- name: quarantine!
-- A record that could not be decoded or judged; once, however often it is read.
insert into alerting.quarantine (topic, topic_id, partition, position, event_key, event_value, reason, quarantined_by)
values (:topic, :topic_id, :partition, :position, :event_key, :event_value, :reason, :engine)
on conflict (topic_id, partition, position) do nothing;

-- name: read_seen
-- Those of these events that were judged before by something that remembers.
select s.event_kind, s.event_id, s.event_date
  from unnest(:kinds::text[], :ids::text[], :dates::date[]) w (event_kind, event_id, event_date)
  join alerting.seen_event s using (event_kind, event_id, event_date);

-- name: read_account_entries
-- The account entries of these accounts after a time (null: from the first) and until one (null: to the newest), with what windows read.
select w.request_no, e.entry_id as event_id, e.booking_date as event_date, e.entry_id, e.account_id, null::bigint as customer_id, e.amount_minor,
       e.currency, e.status, e.balance_after_minor, e.entry_type, e.original_amount_minor, e.original_currency,
       e.counterparty_account, e.description, e.event_time, e.inserted_at, e.transaction_id
  from unnest(:owners::text[], :after_us::bigint[], :until_us::bigint[]) with ordinality w (account_id, after_us, until_us, request_no)
  join bank.account_entry e
    on e.account_id = w.account_id
   and e.event_time > coalesce('epoch'::timestamptz + w.after_us * interval '1 microsecond', '-infinity')
   and e.event_time <= coalesce('epoch'::timestamptz + w.until_us * interval '1 microsecond', 'infinity');

-- name: read_card_authorisations
-- The same of card authorisations.
select w.request_no, e.authorisation_id as event_id, e.authorised_on as event_date, e.authorisation_id, e.account_id, null::bigint as customer_id,
       e.card_token, e.amount_minor, e.currency, e.original_amount_minor, e.original_currency, e.merchant_id,
       e.merchant_category, e.country, e.card_present, e.outcome, e.outcome as status, e.decline_reason, e.event_time,
       e.inserted_at, e.transaction_id
  from unnest(:owners::text[], :after_us::bigint[], :until_us::bigint[]) with ordinality w (account_id, after_us, until_us, request_no)
  join bank.card_authorisation e
    on e.account_id = w.account_id
   and e.event_time > coalesce('epoch'::timestamptz + w.after_us * interval '1 microsecond', '-infinity')
   and e.event_time <= coalesce('epoch'::timestamptz + w.until_us * interval '1 microsecond', 'infinity');

-- name: read_payment_orders
-- The same of payment orders.
select w.request_no, e.status_change_id as event_id, e.changed_on as event_date, e.status_change_id, e.order_id, e.account_id,
       null::bigint as customer_id, e.status, e.disclosable_reason, e.amount_minor, e.currency, e.event_time, e.inserted_at,
       e.transaction_id
  from unnest(:owners::text[], :after_us::bigint[], :until_us::bigint[]) with ordinality w (account_id, after_us, until_us, request_no)
  join bank.payment_order e
    on e.account_id = w.account_id
   and e.event_time > coalesce('epoch'::timestamptz + w.after_us * interval '1 microsecond', '-infinity')
   and e.event_time <= coalesce('epoch'::timestamptz + w.until_us * interval '1 microsecond', 'infinity');

-- name: read_customer_activity
-- The same of the activity of customers.
select w.request_no, e.activity_id as event_id, e.occurred_on as event_date, e.activity_id, null::text as account_id, e.customer_id,
       e.activity_type, null::text as status, e.properties, e.event_time, e.inserted_at, e.transaction_id
  from unnest(:owners::bigint[], :after_us::bigint[], :until_us::bigint[]) with ordinality w (customer_id, after_us, until_us, request_no)
  join bank.customer_activity e
    on e.customer_id = w.customer_id
   and e.event_time > coalesce('epoch'::timestamptz + w.after_us * interval '1 microsecond', '-infinity')
   and e.event_time <= coalesce('epoch'::timestamptz + w.until_us * interval '1 microsecond', 'infinity');

-- name: read_last_seen
-- When the groups of these accounts and customers were last seen.
select account_id, customer_id, definition, group_key, last_time
  from alerting.last_seen
 where account_id = any (:accounts::text[]) or (account_id is null and customer_id = any (:customers::bigint[]));

-- name: read_preference_memory
-- What is remembered of the preferences on these accounts, and of these customers' without an account.
select account_id, customer_id, alert_type, preference_no, armed, last_alert_time
  from alerting.preference_memory
 where account_id = any (:accounts::text[]) or (account_id is null and customer_id = any (:customers::bigint[]));

-- name: read_permissions_at
-- The permissions of accounts as they were at given state versions.
select w.account_id, w.version, h.customer_id, h.may_see_balance, h.valid_from, h.valid_until, h.from_version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
  join audit.account_permission_history h on h.account_id = w.account_id and h.from_version <= w.version
   and (h.until_version is null or w.version < h.until_version);

-- name: read_preferences_at
-- The preferences of accounts as they were at given state versions.
select w.account_id, w.version, h.customer_id, h.alert_type, h.preference_no, h.currency, h.parameters, h.channels, h.enabled, h.from_version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
  join audit.alert_preference_history h on h.account_id = w.account_id and h.from_version <= w.version
   and (h.until_version is null or w.version < h.until_version);

-- name: read_customer_preferences_at
-- The preferences of customers, on no account, as they were at given state versions.
select w.customer_id, w.version, h.alert_type, h.preference_no, h.parameters, h.channels, h.enabled, h.from_version
  from unnest(:customers::bigint[], :versions::bigint[]) w (customer_id, version)
  join audit.customer_preference_history h on h.customer_id = w.customer_id and h.from_version <= w.version
   and (h.until_version is null or w.version < h.until_version);

-- name: read_alert_types_at
-- The alert types as they were at a catalogue version.
select alert_type, event_kind, statuses, condition, parameters, uses_balance, mandatory, default_channels, purpose,
       window_aggregate, window_value, window_group, window_condition, window_length, window_lateness,
       cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key, timer_after, timer_schedule
  from audit.alert_type_history
 where from_version <= :version and (until_version is null or :version < until_version);

-- name: read_catalogue_version$
-- The newest version of the catalogue.
select catalogue_version from bank.catalogue;

-- name: read_unknown_versions
-- Those stamps that this database has not reached, of accounts that it has or had: their events cannot have come from it.
select w.account_id, w.version
  from unnest(:accounts::text[], :versions::bigint[]) w (account_id, version)
 where w.version > coalesce(
    (select a.state_version from bank.account a where a.account_id = w.account_id),
    (select max(coalesce(h.until_version, h.from_version)) from audit.account_permission_history h where h.account_id = w.account_id),
    -1);

-- name: read_unknown_customer_versions
-- The same of customers.
select w.customer_id, w.version
  from unnest(:customers::bigint[], :versions::bigint[]) w (customer_id, version)
 where w.version > coalesce(
    (select c.state_version from bank.customer c where c.customer_id = w.customer_id),
    (select max(coalesce(h.until_version, h.from_version)) from audit.customer_preference_history h where h.customer_id = w.customer_id),
    -1);

-- name: end_stopped_writers
-- Ends the sessions that have held positions for longer than a write may take; returns their processes.
select pg_terminate_backend(a.pid), a.pid
  from pg_stat_activity a
 where a.pid <> pg_backend_pid() and a.datname = current_database() and a.usename = current_user
   and a.xact_start < clock_timestamp() - make_interval(secs => :stopped_for_s)
   and exists (select from pg_locks l
                where l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
                  and l.relation = 'alerting.engine_position'::regclass);
