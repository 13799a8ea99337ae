-- What operators do to delivery from the command line: pauses, pilots, suppressed addresses. All of it can be done in SQL as well.

-- name: read_open_pauses
-- What is paused now, by whom and why, and how many messages each pause holds.
select p.scope, p.reason, p.made_by, p.made_at,
       (select count(*) from alerting.outbox_due d where d.held_for = 'PAUSE:' || p.scope) as held
  from alerting.pause p
 where p.ended_at is null
 order by p.scope;

-- name: count_held$
-- How many messages a pause holds.
select count(*) from alerting.outbox_due where held_for = 'PAUSE:' || :scope;

-- name: pause$
-- Pause a scope; repeatable.
select alerting.pause(:scope, :reason);

-- name: resume$
-- End a pause; false: there was none.
select alerting.resume(:scope);

-- name: read_channel_names
-- The channels that there are.
select channel from bank.channel order by channel;

-- name: read_alert_type_names
-- The alert types that there are.
select alert_type from bank.alert_type order by alert_type;

-- name: start_pilot!
-- Send an alert type to its cohort alone from now on; repeatable.
insert into alerting.pilot (alert_type) values (:alert_type) on conflict do nothing;

-- name: add_pilot_customers!
-- Put customers into the cohort; repeatable.
insert into alerting.pilot_customer (alert_type, customer_id)
select :alert_type, unnest(:customer_ids::bigint[]) on conflict do nothing;

-- name: end_pilot!
-- Send an alert type to everybody again.
delete from alerting.pilot where alert_type = :alert_type;

-- name: tell_control_changed$
-- Have every notifier look at once.
select pg_notify('alerting_control', :scope);

-- name: read_pilot
-- Since when a type is piloted, with how many customers, and how many messages were not sent for it.
select p.since, (select count(*) from alerting.pilot_customer c where c.alert_type = p.alert_type) as customers
  from alerting.pilot p
 where p.alert_type = :alert_type;

-- name: read_outside_pilot
-- What customers outside of a pilot would have got: the newest messages that were suppressed for it, as a claim returns them. Only of
-- those that ended within some hours, and since the pilot began: every message that ended then is looked at.
select o.message_id, o.alert_id, o.event_date, o.message_id as lease_token, 1 as attempts, false as rescued, false as has_place, null::text as held_for, o.channel,
       o.written_at, o.written_at as leased_at, interval '0' as age, null::text as last_reason, o.falls_back_from, o.written_at as claimed_at, a.event_id, a.event_time,
       a.account_id, a.customer_id, a.alert_type, a.evidence
  from alerting.outbox o
  join alerting.alert a on a.alert_id = o.alert_id and a.event_date = o.event_date
 where o.state = 'SUPPRESSED' and o.reason = 'not in the pilot of ' || :alert_type
   and o.finished_at >= greatest(now() - make_interval(hours => :hours),
                                 (select p.since from alerting.pilot p where p.alert_type = :alert_type))
 order by o.written_at desc
 limit :most;

-- name: read_suppressed_addresses
-- The addresses that nothing is sent to, by their hashes.
select channel, target, reason, message_id, since
  from alerting.suppressed_address
 where :channel::text is null or channel = :channel
 order by since desc
 limit 1000;

-- name: suppress_address!
-- Send nothing to an address any more; repeatable.
insert into alerting.suppressed_address (channel, target, reason) values (:channel, :target, :reason) on conflict do nothing;

-- name: allow_address!
-- Send to an address again.
delete from alerting.suppressed_address where channel = :channel and target = :target;
