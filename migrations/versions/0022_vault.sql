-- The vault: personal data that history must keep is sealed with a key of its customer. Destroying the key erases it all.
--
--   seal          text -> bytes; every call has a nonce of its own: '<table>:<row id>', or two texts would show their difference
--   open          bytes -> text; null once the key is gone
--   commitment    bytes that say which text it was to who has it, and nothing to anybody else
--   destroy_key   for ever: the row stays, without a key, so none is made again
--
-- The keystream is sha512(key || nonce || number of the block): PostgreSQL has no cipher of its own. It keeps secret; that
-- nobody changed the bytes is what the chain of seals shows. A bank with pgcrypto replaces keystream_xor.

create schema vault;

create table vault.customer_key (
  customer_id bigint primary key,
  made_at timestamptz not null default now(),
  key bytea,
  constraint key_has_32_bytes check (length(key) = 32)
);
comment on table vault.customer_key is 'One key for each customer of whom something was sealed. Leave the schema out of backups that outlive an erasure.';
comment on column vault.customer_key.key is 'Null: destroyed. The row stays, or a writer at the same moment would make a new key.';

create table vault.erased_customer (
  customer_id bigint primary key references vault.customer_key,
  erased_at timestamptz not null default clock_timestamp(),
  erased_by text not null default session_user,
  app_user text default nullif(current_setting('bankalerts.app_user', true), ''),
  reason text not null,
  constraint reason_is_given check (reason <> '')
);
comment on table vault.erased_customer is 'Whose key was destroyed, by whom and why.';

create function vault.make_keys(p_customers bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  -- two version 4 identifiers are 244 random bits from the server's strong source
  insert into vault.customer_key (customer_id, key)
  select c, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    from (select distinct c from unnest(p_customers) c where c is not null order by c) asked
   where not exists (select from vault.customer_key k where k.customer_id = c)
  on conflict do nothing
$$;
comment on function vault.make_keys(bigint[]) is 'Makes the keys that are missing; in their order, so that two of them never wait for each other.';

create function vault.key_for(p_customer bigint) returns bytea
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found_key bytea;
begin
  select k.key into found_key from vault.customer_key k where k.customer_id = p_customer;
  if not found then
    perform vault.make_keys(array[p_customer]);
    -- volatile: this statement sees also what another transaction made meanwhile
    select k.key into found_key from vault.customer_key k where k.customer_id = p_customer;
  end if;
  return found_key;
end
$$;
comment on function vault.key_for(bigint) is 'The customer''s key, made when there is none; null for an erased customer.';

create function vault.keystream_xor(p_key bytea, p_nonce text, p_bytes bytea) returns bytea
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  stream bytea := '';
  nonce bytea := convert_to(p_nonce, 'UTF8');
begin
  if p_key is null or p_bytes is null or length(p_bytes) = 0 then
    return case when p_key is not null then p_bytes end;
  end if;
  -- a text has no zero byte and a block's number begins with one: no two pairs of nonce and number are the same bytes
  for block in 1 .. (length(p_bytes) + 63) / 64 loop
    stream := stream || sha512(p_key || nonce || int4send(block));
  end loop;
  return substr(varbit_send(('x' || encode(p_bytes, 'hex'))::varbit
                            # ('x' || encode(substr(stream, 1, length(p_bytes)), 'hex'))::varbit), 5);
end
$$;
comment on function vault.keystream_xor(bytea, text, bytea) is 'Its own inverse.';

create function vault.seal(p_customer bigint, p_nonce text, p_plain text) returns bytea
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select vault.keystream_xor(vault.key_for(p_customer), p_nonce, convert_to(p_plain, 'UTF8'))
$$;
comment on function vault.seal(bigint, text, text) is 'Null for an erased customer: nothing of theirs is kept any more.';

create function vault.open(p_customer bigint, p_nonce text, p_sealed bytea) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select convert_from(vault.keystream_xor(k.key, p_nonce, p_sealed), 'UTF8')
    from vault.customer_key k
   where k.customer_id = p_customer
$$;
comment on function vault.open(bigint, text, bytea) is 'Null when the key is gone, or never was.';

create function vault.commitment(p_customer bigint, p_nonce text, p_plain text) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select sha256(k.key || convert_to('commit:' || p_nonce, 'UTF8') || '\x00'::bytea || convert_to(p_plain, 'UTF8'))
    from vault.customer_key k
   where k.customer_id = p_customer
$$;
comment on function vault.commitment(bigint, text, text) is 'Null when the key is gone, or never was: make_keys first.';

create function vault.commitment_of_sealed(p_customer bigint, p_nonce text, p_sealed bytea) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select sha256(k.key || convert_to('commit:' || p_nonce, 'UTF8') || '\x00'::bytea || vault.keystream_xor(k.key, p_nonce, p_sealed))
    from vault.customer_key k
   where k.customer_id = p_customer
$$;
comment on function vault.commitment_of_sealed(bigint, text, bytea) is 'The commitment of what was sealed: no text comes out, also when somebody changed the bytes.';

create function vault.destroy_key(p_customer bigint, p_reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into vault.customer_key as k (customer_id, key) values (p_customer, null)
  on conflict (customer_id) do update set key = null;
  insert into vault.erased_customer (customer_id, reason) values (p_customer, p_reason) on conflict do nothing;
  return found;
end
$$;
comment on function vault.destroy_key(bigint, text) is 'False when it was destroyed before.';

revoke all on all functions in schema vault from public;
grant usage on schema vault to bankalerts_auditor, bankalerts_caretaker;
grant execute on function vault.open, vault.commitment, vault.commitment_of_sealed to bankalerts_auditor, bankalerts_caretaker;
grant select on vault.erased_customer to bankalerts_auditor, bankalerts_caretaker;
select alerting.take_ownership();
