-- Customer 1, who is erased, and customer 2, who is not: what there is of them in every table.
insert into bank.customer (customer_id, full_name) values (1, 'Annabella'), (2, 'Berta');
insert into bank.account (account_id, currency, iban) values ('a', 'EUR', 'DE02120300000000202051'), ('b', 'EUR', null), ('ab', 'EUR', null);
insert into bank.account_permission (account_id, customer_id, role)
values ('a', 1, 'OWNER'), ('b', 2, 'OWNER'), ('ab', 1, 'OWNER'), ('ab', 2, 'OWNER');
insert into bank.contact_address (customer_id, channel, address, verified_at)
values (1, 'EMAIL', 'annabella@example.com', now()), (1, 'EMAIL', 'shared@example.com', now()),
       (2, 'EMAIL', 'berta@example.com', now()), (2, 'EMAIL', 'shared@example.com', now());
insert into bank.push_device (push_id, customer_id, platform, provider) values ('annas-phone', 1, 'IOS', 'APNS');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('a', 1, 'BALANCE_BELOW', 'EUR', '{"threshold_minor": 1000}', '{EMAIL}'),
       ('b', 2, 'BALANCE_BELOW', 'EUR', '{"threshold_minor": 1000}', '{EMAIL}');
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no, channels,
                            event_time, inserted_at, decided_at, evidence)
select gen_random_uuid(), 'ACCOUNT_ENTRY', 'e' || n, '2026-11-01', case n % 2 when 0 then 'a' else 'b' end, 1 + n % 2,
       'BALANCE_BELOW', 1, '{EMAIL}', now(), now(), now(),
       jsonb_build_object('event', case n % 2 when 0 then '4711471147' else 'bertas balance' end)
  from generate_series(1, 20) n;
insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at, outcome,
                                       reason, provider_ref, provider)
select o.message_id, o.event_date, n, t, now(), now(), case n when 1 then 'RETRY' else 'SENT' end, 'busy', 'ref' || o.message_id, 'p'
  from alerting.outbox o join alerting.alert a using (alert_id, event_date),
       generate_series(1, 2) n, unnest(case a.customer_id when 1 then '{annabella@example.com,otherdevice}' else '{berta@example.com}' end::text[]) t;
insert into alerting.suppressed_address (channel, target, reason)
values ('EMAIL', 'annabella@example.com', 'bounced'), ('EMAIL', 'shared@example.com', 'bounced'), ('EMAIL', 'otherdevice', 'bounced');
insert into alerting.quarantine (topic, topic_id, partition, position, event_key, event_value, reason, quarantined_by)
values ('t', 't', 0, 1, null, '{"entry_id":"x","account_id":"a","description":"Annabella"}', 'r', 'e'),
       ('t', 't', 0, 2, null, '{"account_id":"ab","description":"bertas balance"}', 'r', 'e');
