-- Seals: alerts and what became of their messages in a hash chain, block after block.
--
--   seal         one block: the digest of its entries, chained to the block before; its head is signed, and the signed head is
--                appended to a file outside of the database before the next block is made
--   seal_entry   one row of the outside world in it: an alert, a message's end (again when a receipt changed it), an erasure
--   seal_until   of each kind: all rows up to there have their entries
--   seal_mark    which transactions there were when: a row's time comes before its commit
--
-- All of it is made afterwards: the engine and the notifier know nothing of it. An entry's leaf is sha256 of the row's columns as
-- PostgreSQL sends them, so no setting changes it. Of evidence there is a commitment in it, under the customer's key: the leaf
-- stays what it is when evidence is sealed, and when the key is destroyed.
-- `bankalerts verify-chain` computes everything again with statements of its own; nothing of this script has to be believed.

create table alerting.seal (
  seal_no bigint primary key,
  sealed_at timestamptz not null,
  entries bigint not null,
  entries_digest bytea not null,
  previous bytea not null,
  head bytea not null,
  signature bytea,
  key_id text,
  constraint a_seal_has_entries check (entries > 0),
  constraint signed_by_a_key check ((signature is null) = (key_id is null))
);
comment on table alerting.seal is 'The chain: head = sha256(previous, seal_no, entries, entries_digest, sealed_at).';
comment on column alerting.seal.key_id is 'Which key signed it: the start of the sha256 of the public key.';

create table alerting.seal_entry (
  seal_no bigint not null references alerting.seal deferrable initially deferred,
  entry_no integer not null,
  kind text not null,
  id uuid not null,
  event_date date not null,
  customer_id bigint,
  state text,
  evidence_commitment bytea,
  leaf bytea not null,
  primary key (seal_no, entry_no),
  constraint kind_is_known check (kind in ('ALERT', 'MESSAGE', 'ERASURE'))
);
create index seal_entry_of_row on alerting.seal_entry (id, kind, seal_no);
create index seal_entry_of_customer on alerting.seal_entry (customer_id, event_date) where kind = 'ALERT';
comment on table alerting.seal_entry is 'What a seal holds. Of a message the last entry is as the row is; earlier ones are what it was before a receipt.';
comment on column alerting.seal_entry.evidence_commitment is 'Null: the customer was erased before the alert was sealed.';

create table alerting.seal_until (
  kind text primary key,
  until timestamptz not null,
  constraint kind_is_known check (kind in ('ALERT', 'MESSAGE', 'RECEIPT'))
);
comment on table alerting.seal_until is 'Where the next block begins to look: every row before that has its entry.';

create table alerting.seal_mark (at timestamptz primary key, first_unseen bigint not null);
comment on table alerting.seal_mark is 'Transactions from first_unseen on wrote nothing before that time.';

create function alerting.row_settled_until() returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  settled timestamptz;
begin
  select max(m.at) into settled from alerting.seal_mark m
   where m.first_unseen <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  delete from alerting.seal_mark m where m.at < settled;
  insert into alerting.seal_mark (at, first_unseen)
  select clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())::text::bigint
   where not exists (select from alerting.seal_mark m where m.at > clock_timestamp() - interval '1 second');
  -- a row's time is taken shortly before its transaction has a number
  return coalesce(settled - interval '5 seconds', '-infinity');
end
$$;
comment on function alerting.row_settled_until() is 'All rows with times before that are committed or never will be, however long transactions run.';

create function alerting.seal_alerts(p_seal_no bigint, p_after integer, p_from timestamptz, p_until timestamptz, p_most integer,
                                     out entries integer, out last_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform vault.make_keys(array(select distinct a.customer_id from alerting.alert a where a.written_at >= p_from and a.written_at < p_until));
  with taken as (
    select a.*, sha256(k.key || convert_to('commit:alert:' || a.alert_id, 'UTF8') || '\x00'::bytea || convert_to(a.evidence::text, 'UTF8'))
                as evidence_commitment
      from alerting.alert a
      left join vault.customer_key k on k.customer_id = a.customer_id
     where a.written_at >= p_from and a.written_at < p_until
       and not exists (select from alerting.seal_entry e where e.id = a.alert_id and e.kind = 'ALERT')
     order by a.written_at, a.alert_id
     limit p_most
  ), made as (
    insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, customer_id, evidence_commitment, leaf)
    select p_seal_no, p_after + row_number() over (order by t.written_at, t.alert_id), 'ALERT', t.alert_id, t.event_date, t.customer_id,
           t.evidence_commitment,
           sha256(record_send(row('ALERT'::text, t.alert_id, t.event_kind, t.event_id, t.event_date, t.account_id, t.customer_id,
                                  t.alert_type, t.preference_no, t.channels, t.event_time, t.inserted_at, t.committed_at,
                                  t.on_kafka_at, t.decided_at, t.written_at, t.evidence_commitment)))
      from taken t
  )
  select count(*), max(t.written_at) into entries, last_at from taken t;
end
$$;

create function alerting.leaf_of_message(o alerting.outbox) returns bytea
language sql stable parallel safe as $$
  select sha256(record_send(row('MESSAGE'::text, o.message_id, o.alert_id, o.event_date, o.channel, o.state, o.reason, o.written_at,
                                o.claimed_at, o.handed_at, o.finished_at, o.delivered_at, o.may_be_twice, o.falls_back_from)))
$$;

create function alerting.seal_messages(p_seal_no bigint, p_after integer, p_from timestamptz, p_until timestamptz, p_most integer,
                                       out entries integer, out last_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  with taken as (
    select o.message_id, o.event_date, o.state, o.finished_at, alerting.leaf_of_message(o) as leaf
      from alerting.outbox o
     where o.finished_at >= p_from and o.finished_at < p_until
       and not exists (select from alerting.seal_entry e where e.id = o.message_id and e.kind = 'MESSAGE')
     order by o.finished_at, o.message_id
     limit p_most
  ), made as (
    insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, state, leaf)
    select p_seal_no, p_after + row_number() over (order by t.finished_at, t.message_id), 'MESSAGE', t.message_id, t.event_date, t.state, t.leaf
      from taken t
  )
  select count(*), max(t.finished_at) into entries, last_at from taken t;
end
$$;

create function alerting.seal_receipts(p_seal_no bigint, p_after integer, p_from timestamptz, p_until timestamptz, p_most integer,
                                       out entries integer, out last_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  with said as (
    select r.message_id, r.event_date, r.received_at
      from alerting.receipt r
     where r.received_at >= p_from and r.received_at < p_until
  ), touched as (
    select s.* from said s
     union all
    -- what a digest told shares its end
    select t.message_id, t.event_date, s.received_at
      from said s
      join alerting.delivery_attempt t on t.provider_ref = s.message_id::text and t.provider = 'digest'
  ), taken as (
    select distinct on (x.received_at, o.message_id) o.message_id, o.event_date, o.state, x.received_at, alerting.leaf_of_message(o) as leaf
      from (select t.message_id, t.event_date, min(t.received_at) as received_at from touched t group by 1, 2) x
      join alerting.outbox o on o.message_id = x.message_id and o.event_date = x.event_date and o.finished_at is not null
     where alerting.leaf_of_message(o) <> (select e.leaf from alerting.seal_entry e where e.id = o.message_id and e.kind = 'MESSAGE'
                                            order by e.seal_no desc limit 1)
     order by x.received_at, o.message_id
     limit p_most
  ), made as (
    insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, state, leaf)
    select p_seal_no, p_after + row_number() over (order by t.received_at, t.message_id), 'MESSAGE', t.message_id, t.event_date, t.state, t.leaf
      from taken t
  )
  select count(*), max(t.received_at) into entries, last_at from taken t;
end
$$;

create function alerting.seal_erasures(p_seal_no bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  made integer;
begin
  insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, customer_id, leaf)
  select p_seal_no, row_number() over (order by c.erased_at, c.customer_id), 'ERASURE', u.id, c.erased_at at time zone 'UTC', c.customer_id,
         sha256(record_send(row('ERASURE'::text, c.customer_id, c.erased_at, c.erased_by, c.app_user, c.reason)))
    from vault.erased_customer c
   cross join lateral (select substr(encode(sha256(convert_to('customer:' || c.customer_id, 'UTF8')), 'hex'), 1, 32)::uuid as id) u
   where not exists (select from alerting.seal_entry e where e.id = u.id and e.kind = 'ERASURE');
  get diagnostics made = row_count;
  return made;
end
$$;

create function alerting.seal_kind(p_kind text, p_seal_no bigint, p_most integer, p_settled timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  horizon timestamptz := clock_timestamp();
  began timestamptz;
  look_from timestamptz;
  look_until timestamptz;
  step interval := '1 minute';
  taken integer := 0;
  found record;
begin
  select u.until into began from alerting.seal_until u where u.kind = p_kind;
  if began is null then
    case p_kind
      when 'ALERT' then select min(a.written_at) into began from alerting.alert a;
      when 'MESSAGE' then select min(o.finished_at) into began from alerting.outbox o;
      else select min(r.received_at) into began from alerting.receipt r;
    end case;
    began := coalesce(began, horizon);
  end if;
  look_from := began;
  -- a long way is gone in growing steps: so a block costs what it holds, not what is left
  loop
    look_until := least(look_from + step, horizon);
    case p_kind
      when 'ALERT' then found := alerting.seal_alerts(p_seal_no, taken, look_from, look_until, p_most - taken);
      when 'MESSAGE' then found := alerting.seal_messages(p_seal_no, taken, look_from, look_until, p_most - taken);
      else found := alerting.seal_receipts(p_seal_no, taken, look_from, look_until, p_most - taken);
    end case;
    taken := taken + found.entries;
    exit when taken >= p_most or look_until >= horizon;
    look_from := look_until;
    step := step * 4;
  end loop;
  insert into alerting.seal_until as u (kind, until)
  select p_kind, least(p_settled, case when taken >= p_most then found.last_at else look_until end)
   where p_settled > '-infinity'
  on conflict (kind) do update set until = excluded.until where u.until < excluded.until;
  return taken;
end
$$;

create function alerting.seal_next(p_most integer default 20000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  settled timestamptz;
  last alerting.seal;
  made alerting.seal;
begin
  perform pg_advisory_xact_lock(hashtextextended('bankalerts seal', 0));
  settled := alerting.row_settled_until();
  select * into last from alerting.seal s order by s.seal_no desc limit 1;
  made.seal_no := coalesce(last.seal_no, 0) + 1;
  if alerting.seal_erasures(made.seal_no) = 0
     and alerting.seal_kind('ALERT', made.seal_no, p_most, settled) = 0
     and alerting.seal_kind('MESSAGE', made.seal_no, p_most, settled) = 0
     and alerting.seal_kind('RECEIPT', made.seal_no, p_most, settled) = 0 then
    return null;
  end if;
  select count(*), sha256(string_agg(sha256(record_send(row(e.kind, e.id, e.event_date, e.customer_id, e.state, e.evidence_commitment,
                                                            e.leaf))), ''::bytea order by e.entry_no))
    into made.entries, made.entries_digest
    from alerting.seal_entry e
   where e.seal_no = made.seal_no;
  made.sealed_at := clock_timestamp();
  made.previous := coalesce(last.head, decode(repeat('00', 32), 'hex'));
  made.head := sha256(made.previous || int8send(made.seal_no) || int8send(made.entries) || made.entries_digest
                      || timestamptz_send(made.sealed_at));
  insert into alerting.seal select made.*;
  return made.seal_no;
end
$$;
comment on function alerting.seal_next(integer) is 'Makes the next block of what is committed and not sealed; its number, or null when there is nothing. Sign it before the commit.';

create function alerting.sign_seal(p_seal_no bigint, p_signature bytea, p_key_id text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update alerting.seal set signature = p_signature, key_id = p_key_id where seal_no = p_seal_no and signature is null
$$;
comment on function alerting.sign_seal(bigint, bytea, text) is 'Once: a signature is never replaced.';

revoke all on function alerting.row_settled_until, alerting.seal_alerts, alerting.leaf_of_message, alerting.seal_messages,
  alerting.seal_receipts, alerting.seal_erasures, alerting.seal_kind, alerting.seal_next, alerting.sign_seal from public;
grant execute on function alerting.seal_next, alerting.sign_seal to bankalerts_caretaker;
grant select on alerting.seal, alerting.seal_entry, alerting.seal_until to bankalerts_auditor, bankalerts_caretaker, bankalerts_operator;
grant select on alerting.alert, alerting.outbox, alerting.receipt, alerting.delivery_attempt to bankalerts_caretaker;
select alerting.take_ownership();
