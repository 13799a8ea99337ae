-- tests/history_bank.py fills in :customers, :events, and :asked of them in the month that is asked about.
set session_replication_role = replica;
set timezone = 'UTC';
select alerting.add_partitions('2025-01-01', '2026-12-31');
insert into bank.customer (customer_id, full_name) select n, 'Customer ' || n from generate_series(1, :customers) n;
insert into bank.account (account_id, currency, state_version) select 'a-' || n, 'EUR', 9 from generate_series(1, :customers) n;
insert into bank.contact_address (customer_id, channel, address, verified_at)
select n, 'SMS', '+4917' || 100000000 + n, '2025-08-01' from generate_series(1, :customers) n;
insert into audit.account_permission_history
       (account_id, customer_id, from_version, until_version, role, may_see_balance, valid_from, began_at, began_by, ended_at, ended_by)
select 'a-' || n, n, v, case v when 1 then 2 end, case v when 1 then 'VIEWER' else 'OWNER' end, true, '2024-12-01',
       timestamptz '2024-12-01' + v * interval '1 day', 'core', case v when 1 then timestamptz '2024-12-03' end,
       case v when 1 then 'core' end
  from generate_series(1, :customers) n, generate_series(1, 2) v;
insert into audit.alert_preference_history
       (account_id, customer_id, alert_type, preference_no, from_version, until_version, currency, parameters, channels, enabled,
        began_at, began_by, ended_at, ended_by, began_app_user)
select 'a-' || n, n, t, 1, 2 + v, case when v < 4 then 3 + v end, 'EUR', jsonb_build_object('threshold_minor', 1000 * v), '{SMS}',
       true, timestamptz '2024-12-10' + v * interval '2 days', 'app', case when v < 4 then timestamptz '2024-12-12' + v * interval '2 days' end,
       case when v < 4 then 'app' end, 'customer-' || n
  from generate_series(1, :customers) n, unnest('{BALANCE_BELOW,DEBITED_ABOVE}'::text[]) t, generate_series(1, 4) v;
insert into audit.customer_preference_history
       (customer_id, alert_type, preference_no, from_version, parameters, channels, enabled, began_at, began_by)
select n, 'NEW_DEVICE', 1, 1, '{}', '{SMS}', true, '2025-01-15', 'app' from generate_series(1, :customers) n;
update audit.change set changed_at = '2024-11-01' where table_name = 'bank.message_template';
select vault.make_keys(array(select generate_series(1, :customers)::bigint));

insert into audit.change (change_no, table_name, row_key, customer_id, operation, changed, sealed, changed_at, changed_by)
select no, table_name, case when address is null then key else key || left(encode(vault.commitment(n, table_name, address), 'hex'), 32) end,
       n, operation, changed, case when address is not null then vault.seal(n, 'change:' || no, json_build_object(column_name, address)::text) end,
       changed_at, case when changed_at is not null then 'app' end
  from (select n, nextval('audit.change_no') as no, c.*
          from generate_series(1, :customers) n cross join lateral (values
            ('bank.contact_address', n || '|SMS|', 'INSERT', jsonb_build_object('customer_id', n, 'channel', 'SMS', 'verified_at', null),
             'address', '+4916' || 100000000 + n, timestamptz '2024-12-05'),
            ('bank.contact_address', n || '|SMS|', 'DELETE', jsonb_build_object('customer_id', n, 'channel', 'SMS', 'verified_at', null),
             'address', '+4916' || 100000000 + n, timestamptz '2025-08-01'),
            ('bank.contact_address', n || '|SMS|', 'INSERT', jsonb_build_object('customer_id', n, 'channel', 'SMS', 'verified_at', null),
             'address', '+4917' || 100000000 + n, timestamptz '2025-08-01'),
            ('bank.push_device', '', 'INSERT', jsonb_build_object('customer_id', n, 'platform', 'IOS', 'retired_at', null),
             'push_id', 'device-' || n, timestamptz '2025-09-01'),
            ('bank.customer_consent', n || '|MARKETING', 'INSERT', jsonb_build_object('customer_id', n, 'purpose', 'MARKETING', 'granted', true),
             null, null, timestamptz '2025-03-01'),
            ('bank.customer_consent', n || '|MARKETING', 'UPDATE', jsonb_build_object('customer_id', n, 'purpose', 'MARKETING', 'granted', false),
             null, null, timestamptz '2026-06-20'),
            ('bank.customer', n::text, 'FOUND', jsonb_build_object('customer_id', n, 'locale', 'nl'), null, null, null),
            ('bank.customer', n::text, 'UPDATE', jsonb_build_object('customer_id', n, 'locale', 'en'), null, null, timestamptz '2026-01-01')
          ) c (table_name, key, operation, changed, column_name, address, changed_at) offset 0) made;

create temporary table made as
select n, 1 + n % :customers as who, gen_random_uuid() as alert_id, at, at::date as day
  from (select n, case when n < :asked then timestamptz '2026-06-01' + n * interval '29 days' / :asked
                       when m < 17 then timestamptz '2025-01-01' + make_interval(months => m) + part * interval '27 days'
                       else timestamptz '2026-07-01' + make_interval(months => m - 17) + part * interval '27 days' end as at
          from (select n, floor(place)::integer as m, place - floor(place) as part
                  from (select n, 22.9999 * greatest(n - :asked, 0) / (:events - :asked) as place
                          from generate_series(0, :events - 1) n) p) q) r;
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, balance_after_minor, currency, occurred_at, event_time,
                                inserted_at, state_version, catalogue_version, transaction_id, seen_below)
select 'e-' || n, day, 'a-' || who, -5000, 1000, 'EUR', at, at, at, 9,
       (select catalogue_version from bank.catalogue), 1, 1
  from made;
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, committed_at, decided_at, written_at, evidence)
select alert_id, 'ACCOUNT_ENTRY', 'e-' || n, day, 'a-' || who, who, 'DEBITED_ABOVE', 1, '{SMS}', at, at, at, at, at,
       '{"event": {"amount_minor": -5000, "currency": "EUR"}, "parameters": {"threshold_minor": 4000}}'
  from made;
insert into alerting.outbox (message_id, alert_id, event_date, channel, state, reason, written_at, claimed_at, handed_at, finished_at,
                             may_be_twice)
select alerting.message_id(alert_id, 'SMS'), alert_id, day, 'SMS', case when n % 3 = 2 then 'SUPPRESSED' else 'ACCEPTED' end,
       case when n % 3 = 2 then 'no permission' end, at, at,
       case when n % 3 < 2 then at + case when n % 50 = 0 then interval '2 minutes' else interval '1 second' end end,
       at + interval '2 minutes', n % 200 = 0
  from made;
insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at, outcome)
select alerting.message_id(alert_id, 'SMS'), day, 1,
       encode(sha256(convert_to('+491' || case when at < '2025-08-01' then '6' else '7' end || 100000000 + who, 'UTF8')), 'hex'),
       at, at + interval '1 second', 'SENT'
  from made where n % 3 < 2;
drop table made;
set session_replication_role = origin;
