-- Functions of triggers that write or lock what their writer may not: they act as the owner.
do $$
declare
  v_function text;
begin
  foreach v_function in array array[
      'bank.check_alert_type', 'bank.guard_account', 'bank.guard_customer', 'bank.keep_replaced_address',
      'bank.lock_account_permission', 'bank.lock_alert_preference', 'bank.lock_customer_preference',
      'bank.note_template_uses_balance', 'bank.raise_catalogue_version', 'bank.raise_customer_version', 'bank.raise_state_version',
      'bank.restart_timers', 'bank.set_customer_version', 'bank.set_state_version', 'bank.start_customer_version',
      'bank.start_state_version', 'bank.start_timers'] loop
    execute format('alter function %s() security definer set search_path = pg_catalog, pg_temp', v_function);
  end loop;
end
$$;
alter function alerting.pause(text, text) security definer set search_path = pg_catalog, pg_temp;
alter function alerting.resume(text) security definer set search_path = pg_catalog, pg_temp;
alter function alerting.brake(text, bigint, bigint) security definer set search_path = pg_catalog, pg_temp;

-- Unless a function's path names it last, PostgreSQL looks for tables and types in the caller's temporary schema first: a temporary
-- domain named text, or a view named pg_class, would run what its maker likes with the owner's rights.
alter function alerting.make_messages() set search_path = pg_catalog, pg_temp;
alter function alerting.make_due() set search_path = pg_catalog, pg_temp;
alter function audit.record_alert_type() set search_path = pg_catalog, pg_temp;

create function alerting.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- an erasure exchanges the evidence for its sealed form, once; the chain still shows what it was
  if tg_op = 'UPDATE' and current_user = 'bankalerts_owner' and new.evidence ? 'sealed' and not old.evidence ? 'sealed'
     and to_jsonb(new) - 'evidence' = to_jsonb(old) - 'evidence' then
    return new;
  end if;
  raise exception 'an alert is never changed and never deleted' using errcode = 'BA002',
    hint = 'What is old goes with its partition, by the retention policy; what was wrong is told by a new alert.';
end
$$;
create trigger alert_is_never_changed before update or delete on alerting.alert
  for each row execute function alerting.refuse_change();
create trigger alerts_are_never_truncated before truncate on alerting.alert
  for each statement execute function alerting.refuse_change();

revoke execute on all functions in schema alerting, audit, vault from public;
-- Only who makes a trigger needs its function; whoever may could hang the owner's rights on a temporary table.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc p where p.pronamespace = 'bank'::regnamespace and p.prorettype = 'trigger'::regtype loop
    execute format('revoke execute on function %s from public', v_function);
  end loop;
end
$$;
grant usage on schema bank to bankalerts_app, bankalerts_core, bankalerts_capture, bankalerts_engine, bankalerts_notifier,
  bankalerts_designer, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker;
grant usage on schema alerting to bankalerts_capture, bankalerts_engine, bankalerts_notifier, bankalerts_auditor,
  bankalerts_operator, bankalerts_caretaker;
grant usage on schema audit to bankalerts_engine, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker;

-- banking apps: what customers choose, and what they may look at
grant select on bank.customer, bank.account, bank.account_permission, bank.alert_type, bank.catalogue, bank.currency, bank.channel,
  bank.time_zone, bank.delivery_rule, bank.inbox_message to bankalerts_app;
grant select, insert, update, delete on bank.alert_preference, bank.customer_preference, bank.contact_address, bank.push_device,
  bank.customer_consent to bankalerts_app;
grant select (customer_id, address, made_at), insert, update, delete on bank.webhook_secret to bankalerts_app;
grant update (locale, time_zone, quiet_from, quiet_until, shows_balance) on bank.customer to bankalerts_app;
grant update (read_at) on bank.inbox_message to bankalerts_app;
grant insert on bank.customer_activity to bankalerts_app;

-- core systems: customers, accounts, permissions, addresses; events go in and are not read
grant select, insert, update, delete on bank.customer, bank.account, bank.account_permission, bank.contact_address, bank.push_device,
  bank.customer_consent to bankalerts_core;
grant select on bank.alert_preference, bank.customer_preference, bank.alert_type, bank.catalogue, bank.currency, bank.channel,
  bank.time_zone to bankalerts_core;
grant insert on bank.account_entry, bank.card_authorisation, bank.payment_order, bank.customer_activity to bankalerts_core;

-- capture: the log, the columns that are published, and its own heartbeat
grant select (account_id, customer_id, may_see_balance, valid_from, valid_until, state_version) on bank.account_permission
  to bankalerts_capture;
grant select (account_id, customer_id, alert_type, preference_no, currency, parameters, channels, enabled, state_version)
  on bank.alert_preference to bankalerts_capture;
grant select (account_id, state_version) on bank.account to bankalerts_capture;
grant select (customer_id, alert_type, preference_no, parameters, channels, enabled, state_version) on bank.customer_preference
  to bankalerts_capture;
grant select (customer_id, state_version) on bank.customer to bankalerts_capture;
grant select (alert_type, event_kind, statuses, condition, parameters, uses_balance, mandatory, default_channels, purpose,
              window_aggregate, window_value, window_group, window_condition, window_length, window_lateness, cool_down,
              rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key, timer_after, timer_schedule)
  on bank.alert_type to bankalerts_capture;
grant select on bank.catalogue, alerting.capture_heartbeat, alerting.topic_layout to bankalerts_capture;
grant update (beat_at) on alerting.capture_heartbeat to bankalerts_capture;

-- the engine: reads what it judges by, writes what it decided; no address, no message's text
grant select on bank.account_entry, bank.card_authorisation, bank.payment_order, bank.customer_activity, bank.timer_event,
  bank.alert_type, bank.catalogue, bank.time_zone to bankalerts_engine;
grant select (account_id, time_zone, state_version) on bank.account to bankalerts_engine;
grant select (customer_id, time_zone, state_version) on bank.customer to bankalerts_engine;
grant select on audit.account_permission_history, audit.alert_preference_history, audit.customer_preference_history,
  audit.alert_type_history to bankalerts_engine;
grant insert on bank.timer_event to bankalerts_engine;
grant select, insert on alerting.alert, alerting.seen_event, alerting.quarantine, alerting.parked_type, alerting.timer_cancel
  to bankalerts_engine;
grant select, insert, update on alerting.engine_position, alerting.last_seen, alerting.preference_memory, alerting.timer
  to bankalerts_engine;
grant select on alerting.topic_layout to bankalerts_engine;
grant usage on sequence alerting.seen_no to bankalerts_engine;

-- notifiers: the outbox and whom it goes to
grant select on bank.customer, bank.account, bank.account_permission, bank.alert_type, bank.channel, bank.contact_address,
  bank.currency, bank.customer_consent, bank.delivery_rule, bank.inbox_message, bank.message_template, bank.push_device,
  bank.replaced_address, bank.webhook_secret to bankalerts_notifier;
grant insert, update (read_at) on bank.inbox_message to bankalerts_notifier;
grant update on bank.push_device to bankalerts_notifier;
grant delete on bank.replaced_address to bankalerts_notifier;
grant select on alerting.alert, alerting.channel_policy, alerting.pause, alerting.pilot, alerting.pilot_customer
  to bankalerts_notifier;
grant select, insert, update on alerting.outbox, alerting.delivery_attempt, alerting.receipt, alerting.refused_receipt,
  alerting.suppressed_address to bankalerts_notifier;
grant select, insert, update, delete on alerting.outbox_due, alerting.throttle, alerting.type_volume to bankalerts_notifier;
grant execute on function alerting.message_id(uuid, text), alerting.brake(text, bigint, bigint),
  alerting.apply_receipt(text, text, text, text, timestamptz, text[]) to bankalerts_notifier;
grant bankalerts_notifier to bankalerts_notifier_email, bankalerts_notifier_sms, bankalerts_notifier_push,
  bankalerts_notifier_webhook, bankalerts_notifier_inbox;

-- alert designers: what customers can ask for, and how it reads
grant select on bank.catalogue, bank.currency, bank.channel, bank.time_zone to bankalerts_designer;
grant select, insert, update, delete on bank.alert_type, bank.alert_type_example, bank.delivery_rule to bankalerts_designer;
grant select, insert, delete on bank.message_template to bankalerts_designer;

-- auditors read everything but what signs webhooks, and write nothing
do $$
declare
  v_table text;
begin
  for v_table in
    select c.oid::regclass::text
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('bank', 'alerting', 'audit') and c.relkind in ('r', 'p', 'v') and not c.relispartition
       and c.oid <> 'bank.webhook_secret'::regclass loop
    execute format('grant select on %s to bankalerts_auditor', v_table);
  end loop;
end
$$;
grant select (customer_id, address, made_at) on bank.webhook_secret to bankalerts_auditor;
grant execute on all functions in schema audit to bankalerts_auditor;
grant execute on function vault.open(bigint, text, bytea) to bankalerts_auditor;
grant usage on schema vault to bankalerts_auditor;

-- operators steer delivery and see how it goes; not what was decided about whom, and why
grant select on bank.channel, bank.alert_type, bank.catalogue, bank.delivery_rule to bankalerts_operator;
grant select on alerting.capture_heartbeat, alerting.channel_policy, alerting.engine_position, alerting.outbox, alerting.outbox_due,
  alerting.parked_type, alerting.pause, alerting.pilot, alerting.pilot_customer, alerting.topic_layout, alerting.type_volume,
  alerting.refused_receipt, audit.alert_type_history, audit.grants to bankalerts_operator;
grant select (topic, topic_id, partition, position, reason, quarantined_by) on alerting.quarantine to bankalerts_operator;
grant select (alert_id, event_date, alert_type, event_time, event_id) on alerting.alert to bankalerts_operator;
grant select, insert, delete on alerting.suppressed_address to bankalerts_operator;
grant insert, delete on alerting.pilot, alerting.pilot_customer to bankalerts_operator;
grant update on alerting.channel_policy to bankalerts_operator;
grant execute on function alerting.pause(text, text), alerting.resume(text), alerting.add_partitions(date, date)
  to bankalerts_operator;
grant execute on function alerting.add_partitions(date, date) to bankalerts_caretaker;
grant pg_monitor to bankalerts_operator, bankalerts_caretaker;

-- replaced functions and new tables of this step belong to the owner as well
select alerting.take_ownership();
