-- Erasure: what says something of a customer is deleted or sealed, then the customer's key is destroyed. What was decided, when,
-- by which event and what became of it stays, so figures and the chain are as they were.

create function alerting.seal_evidence_of(p_customer bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  done bigint;
begin
  update alerting.alert a
     set evidence = jsonb_build_object('sealed', coalesce(encode(vault.seal(a.customer_id, 'alert:' || a.alert_id, a.evidence::text),
                                                                 'hex'), ''))
    from alerting.seal_entry e
   where e.customer_id = p_customer and e.kind = 'ALERT' and a.alert_id = e.id and a.event_date = e.event_date
     and not a.evidence ? 'sealed';
  get diagnostics done = row_count;
  return done;
end
$$;

create function audit.open_evidence(p_alert_id uuid, p_event_date date) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case when not a.evidence ? 'sealed' then a.evidence
              else coalesce(vault.open(a.customer_id, 'alert:' || a.alert_id, decode(a.evidence ->> 'sealed', 'hex'))::jsonb,
                            '{"erased": true}') end
    from alerting.alert a
   where a.alert_id = p_alert_id and a.event_date = p_event_date
$$;
comment on function audit.open_evidence(uuid, date) is 'What the alert was decided on; {"erased": true} once the customer''s key is destroyed.';

create function alerting.refuse_erasure(p_customer bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found bigint;
begin
  select count(*) into found
    from alerting.alert a
   where a.customer_id = p_customer
     and a.written_at >= coalesce((select u.until from alerting.seal_until u where u.kind = 'ALERT'), '-infinity')
     and not exists (select from alerting.seal_entry e where e.id = a.alert_id and e.kind = 'ALERT');
  if found > 0 then
    raise exception 'the customer has alerts that are not sealed yet' using errcode = 'BA002',
      detail = format('customer %s: %s alerts', p_customer, found), hint = 'Run `bankalerts seal`, then try again.';
  end if;
  select count(*) into found
    from alerting.seal_entry e
    join alerting.outbox o on o.alert_id = e.id and o.event_date = e.event_date and o.state = 'PENDING'
   where e.customer_id = p_customer and e.kind = 'ALERT';
  if found > 0 then
    raise exception 'the customer has messages on their way' using errcode = 'BA002',
      detail = format('customer %s: %s messages', p_customer, found),
      hint = 'Take the permissions away, which suppresses them, or wait until they are sent; then try again.';
  end if;
end
$$;

create function alerting.forget_targets(p_customer bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  done bigint;
begin
  create temporary table erased_target on commit drop as
  select t.message_id, t.event_date, o.channel, t.target,
         'erased ' || dense_rank() over (partition by t.message_id order by t.target) as told
    from alerting.seal_entry e
    join alerting.outbox o on o.alert_id = e.id and o.event_date = e.event_date
    join alerting.delivery_attempt t on t.message_id = o.message_id and t.event_date = o.event_date
   where e.customer_id = p_customer and e.kind = 'ALERT' and t.target <> '*' and t.target not like 'erased %'
   group by 1, 2, 3, 4;
  -- an address that is another customer's too stays suppressed
  delete from alerting.suppressed_address s
   using (select channel, target from pg_temp.erased_target
           union select channel, address from bank.contact_address c where c.customer_id = p_customer) gone
   where s.channel = gone.channel and s.target = gone.target
     and not exists (select from bank.contact_address c
                      where c.channel = s.channel and c.address = s.target and c.customer_id <> p_customer);
  update alerting.receipt r set target = t.told from pg_temp.erased_target t
   where r.message_id = t.message_id and r.event_date = t.event_date and r.target = t.target;
  update alerting.delivery_attempt a
     set target = t.told, provider_ref = case when a.provider = 'digest' then a.provider_ref end
    from pg_temp.erased_target t
   where a.message_id = t.message_id and a.event_date = t.event_date and a.target = t.target;
  get diagnostics done = row_count;
  drop table pg_temp.erased_target;
  return done;
end
$$;

create function alerting.erase_customer(p_customer bigint, p_reason text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  told jsonb := jsonb_build_object('customer_id', p_customer);
  own text[];
  gone text;
  done bigint;
begin
  if coalesce(p_reason, '') = '' then
    raise exception 'an erasure needs its reason' using errcode = 'BA002', hint = 'Say who asked for it, and when.';
  end if;
  perform from bank.customer c where c.customer_id = p_customer for update;
  if not found and not exists (select from vault.erased_customer c where c.customer_id = p_customer) then
    raise exception 'there is no such customer' using errcode = 'BA002', detail = format('customer %s', p_customer),
      hint = 'Look for the number in bank.customer.';
  end if;
  perform alerting.refuse_erasure(p_customer);
  told := told || jsonb_build_object('evidence', alerting.seal_evidence_of(p_customer), 'attempts', alerting.forget_targets(p_customer));

  select coalesce(array_agg(p.account_id), '{}') into own
    from bank.account_permission p
   where p.customer_id = p_customer
     and not exists (select from bank.account_permission o where o.account_id = p.account_id and o.customer_id <> p_customer);
  update bank.account a set iban = null where a.account_id = any(own) and a.iban is not null;
  get diagnostics done = row_count;
  told := told || jsonb_build_object('bank.account.iban', done);
  -- as capture writes JSON; that something was refused, and why, stays
  update alerting.quarantine q set event_key = null, event_value = null
    from (select convert_to(format('"customer_id":%s%s', p_customer, ending), 'UTF8') as said from unnest(array[',', '}']) ending
           union all
          select convert_to(format('"account_id":%s', to_json(a)), 'UTF8') from unnest(own) a) s
   where position(s.said in q.event_key) > 0 or position(s.said in q.event_value) > 0;
  get diagnostics done = row_count;
  told := told || jsonb_build_object('alerting.quarantine', done);
  -- what is on other rows first; their triggers tell capture, and write history
  foreach gone in array array['bank.alert_preference', 'bank.customer_preference', 'bank.account_permission', 'bank.push_device',
                              'bank.contact_address', 'bank.replaced_address', 'bank.customer_consent', 'bank.webhook_secret',
                              'bank.inbox_message', 'alerting.throttle', 'alerting.preference_memory', 'alerting.pilot_customer',
                              'bank.customer'] loop
    execute format('delete from %s where customer_id = $1', gone) using p_customer;
    get diagnostics done = row_count;
    told := told || jsonb_build_object(gone, done);
  end loop;
  return told || jsonb_build_object('key_destroyed', vault.destroy_key(p_customer, p_reason));
end
$$;
comment on function alerting.erase_customer(bigint, text) is 'Erases a customer for ever; says how many rows of what. Safe to repeat.';

revoke all on function alerting.seal_evidence_of, audit.open_evidence, alerting.refuse_erasure, alerting.forget_targets,
  alerting.erase_customer from public;
grant execute on function audit.open_evidence to bankalerts_auditor;
grant execute on function alerting.erase_customer to bankalerts_operator;
select alerting.take_ownership();
