-- What the sealer and the verifier ask. The verifier computes everything itself: it calls no function of schema alerting.

-- name: seal_next$
-- Make the next block; its number, or null when there is nothing to seal.
select alerting.seal_next(:most);

-- name: sign_seal!
-- Put the signature to a block.
select alerting.sign_seal(:seal_no, :signature, :key_id);

-- name: erase_customer$
-- Erase a customer for ever; says how many rows of what.
select alerting.erase_customer(:customer_id, :reason);

-- name: forget_key!
-- The row that had the key stays in its page until then.
vacuum vault.customer_key;

-- name: read_last_seal^
-- The newest block.
select seal_no, sealed_at, entries, entries_digest, previous, head, signature, key_id
  from alerting.seal
 order by seal_no desc
 limit 1;

-- name: read_seals
-- Blocks after a number, as they stand.
select seal_no, sealed_at, entries, entries_digest, previous, head, signature, key_id
  from alerting.seal
 where seal_no > :after
 order by seal_no;

-- name: begin_reading!
-- One state of the database for the whole verification, which changes nothing.
set transaction isolation level repeatable read, read only;

-- name: compute_seals
-- Blocks from one number to another, with what their entries really come to.
select s.seal_no, s.sealed_at, s.entries, s.entries_digest, s.head, s.signature, f.entries as found_entries, f.last_entry,
       f.digest as found_digest,
       sha256(s.previous || int8send(s.seal_no) || int8send(s.entries) || s.entries_digest || timestamptz_send(s.sealed_at)) as found_head,
       s.previous
  from alerting.seal s
 cross join lateral (
    select count(*) as entries, max(e.entry_no) as last_entry,
           sha256(string_agg(sha256(record_send(row(e.kind, e.id, e.event_date, e.customer_id, e.state, e.evidence_commitment,
                                                    e.leaf))), ''::bytea order by e.entry_no)) as digest
      from alerting.seal_entry e
     where e.seal_no = s.seal_no) f
 where s.seal_no between :from_seal and :until_seal
 order by s.seal_no;

-- name: check_alerts
-- Alerts of these blocks that are not as they were sealed: the row is gone, or says something else; or its evidence does. What went
-- with its partition by the retention policy is none.
with sealed as (
    select e.seal_no, e.id, e.event_date, e.customer_id, e.evidence_commitment, e.leaf, a.alert_id, a.evidence,
           sha256(record_send(row('ALERT'::text, a.alert_id, a.event_kind, a.event_id, a.event_date, a.account_id, a.customer_id,
                                  a.alert_type, a.preference_no, a.channels, a.event_time, a.inserted_at, a.committed_at,
                                  a.on_kafka_at, a.decided_at, a.written_at, e.evidence_commitment))) as found_leaf
      from alerting.seal_entry e
      left join alerting.alert a on a.alert_id = e.id and a.event_date = e.event_date
     where e.kind = 'ALERT' and e.seal_no between :from_seal and :until_seal
), opened as (
    select s.*,
           case when s.alert_id is null then null
                when s.evidence ->> 'sealed' ~ '^([0-9a-f]{2})*$'
                then vault.commitment_of_sealed(s.customer_id, 'alert:' || s.id, decode(s.evidence ->> 'sealed', 'hex'))
                else vault.commitment(s.customer_id, 'alert:' || s.id, s.evidence::text) end as found_commitment
      from sealed s
)
select o.seal_no, 'ALERT' as kind, o.id, o.event_date,
       case when o.alert_id is null then 'DELETED' when c.customer_id is null and o.found_commitment is null then 'KEY' else 'EDITED' end
       as fault
  from opened o
  left join vault.erased_customer c on c.customer_id = o.customer_id
 where (o.alert_id is null or o.found_leaf <> o.leaf
        or (c.customer_id is null and o.found_commitment is distinct from o.evidence_commitment)
        or (c.customer_id is not null and not o.evidence ? 'sealed' and o.evidence_commitment is not null))
   and not (o.alert_id is null
            and exists (select
                          from audit.maintenance m
                         where m.what in ('DETACHED', 'DROPPED')
                           and m.relation = 'alerting.alert_' || to_char(o.event_date, 'YYYY_MM')))
 order by o.seal_no, o.id;

-- name: check_messages
-- Messages whose last entry is in these blocks and that are not as they were then, but for a receipt that is still to be sealed.
select e.seal_no, 'MESSAGE' as kind, e.id, e.event_date, case when o.message_id is null then 'DELETED' else 'EDITED' end as fault
  from alerting.seal_entry e
  join alerting.seal s on s.seal_no = e.seal_no
  left join alerting.outbox o on o.message_id = e.id and o.event_date = e.event_date
 where e.kind = 'MESSAGE' and e.seal_no between :from_seal and :until_seal
   and not exists (select from alerting.seal_entry l where l.id = e.id and l.kind = 'MESSAGE' and l.seal_no > e.seal_no)
   and (o.message_id is null
        or e.leaf <> sha256(record_send(row('MESSAGE'::text, o.message_id, o.alert_id, o.event_date, o.channel, o.state, o.reason,
                                            o.written_at, o.claimed_at, o.handed_at, o.finished_at, o.delivered_at, o.may_be_twice,
                                            o.falls_back_from)))
        or e.state <> o.state)
   and not (o.message_id is null
            and exists (select
                          from audit.maintenance m
                         where m.what in ('DETACHED', 'DROPPED')
                           and m.relation = 'alerting.outbox_' || to_char(e.event_date, 'YYYY_MM')))
   and not (o.message_id is not null
            and exists (select
                          from alerting.receipt r
                         where r.received_at >= coalesce((select until from alerting.seal_until where kind = 'RECEIPT'), '-infinity')
                           and r.received_at >= s.sealed_at - interval '10 seconds' -- or the entry says what it said
                           and (r.message_id = e.id
                                or r.message_id::text in (select t.provider_ref
                                                            from alerting.delivery_attempt t
                                                           where t.message_id = e.id and t.event_date = e.event_date
                                                             and t.provider = 'digest'))))
 order by e.seal_no, e.id;

-- name: check_erasures
-- Erasures of these blocks that are not recorded as they were.
select e.seal_no, 'ERASURE' as kind, e.id, e.event_date, case when c.customer_id is null then 'DELETED' else 'EDITED' end as fault
  from alerting.seal_entry e
  left join vault.erased_customer c on c.customer_id = e.customer_id
 where e.kind = 'ERASURE' and e.seal_no between :from_seal and :until_seal
   and (c.customer_id is null
        or e.leaf <> sha256(record_send(row('ERASURE'::text, c.customer_id, c.erased_at, c.erased_by, c.app_user, c.reason))))
 order by e.seal_no, e.id;

-- name: check_unsealed
-- What should have been sealed by now: alerts, ended messages and erasures older than that without an entry.
select null::bigint as seal_no, 'ALERT' as kind, a.alert_id as id, a.event_date, 'UNSEALED' as fault
  from alerting.alert a
 where a.written_at < now() - make_interval(secs => :older_than_s)
   and not exists (select from alerting.seal_entry e where e.id = a.alert_id and e.kind = 'ALERT')
 union all
select null, 'MESSAGE', o.message_id, o.event_date, 'UNSEALED'
  from alerting.outbox o
 where o.finished_at < now() - make_interval(secs => :older_than_s)
   and not exists (select from alerting.seal_entry e where e.id = o.message_id and e.kind = 'MESSAGE')
 union all
select null, 'ERASURE', null, c.erased_at::date, 'UNSEALED'
  from vault.erased_customer c
 where c.erased_at < now() - make_interval(secs => :older_than_s)
   and not exists (select from alerting.seal_entry e where e.customer_id = c.customer_id and e.kind = 'ERASURE');
