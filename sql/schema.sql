-- The schema at the head of the migrations, for reading: pg_dump's output. `make schema` writes it anew.
--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: alerting; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA alerting;


--
-- Name: audit; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA audit;


--
-- Name: bank; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA bank;


--
-- Name: vault; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA vault;


--
-- Name: seen_place; Type: TYPE; Schema: audit; Owner: -
--

CREATE TYPE audit.seen_place AS (
	seen_no bigint,
	transaction_id bigint,
	seen_below bigint,
	inserted_at timestamp with time zone,
	event_id text
);


--
-- Name: TYPE seen_place; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TYPE audit.seen_place IS 'Where an event stands in the order in which events were judged; seen_no where that was recorded.';


--
-- Name: judgement; Type: TYPE; Schema: audit; Owner: -
--

CREATE TYPE audit.judgement AS (
	event_kind text,
	event_id text,
	event_date date,
	account_id text,
	customer_id bigint,
	alert_type text,
	preference_no integer,
	outcome text,
	event_time timestamp with time zone,
	inserted_at timestamp with time zone,
	channels text[],
	compared jsonb,
	type_version bigint,
	preference_version bigint,
	permission_version bigint,
	place audit.seen_place,
	cool_down numeric,
	rearm_margin numeric,
	rearms boolean,
	arms boolean,
	cancels boolean,
	timer_key text,
	due_at timestamp with time zone
);


--
-- Name: TYPE judgement; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TYPE audit.judgement IS 'One event and one preference: the outcome, the values compared, and the versions that counted.';


--
-- Name: expression_part; Type: TYPE; Schema: bank; Owner: -
--

CREATE TYPE bank.expression_part AS (
	sql text,
	kind text,
	first_token integer,
	tightest integer,
	next_token integer
);


--
-- Name: TYPE expression_part; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TYPE bank.expression_part IS 'A part of an expression as PostgreSQL evaluates it. kind: integer, text, boolean, time, json, null for NULL; tightest: the tightest operator that may follow.';


--
-- Name: expression_token; Type: TYPE; Schema: bank; Owner: -
--

CREATE TYPE bank.expression_token AS (
	kind text,
	content text,
	"position" integer
);


--
-- Name: TYPE expression_token; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TYPE bank.expression_token IS 'kind: value, word, sign or end; words in small letters; positions count characters from 1.';


--
-- Name: accept_restore(text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.accept_restore(p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  update alerting.capture_identity i
     set system_identifier = d.system_identifier, timeline = d.timeline, recorded_at = now(), recorded_by = session_user
    from alerting.database_identity() d
   where (i.system_identifier, i.timeline) <> (d.system_identifier, d.timeline);
  return alerting.end_halt('RESTORE', p_reason);
end
$$;


--
-- Name: FUNCTION accept_restore(p_reason text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.accept_restore(p_reason text) IS 'Says that the database as it is now is the right one: engines go on with it. False when none was halted for it.';


--
-- Name: add_partitions(date, date); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.add_partitions(p_from date, p_until date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_month date;
    v_table text;
    v_name text;
    v_made integer := 0;
begin
    -- two at once would both find the same table missing
    perform pg_advisory_xact_lock(hashtext('alerting.add_partitions'));
    for v_month, v_table in
        select month::date, format('%I.%I', n.nspname, c.relname)
          from generate_series(date_trunc('month', p_from::timestamp), p_until::timestamp, '1 month') month,
               pg_partitioned_table p join pg_class c on c.oid = p.partrelid join pg_namespace n on n.oid = c.relnamespace
         where p.partstrat = 'r' and n.nspname in ('bank', 'alerting')
         order by 1, 2
    loop
        v_name := v_table || to_char(v_month, '"_"YYYY"_"MM');
        continue when to_regclass(v_name) is not null;
        begin
            execute format('create table %s partition of %s for values from (%L) to (%L) %s',
                v_name, v_table, v_month, (v_month + interval '1 month')::date,
                case v_table when 'alerting.outbox' then 'with (fillfactor = 80)' end);
            v_made := v_made + 1;
        exception when check_violation then
            raise warning '% has no partition for %: rows of that month are in %_default already',
                    v_table, to_char(v_month, 'YYYY-MM'), v_table
                using hint = 'They are whole there, and so are those to come: leave them. Make the partitions of a month before its first row.';
        end;
    end loop;
    return v_made;
end
$$;


--
-- Name: FUNCTION add_partitions(p_from date, p_until date); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.add_partitions(p_from date, p_until date) IS 'Makes the monthly partitions of events, alerts, messages and attempts for the dates given, but for a month whose rows are in the default partition: it warns of those. Returns how many were made. Safe to repeat, and at once.';


--
-- Name: apply_receipt(text, text, text, text, timestamp with time zone, text[]); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.apply_receipt(p_provider text, p_provider_ref text, p_status text, p_reason text, p_at timestamp with time zone, p_without_fallback text[] DEFAULT '{}'::text[]) RETURNS text
    LANGUAGE plpgsql
    AS $_$
declare
    v_attempt alerting.delivery_attempt;
    v_message alerting.outbox;
begin
    -- a provider may use a name again after months: the newest is meant
    select * into v_attempt from alerting.delivery_attempt
     where provider_ref = p_provider_ref and provider = p_provider
     order by started_at desc limit 1;
    if not found and p_provider_ref ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[.][0-9a-f]{16}$' then
        -- the message's id, and the start of the sha256 of the address (which is the target's own key) or of the device
        select * into v_attempt from alerting.delivery_attempt
         where message_id = split_part(p_provider_ref, '.', 1)::uuid and provider = p_provider and outcome in ('SENT', 'UNKNOWN')
           and split_part(p_provider_ref, '.', 2) in (left(target, 16), left(encode(sha256(convert_to(target, 'UTF8')), 'hex'), 16))
         order by outcome = 'SENT' desc, attempt_no desc limit 1;
    end if;
    if not found then
        return 'UNKNOWN_MESSAGE';
    end if;
    -- the message first: receipts of one message, and the notifier that records it, take turns
    select * into strict v_message from alerting.outbox
     where message_id = v_attempt.message_id and event_date = v_attempt.event_date for update;

    insert into alerting.receipt (message_id, event_date, attempt_no, target, status, provider, reason, said_at)
    values (v_attempt.message_id, v_attempt.event_date, v_attempt.attempt_no, v_attempt.target, p_status, p_provider, p_reason, p_at)
        on conflict do nothing;
    if not found then
        return 'REPEATED';
    end if;
    if p_status = 'BOUNCED' then
        insert into alerting.suppressed_address (channel, target, reason, message_id)
        values (v_message.channel, v_attempt.target, concat_ws(' ', 'bounced', p_reason), v_message.message_id)
            on conflict do nothing;
    end if;
    update alerting.delivery_attempt set receipt = p_status, receipt_at = p_at
     where message_id = v_attempt.message_id and event_date = v_attempt.event_date and attempt_no = v_attempt.attempt_no
       and target = v_attempt.target and receipt is null;
    if not found then
        return 'CONTRADICTED';
    end if;
    if p_status = 'DELIVERED' then
        -- of one that is PENDING still, for another target, delivered_at says it until record_messages concludes it
        update alerting.outbox
           set delivered_at = coalesce(delivered_at, p_at), handed_at = coalesce(handed_at, p_at),
               state = case when state in ('ACCEPTED', 'UNKNOWN') then 'DELIVERED' else state end,
               reason = case when state in ('ACCEPTED', 'UNKNOWN') then null else reason end
         where message_id = v_message.message_id and event_date = v_message.event_date;
        return 'APPLIED';
    end if;
    update alerting.outbox
       set state = 'FAILED', reason = concat_ws(' ', case p_status when 'BOUNCED' then 'bounced' else 'taken and not delivered' end, p_reason)
     where message_id = v_message.message_id and event_date = v_message.event_date and state in ('ACCEPTED', 'UNKNOWN')
       and not exists (select from alerting.delivery_attempt a
                        where a.message_id = v_message.message_id and a.event_date = v_message.event_date
                          and (a.outcome = 'SENT' or a.outcome = 'UNKNOWN' and v_message.state = 'UNKNOWN')
                          and (a.receipt is null or a.receipt = 'DELIVERED'));
    if found then
        -- what it told as a digest reached the customer no more than itself did
        with told as (
            update alerting.outbox o
               set state = 'FAILED',
                   reason = concat_ws(' ', 'as its digest', v_message.message_id::text || ':',
                                      case p_status when 'BOUNCED' then 'bounced' else 'taken and not delivered' end, p_reason)
              from alerting.delivery_attempt t
             where t.provider_ref = v_message.message_id::text and t.provider = 'digest'
               and o.message_id = t.message_id and o.event_date = t.event_date and o.state = 'SUPPRESSED'
            returning o.alert_id, o.event_date
        ), failed as (
            select alert_id, event_date from told
            union all
            select v_message.alert_id, v_message.event_date
        )
        insert into alerting.outbox (message_id, alert_id, event_date, channel, falls_back_from)
        select alerting.message_id(a.alert_id, p.falls_back_to), a.alert_id, a.event_date, p.falls_back_to, v_message.channel
          from alerting.channel_policy p, failed f
          join alerting.alert a on a.alert_id = f.alert_id and a.event_date = f.event_date
         where p.channel = v_message.channel and p.falls_back_to is not null and a.alert_type <> all (p_without_fallback)
            on conflict do nothing;
    end if;
    return 'APPLIED';
end
$_$;


--
-- Name: FUNCTION apply_receipt(p_provider text, p_provider_ref text, p_status text, p_reason text, p_at timestamp with time zone, p_without_fallback text[]); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.apply_receipt(p_provider text, p_provider_ref text, p_status text, p_reason text, p_at timestamp with time zone, p_without_fallback text[]) IS 'Takes one receipt. APPLIED; REPEATED: it was here before; CONTRADICTED: kept, but another one came first; UNKNOWN_MESSAGE: nothing has that name, nothing changed. Alert types in p_without_fallback go out on no other channel.';


--
-- Name: brake(text, bigint, bigint); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.brake(p_alert_type text, p_messages_last_minute bigint, p_limit bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    with made as (
        insert into alerting.pause (scope, reason, made_by)
        values ('TYPE:' || p_alert_type,
                format('%s messages in a minute, %s are its limit', p_messages_last_minute, p_limit), 'brake')
            on conflict (scope) where ended_at is null do nothing
        returning scope
    )
    select count(pg_notify('alerting_control', scope)) > 0 from made;
$$;


--
-- Name: FUNCTION brake(p_alert_type text, p_messages_last_minute bigint, p_limit bigint); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.brake(p_alert_type text, p_messages_last_minute bigint, p_limit bigint) IS 'Pauses an alert type that sends far more than it normally does. False: it is paused already.';


--
-- Name: capture_findings(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.capture_findings() RETURNS TABLE(cause text, detail text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with identity as (select * from alerting.capture_identity),
  published as (
    select p.schemaname || '.' || p.tablename as table_name, p.rowfilter,
           (select array_agg(name::text order by name) from unnest(p.attnames) name) as columns
      from pg_publication_tables p where p.pubname = 'bankalerts'
  ),
  present as (
    select t.table_name, c.oid, c.relreplident, array_agg(a.attname::text order by a.attname) as columns,
           array_agg(format_type(a.atttypid, a.atttypmod) order by a.attname) as types
      from alerting.captured_table t
      join pg_class c on c.oid = to_regclass(t.table_name)
      join pg_attribute a on a.attrelid = c.oid and not a.attisdropped and a.attname = any (t.columns)
     group by t.table_name, c.oid, c.relreplident
  ),
  findings as (
    select 'RESTORE' as cause,
           format('the database is another one, or was restored: system %s, timeline %s; capture is of %s, %s',
                  d.system_identifier, d.timeline, i.system_identifier, i.timeline) as detail
      from identity i, alerting.database_identity() d
     where (d.system_identifier, d.timeline) <> (i.system_identifier, i.timeline)
    union all
    select 'SLOT', format('replication slot %s does not exist', i.slot)
      from identity i where not exists (select from pg_replication_slots s where s.slot_name = i.slot)
    union all
    -- conflicting and invalidation_reason are not there on every version
    select 'SLOT', format('replication slot %s lost WAL that it needed (%s)', i.slot,
                          coalesce(to_jsonb(s) ->> 'invalidation_reason', s.wal_status))
      from identity i join pg_replication_slots s on s.slot_name = i.slot
     where s.wal_status = 'lost' or to_jsonb(s) ->> 'invalidation_reason' is not null
    union all
    select 'PUBLICATION', 'publication bankalerts does not exist'
     where not exists (select from pg_publication where pubname = 'bankalerts')
    union all
    select 'PUBLICATION', 'publication bankalerts does not publish every insert, update and delete of whole partitioned tables'
      from pg_publication
     where pubname = 'bankalerts' and not (pubinsert and pubupdate and pubdelete and pubviaroot)
    union all
    select 'PUBLICATION', format('%s is not published', t.table_name)
      from alerting.captured_table t
     where to_regclass(t.table_name) is not null and exists (select from pg_publication where pubname = 'bankalerts')
       and not exists (select from published p where p.table_name = t.table_name)
    union all
    select 'PUBLICATION', format('%s is published with other columns, or not all of its rows', t.table_name)
      from alerting.captured_table t join published p using (table_name) join present c using (table_name)
     where c.columns = t.columns and (p.columns <> t.columns or p.rowfilter is not null)
    union all
    select 'PUBLICATION', format('%s is published and not captured', p.table_name)
      from published p where not exists (select from alerting.captured_table t where t.table_name = p.table_name)
    union all
    select 'TABLE', format('%s does not exist', t.table_name)
      from alerting.captured_table t where to_regclass(t.table_name) is null
    union all
    select 'TABLE', format('captured columns of %s are gone or of another type', t.table_name)
      from alerting.captured_table t join present p using (table_name)
     where (p.columns, p.types) is distinct from (t.columns, t.types)
    union all
    select 'TABLE', format('%s has another replica identity than its key', p.table_name)
      from present p where p.relreplident <> 'd'
    union all
    select 'TABLE', format('trigger %s of %s is disabled', g.tgname, p.table_name)
      from present p join pg_trigger g on g.tgrelid = p.oid
     where g.tgenabled in ('D', 'R') and not g.tgisinternal
  )
  select f.cause, f.detail from findings f where exists (select from identity) order by 1, 2
$$;


--
-- Name: FUNCTION capture_findings(); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.capture_findings() IS 'What differs between capture as it was set up and the database now; each row is a reason to decide nothing.';


--
-- Name: check_nothing_due(text, text, date, date); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.check_nothing_due(p_data_class text, p_partition text, p_from date, p_until date) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if p_data_class in ('ALERT', 'MESSAGE', 'ATTEMPT', 'RECEIPT')
     and exists (select from alerting.outbox_due where event_date >= p_from and event_date < p_until) then
    raise exception '% has messages that are still to be sent', p_partition
      using errcode = 'BA002', hint = 'See bankalerts outbox; what is paused goes on with bankalerts resume.';
  end if;
end
$$;


--
-- Name: database_identity(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.database_identity(OUT system_identifier text, OUT timeline text) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select (select c.system_identifier::text from pg_control_system() c), left(pg_walfile_name(pg_current_wal_lsn()), 8)
$$;


--
-- Name: delete_old(text, integer); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.delete_old(p_data_class text, p_most integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_began timestamptz := clock_timestamp();
  v_before timestamptz;
  v_deleted bigint;
begin
  select now() - keeps into v_before from audit.retention_policy where data_class = p_data_class and action = 'DELETE';
  if not found then
    raise exception 'no policy lets rows of % be deleted', p_data_class
      using errcode = 'BA002', hint = 'audit.retention_policy says what goes when.';
  end if;
  case p_data_class
    when 'INBOX' then
      delete from bank.inbox_message where message_id in
        (select message_id from bank.inbox_message where written_at < v_before limit p_most for update skip locked);
    when 'QUARANTINE' then
      delete from alerting.quarantine where quarantine_id in
        (select quarantine_id from alerting.quarantine where quarantined_at < v_before limit p_most for update skip locked);
    when 'TYPE_VOLUME' then
      delete from alerting.type_volume where (alert_type, minute) in
        (select alert_type, minute from alerting.type_volume where minute < v_before limit p_most for update skip locked);
    else
      raise exception 'rows of % cannot be deleted', p_data_class
        using errcode = 'BA002', hint = 'Only INBOX, QUARANTINE and TYPE_VOLUME are deleted row by row.';
  end case;
  get diagnostics v_deleted = row_count;
  if v_deleted > 0 then
    insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
    select 'DELETED', p_data_class, relations[1], v_deleted, clock_timestamp() - v_began
      from audit.retention_policy where data_class = p_data_class;
  end if;
  return v_deleted;
end
$$;


--
-- Name: FUNCTION delete_old(p_data_class text, p_most integer); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.delete_old(p_data_class text, p_most integer) IS 'Deletes some of the rows that their policy lets go; returns how many. Fewer than asked for: these were all.';


--
-- Name: detach_partition(regclass, text, boolean); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.detach_partition(p_parent regclass, p_partition text, p_drop boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '100ms'
    AS $$
declare
  v_began timestamptz := clock_timestamp();
  v_due record;
  v_found boolean;
begin
  -- who lets the same one go at once waits, and then finds it gone
  perform pg_advisory_xact_lock(hashtext('alerting.detach_partition'));
  if not exists (select from pg_inherits where inhparent = p_parent and inhrelid = to_regclass(p_partition)) then
    return 'GONE';
  end if;
  select * into v_due from alerting.due_partitions(current_date) d where (d.parent, d.partition) = (p_parent, to_regclass(p_partition));
  if not found or p_drop <> (v_due.action = 'DROP') then
    raise exception 'no policy lets % be %', p_partition, case when p_drop then 'dropped' else 'detached' end
      using errcode = 'BA002', hint = 'audit.retention_policy says what goes when; alerting.due_partitions() what is due.';
  end if;
  perform alerting.check_nothing_due(v_due.data_class, p_partition, v_due.from_date, v_due.until_date);
  if v_due.data_class in ('ALERT', 'MESSAGE') and to_regclass('alerting.seal_entry') is not null then
    execute format('select exists (select from alerting.seal_entry)
                       and exists (select from %s r where not exists (select from alerting.seal_entry e where (e.id, e.kind) = (r.%I, %L)))',
                   p_partition, lower(v_due.data_class) || '_id', v_due.data_class) into v_found;
    if v_found then
      raise exception '% holds what is not sealed yet', p_partition
        using errcode = 'BA002', hint = 'Run bankalerts seal, then bankalerts maintain again.';
    end if;
  end if;
  begin
    execute format('alter table %s detach partition %s', p_parent, p_partition);
    if p_drop then
      execute format('drop table %s', p_partition);
    end if;
  exception
    when lock_not_available then return 'LOCKED';
    when undefined_table then return 'GONE';
  end;
  -- one may have been written in between; the lock now keeps others out
  perform alerting.check_nothing_due(v_due.data_class, p_partition, v_due.from_date, v_due.until_date);
  insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
  values (case when p_drop then 'DROPPED' else 'DETACHED' end, v_due.data_class, p_partition, 1, clock_timestamp() - v_began);
  return case when p_drop then 'DROPPED' else 'DETACHED' end;
end
$$;


--
-- Name: FUNCTION detach_partition(p_parent regclass, p_partition text, p_drop boolean); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.detach_partition(p_parent regclass, p_partition text, p_drop boolean) IS 'Lets a partition go that is due by its policy. DETACHED; DROPPED; GONE: it is none any more; LOCKED, or an error of lock_timeout: try again. Refuses one with messages to be sent, or not sealed.';


--
-- Name: due_partitions(date); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.due_partitions(p_now date DEFAULT CURRENT_DATE) RETURNS TABLE(data_class text, parent regclass, partition regclass, from_date date, until_date date, action text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "DateStyle" TO 'ISO'
    AS $$
  with there as (
    select p.data_class, i.inhparent::regclass as parent, i.inhrelid::regclass as partition, b[1]::date as from_date,
           b[2]::date as until_date, p.action, p.keeps
      from audit.retention_policy p
     cross join unnest(p.relations) as r (name)
      join pg_inherits i on i.inhparent = to_regclass(r.name)
      join pg_class c on c.oid = i.inhrelid
     cross join regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([0-9-]+)''\) TO \(''([0-9-]+)''\)') as b
     where p.ahead is not null and b is not null
  )
  select t.data_class, t.parent, t.partition, t.from_date, t.until_date, t.action
    from there t
   where t.action in ('DROP', 'DETACH') and t.until_date + t.keeps <= p_now
     -- what was seen of a month goes after the events of that month
     and (t.data_class <> 'SEEN_EVENT'
          or not exists (select from there e where e.data_class = 'EVENT' and e.from_date < t.until_date))
   order by t.from_date, t.parent::text
$$;


--
-- Name: FUNCTION due_partitions(p_now date); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.due_partitions(p_now date) IS 'The partitions that their policy lets go.';


--
-- Name: end_halt(text, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.end_halt(p_cause text, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_finding text;
begin
  select string_agg(f.detail, '; ') into v_finding from alerting.capture_findings() f where f.cause = p_cause;
  if v_finding is not null then
    raise exception 'the halt % cannot end while its cause is there', p_cause
      using errcode = 'BA002', detail = v_finding,
            hint = 'Mend it first; for RESTORE: bankalerts connectors accept-restore.';
  end if;
  update alerting.halt
     set ended_at = now(), ended_by = session_user, reason = p_reason,
         app_user = nullif(current_setting('bankalerts.app_user', true), '')
   where cause = p_cause and ended_at is null;
  return found;
end
$$;


--
-- Name: erase_customer(bigint, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.erase_customer(p_customer bigint, p_reason text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: FUNCTION erase_customer(p_customer bigint, p_reason text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.erase_customer(p_customer bigint, p_reason text) IS 'Erases a customer for ever; says how many rows of what. Safe to repeat.';


--
-- Name: forget_targets(bigint); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.forget_targets(p_customer bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


SET default_tablespace = '';

--
-- Name: outbox; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.outbox (
    message_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    event_date date NOT NULL,
    channel text NOT NULL,
    state text DEFAULT 'PENDING'::text NOT NULL,
    reason text,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    claimed_at timestamp with time zone,
    handed_at timestamp with time zone,
    finished_at timestamp with time zone,
    delivered_at timestamp with time zone,
    may_be_twice boolean DEFAULT false NOT NULL,
    falls_back_from text,
    CONSTRAINT ended_otherwise_for_a_reason CHECK (((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'DELIVERED'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT finished_when_not_pending CHECK (((state = 'PENDING'::text) = (finished_at IS NULL))),
    CONSTRAINT handed_when_accepted CHECK (((state <> ALL (ARRAY['ACCEPTED'::text, 'DELIVERED'::text])) OR (handed_at IS NOT NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'DELIVERED'::text, 'FAILED'::text, 'SUPPRESSED'::text, 'EXPIRED'::text, 'UNKNOWN'::text])))
)
PARTITION BY RANGE (event_date);


--
-- Name: COLUMN outbox.message_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.message_id IS 'From alert_id and channel (sha256), and the idempotency key for the provider.';


--
-- Name: COLUMN outbox.claimed_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.claimed_at IS 'When a notifier first claimed it.';


--
-- Name: COLUMN outbox.handed_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.handed_at IS 'When the provider accepted it.';


--
-- Name: COLUMN outbox.delivered_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.delivered_at IS 'When it reached the customer, as a receipt says.';


--
-- Name: COLUMN outbox.may_be_twice; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.may_be_twice IS 'A provider took it after an attempt of which nobody knows whether it was sent: it may have come twice.';


--
-- Name: COLUMN outbox.falls_back_from; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox.falls_back_from IS 'The channel on which the alert could not be brought; null: the customer asked for this one.';


--
-- Name: leaf_of_message(alerting.outbox); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.leaf_of_message(o alerting.outbox) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select sha256(record_send(row('MESSAGE'::text, o.message_id, o.alert_id, o.event_date, o.channel, o.state, o.reason, o.written_at,
                                o.claimed_at, o.handed_at, o.finished_at, o.delivered_at, o.may_be_twice, o.falls_back_from)))
$$;


--
-- Name: make_due(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.make_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into alerting.outbox_due (message_id, alert_id, event_date, channel)
    select message_id, alert_id, event_date, channel from new_rows;
    -- NOTIFY takes a global lock at commit: one per statement and channel, never one per row
    perform pg_notify('alerting_outbox', channel) from (select distinct channel from new_rows) c;
    return null;
end
$$;


--
-- Name: make_messages(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.make_messages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into alerting.outbox (message_id, alert_id, event_date, channel)
    select alerting.message_id(alert_id, channel), alert_id, event_date, channel
      from new_rows cross join unnest(channels) channel;
    return null;
end
$$;


--
-- Name: make_partition(text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.make_partition(p_partition text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '100ms'
    AS $$
declare
  v_began timestamptz := clock_timestamp();
  v_missing record;
  v_column name;
  v_found boolean;
begin
  perform pg_advisory_xact_lock(hashtext('alerting.make_partition'));
  select * into v_missing from alerting.missing_partitions(current_date) m where m.partition = p_partition;
  if not found then
    return 'THERE';
  end if;
  select a.attname into strict v_column
    from pg_partitioned_table t join pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
   where t.partrelid = v_missing.parent::regclass;
  -- looked for without the lock that making it takes
  execute format('select exists (select from %s_default where %I >= %L and %I < %L)', v_missing.parent, v_column,
                 v_missing.from_date, v_column, v_missing.until_date) into v_found;
  if v_found then
    return 'IN_DEFAULT';
  end if;
  begin
    execute format('create table %s partition of %s for values from (%L) to (%L) %s', p_partition, v_missing.parent,
                   v_missing.from_date, v_missing.until_date,
                   case v_missing.parent when 'alerting.outbox' then 'with (fillfactor = 80)' end);
  exception
    when lock_not_available then return 'LOCKED';
    when duplicate_table then return 'THERE';  -- alerting.add_partitions came in between
    when check_violation then return 'IN_DEFAULT';
  end;
  insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)
  values ('MADE', v_missing.data_class, p_partition, 1, clock_timestamp() - v_began);
  return 'MADE';
end
$$;


--
-- Name: FUNCTION make_partition(p_partition text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.make_partition(p_partition text) IS 'Makes one that alerting.missing_partitions names. MADE; THERE; LOCKED, or an error of lock_timeout: try again; IN_DEFAULT: rows of its month are in the default partition.';


--
-- Name: message_id(uuid, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.message_id(p_alert_id uuid, p_channel text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select encode(substr(sha256(uuid_send(p_alert_id) || convert_to(p_channel, 'UTF8')), 1, 16), 'hex')::uuid
$$;


--
-- Name: FUNCTION message_id(p_alert_id uuid, p_channel text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.message_id(p_alert_id uuid, p_channel text) IS 'The id of the message that brings an alert on a channel: the same whenever it is made.';


--
-- Name: missing_partitions(date); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.missing_partitions(p_now date DEFAULT CURRENT_DATE) RETURNS TABLE(data_class text, parent text, partition text, from_date date, until_date date)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select p.data_class, r.name, r.name || to_char(m, '"_"YYYY"_"MM'), m::date, (m + interval '1 month')::date
    from audit.retention_policy p
   cross join unnest(p.relations) as r (name)
   cross join generate_series(date_trunc('month', p_now::timestamp), p_now + p.ahead, interval '1 month') as m
   where to_regclass(r.name || to_char(m, '"_"YYYY"_"MM')) is null
   order by m, r.name
$$;


--
-- Name: FUNCTION missing_partitions(p_now date); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.missing_partitions(p_now date) IS 'The months ahead that have no partition, by audit.retention_policy.';


--
-- Name: open_halt(text, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.open_halt(p_cause text, p_detail text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with added as (
    insert into alerting.halt (cause, detail) values (p_cause, p_detail)
        on conflict (cause) where ended_at is null do nothing
    returning 1
  )
  select exists (select from added)
$$;


--
-- Name: FUNCTION open_halt(p_cause text, p_detail text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.open_halt(p_cause text, p_detail text) IS 'Halts all engines within 5 seconds. False when this cause holds them already.';


--
-- Name: pause(text, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.pause(p_scope text, p_reason text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select pg_notify('alerting_control', p_scope);
    with made as (
        insert into alerting.pause (scope, reason) values (p_scope, p_reason)
            on conflict (scope) where ended_at is null do nothing
        returning pause_id
    )
    select pause_id from made
    union all
    select pause_id from alerting.pause where scope = p_scope and ended_at is null
     limit 1;
$$;


--
-- Name: FUNCTION pause(p_scope text, p_reason text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.pause(p_scope text, p_reason text) IS 'Holds up everything (ALL), a channel (CHANNEL:x) or an alert type (TYPE:x). Repeatable; returns the open pause.';


--
-- Name: record_identity(text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.record_identity(p_slot text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with added as (
    insert into alerting.capture_identity (system_identifier, timeline, slot)
    select d.system_identifier, d.timeline, p_slot from alerting.database_identity() d
        on conflict do nothing
    returning 1
  )
  select exists (select from added)
$$;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: refuse_erasure(bigint); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.refuse_erasure(p_customer bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: resume(text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.resume(p_scope text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select pg_notify('alerting_control', p_scope);
    with ended as (
        update alerting.pause set ended_at = clock_timestamp(), ended_by = session_user
         where scope = p_scope and ended_at is null
        returning pause_id
    )
    select exists (select from ended);
$$;


--
-- Name: FUNCTION resume(p_scope text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.resume(p_scope text) IS 'Ends a pause; what it held is sent. False: there was none.';


--
-- Name: row_settled_until(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.row_settled_until() RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: FUNCTION row_settled_until(); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.row_settled_until() IS 'All rows with times before that are committed or never will be, however long transactions run.';


--
-- Name: seal_alerts(bigint, integer, timestamp with time zone, timestamp with time zone, integer); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_alerts(p_seal_no bigint, p_after integer, p_from timestamp with time zone, p_until timestamp with time zone, p_most integer, OUT entries integer, OUT last_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: seal_erasures(bigint); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_erasures(p_seal_no bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: seal_evidence_of(bigint); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_evidence_of(p_customer bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: seal_kind(text, bigint, integer, timestamp with time zone); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_kind(p_kind text, p_seal_no bigint, p_most integer, p_settled timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: seal_messages(bigint, integer, timestamp with time zone, timestamp with time zone, integer); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_messages(p_seal_no bigint, p_after integer, p_from timestamp with time zone, p_until timestamp with time zone, p_most integer, OUT entries integer, OUT last_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: seal_next(integer); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_next(p_most integer DEFAULT 20000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: FUNCTION seal_next(p_most integer); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.seal_next(p_most integer) IS 'Makes the next block of what is committed and not sealed; its number, or null when there is nothing. Sign it before the commit.';


--
-- Name: seal_receipts(bigint, integer, timestamp with time zone, timestamp with time zone, integer); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.seal_receipts(p_seal_no bigint, p_after integer, p_from timestamp with time zone, p_until timestamp with time zone, p_most integer, OUT entries integer, OUT last_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: sign_seal(bigint, bytea, text); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.sign_seal(p_seal_no bigint, p_signature bytea, p_key_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  update alerting.seal set signature = p_signature, key_id = p_key_id where seal_no = p_seal_no and signature is null
$$;


--
-- Name: FUNCTION sign_seal(p_seal_no bigint, p_signature bytea, p_key_id text); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.sign_seal(p_seal_no bigint, p_signature bytea, p_key_id text) IS 'Once: a signature is never replaced.';


--
-- Name: take_ownership(name); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.take_ownership(p_owner name DEFAULT 'bankalerts_owner'::name) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_statement text;
  v_taken integer := 0;
begin
  for v_statement in
    select format('alter schema %I owner to %I', n.nspname, p_owner)
      from pg_namespace n
     where n.nspname in ('bank', 'alerting', 'audit', 'vault') and n.nspowner <> p_owner::regrole
    union all
    select format('alter table %s owner to %I', c.oid::regclass, p_owner)
      from pg_class c
     where c.relnamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relowner <> p_owner::regrole
       and not exists (select from pg_depend d
                        where d.classid = 'pg_class'::regclass and d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
    union all
    select format('alter routine %s owner to %I', p.oid::regprocedure, p_owner)
      from pg_proc p
     where p.pronamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and p.proowner <> p_owner::regrole
    union all
    select format('alter type %s owner to %I', t.oid::regtype, p_owner)
      from pg_type t left join pg_class c on c.oid = t.typrelid
     where t.typnamespace in (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))
       and (t.typtype in ('d', 'e') or c.relkind = 'c') and t.typowner <> p_owner::regrole
    union all
    select format('alter publication %I owner to %I', p.pubname, p_owner)
      from pg_publication p
     where p.pubname = 'bankalerts' and p.pubowner <> p_owner::regrole
  loop
    execute v_statement;
    v_taken := v_taken + 1;
  end loop;
  return v_taken;
end
$$;


--
-- Name: FUNCTION take_ownership(p_owner name); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.take_ownership(p_owner name) IS 'Gives everything of these schemas to bankalerts_owner, whoever made it; each migration ends with it. How much there was.';


--
-- Name: addresses_at(bigint, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.addresses_at(p_customer bigint, p_at timestamp with time zone) RETURNS TABLE(channel text, address text, verified_at timestamp with time zone, changed_at timestamp with time zone, changed_by text, app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select s."row" ->> 'channel', s."row" ->> 'address', (s."row" ->> 'verified_at')::timestamptz, s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.contact_address', p_customer, p_at) s
  union all
  select 'PUSH', s."row" ->> 'push_id', (s."row" ->> 'registered_at')::timestamptz, s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.push_device', p_customer, p_at) s
   where s."row" ->> 'retired_at' is null
$$;


--
-- Name: FUNCTION addresses_at(p_customer bigint, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.addresses_at(p_customer bigint, p_at timestamp with time zone) IS 'Where messages to a customer could go; devices in use as channel PUSH. address is null once the customer is erased.';


SET default_table_access_method = heap;

--
-- Name: alert_type_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.alert_type_history (
    alert_type text NOT NULL,
    from_version bigint NOT NULL,
    until_version bigint,
    event_kind text NOT NULL,
    statuses text[] NOT NULL,
    condition text NOT NULL,
    parameters jsonb NOT NULL,
    category text NOT NULL,
    title text NOT NULL,
    uses_balance boolean NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    began_by text DEFAULT SESSION_USER NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    mandatory boolean DEFAULT false NOT NULL,
    default_channels text[] DEFAULT '{}'::text[] NOT NULL,
    purpose text DEFAULT 'SERVICE'::text NOT NULL,
    window_aggregate text,
    window_value text,
    window_group text[] DEFAULT '{}'::text[] NOT NULL,
    window_condition text,
    window_length text,
    window_lateness integer DEFAULT 3600 NOT NULL,
    cool_down text,
    rearm_margin text,
    rearm_condition text,
    timer_arm text,
    timer_cancel text,
    timer_key text,
    timer_after text,
    timer_schedule jsonb
);


--
-- Name: TABLE alert_type_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.alert_type_history IS 'Each alert type as it was at the catalogue versions from_version up to, not including, until_version.';


--
-- Name: aggregate_query(audit.alert_type_history, text); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.aggregate_query(p_type audit.alert_type_history, p_which text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    -- history is NULL as a whole where the event has no value of a group
    select format('case when subject.has_group then %s end', case p_type.window_aggregate
        when 'COUNT' then format('count(*) filter (where %s)::numeric', p_which)
        when 'AVERAGE' then format('div(sum(member.value) filter (where %1$s), nullif(count(member.value) filter (where %1$s), 0))', p_which)
        else format('%s(member.value) filter (where %s)', lower(p_type.window_aggregate), p_which) end)
$_$;


--
-- Name: alerts_of_customer(bigint, date, date); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.alerts_of_customer(p_customer bigint, p_from date, p_until date) RETURNS TABLE(message_id uuid, alert_id uuid, event_kind text, event_id text, event_date date, account_id text, alert_type text, preference_no integer, channel text, state text, reason text, event_time timestamp with time zone, decided_at timestamp with time zone, handed_at timestamp with time zone, delivered_at timestamp with time zone, may_be_twice boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
begin
  -- By the events of the accounts that the customer ever had a permission on, and of the customer: an index by customer on
  -- alerting.alert would cost the engine more than these few auditors are worth.
  return query
    with account as materialized (
      select distinct h.account_id from audit.account_permission_history h where h.customer_id = p_customer
    ), event as materialized (
      select 'ACCOUNT_ENTRY' as kind, e.entry_id as id, e.booking_date as day
        from account a join bank.account_entry e using (account_id) where e.booking_date between p_from and p_until
      union all
      select 'CARD_AUTHORISATION', e.authorisation_id, e.authorised_on
        from account a join bank.card_authorisation e using (account_id) where e.authorised_on between p_from and p_until
      union all
      select 'PAYMENT_ORDER', e.status_change_id, e.changed_on
        from account a join bank.payment_order e using (account_id) where e.changed_on between p_from and p_until
      union all
      select 'CUSTOMER_ACTIVITY', e.activity_id, e.occurred_on
        from bank.customer_activity e where e.customer_id = p_customer and e.occurred_on between p_from and p_until
      union all
      select 'TIMER', e.timer_id, e.due_on
        from bank.timer_event e where e.customer_id = p_customer and e.due_on between p_from and p_until
    )
    select h.message_id, h.alert_id, h.event_kind, h.event_id, h.event_date, h.account_id, h.alert_type, h.preference_no,
           h.channel, h.state, h.reason, h.event_time, h.decided_at, h.handed_at, h.delivered_at, h.may_be_twice
      from event e cross join lateral (
        select * from audit.outbox_history o
         where o.event_id = e.id and o.event_date = e.day and o.event_kind = e.kind and o.customer_id = p_customer offset 0) h
     order by h.decided_at, h.message_id;
end
$$;


--
-- Name: FUNCTION alerts_of_customer(p_customer bigint, p_from date, p_until date); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.alerts_of_customer(p_customer bigint, p_from date, p_until date) IS 'The messages to a customer about events of these dates, both included; as far back as the events are kept.';


--
-- Name: candidates_query(audit.alert_type_history, text, boolean, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.candidates_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    c_own constant text := $query$
        select p.customer_id, p.preference_no, {currency} as currency, p.parameters, p.channels, {enabled} as enabled, p.from_version
          from {table} p
         where {same} and p.alert_type = {alert_type} and {at_p} $query$;
    c_by_default constant text := $query$
        union all
        select q.customer_id, 0, {event_currency}, '{}'::jsonb, {default_channels}::text[], true, null
          from {entitled} q
         where {at_q} and not exists (select from {table} p
               where {same} and p.customer_id = q.customer_id and p.alert_type = {alert_type} and {at_p} and {same_currency}) $query$;
    c_assumed constant text := $query$
        select q.customer_id, 1, {event_currency}, {assumed}::jsonb, {default_channels}::text[], true, null::bigint
          from {entitled} q where {at_q} $query$;
    v_activity constant boolean := p_type.event_kind = 'CUSTOMER_ACTIVITY';
    v_template text := c_own;
begin
    if p_assumed is not null then
        v_template := 'select * from (' || c_assumed || ') as a (customer_id, preference_no, currency, parameters, channels, enabled, from_version)';
    elsif p_type.mandatory then
        v_template := c_own || c_by_default;
    end if;
    if p_kind = 'TIMER' then
        -- the one preference that the timer names, whatever became of it
        v_template := format($query$
            select event.customer_id, event.preference_no, found.currency, coalesce(found.parameters, '{}') as parameters, found.channels,
                   found.enabled, found.from_version
              from (select 1) one left join (%s) found on found.customer_id = event.customer_id and found.preference_no = event.preference_no
            $query$, v_template);
    end if;
    return audit.filled(v_template, jsonb_build_object(
        'table', case when v_activity then 'audit.customer_preference_history' else 'audit.alert_preference_history' end,
        'same', case when v_activity then 'p.customer_id = event.customer_id' else 'p.account_id = event.account_id' end,
        'entitled', case when v_activity then '(select event.customer_id, event.state_version as from_version, null::bigint as until_version)'
                         else '(select * from audit.account_permission_history h where h.account_id = event.account_id)' end,
        'currency', case when v_activity then 'null::text' else 'p.currency' end,
        'event_currency', case when v_activity or p_kind = 'TIMER' then 'null::text' else 'event.currency' end,
        'same_currency', case when v_activity or p_kind = 'TIMER' then 'true' else 'p.currency = event.currency' end,
        'enabled', case when p_type.mandatory then 'true' else 'p.enabled' end,
        'alert_type', quote_literal(p_type.alert_type),
        'default_channels', quote_literal(p_type.default_channels),
        'assumed', quote_nullable(p_assumed),
        'at_p', audit.version_query('p', p_now), 'at_q', audit.version_query('q', p_now)));
end
$_$;


--
-- Name: FUNCTION candidates_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.candidates_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) IS 'The preferences that an event meets: those there are; a mandatory type''s defaults as number 0 where a customer has none in the event''s currency.';


--
-- Name: changes_of(bigint, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.changes_of(p_customer bigint, p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(changed_at timestamp with time zone, table_name text, row_key text, operation text, changed jsonb, personal jsonb, changed_by text, app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select c.changed_at, c.table_name, c.row_key, c.operation, c.changed,
         vault.open(p_customer, 'change:' || c.change_no, c.sealed)::jsonb, c.changed_by, c.app_user
    from audit.change c
   where c.customer_id = p_customer and c.changed_at >= p_from and c.changed_at < p_until
   order by c.changed_at, c.change_no
$$;


--
-- Name: FUNCTION changes_of(p_customer bigint, p_from timestamp with time zone, p_until timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.changes_of(p_customer bigint, p_from timestamp with time zone, p_until timestamp with time zone) IS 'Who changed what of a customer''s settings, addresses, devices and consents. personal is null once the customer is erased.';


--
-- Name: check_retention_policies(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.check_retention_policies() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_event interval;
  v_seen interval;
begin
  select coalesce(keeps, interval '1000000 days') into strict v_event from audit.retention_policy where data_class = 'EVENT';
  select coalesce(keeps, interval '1000000 days') into strict v_seen from audit.retention_policy where data_class = 'SEEN_EVENT';
  if v_seen < v_event then
    raise exception 'SEEN_EVENT is kept for %, EVENT for %: what was seen must stay as long as the events', v_seen, v_event
      using errcode = 'BA002', hint = 'Shorten EVENT first, or lengthen SEEN_EVENT first; null is for ever.';
  end if;
  return null;
end
$$;


--
-- Name: consents_at(bigint, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.consents_at(p_customer bigint, p_at timestamp with time zone) RETURNS TABLE(purpose text, granted boolean, said_at timestamp with time zone, changed_at timestamp with time zone, changed_by text, app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select s."row" ->> 'purpose', (s."row" ->> 'granted')::boolean, (s."row" ->> 'changed_at')::timestamptz,
         s.changed_at, s.changed_by, s.app_user
    from audit.rows_at('bank.customer_consent', p_customer, p_at) s
$$;


--
-- Name: FUNCTION consents_at(p_customer bigint, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.consents_at(p_customer bigint, p_at timestamp with time zone) IS 'What a customer had agreed to. said_at is the app''s word for when, changed_at when the database was told.';


--
-- Name: defaults_query(audit.alert_type_history); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.defaults_query(p_type audit.alert_type_history) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select quote_literal(coalesce(jsonb_object_agg(name, rule -> 'default') filter (where rule ? 'default'), '{}')) from jsonb_each(p_type.parameters) d (name, rule)
$$;


--
-- Name: dry_run(audit.alert_type_history, date, date, jsonb, bigint); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.dry_run(p_type audit.alert_type_history, p_from date, p_until date, p_assumed jsonb DEFAULT NULL::jsonb, p_customer bigint DEFAULT NULL::bigint) RETURNS SETOF audit.judgement
    LANGUAGE sql STABLE
    AS $$
    select * from audit.judge(array[p_type], p_from, p_until, null, null, p_customer, true, true, p_assumed)
$$;


--
-- Name: FUNCTION dry_run(p_type audit.alert_type_history, p_from date, p_until date, p_assumed jsonb, p_customer bigint); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.dry_run(p_type audit.alert_type_history, p_from date, p_until date, p_assumed jsonb, p_customer bigint) IS 'The alerts that events of these dates would have led to, had this alert type and today''s preferences and permissions been there: for every permitted customer with p_assumed, where given.';


--
-- Name: entity_of(text, text); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.entity_of(p_event_kind text, p_event_id text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select coalesce(account_id, customer_id::text) from audit.event where event_kind = p_event_kind and event_id = p_event_id limit 1
$$;


--
-- Name: FUNCTION entity_of(p_event_kind text, p_event_id text); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.entity_of(p_event_kind text, p_event_id text) IS 'The account of an event, or the customer where it has none.';


--
-- Name: expected_alerts(date, date); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.expected_alerts(p_from date DEFAULT '-infinity'::date, p_until date DEFAULT 'infinity'::date) RETURNS TABLE(event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer)
    LANGUAGE sql STABLE
    AS $$
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no
      from audit.judged(p_from, p_until, p_alerted_only => true)
$$;


--
-- Name: FUNCTION expected_alerts(p_from date, p_until date); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.expected_alerts(p_from date, p_until date) IS 'The alerts that the events of these dates should have led to, by the state and catalogue versions stamped on them (design 4).';


--
-- Name: explain(text, text, bigint); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.explain(p_event_kind text, p_event_id text, p_customer bigint DEFAULT NULL::bigint) RETURNS TABLE(event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer, outcome text, condition text, compared jsonb, type_version bigint, type_by text, type_at timestamp with time zone, preference_version bigint, preference_by text, preference_at timestamp with time zone, permission_version bigint, permission_by text, permission_at timestamp with time zone, alert_id uuid, messages jsonb)
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
    select event_date, account_id, customer_id, alert_type, preference_no, outcome, condition, compared, type_version, type_by, type_at,
           preference_version, preference_by, preference_at, permission_version, permission_by, permission_at, alert_id, messages
      from audit.explained(p_event_kind => p_event_kind, p_event_id => p_event_id, p_customer => p_customer)
     order by event_date, account_id, customer_id, alert_type, preference_no
$$;


--
-- Name: FUNCTION explain(p_event_kind text, p_event_id text, p_customer bigint); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.explain(p_event_kind text, p_event_id text, p_customer bigint) IS 'audit.explained of one event, and of one customer where given.';


--
-- Name: explained(date, date, text, text, bigint); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.explained(p_from date DEFAULT '-infinity'::date, p_until date DEFAULT 'infinity'::date, p_event_kind text DEFAULT NULL::text, p_event_id text DEFAULT NULL::text, p_customer bigint DEFAULT NULL::bigint) RETURNS TABLE(event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer, outcome text, condition text, compared jsonb, type_version bigint, type_by text, type_at timestamp with time zone, preference_version bigint, preference_by text, preference_at timestamp with time zone, permission_version bigint, permission_by text, permission_at timestamp with time zone, alert_id uuid, messages jsonb)
    LANGUAGE sql STABLE
    AS $$
    select j.event_kind, j.event_id, j.event_date, j.account_id, j.customer_id, j.alert_type, j.preference_no,
           case when j.outcome = 'ALERTED' and sent.suppressed then 'SUPPRESSED'
                when j.outcome = 'ALERTED' and a.alert_id is null and exists (
                     select from alerting.parked_type k where k.alert_type = j.alert_type and k.catalogue_version >= t.from_version
                        and (t.until_version is null or k.catalogue_version < t.until_version)) then 'TYPE_PARKED'
                else j.outcome end, t.condition, j.compared,
           j.type_version, t.began_by, t.began_at, j.preference_version, coalesce(p.began_by, c.began_by), coalesce(p.began_at, c.began_at),
           j.permission_version, q.began_by, q.began_at, a.alert_id, sent.messages
      from audit.judged(p_from, p_until, p_event_kind, p_event_id, p_customer) j
      left join audit.alert_type_history t on (t.alert_type, t.from_version) = (j.alert_type, j.type_version)
      left join audit.alert_preference_history p on (p.account_id, p.customer_id, p.alert_type, p.preference_no, p.from_version)
                                                  = (j.account_id, j.customer_id, j.alert_type, j.preference_no, j.preference_version)
      left join audit.customer_preference_history c on j.account_id is null and (c.customer_id, c.alert_type, c.preference_no, c.from_version)
                                                     = (j.customer_id, j.alert_type, j.preference_no, j.preference_version)
      left join audit.account_permission_history q on (q.account_id, q.customer_id, q.from_version) = (j.account_id, j.customer_id, j.permission_version)
      left join alerting.alert a on (a.event_id, a.event_date, a.event_kind, a.customer_id, a.alert_type, a.preference_no)
                                  = (j.event_id, j.event_date, j.event_kind, j.customer_id, j.alert_type, j.preference_no)
                                 and a.account_id is not distinct from j.account_id
     cross join lateral (
        select jsonb_object_agg(o.channel, concat_ws(': ', o.state, o.reason)) as messages, bool_and(o.state = 'SUPPRESSED') as suppressed
          from alerting.outbox o where (o.alert_id, o.event_date) = (a.alert_id, a.event_date)) sent
$$;


--
-- Name: FUNCTION explained(p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.explained(p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint) IS 'Why events led to alerts or not: one row for each event and preference with the outcome, the values compared, who wrote what counted and when, the alert and its messages.';


--
-- Name: filled(text, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.filled(p_template text, p_parts jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
    -- in one pass: what a part brings in is not looked at again
    select string_agg(coalesce(p_parts ->> part[1], part[2]), '' order by n)
      from regexp_matches(p_template, '\{([a-z_]+)\}|([^{]+|\{)', 'g') with ordinality t (part, n)
$$;


--
-- Name: FUNCTION filled(p_template text, p_parts jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.filled(p_template text, p_parts jsonb) IS 'A text with its {names} replaced by the parts of these names.';


--
-- Name: judge(audit.alert_type_history[], date, date, text, text, bigint, boolean, boolean, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.judge(p_versions audit.alert_type_history[], p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint, p_alerted_only boolean, p_now boolean, p_assumed jsonb) RETURNS SETOF audit.judgement
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_type audit.alert_type_history;
    v_queries text[] := '{}';
    v_query text;
    v_remembers boolean;
    j audit.judgement;
    v_preference audit.judgement;
    v_alert_time timestamptz;
    v_armed boolean;
    v_stamps bigint[];
    v_operations audit.judgement[];
begin
    select bool_or(t.cool_down is not null or t.rearm_margin is not null or t.timer_arm is not null or t.timer_schedule is not null)
      into v_remembers from unnest(p_versions) t;
    -- of one event, where nothing is remembered, the version stamped on it is enough
    if p_event_id is not null and not v_remembers then
        v_stamps := array(select catalogue_version from audit.event where event_kind = p_event_kind and event_id = p_event_id);
    end if;
    foreach v_type in array p_versions loop
        continue when not exists (select from unnest(v_stamps) s where s >= v_type.from_version and (v_type.until_version is null or s < v_type.until_version))
                  and v_stamps is not null;
        continue when v_type.timer_schedule is not null and p_event_kind <> 'TIMER';
        if v_type.timer_schedule is null and (v_remembers or coalesce(p_event_kind, v_type.event_kind) = v_type.event_kind) then
            v_queries := v_queries || audit.sound_query(v_type, v_type.event_kind, p_now, p_assumed);
        end if;
        if v_type.timer_arm is not null or v_type.timer_schedule is not null then
            v_queries := v_queries || audit.sound_query(v_type, 'TIMER', p_now, p_assumed);
        end if;
    end loop;
    if not v_remembers then
        foreach v_query in array v_queries loop
            return query execute v_query using p_from, p_until, p_event_id, p_customer, null::text, p_alerted_only, p_from;
        end loop;
        return;
    elsif v_queries = '{}' then
        return;
    end if;
    -- What came before counts: all events of the account or customer, in the order in which they were judged, those that were not judged
    -- yet last. One that was judged and not recorded had nothing to remember: where it stands is no matter.
    for j in execute format($query$
        select * from (%s) j (event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no)
         order by account_id, customer_id, preference_no, (place).seen_no nulls last,
                  coalesce((place).transaction_id, 0), (place).inserted_at, (place).event_id $query$, array_to_string(v_queries, ' union all '))
        using '-infinity'::date, 'infinity'::date, null::text, p_customer,
              case when p_event_id is not null then coalesce(audit.entity_of(p_event_kind, p_event_id), '') end, p_alerted_only, p_from
    loop
        if (j.account_id, j.customer_id, j.preference_no) is distinct from (v_preference.account_id, v_preference.customer_id, v_preference.preference_no) then
            v_armed := true; v_alert_time := null; v_operations := '{}';
        end if;
        v_preference := j;
        if j.event_kind = 'TIMER' and j.outcome in ('ALERTED', 'CONDITION_FALSE', 'CONDITION_UNKNOWN') and not (p_now and v_type.timer_schedule is not null)
            and not audit.timer_stands(v_operations, j) then
            j.outcome := 'TIMER_CANCELLED';
        end if;
        if j.outcome in ('ALERTED', 'CONDITION_FALSE', 'CONDITION_UNKNOWN') and j.rearm_margin > 0 and j.rearms then
            v_armed := true;
        end if;
        if j.outcome = 'ALERTED' then
            if j.rearm_margin > 0 and not v_armed then
                j.outcome := 'DISARMED';
            elsif j.cool_down > 0 and abs(extract(epoch from j.event_time - v_alert_time)) < j.cool_down then
                j.outcome := 'COOL_DOWN';
            else
                v_armed := v_armed and coalesce(j.rearm_margin, 0) <= 0;
                if j.cool_down > 0 then
                    v_alert_time := greatest(v_alert_time, j.event_time); -- of which one NULL does not count
                end if;
            end if;
        end if;
        if j.timer_key is not null and (j.arms and j.due_at is not null or j.cancels and (not j.arms or j.due_at is null)) then
            v_operations := v_operations || j;
        end if;
        continue when p_event_kind <> j.event_kind or p_event_id <> j.event_id or j.event_date not between p_from and p_until
                   or p_alerted_only and j.outcome <> 'ALERTED' or j.outcome = 'STARTS_SCHEDULE';
        return next j;
    end loop;
end
$_$;


--
-- Name: FUNCTION judge(p_versions audit.alert_type_history[], p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint, p_alerted_only boolean, p_now boolean, p_assumed jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.judge(p_versions audit.alert_type_history[], p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint, p_alerted_only boolean, p_now boolean, p_assumed jsonb) IS 'What one alert type, in all its versions, makes of events. p_now: of its one version, on the state of today. p_assumed: as if every permitted customer had these parameters.';


--
-- Name: judged(date, date, text, text, bigint, text, boolean); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.judged(p_from date DEFAULT '-infinity'::date, p_until date DEFAULT 'infinity'::date, p_event_kind text DEFAULT NULL::text, p_event_id text DEFAULT NULL::text, p_customer bigint DEFAULT NULL::bigint, p_alert_type text DEFAULT NULL::text, p_alerted_only boolean DEFAULT false) RETURNS SETOF audit.judgement
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_versions audit.alert_type_history[];
begin
    for v_versions in
        select array_agg(h order by h.from_version) from audit.alert_type_history h
         where h.alert_type = coalesce(p_alert_type, h.alert_type)
         group by h.alert_type
        having p_event_kind is null or bool_or(h.event_kind = p_event_kind or p_event_kind = 'TIMER' and coalesce(h.timer_arm, h.timer_schedule::text) is not null)
         order by h.alert_type
    loop
        return query select * from audit.judge(v_versions, p_from, p_until, p_event_kind, p_event_id, p_customer, p_alerted_only, false, null);
    end loop;
end
$$;


--
-- Name: FUNCTION judged(p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint, p_alert_type text, p_alerted_only boolean); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.judged(p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint, p_alert_type text, p_alerted_only boolean) IS 'One row for each event of these dates and each preference it met, by the versions and the order stamped and recorded: ALERTED, or the reason why not.';


--
-- Name: judging_query(audit.alert_type_history, text, boolean, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.judging_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_activity constant boolean := p_type.event_kind = 'CUSTOMER_ACTIVITY';
    v_timer constant boolean := p_kind = 'TIMER';
    v_armed constant boolean := p_type.timer_arm is not null;
    v_expressions constant text := concat_ws(' ', p_type.condition, p_type.window_condition, p_type.rearm_condition, p_type.timer_arm,
                                             p_type.timer_cancel, p_type.timer_key, 'event.' || p_type.window_value);
    v_parts jsonb;
begin
    v_parts := audit.kind_parts(p_kind) || case when v_timer and p_now then audit.supposed_timers(p_type, p_assumed) else '{}' end || jsonb_build_object(
        'alert_type', quote_literal(p_type.alert_type), 'type_version', p_type.from_version,
        'candidates', audit.candidates_query(p_type, p_kind, p_now, p_assumed),
        'window', audit.window_query(p_type, p_kind, p_now),
        'at_permission', audit.version_query('permission', p_now),
        'entity', case when v_timer then 'coalesce(event.account_id, event.customer_id::text)' when v_activity then 'event.customer_id::text' else 'event.account_id' end,
        'at_type', case when p_now then 'true' else format('event.catalogue_version >= %s and event.catalogue_version < %s',
                                                           p_type.from_version, coalesce(p_type.until_version::text, '9223372036854775807')) end,
        -- today's state may not be that of the engine's order: as inserted
        'as_seen', case when p_now then 'false' else 'true' end,
        'needs_permission', case when v_activity then 'false' else 'true' end,
        'is_status', case when v_timer then 'true' else audit.status_query(p_kind, p_type.statuses) end,
        'other_currency', case when v_activity or v_timer then 'false' else 'preference.currency <> event.currency' end,
        'uses_balance', case when p_type.uses_balance and not v_activity then 'true' else 'false' end,
        -- an expression that PostgreSQL cannot evaluate was taken out (audit.sound_query)
        'parked', case when p_type.condition is null then 'true' else 'false' end,
        'this_timer', case when v_timer then format('event.alert_type = %L and (event.account_id is null) = %L::boolean', p_type.alert_type, v_activity) else 'true' end,
        'groups', case when v_timer then '' else coalesce((
            select string_agg(format(', event.%I as group_%s', g, n), '') from unnest(p_type.window_group) with ordinality u (g, n)), '') end,
        'has_group', case when v_timer then 'true' else coalesce((
            select string_agg(format('event.%I is not null', g), ' and ') from unnest(p_type.window_group) g), 'true') end,
        'window_length', coalesce(bank.condition_sql(p_type.window_length, p_type.parameters), 'null'),
        'since_ever', case when p_type.window_length is null then 'true' else 'false' end,
        'cool_down', coalesce(case when not v_timer then bank.condition_sql(p_type.cool_down, p_type.parameters) end, 'null'),
        'rearm_margin', coalesce(case when not v_timer then bank.condition_sql(p_type.rearm_margin, p_type.parameters) end, 'null'),
        'rearms', coalesce(case when not v_timer then bank.condition_sql(p_type.rearm_condition, p_type.parameters) end, 'null'),
        'condition', coalesce(bank.condition_sql(p_type.condition, p_type.parameters), 'null::boolean'),
        'arms', case when not v_timer then 'subject.reason is null and ' || coalesce(bank.condition_sql(p_type.timer_arm, p_type.parameters), 'false')
                     when p_type.timer_schedule is not null then 'coalesce(preference.enabled, false)' else 'false' end,
        'cancels', case when v_timer then 'false' else 'subject.reason is null and ' || coalesce(bank.condition_sql(p_type.timer_cancel, p_type.parameters), 'false') end,
        'timer_key', case when v_timer then 'event.timer_key' when p_type.timer_key is null then '''''' else bank.condition_sql(p_type.timer_key, p_type.parameters) end,
        'due_at', case when not v_timer then format('case when after.seconds between 0 and 315360000 then event.event_time + make_interval(secs => after.seconds::double precision) end')
                       when p_type.timer_schedule is not null then format('audit.next_due(%L, subject.parameters, event.time_zone, event.event_time)', p_type.timer_schedule)
                       else 'null::timestamptz' end,
        'timer_after', case when v_timer then 'null' else coalesce(bank.condition_sql(p_type.timer_after, p_type.parameters), 'null') end,
        'starts', case when v_timer then 'event.starts' else 'false' end,
        'outcome', case when v_timer or not v_armed then $query$case when judged.met then 'ALERTED' when judged.met is null then 'CONDITION_UNKNOWN' else 'CONDITION_FALSE' end$query$
                        else $query$case when timer.arms then 'ARMS_TIMER' when timer.cancels then 'CANCELS_TIMER' else 'LEAVES_TIMER' end$query$ end,
        'judges', case when v_timer or not v_armed then 'true' else 'false' end,
        'defaults', audit.defaults_query(p_type),
        'default_channels', quote_literal(p_type.default_channels),
        'columns', quote_literal('{amount_minor,currency}'::text[] || p_type.window_group || array(
            select m[1] from regexp_matches(v_expressions, 'event\.([a-z_]+)', 'g') m)),
        'history', case when p_type.window_aggregate is null then 'null::jsonb' else
            $query$jsonb_build_object('value', history.value, 'previous', history.previous, 'last', history.last, 'since', history.since)$query$ end);
    return audit.filled($query$
select {kind}, event.{id}, event.{day}, {account}, preference.customer_id, {alert_type}, preference.preference_no,
       coalesce(case when {starts} then 'STARTS_SCHEDULE' end, subject.reason, {outcome}), event.event_time, event.inserted_at, coalesce(preference.channels, {default_channels}::text[]),
       jsonb_build_object('parameters', subject.parameters, 'history', {history}, 'event', (
           select coalesce(jsonb_object_agg(c, value), '{}') from jsonb_each(to_jsonb(event)) e (c, value) where c = any ({columns}::text[]))),
       {type_version}::bigint, preference.from_version, permission.from_version, subject.place,
       limits.cool_down, limits.rearm_margin, ({rearms})::boolean as rearms, timer.arms, timer.cancels, timer.key as timer_key, {due_at} as due_at
  from {relation} event
  left join alerting.seen_event seen on {as_seen} and (seen.event_kind, seen.event_id, seen.event_date) = ({kind}, event.{id}, event.{day})
  join lateral ({candidates}) preference on true
  left join audit.account_permission_history permission
    on {needs_permission} and permission.account_id = {account} and permission.customer_id = preference.customer_id and {at_permission}
 cross join lateral (select ({window_length})::numeric as window_length, ({cool_down})::numeric as cool_down, ({rearm_margin})::numeric as rearm_margin) limits
 cross join lateral (
    select event.event_time, extract(epoch from event.event_time) as seconds, {account} as account_id, preference.customer_id,
           event.{id} as id, event.{day} as day, {defaults}::jsonb || preference.parameters as parameters, {has_group} as has_group {groups},
           row(seen.seen_no, event.transaction_id, event.seen_below, event.inserted_at, event.{id})::audit.seen_place as place,
           case when limits.window_length <= 0 then event.event_time -- no member at all
                when {since_ever} or extract(epoch from event.event_time) - limits.window_length < -62200000000 then '-infinity' -- before any year 1
                else event.event_time - make_interval(secs => limits.window_length::double precision) end as window_from,
           case when preference.enabled is null then 'NO_PREFERENCE'
                when {needs_permission} and permission.from_version is null then 'NO_PERMISSION'
                when {needs_permission} and not (permission.valid_from <= event.inserted_at
                     and (permission.valid_until is null or event.inserted_at < permission.valid_until)) then 'PERMISSION_NOT_VALID'
                when not preference.enabled then 'DISABLED'
                when {other_currency} then 'OTHER_CURRENCY'
                when not ({is_status}) then 'OTHER_STATUS'
                when {uses_balance} and not permission.may_see_balance then 'MAY_NOT_SEE_BALANCE'
                when {parked} then 'TYPE_PARKED' end as reason) subject
 cross join lateral (select ({timer_after})::numeric as seconds) after
 cross join lateral (select coalesce({arms}, false) as arms, coalesce({cancels}, false) as cancels, ({timer_key})::text as key) timer
 cross join lateral ({window}) history
 cross join lateral (select case when subject.reason is null and {judges} then ({condition}) end as met) judged
 where {at_type} and {this_timer}
   and event.{day} between $1 and $2 and ($3 is null or event.{id} = $3) and ($4 is null or preference.customer_id = $4)
   and ($5 is null or {entity} = $5) and (not $6 or coalesce(subject.reason, {outcome}) = 'ALERTED' and not {starts} or limits.rearm_margin > 0 or timer.arms or timer.cancels)
$query$, v_parts);
end
$_$;


--
-- Name: FUNCTION judging_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.judging_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) IS 'The query that judges events by one version of an alert type, with no memory of earlier decisions. Parameters: dates from and until, event, customer, entity, alerted only.';


--
-- Name: kind_parts(text); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.kind_parts(p_kind text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    select jsonb_build_object('kind', quote_literal(kind), 'relation', relation, 'id', id, 'day', day, 'status', status,
                              'account', case when kind = 'CUSTOMER_ACTIVITY' then 'null::text' else 'event.account_id' end)
      from (values ('ACCOUNT_ENTRY', 'bank.account_entry', 'entry_id', 'booking_date', 'event.status'),
                   ('CARD_AUTHORISATION', 'bank.card_authorisation', 'authorisation_id', 'authorised_on', 'event.outcome'),
                   ('PAYMENT_ORDER', 'bank.payment_order', 'status_change_id', 'changed_on', 'event.status'),
                   ('CUSTOMER_ACTIVITY', 'bank.customer_activity', 'activity_id', 'occurred_on', null),
                   ('TIMER', 'bank.timer_event', 'timer_id', 'due_on', null)) k (kind, relation, id, day, status)
     where kind = p_kind
$$;


--
-- Name: FUNCTION kind_parts(p_kind text); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.kind_parts(p_kind text) IS 'The table of a kind of event, and what its identity and status are called there.';


--
-- Name: messages_ended(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.messages_ended(p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(message_id uuid, alert_id uuid, event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer, channel text, state text, reason text, committed_at timestamp with time zone, handed_at timestamp with time zone, finished_at timestamp with time zone, delivered_at timestamp with time zone, took interval, may_be_twice boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
begin
  return query
    with ended as materialized (
      select o.* from alerting.outbox o where o.finished_at >= p_from and o.finished_at < p_until
    )
    select o.message_id, o.alert_id, a.event_kind, a.event_id, a.event_date, a.account_id, a.customer_id, a.alert_type,
           a.preference_no, o.channel, o.state, o.reason, a.committed_at, o.handed_at, o.finished_at, o.delivered_at,
           o.handed_at - coalesce(a.committed_at, a.inserted_at), o.may_be_twice
      from ended o cross join lateral (
        select * from alerting.alert l where l.alert_id = o.alert_id and l.event_date = o.event_date offset 0) a;
end
$$;


--
-- Name: FUNCTION messages_ended(p_from timestamp with time zone, p_until timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.messages_ended(p_from timestamp with time zone, p_until timestamp with time zone) IS 'The messages that came to their end in a period, whatever the date of their event; took: from the event''s commit until the provider had it.';


--
-- Name: next_due(jsonb, jsonb, text, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.next_due(p_schedule jsonb, p_parameters jsonb, p_time_zone text, p_after timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    select min(due)
      from (select (p_after at time zone p_time_zone)::date) l (today),
           (select audit.schedule_part(p_schedule, p_parameters, 'hour', 0, 23),
                   audit.schedule_part('{"minute": 0}' || p_schedule, p_parameters, 'minute', 0, 59),
                   audit.schedule_part(p_schedule, p_parameters, 'weekday', 1, 7),
                   audit.schedule_part(p_schedule, p_parameters, 'day', 1, 31)) n (hour, minute, weekday, day),
           lateral (
               select today + days from generate_series(-1, 15) days
                where p_schedule ->> 'every' = 'day' or p_schedule ->> 'every' = 'week' and extract(isodow from today + days) = weekday
                union all
               select least((month + interval '1 month' - interval '1 day')::date, month::date + day - 1)
                 from generate_series(date_trunc('month', today::timestamp), today::timestamp + interval '13 months', interval '1 month') month
                where p_schedule ->> 'every' = 'month' and day is not null) d (day_due),
           lateral (select audit.wall_time(day_due + make_time(hour, minute, 0), p_time_zone)) t (due)
     where hour is not null and minute is not null and due > p_after and p_after < '9998-01-01 00:00+00'
$$;


--
-- Name: FUNCTION next_due(p_schedule jsonb, p_parameters jsonb, p_time_zone text, p_after timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.next_due(p_schedule jsonb, p_parameters jsonb, p_time_zone text, p_after timestamp with time zone) IS 'The first time after p_after that a schedule (bank.alert_type.timer_schedule) names in a time zone, by a preference''s parameters, defaults included.';


--
-- Name: recorded_table; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.recorded_table (
    table_name text NOT NULL,
    key_columns text[] NOT NULL,
    personal_columns text[] DEFAULT '{}'::text[] NOT NULL,
    left_out text[] DEFAULT '{}'::text[] NOT NULL
);


--
-- Name: TABLE recorded_table; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.recorded_table IS 'The tables whose changes audit.change keeps, and how.';


--
-- Name: COLUMN recorded_table.personal_columns; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.recorded_table.personal_columns IS 'Kept sealed with the customer''s key. One that is also a key column stands in row_key as a commitment.';


--
-- Name: COLUMN recorded_table.left_out; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.recorded_table.left_out IS 'Never kept: secrets, what nobody asks for, and what triggers write.';


--
-- Name: note_change(audit.recorded_table, text, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.note_change(p_how audit.recorded_table, p_operation text, p_row jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  number bigint := nextval('audit.change_no');
  customer bigint := p_row ->> 'customer_id';
  personal text;
begin
  if p_how.personal_columns <> '{}' and customer is not null then
    select jsonb_object_agg(name, p_row -> name)::text into personal from unnest(p_how.personal_columns) name;
  end if;
  insert into audit.change (change_no, table_name, row_key, customer_id, operation, changed, sealed, changed_at, changed_by, app_user)
  select number, p_how.table_name, audit.row_key(p_how, p_row), customer, p_operation, p_row - p_how.personal_columns,
         case when personal is not null then vault.seal(customer, 'change:' || number, personal) end,
         case when known then clock_timestamp() end, case when known then session_user end,
         case when known then nullif(current_setting('bankalerts.app_user', true), '') end
    from (values (p_operation <> 'FOUND')) v (known);
end
$$;


--
-- Name: FUNCTION note_change(p_how audit.recorded_table, p_operation text, p_row jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.note_change(p_how audit.recorded_table, p_operation text, p_row jsonb) IS 'Writes one row of audit.change.';


--
-- Name: open_evidence(uuid, date); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.open_evidence(p_alert_id uuid, p_event_date date) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case when not a.evidence ? 'sealed' then a.evidence
              else coalesce(vault.open(a.customer_id, 'alert:' || a.alert_id, decode(a.evidence ->> 'sealed', 'hex'))::jsonb,
                            '{"erased": true}') end
    from alerting.alert a
   where a.alert_id = p_alert_id and a.event_date = p_event_date
$$;


--
-- Name: FUNCTION open_evidence(p_alert_id uuid, p_event_date date); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.open_evidence(p_alert_id uuid, p_event_date date) IS 'What the alert was decided on; {"erased": true} once the customer''s key is destroyed.';


--
-- Name: permissions_at(text, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.permissions_at(p_account text, p_at timestamp with time zone) RETURNS TABLE(customer_id bigint, role text, may_see_balance boolean, valid_from timestamp with time zone, valid_until timestamp with time zone, is_valid boolean, from_version bigint, began_at timestamp with time zone, began_by text, began_app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select h.customer_id, h.role, h.may_see_balance, h.valid_from, h.valid_until,
         h.valid_from <= p_at and (h.valid_until is null or p_at < h.valid_until), h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.account_permission_history h
   where h.account_id = p_account and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
$$;


--
-- Name: FUNCTION permissions_at(p_account text, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.permissions_at(p_account text, p_at timestamp with time zone) IS 'Who had a permission on an account; is_valid: it let them see the account at that time.';


--
-- Name: preferences_at(bigint, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.preferences_at(p_customer bigint, p_at timestamp with time zone) RETURNS TABLE(account_id text, alert_type text, preference_no integer, currency text, parameters jsonb, channels text[], enabled boolean, from_version bigint, began_at timestamp with time zone, began_by text, began_app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select h.account_id, h.alert_type, h.preference_no, h.currency, h.parameters, h.channels, h.enabled, h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.alert_preference_history h
   where h.customer_id = p_customer and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
  union all
  select null, h.alert_type, h.preference_no, null, h.parameters, h.channels, h.enabled, h.from_version,
         h.began_at, h.began_by, h.began_app_user
    from audit.customer_preference_history h
   where h.customer_id = p_customer and h.began_at <= p_at and (h.ended_at is null or p_at < h.ended_at)
$$;


--
-- Name: FUNCTION preferences_at(p_customer bigint, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.preferences_at(p_customer bigint, p_at timestamp with time zone) IS 'What a customer wanted to know, on accounts and (account_id null) on themselves.';


--
-- Name: record_account_permission(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_account_permission() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    update audit.account_permission_history h
       set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.account a using (account_id)
     where (h.account_id, h.customer_id) = (o.account_id, o.customer_id) and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.account_permission_history
      (account_id, customer_id, from_version, role, may_see_balance, valid_from, valid_until)
    select account_id, customer_id, state_version, role, may_see_balance, valid_from, valid_until from new_rows;
  end if;
  return null;
end
$$;


--
-- Name: record_alert_preference(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_alert_preference() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    update audit.alert_preference_history h
       set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.account a using (account_id)
     where (h.account_id, h.customer_id, h.alert_type, h.preference_no)
           = (o.account_id, o.customer_id, o.alert_type, o.preference_no)
       and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.alert_preference_history
      (account_id, customer_id, alert_type, preference_no, from_version, currency, parameters, channels, enabled)
    select account_id, customer_id, alert_type, preference_no, state_version, currency, parameters, channels, enabled
      from new_rows;
  end if;
  return null;
end
$$;


--
-- Name: record_alert_type(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_alert_type() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'INSERT' then
        update audit.alert_type_history h
           set until_version = c.catalogue_version, ended_at = clock_timestamp(), ended_by = session_user
          from old_rows o, bank.catalogue c
         where h.alert_type = o.alert_type and h.until_version is null;
    end if;
    if tg_op <> 'DELETE' then
        insert into audit.alert_type_history
            (alert_type, from_version, event_kind, statuses, condition, parameters, category, title, uses_balance, mandatory, default_channels,
             purpose, window_aggregate, window_value, window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin,
             rearm_condition, timer_arm, timer_cancel, timer_key, timer_after, timer_schedule)
        select alert_type, catalogue_version, event_kind, statuses, condition, parameters, category, title, uses_balance, mandatory, default_channels,
               purpose, window_aggregate, window_value, window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin,
               rearm_condition, timer_arm, timer_cancel, timer_key, timer_after, timer_schedule
          from new_rows;
    end if;
    return null;
end
$$;


--
-- Name: record_change(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "IntervalStyle" TO 'postgres'
    AS $$
declare
  how audit.recorded_table;
  before jsonb;
  after jsonb;
begin
  select * into strict how from audit.recorded_table r where r.table_name = tg_table_schema || '.' || tg_table_name;
  before := case when tg_op <> 'INSERT' then to_jsonb(old) - how.left_out end;
  after := case when tg_op <> 'DELETE' then to_jsonb(new) - how.left_out end;
  if before = after then
    return null;
  end if;
  if how.personal_columns <> '{}' then
    perform vault.make_keys(array[(before ->> 'customer_id')::bigint, (after ->> 'customer_id')::bigint]);
  end if;
  if before is not null and not exists (select from audit.change c
                                         where c.table_name = how.table_name and c.row_key = audit.row_key(how, before)) then
    perform audit.note_change(how, 'FOUND', before);
  end if;
  if tg_op = 'UPDATE' and audit.row_key(how, before) <> audit.row_key(how, after) then
    perform audit.note_change(how, 'DELETE', before);
    perform audit.note_change(how, 'INSERT', after);
  else
    perform audit.note_change(how, tg_op, coalesce(after, before));
  end if;
  return null;
end
$$;


--
-- Name: FUNCTION record_change(); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.record_change() IS 'Row by row, as a row that changes its key ends under the old one and begins under the new.';


--
-- Name: record_customer_preference(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_customer_preference() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op <> 'INSERT' then
    update audit.customer_preference_history h
       set until_version = c.state_version, ended_at = clock_timestamp(), ended_by = session_user,
           ended_app_user = nullif(current_setting('bankalerts.app_user', true), '')
      from old_rows o join bank.customer c using (customer_id)
     where (h.customer_id, h.alert_type, h.preference_no) = (o.customer_id, o.alert_type, o.preference_no)
       and h.until_version is null;
  end if;
  if tg_op <> 'DELETE' then
    insert into audit.customer_preference_history
      (customer_id, alert_type, preference_no, from_version, parameters, channels, enabled)
    select customer_id, alert_type, preference_no, state_version, parameters, channels, enabled from new_rows;
  end if;
  return null;
end
$$;


--
-- Name: row_key(audit.recorded_table, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.row_key(p_how audit.recorded_table, p_row jsonb) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select string_agg(case when k.name <> all (p_how.personal_columns) then p_row ->> k.name
                         else coalesce(left(encode(vault.commitment((p_row ->> 'customer_id')::bigint, p_how.table_name,
                                                                    p_row ->> k.name), 'hex'), 32), 'erased') end,
                    '|' order by k.place)
    from unnest(p_how.key_columns) with ordinality k (name, place)
$$;


--
-- Name: FUNCTION row_key(p_how audit.recorded_table, p_row jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.row_key(p_how audit.recorded_table, p_row jsonb) IS 'What names a row in audit.change; a personal value only as a commitment, which says nothing once the key is gone.';


--
-- Name: rows_at(text, bigint, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.rows_at(p_table text, p_customer bigint, p_at timestamp with time zone) RETURNS TABLE(row_key text, "row" jsonb, changed_at timestamp with time zone, changed_by text, app_user text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "IntervalStyle" TO 'postgres'
    AS $_$
declare
  how audit.recorded_table;
begin
  select * into strict how from audit.recorded_table r where r.table_name = p_table;
  return query
    select s.row_key, s.changed || coalesce(vault.open(p_customer, 'change:' || s.change_no, s.sealed)::jsonb, '{}'),
           s.changed_at, s.changed_by, s.app_user
      from (select distinct on (c.row_key) c.*
              from audit.change c
             where c.customer_id = p_customer and c.table_name = p_table and (c.changed_at <= p_at or c.changed_at is null)
             order by c.row_key, c.changed_at desc nulls last, c.change_no desc) s
     where s.operation <> 'DELETE';
  return query execute format(
    'select k.row_key, k.r, null::timestamptz, null::text, null::text'
    '  from %s t, lateral (select to_jsonb(t) - $2.left_out as r, audit.row_key($2, to_jsonb(t)) as row_key) k'
    ' where t.customer_id = $1 and not exists (select from audit.change c where c.table_name = $3 and c.row_key = k.row_key)',
    how.table_name::regclass) using p_customer, how, p_table;
end
$_$;


--
-- Name: FUNCTION rows_at(p_table text, p_customer bigint, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.rows_at(p_table text, p_customer bigint, p_at timestamp with time zone) IS 'A customer''s rows of a recorded table as they were; changed_at is null where the row is as it was found. Personal columns are missing once the customer is erased.';


--
-- Name: run_statements(text); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.run_statements(p_statements text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    execute p_statements;
end
$$;


--
-- Name: FUNCTION run_statements(p_statements text); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.run_statements(p_statements text) IS 'Runs SQL statements within the transaction: begin, commit and rollback among them are refused.';


--
-- Name: schedule_part(jsonb, jsonb, text, integer, integer); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.schedule_part(p_schedule jsonb, p_parameters jsonb, p_name text, p_least integer, p_most integer) RETURNS integer
    LANGUAGE sql STABLE
    AS $_$
    select case when part::text ~ '^[0-9]{1,9}$' and part::text::integer between p_least and p_most then part::text::integer end
      from (select case jsonb_typeof(p_schedule -> p_name) when 'string' then p_parameters -> substr(p_schedule ->> p_name, 2) else p_schedule -> p_name end) t (part)
$_$;


--
-- Name: FUNCTION schedule_part(p_schedule jsonb, p_parameters jsonb, p_name text, p_least integer, p_most integer); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.schedule_part(p_schedule jsonb, p_parameters jsonb, p_name text, p_least integer, p_most integer) IS 'A number of a schedule, written out or a parameter''s; NULL where it is missing or out of bounds.';


--
-- Name: seen_before(audit.seen_place, audit.seen_place); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.seen_before(f audit.seen_place, e audit.seen_place) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    -- Recorded events: in the order recorded. One that was not recorded: if it had committed when e was inserted. Where e itself is not
    -- recorded (no engine has judged it): in the order of insertion, after what is recorded.
    select case when e.seen_no is not null and f.seen_no is not null then f.seen_no < e.seen_no
                when e.seen_no is not null then coalesce(f.transaction_id, 0) < e.seen_below
                else f.seen_no is not null
                     or (coalesce(f.transaction_id, 0), f.inserted_at, f.event_id) < (coalesce(e.transaction_id, 0), e.inserted_at, e.event_id) end
$$;


--
-- Name: FUNCTION seen_before(f audit.seen_place, e audit.seen_place); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.seen_before(f audit.seen_place, e audit.seen_place) IS 'Whether f was judged before e (design 4.4).';


--
-- Name: sound_query(audit.alert_type_history, text, boolean, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.sound_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_query text;
begin
    v_query := audit.judging_query(p_type, p_kind, p_now, p_assumed);
    -- asks for no date: only whether it can be planned
    execute v_query using 'infinity'::date, '-infinity'::date, '', 0::bigint, '', true, current_date;
    return v_query;
exception when syntax_error_or_access_rule_violation or sqlstate 'BA001' then
    return audit.judging_query(jsonb_populate_record(p_type, jsonb_build_object('condition', null, 'window_aggregate', null, 'window_condition', null,
        'window_length', null, 'cool_down', null, 'rearm_margin', null, 'rearm_condition', null, 'timer_arm', null, 'timer_cancel', null,
        'timer_key', null, 'timer_after', null)), p_kind, p_now, p_assumed);
end
$$;


--
-- Name: FUNCTION sound_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.sound_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) IS 'The query for one version of an alert type; where PostgreSQL cannot evaluate its expressions one without them, by which all is TYPE_PARKED.';


--
-- Name: stamp_retention_policy(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.stamp_retention_policy() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  new.changed_at := clock_timestamp();
  new.changed_by := session_user;
  new.app_user := nullif(current_setting('bankalerts.app_user', true), '');
  return new;
end
$$;


--
-- Name: status_query(text, text[]); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.status_query(p_kind text, p_statuses text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when audit.kind_parts(p_kind) ->> 'status' is null or p_statuses = '{}' then 'true'
                else format('%s = any (%L::text[])', audit.kind_parts(p_kind) ->> 'status', p_statuses) end
$$;


--
-- Name: supposed_timers(audit.alert_type_history, jsonb); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.supposed_timers(p_type audit.alert_type_history, p_assumed jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    -- what events would have armed and is due by now; seen after all events there are
    c_armed constant text := $query$
        select distinct on (j.account_id, j.customer_id, j.preference_no, j.timer_key, j.due_at) j.account_id, j.customer_id, j.preference_no, j.timer_key,
               j.due_at as event_time
          from ({arming}) j (event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no)
         where j.arms and j.timer_key is not null and j.due_at <= clock_timestamp() $query$;
    -- each time since $7 that the schedule names
    c_scheduled constant text := $query$
        select event.account_id, preference.customer_id, preference.preference_no, '' as timer_key, due.at as event_time
          from {owners} event
          join lateral ({candidates}) preference on true
          join bank.customer c on c.customer_id = preference.customer_id
         cross join lateral (
            with recursive due (at) as (
                select audit.next_due({schedule}, {defaults}::jsonb || preference.parameters, c.time_zone, $7::timestamp at time zone c.time_zone)
                union all
                select audit.next_due({schedule}, {defaults}::jsonb || preference.parameters, c.time_zone, at) from due where at <= clock_timestamp()
            )
            select at from due where at <= clock_timestamp()) due $query$;
begin
    return jsonb_build_object('relation', audit.filled($query$
        (select 'supposed-' || row_number() over (order by event_time, account_id, customer_id, preference_no, timer_key) as timer_id,
                (event_time at time zone 'UTC')::date as due_on, account_id, customer_id, {alert_type}::text as alert_type, preference_no, timer_key,
                event_time, false as starts, 'UTC' as time_zone, event_time as inserted_at, 9223372036854775807 as transaction_id, null::bigint as seen_below, 0::bigint as state_version
           from ({timers}) t) $query$,
        jsonb_build_object('alert_type', quote_literal(p_type.alert_type), 'timers', case when p_type.timer_schedule is null
            then audit.filled(c_armed, jsonb_build_object('arming', audit.judging_query(p_type, p_type.event_kind, true, p_assumed)))
            else audit.filled(c_scheduled, jsonb_build_object(
                'owners', case when p_type.event_kind = 'CUSTOMER_ACTIVITY' then '(select null::text as account_id, customer_id, 0 as state_version from bank.customer)'
                               else '(select account_id, currency, 0 as state_version from bank.account)' end,
                'candidates', audit.candidates_query(p_type, p_type.event_kind, true, p_assumed),
                'schedule', quote_literal(p_type.timer_schedule), 'defaults', audit.defaults_query(p_type))) end)));
end
$_$;


--
-- Name: FUNCTION supposed_timers(p_type audit.alert_type_history, p_assumed jsonb); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.supposed_timers(p_type audit.alert_type_history, p_assumed jsonb) IS 'Instead of bank.timer_event, for a dry run: the timers that would have rung.';


--
-- Name: templates_at(text, timestamp with time zone); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.templates_at(p_alert_type text, p_at timestamp with time zone) RETURNS TABLE(channel text, locale text, version integer, subject text, body text, changed_at timestamp with time zone, changed_by text, app_user text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select distinct on (t.channel, t.locale) t.*
    from (select s.changed ->> 'channel' as channel, s.changed ->> 'locale' as locale, (s.changed ->> 'version')::integer as version,
                 s.changed ->> 'subject' as subject, s.changed ->> 'body' as body, s.changed_at, s.changed_by, s.app_user
            from (select distinct on (c.row_key) c.*
                    from audit.change c
                   where c.table_name = 'bank.message_template'
                     and c.row_key >= p_alert_type || '|' and c.row_key < p_alert_type || '}'
                     and (c.changed_at <= p_at or c.changed_at is null)
                   order by c.row_key, c.changed_at desc nulls last, c.change_no desc) s
           where s.operation <> 'DELETE'
          union all
          select m.channel, m.locale, m.version, m.subject, m.body, null, null, null
            from bank.message_template m
           where m.alert_type = p_alert_type
             and not exists (select from audit.change c
                              where c.table_name = 'bank.message_template'
                                and c.row_key = concat_ws('|', m.alert_type, m.channel, m.locale, m.version))) t
   order by t.channel, t.locale, t.version desc
$$;


--
-- Name: FUNCTION templates_at(p_alert_type text, p_at timestamp with time zone); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.templates_at(p_alert_type text, p_at timestamp with time zone) IS 'The text that messages of an alert type had, by channel and locale. changed_at is null where it was there before changes were recorded.';


--
-- Name: timer_stands(audit.judgement[], audit.judgement); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.timer_stands(p_operations audit.judgement[], e audit.judgement) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    with operation as (
        select o.event_time, o.arms and o.due_at is not null as arms, o.due_at, max(o.event_time) over () as newest
          from unnest(p_operations) o where o.timer_key = e.timer_key and o.event_time <= e.event_time
    )
    select coalesce(bool_and(arms) and bool_or(due_at = e.event_time), false) from operation where event_time = newest
$$;


--
-- Name: FUNCTION timer_stands(p_operations audit.judgement[], e audit.judgement); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.timer_stands(p_operations audit.judgement[], e audit.judgement) IS 'Whether the newest of the operations (arming, cancelling) on a timer that were seen before it was due armed it for that time, and none cancelled it.';


--
-- Name: version_query(text, boolean); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.version_query(p_row text, p_now boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    select case when p_now then format('%s.until_version is null', p_row)
                else format('%1$s.from_version <= event.state_version and (%1$s.until_version is null or event.state_version < %1$s.until_version)', p_row) end
$_$;


--
-- Name: FUNCTION version_query(p_row text, p_now boolean); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.version_query(p_row text, p_now boolean) IS 'Whether a row of a history table counts for "event": by its stamp, or as it is now.';


--
-- Name: wall_time(timestamp without time zone, text); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.wall_time(p_local timestamp without time zone, p_time_zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    -- PostgreSQL moves a skipped time forward, as is wanted; of one that comes twice it takes the second
    select case when first < second and first at time zone p_time_zone = p_local then first else second end
      from (select p_local at time zone p_time_zone) s (second),
           lateral (select (p_local - ((second - interval '24 hours') at time zone p_time_zone - (second - interval '24 hours') at time zone 'UTC')) at time zone 'UTC') f (first)
$$;


--
-- Name: FUNCTION wall_time(p_local timestamp without time zone, p_time_zone text); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.wall_time(p_local timestamp without time zone, p_time_zone text) IS 'When clocks of a time zone show a time: later by what is skipped where they never do, the first where they do twice.';


--
-- Name: window_query(audit.alert_type_history, text, boolean); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.window_query(p_type audit.alert_type_history, p_kind text, p_now boolean) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    select case when p_type.window_aggregate is null then
        'select null::numeric as value, null::numeric as previous, null::numeric as last, null::numeric as since'
    else audit.filled($query$
        select {value} as value, {previous} as previous, {last} as last,
               floor(subject.seconds - max(member.seconds) filter (where member.earlier)) as since
          from (select {window_value}::numeric as value, extract(epoch from event.event_time) as seconds, event.inserted_at, event.{id} as id,
                       {is_other} as earlier
                  from {relation} event
                  left join alerting.seen_event seen on {as_seen}
                    and (seen.event_kind, seen.event_id, seen.event_date) = ({kind}, event.{id}, event.{day})
                 where subject.reason is null
                   and {same_entity} {same_group}
                   and {is_status}
                   and ({window_condition})
                   and event.event_time <= subject.event_time and event.event_time > subject.window_from
                   and (not {is_other} or audit.seen_before(
                        row(seen.seen_no, event.transaction_id, event.seen_below, event.inserted_at, event.{id})::audit.seen_place, subject.place))
               ) member $query$,
        audit.kind_parts(p_type.event_kind) || jsonb_build_object(
            'value', case when p_type.window_aggregate = 'SINCE' then 'null::numeric' else audit.aggregate_query(p_type, 'true') end,
            'previous', case when p_type.window_aggregate = 'SINCE' then 'null::numeric' else audit.aggregate_query(p_type, 'member.earlier') end,
            'last', case when p_type.window_aggregate in ('COUNT', 'SINCE') then 'null::numeric' else
                '(array_agg(member.value order by member.seconds desc, member.inserted_at desc, member.id desc) filter (where member.earlier))[1]' end,
            'window_value', coalesce('event.' || p_type.window_value, 'null'),
            'is_other', case when p_kind = 'TIMER' then 'true'
                             else audit.filled('((event.{id}, event.{day}) <> (subject.id, subject.day))', audit.kind_parts(p_kind)) end,
            'same_entity', case when p_type.event_kind = 'CUSTOMER_ACTIVITY' then 'event.customer_id = subject.customer_id'
                                else 'event.account_id = subject.account_id' end,
            'same_group', case when p_kind = 'TIMER' then '' else coalesce((
                select string_agg(format('and event.%1$I = subject.group_%2$s', g, n), ' ') from unnest(p_type.window_group) with ordinality u (g, n)), '') end,
            'is_status', audit.status_query(p_type.event_kind, p_type.statuses),
            'window_condition', coalesce(bank.condition_sql(p_type.window_condition, p_type.parameters), 'true'),
            'as_seen', case when p_now then 'false' else 'true' end))
    end
$_$;


--
-- Name: FUNCTION window_query(p_type audit.alert_type_history, p_kind text, p_now boolean); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.window_query(p_type audit.alert_type_history, p_kind text, p_now boolean) IS 'history.value, previous, last and since of the event "subject" (design 4.4).';


--
-- Name: acting_for(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.acting_for() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select case when current_setting('bankalerts.customer_id', true) ~ '^[0-9]{1,18}$'
              then current_setting('bankalerts.customer_id', true)::bigint end
$_$;


--
-- Name: FUNCTION acting_for(); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.acting_for() IS 'The customer for whom a banking app acts: it says so with "set local bankalerts.customer_id = ''42''". Null when it does not.';


--
-- Name: alike(bank.expression_token[], jsonb, bank.expression_part[], boolean); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.alike(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_known boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    v_kind text;
    v_part bank.expression_part;
begin
    select kind into v_kind from unnest(p_parts) with ordinality where kind is not null order by ordinality limit 1;
    foreach v_part in array p_parts loop
        if v_part.kind in ('time', 'json') then
            perform bank.refuse_token(p_scope, p_tokens[v_part.first_token], format('%s begins here, it does not compare', v_part.kind),
                'Allowed here: integer, text, boolean.');
        elsif v_part.kind <> v_kind then
            perform bank.refuse_token(p_scope, p_tokens[v_part.first_token], format('%s is needed, and %s begins here', v_kind, v_part.kind),
                'Compare like with like.');
        end if;
    end loop;
    if p_known and v_kind is null then
        perform bank.refuse_token(p_scope, p_tokens[(p_parts[1]).first_token], 'all of these are NULL', 'Allowed here: at least one value.');
    end if;
    return coalesce(v_kind, 'text');
end
$$;


--
-- Name: FUNCTION alike(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_known boolean); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.alike(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_known boolean) IS 'The kind that all parts have. p_known: at least one must not be NULL.';


--
-- Name: boolean_parameter(jsonb, text, boolean); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.boolean_parameter(p_given jsonb, p_name text, p_default boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'boolean' then (p_given ->> p_name)::boolean end
$$;


--
-- Name: channels_read(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.channels_read() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select array_agg(upper(c.channel)) from unnest(array['email', 'sms', 'push', 'webhook', 'inbox']) c (channel)
   where pg_has_role(current_user, 'bankalerts_notifier_' || c.channel, 'member')
$$;


--
-- Name: FUNCTION channels_read(); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.channels_read() IS 'The channels whose addresses this role may read; null for all of them.';


--
-- Name: check_account(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_account() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'UPDATE' then
        if new.currency <> old.currency then
            perform bank.refuse('bank.account.currency', new.currency, 'the currency of an account never changes', 'Open another account.');
        end if;
        if new.account_id <> old.account_id then
            perform bank.refuse('bank.account.account_id', new.account_id, 'an account_id never changes', 'The IBAN may: change that.');
        end if;
    end if;
    perform bank.check_length('bank.account.account_id', new.account_id, 64);
    perform bank.check_currency('bank.account.currency', new.currency);
    perform bank.check_length('bank.account.product', new.product, 60);
    perform bank.check_time_zone('bank.account.time_zone', new.time_zone);
    if bank.iban_fault(new.iban) is not null then
        perform bank.refuse('bank.account.iban', new.iban, bank.iban_fault(new.iban), 'Correct it, without spaces and in capitals; NULL where the account has none.');
    end if;
    return new;
end
$$;


--
-- Name: account_entry; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account_entry (
    entry_id text NOT NULL COLLATE pg_catalog."C",
    booking_date date NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    balance_after_minor bigint,
    status text DEFAULT 'BOOKED'::text NOT NULL COLLATE pg_catalog."C",
    occurred_at timestamp with time zone,
    value_date date,
    original_amount_minor bigint,
    original_currency text COLLATE pg_catalog."C",
    entry_type text COLLATE pg_catalog."C",
    counterparty_account text COLLATE pg_catalog."C",
    counterparty_name text COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    reverses_entry_id text COLLATE pg_catalog."C",
    event_time timestamp with time zone NOT NULL,
    state_version bigint NOT NULL,
    catalogue_version bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    transaction_id bigint,
    seen_below bigint
)
PARTITION BY RANGE (booking_date);


--
-- Name: TABLE account_entry; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.account_entry IS 'One booking on one account. Insert-only: a correction is a new row that names the old one in reverses_entry_id.';


--
-- Name: COLUMN account_entry.event_time; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.event_time IS 'Stamp: occurred_at, or the start of booking_date in the account''s time zone.';


--
-- Name: COLUMN account_entry.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.state_version IS 'Stamp: the account''s state_version that this INSERT saw. The event is judged on that state.';


--
-- Name: COLUMN account_entry.catalogue_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.catalogue_version IS 'Stamp: the version of the alert type catalogue that this INSERT saw.';


--
-- Name: COLUMN account_entry.inserted_at; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.inserted_at IS 'Stamp: when this row was inserted; permissions are valid or not at this time.';


--
-- Name: COLUMN account_entry.transaction_id; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.transaction_id IS 'Stamp: the transaction that inserted this row; NULL in rows from before it was noted.';


--
-- Name: COLUMN account_entry.seen_below; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_entry.seen_below IS 'Stamp: every transaction below this one had ended when this row was inserted: its events came before this one.';


--
-- Name: check_account_entry(bank.account_entry); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_account_entry(p_new bank.account_entry) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.check_one_of('bank.account_entry.status', p_new.status, '{PENDING,BOOKED}');
    perform bank.check_amount('bank.account_entry.amount_minor', p_new.amount_minor);
    perform bank.check_amount('bank.account_entry.balance_after_minor', p_new.balance_after_minor);
    perform bank.check_amount('bank.account_entry.original_amount_minor', p_new.original_amount_minor);
    perform bank.check_date('bank.account_entry.booking_date', p_new.booking_date);
    perform bank.check_date('bank.account_entry.value_date', p_new.value_date);
    perform bank.check_time('bank.account_entry.occurred_at', p_new.occurred_at);
    perform bank.check_length('bank.account_entry.entry_id', p_new.entry_id, 64);
    perform bank.check_length('bank.account_entry.description', p_new.description, 1000);
    perform bank.check_length('bank.account_entry.counterparty_name', p_new.counterparty_name, 140);
    perform bank.check_length('bank.account_entry.counterparty_account', p_new.counterparty_account, 64);
    perform bank.check_length('bank.account_entry.entry_type', p_new.entry_type, 60);
    perform bank.check_length('bank.account_entry.reverses_entry_id', p_new.reverses_entry_id, 64);
    if p_new.original_currency is not null then
        perform bank.check_currency('bank.account_entry.original_currency', p_new.original_currency);
    end if;
end
$$;


--
-- Name: check_account_permission(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_account_permission() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.check_one_of('bank.account_permission.role', new.role, '{OWNER,AUTHORISED,VIEWER}');
    perform bank.check_time('bank.account_permission.valid_from', new.valid_from);
    perform bank.check_time('bank.account_permission.valid_until', new.valid_until);
    if new.valid_until < new.valid_from then
        perform bank.refuse('bank.account_permission.valid_until', new.valid_until::text, 'it is before valid_from', 'Give a later time or NULL.');
    end if;
    return new;
end
$$;


--
-- Name: check_account_status(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_account_status() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.check_one_of('bank.account.status', new.status, '{OPEN,BLOCKED}');
    return new;
end
$$;


--
-- Name: check_alert_preference(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_alert_preference() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_type bank.alert_type;
begin
    select * into v_type from bank.alert_type where alert_type = new.alert_type;
    if not found then
        perform bank.refuse('bank.alert_preference.alert_type', new.alert_type, 'there is no such alert type', 'bank.alert_type lists them.');
    elsif v_type.event_kind = 'CUSTOMER_ACTIVITY' then
        perform bank.refuse('bank.alert_preference.alert_type', new.alert_type, 'the alert type needs no account', 'Insert into bank.customer_preference instead.');
    end if;
    perform bank.check_currency('bank.alert_preference.currency', new.currency);
    perform bank.check_preference('bank.alert_preference', v_type, new.preference_no, new.parameters, new.channels, new.enabled);
    return new;
end
$$;


--
-- Name: check_alert_type(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_alert_type() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if new.alert_type !~ '^[A-Z][A-Z0-9_]{1,59}$' then
        perform bank.refuse('bank.alert_type.alert_type', new.alert_type, 'it is not a name in capitals', 'Use capitals, digits and underscores, such as BALANCE_BELOW.');
    end if;
    perform bank.check_one_of('bank.alert_type.event_kind', new.event_kind, '{ACCOUNT_ENTRY,CARD_AUTHORISATION,PAYMENT_ORDER,CUSTOMER_ACTIVITY}');
    if array_ndims(new.statuses) > 1 or not new.statuses <@ bank.statuses_of(new.event_kind) or cardinality(new.statuses) > cardinality(bank.statuses_of(new.event_kind)) then
        perform bank.refuse('bank.alert_type.statuses', new.statuses::text, 'it is not a list of statuses of this kind of event',
            format('Use ''{}'' for any, or some of %s.', bank.statuses_of(new.event_kind)));
    end if;
    perform bank.check_length('bank.alert_type.title', new.title, 100);
    perform bank.check_length('bank.alert_type.category', new.category, 40);
    perform bank.check_declared(new.parameters);
    perform bank.check_type_shape(new);
    perform bank.check_expressions(new);
    if tg_op = 'UPDATE' then
        if new.parameters <> old.parameters then
            perform bank.check_preferences_fit(new.alert_type, new.parameters);
        end if;
        if (new.event_kind = 'CUSTOMER_ACTIVITY') <> (old.event_kind = 'CUSTOMER_ACTIVITY') and (
            exists (select from bank.alert_preference where alert_type = new.alert_type) or exists (select from bank.customer_preference where alert_type = new.alert_type)) then
            perform bank.refuse('bank.alert_type.event_kind', new.event_kind, 'preferences of this type are there', 'Insert an alert type of another name.');
        end if;
    end if;
    new.uses_balance := bank.type_uses_balance(new);
    select catalogue_version + 1 into new.catalogue_version from bank.catalogue for update;
    return new;
end
$_$;


--
-- Name: check_amount(text, bigint); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_amount(p_column text, p_value bigint) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if p_value not between -100000000000000000 and 100000000000000000 then
        perform bank.refuse(p_column, p_value::text, 'it is beyond 10^17 minor units', 'Money is in minor units (cents).');
    end if;
end
$$;


--
-- Name: card_authorisation; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.card_authorisation (
    authorisation_id text NOT NULL COLLATE pg_catalog."C",
    authorised_on date NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    card_token text NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    original_amount_minor bigint,
    original_currency text COLLATE pg_catalog."C",
    merchant_id text COLLATE pg_catalog."C",
    merchant_category text COLLATE pg_catalog."C",
    country text COLLATE pg_catalog."C",
    card_present boolean NOT NULL,
    outcome text NOT NULL COLLATE pg_catalog."C",
    decline_reason text COLLATE pg_catalog."C",
    authorised_at timestamp with time zone NOT NULL,
    event_time timestamp with time zone NOT NULL,
    state_version bigint NOT NULL,
    catalogue_version bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    transaction_id bigint NOT NULL,
    seen_below bigint NOT NULL
)
PARTITION BY RANGE (authorised_on);


--
-- Name: TABLE card_authorisation; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.card_authorisation IS 'One use of a card: money that leaves the account is negative, declined or not. Insert-only.';


--
-- Name: COLUMN card_authorisation.card_token; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.card_authorisation.card_token IS 'Stands for the card; a card number is refused.';


--
-- Name: COLUMN card_authorisation.merchant_category; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.card_authorisation.merchant_category IS 'ISO 18245: four digits; 6010 and 6011 are cash.';


--
-- Name: COLUMN card_authorisation.country; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.card_authorisation.country IS 'Where the merchant is: ISO 3166, two capitals.';


--
-- Name: COLUMN card_authorisation.decline_reason; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.card_authorisation.decline_reason IS 'Why it was declined, as the customer may read it.';


--
-- Name: check_card_authorisation(bank.card_authorisation); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_card_authorisation(p_new bank.card_authorisation) RETURNS void
    LANGUAGE plpgsql
    AS $_$
begin
    perform bank.check_length('bank.card_authorisation.authorisation_id', p_new.authorisation_id, 64);
    perform bank.check_length('bank.card_authorisation.card_token', p_new.card_token, 64);
    if bank.is_card_number(p_new.card_token) then
        perform bank.refuse('bank.card_authorisation.card_token', regexp_replace(p_new.card_token, '[0-9]', 'X', 'g'), 'it is a card number', 'Give a token that stands for the card.');
    end if;
    perform bank.check_date('bank.card_authorisation.authorised_on', p_new.authorised_on);
    perform bank.check_time('bank.card_authorisation.authorised_at', p_new.authorised_at);
    perform bank.check_amount('bank.card_authorisation.amount_minor', p_new.amount_minor);
    perform bank.check_amount('bank.card_authorisation.original_amount_minor', p_new.original_amount_minor);
    if p_new.original_currency is not null then
        perform bank.check_currency('bank.card_authorisation.original_currency', p_new.original_currency);
    end if;
    perform bank.check_length('bank.card_authorisation.merchant_id', p_new.merchant_id, 64);
    if p_new.merchant_category !~ '^[0-9]{4}$' then
        perform bank.refuse('bank.card_authorisation.merchant_category', p_new.merchant_category, 'it is not a merchant category', 'Use four digits (ISO 18245).');
    end if;
    if p_new.country !~ '^[A-Z]{2}$' then
        perform bank.refuse('bank.card_authorisation.country', p_new.country, 'it is not a country code', 'Use two capitals (ISO 3166), such as NL.');
    end if;
    perform bank.check_one_of('bank.card_authorisation.outcome', p_new.outcome, '{APPROVED,DECLINED}');
    perform bank.check_code('bank.card_authorisation.decline_reason', p_new.decline_reason);
end
$_$;


--
-- Name: check_channels(text, text[]); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_channels(p_column text, p_value text[]) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_unknown text;
begin
    if array_ndims(p_value) is distinct from 1 then
        perform bank.refuse(p_column, p_value::text, 'it is not a list of channels', 'Name at least one, for example ''{PUSH,SMS}''.');
    end if;
    select c into v_unknown from unnest(p_value) c where c is null or not exists (select from bank.channel where channel = c) limit 1;
    if found then
        perform bank.refuse(p_column, v_unknown, 'there is no such channel',
            format('Use %s.', (select string_agg(channel, ', ' order by channel) from bank.channel)));
    end if;
    if (select count(distinct c) < count(*) from unnest(p_value) c) then
        perform bank.refuse(p_column, p_value::text, 'it names a channel twice', 'Name each channel once.');
    end if;
end
$$;


--
-- Name: check_code(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_code(p_column text, p_value text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
begin
    if p_value !~ '^[A-Z][A-Z0-9_]{1,59}$' then
        perform bank.refuse(p_column, p_value, 'it is not a code', 'Use capitals, digits and underscores, such as INSUFFICIENT_FUNDS; 2 to 60 of them.');
    end if;
end
$_$;


--
-- Name: check_contact_address(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_contact_address() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
begin
    perform bank.check_length('bank.contact_address.address', new.address, 254);
    perform bank.check_time('bank.contact_address.verified_at', new.verified_at);
    if new.channel = 'EMAIL' and new.address !~
        '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$'
    then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not an e-mail address', 'Write it as name@example.org.');
    elsif new.channel = 'EMAIL' and length(split_part(new.address, '@', 1)) > 64 then
        perform bank.refuse('bank.contact_address.address', new.address, 'the part before @ has more than 64 characters', 'Correct it.');
    elsif new.channel = 'SMS' and new.address !~ '^\+[1-9][0-9]{6,14}$' then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not an international telephone number',
            'Write it in E.164: a plus sign, country code and number, digits only, such as +31612345678.');
    elsif new.channel = 'WEBHOOK' and new.address !~ '^https?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!"$-\[\]-~]*)?$' then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not a URL that messages can be posted to',
            'Write it as https://host/path: no user name, no fragment, no blanks; other characters percent-encoded.');
    elsif new.channel = 'PUSH' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'push messages go to devices', 'Insert into bank.push_device instead.');
    elsif new.channel = 'INBOX' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'the inbox needs no address', 'Leave the row out.');
    end if;
    return new;
end
$_$;


--
-- Name: check_currency(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_currency(p_column text, p_value text) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if not exists (select from bank.currency where currency = p_value) then
        perform bank.refuse(p_column, p_value, 'ISO 4217 has no such currency', 'Use a code such as EUR; bank.currency lists them.');
    end if;
end
$$;


--
-- Name: check_customer(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_customer() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'UPDATE' and new.customer_id <> old.customer_id then
        perform bank.refuse('bank.customer.customer_id', new.customer_id::text, 'a customer_id never changes', 'Insert another customer.');
    end if;
    perform bank.check_length('bank.customer.full_name', new.full_name, 140);
    perform bank.check_locale('bank.customer.locale', new.locale);
    perform bank.check_time_zone('bank.customer.time_zone', new.time_zone);
    return new;
end
$$;


--
-- Name: check_customer_consent(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_customer_consent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.purpose in ('SECURITY', 'STATUTORY') then
        perform bank.refuse('bank.customer_consent.purpose', new.purpose, 'such messages need no consent', 'Use SERVICE or MARKETING.');
    end if;
    perform bank.check_one_of('bank.customer_consent.purpose', new.purpose, '{SERVICE,MARKETING}');
    if tg_op = 'UPDATE' and new.granted <> old.granted and new.changed_at = old.changed_at then
        new.changed_at := now();
    end if;
    perform bank.check_time('bank.customer_consent.changed_at', new.changed_at);
    return new;
end
$$;


--
-- Name: check_customer_preference(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_customer_preference() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_type bank.alert_type;
begin
    select * into v_type from bank.alert_type where alert_type = new.alert_type;
    if not found then
        perform bank.refuse('bank.customer_preference.alert_type', new.alert_type, 'there is no such alert type', 'bank.alert_type lists them.');
    elsif v_type.event_kind <> 'CUSTOMER_ACTIVITY' then
        perform bank.refuse('bank.customer_preference.alert_type', new.alert_type, 'the alert type is for accounts', 'Insert into bank.alert_preference instead.');
    end if;
    perform bank.check_preference('bank.customer_preference', v_type, new.preference_no, new.parameters, new.channels, new.enabled);
    return new;
end
$$;


--
-- Name: check_customer_settings(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_customer_settings() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.check_one_of('bank.customer.contact_status', new.contact_status, '{ACTIVE,HOLD,DECEASED}');
    if (new.quiet_from is null) <> (new.quiet_until is null) then
        perform bank.refuse('bank.customer.quiet_until', new.quiet_until::text, 'it goes together with quiet_from', 'Give both or neither.');
    elsif new.quiet_from = new.quiet_until then
        perform bank.refuse('bank.customer.quiet_until', new.quiet_until::text, 'it is quiet_from', 'Give another time of day, or NULL for both.');
    elsif '24:00' in (new.quiet_from, new.quiet_until) then
        perform bank.refuse('bank.customer.quiet_until', '24:00', 'a day ends at 00:00', 'Write 00:00.');
    end if;
    return new;
end
$$;


--
-- Name: check_date(text, date); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_date(p_column text, p_value date) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    -- a day inside the times that bank.check_time takes, so that it has a start in every time zone
    if p_value not between '0001-01-02' and '9999-12-30' then
        perform bank.refuse(p_column, p_value::text, 'a date must lie in the years 1 to 9999', 'Give a real date.');
    end if;
end
$$;


--
-- Name: check_declared(jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_declared(p_declared jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    c_column constant text := 'bank.alert_type.parameters';
    c_example constant text := 'Write {"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000}}; types are integer, text, boolean.';
    v_name text;
    v_rule jsonb;
begin
    perform bank.check_length(c_column, p_declared::text, 1000);
    if jsonb_typeof(p_declared) <> 'object' then
        perform bank.refuse(c_column, p_declared::text, 'it is not a JSON object', c_example);
    end if;
    for v_name, v_rule in select * from jsonb_each(p_declared) loop
        if v_name !~ '^[a-z][a-z0-9_]{0,39}$' then
            perform bank.refuse(c_column, v_name, 'a parameter has a name of at most 40 small letters, digits and underscores', c_example);
        elsif jsonb_typeof(v_rule) <> 'object' or coalesce(v_rule ->> 'type', '') not in ('integer', 'text', 'boolean') then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'it has no type', c_example);
        elsif v_rule - '{type,minimum,maximum,default}'::text[] <> '{}' or v_rule ->> 'type' <> 'integer' and v_rule - '{type,default}'::text[] <> '{}' then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'it says more than a type, a default, or the bounds of an integer', c_example);
        elsif exists (select from jsonb_each(v_rule - '{type,default}'::text[]) b where b.value::text !~ '^-?[0-9]{1,18}$') then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its bounds are not whole numbers', c_example);
        elsif (v_rule ->> 'minimum')::bigint > (v_rule ->> 'maximum')::bigint then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its minimum is above its maximum', c_example);
        elsif v_rule ? 'default' then
            perform bank.check_parameters(c_column || '.default', jsonb_build_object(v_name, v_rule - 'default'), jsonb_build_object(v_name, v_rule -> 'default'));
        end if;
    end loop;
end
$_$;


--
-- Name: check_delivery_rule(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_delivery_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.time_to_live not between '1 minute' and '30 days' then
        perform bank.refuse('bank.delivery_rule.time_to_live', new.time_to_live::text, 'it is out of bounds', 'Give 1 minute to 30 days.');
    elsif (new.throttle_messages is null) <> (new.throttle_window is null) then
        perform bank.refuse('bank.delivery_rule.throttle_window', new.throttle_window::text, 'it goes together with throttle_messages', 'Give both or neither.');
    elsif new.throttle_messages not between 1 and 1000 then
        perform bank.refuse('bank.delivery_rule.throttle_messages', new.throttle_messages::text, 'it is out of bounds', 'Give 1 to 1000.');
    elsif new.throttle_window not between '1 minute' and '7 days' then
        perform bank.refuse('bank.delivery_rule.throttle_window', new.throttle_window::text, 'it is out of bounds', 'Give 1 minute to 7 days.');
    elsif new.per_minute_max < 1 then
        perform bank.refuse('bank.delivery_rule.per_minute_max', new.per_minute_max::text, 'it is out of bounds',
            'Give 1 or more, or NULL. To send nothing: bankalerts pause.');
    end if;
    return new;
end
$$;


--
-- Name: check_expression(text, text, jsonb, text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_expression(p_column text, p_text text, p_parameters jsonb, p_event_kind text, p_what text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_scope jsonb := jsonb_build_object(
        'column', p_column, 'history', p_what = 'CONDITION_WITH_HISTORY',
        'parameters', case when p_what in ('PREDICATE', 'TEXT') then '{}' else p_parameters end,
        'columns', coalesce((select jsonb_object_agg(column_name, kind) from bank.readable_columns(p_event_kind) where p_what <> 'INTEGER'), '{}'));
    v_kind text := case p_what when 'INTEGER' then 'integer' when 'TEXT' then 'text' else 'boolean' end;
    v_event text := case when p_event_kind = 'TIMER' or p_what = 'INTEGER' then '(select null::timestamptz as event_time)'
                         else format('(select (null::bank.%I).*)', lower(p_event_kind)) end;
    v_sql text;
begin
    if p_text is null then
        return;
    end if;
    v_sql := bank.expression_sql(p_text, v_kind, v_scope);
    begin
        execute format('select (%s) from %s event, (select null::jsonb as parameters) preference,'
            ' (select null::numeric as value, null::numeric as previous, null::numeric as last, null::numeric as since) history', v_sql, v_event);
    exception when others then
        perform bank.refuse(p_column, p_text, 'PostgreSQL cannot evaluate it: ' || sqlerrm, 'Write it in another way, and tell us: this is a mistake of ours.');
    end;
end
$$;


--
-- Name: FUNCTION check_expression(p_column text, p_text text, p_parameters jsonb, p_event_kind text, p_what text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.check_expression(p_column text, p_text text, p_parameters jsonb, p_event_kind text, p_what text) IS 'Refuses an expression outside the subset. p_what: CONDITION (event.*, :parameters), CONDITION_WITH_HISTORY (and history.*), PREDICATE (event.* only), INTEGER (:parameters only), TEXT (event.* only). Without an expression, nothing is checked.';


--
-- Name: alert_type; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.alert_type (
    alert_type text NOT NULL,
    event_kind text NOT NULL,
    statuses text[] DEFAULT '{BOOKED}'::text[] NOT NULL,
    condition text NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    category text NOT NULL,
    title text NOT NULL,
    uses_balance boolean DEFAULT false NOT NULL,
    catalogue_version bigint DEFAULT 0 NOT NULL,
    mandatory boolean DEFAULT false NOT NULL,
    default_channels text[] DEFAULT '{}'::text[] NOT NULL,
    purpose text DEFAULT 'SERVICE'::text NOT NULL,
    window_aggregate text,
    window_value text,
    window_group text[] DEFAULT '{}'::text[] NOT NULL,
    window_condition text,
    window_length text,
    window_lateness integer DEFAULT 3600 NOT NULL,
    cool_down text,
    rearm_margin text,
    rearm_condition text,
    timer_arm text,
    timer_cancel text,
    timer_key text,
    timer_after text,
    timer_schedule jsonb
)
WITH (toast_tuple_target='8160');


--
-- Name: COLUMN alert_type.statuses; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.statuses IS 'Which statuses (of an authorisation: outcomes) of an event are judged; {} means any.';


--
-- Name: COLUMN alert_type.condition; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.condition IS 'A SQL boolean expression over event.column and :parameter, in the checked subset of docs/sql-contract.md.';


--
-- Name: COLUMN alert_type.parameters; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.parameters IS 'What a preference may give: {"name": {"type": "integer" | "text" | "boolean", "minimum": ..., "maximum": ..., "default": ...}}; without a default it must.';


--
-- Name: COLUMN alert_type.uses_balance; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.uses_balance IS 'Condition or a template shows the balance: only for customers with may_see_balance. Written by triggers.';


--
-- Name: COLUMN alert_type.mandatory; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.mandatory IS 'It reaches every permitted customer, without a preference; a preference may change channels and parameters, not switch it off.';


--
-- Name: COLUMN alert_type.default_channels; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.default_channels IS 'Where a mandatory type goes for customers without a preference.';


--
-- Name: COLUMN alert_type.purpose; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.purpose IS 'STATUTORY, SECURITY, SERVICE or MARKETING.';


--
-- Name: COLUMN alert_type.window_aggregate; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_aggregate IS 'COUNT, SUM, MIN, MAX or AVERAGE of the events in a window, or SINCE: only how long ago the last was.';


--
-- Name: COLUMN alert_type.window_value; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_value IS 'The integer column of the event that is summed, compared or averaged; none for COUNT and SINCE.';


--
-- Name: COLUMN alert_type.window_group; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_group IS 'Up to two more columns of the event: only events with the same values share a window.';


--
-- Name: COLUMN alert_type.window_condition; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_condition IS 'A boolean expression over event.column: which events count. NULL: all.';


--
-- Name: COLUMN alert_type.window_length; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_length IS 'Seconds: an integer expression over :parameter. NULL, for SINCE alone: for ever.';


--
-- Name: COLUMN alert_type.window_lateness; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.window_lateness IS 'Seconds that an event may come late and still find its window in the engine''s memory.';


--
-- Name: COLUMN alert_type.cool_down; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.cool_down IS 'Seconds after an alert in which the preference makes no other: an integer expression over :parameter. NULL or 0: none.';


--
-- Name: COLUMN alert_type.rearm_margin; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.rearm_margin IS 'An integer expression over :parameter: above 0, an alert disarms the preference until rearm_condition is true.';


--
-- Name: COLUMN alert_type.rearm_condition; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.rearm_condition IS 'A boolean expression over event.column and :parameter: which event arms the preference again.';


--
-- Name: COLUMN alert_type.timer_arm; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.timer_arm IS 'A boolean expression over event.column and :parameter: which event starts a timer.';


--
-- Name: COLUMN alert_type.timer_cancel; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.timer_cancel IS 'A boolean expression over event.column and :parameter: which event stops the timer.';


--
-- Name: COLUMN alert_type.timer_key; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.timer_key IS 'A text expression over event.column: one timer for each key. NULL: one for the preference.';


--
-- Name: COLUMN alert_type.timer_after; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.timer_after IS 'Seconds after the event that armed it: an integer expression over :parameter.';


--
-- Name: COLUMN alert_type.timer_schedule; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.timer_schedule IS 'Instead of arming events: {"every": "day" | "week" | "month", "hour": ..., "minute": ..., "weekday": 1 to 7, "day": 1 to 31}, numbers or ":parameter".';


--
-- Name: check_expressions(bank.alert_type); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_expressions(p_type bank.alert_type) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    c_column constant text := 'bank.alert_type.';
    v_is_timer boolean := p_type.timer_arm is not null or p_type.timer_schedule is not null;
begin
    perform bank.check_expression(c_column || 'condition', p_type.condition, p_type.parameters, case when v_is_timer then 'TIMER' else p_type.event_kind end,
        case when p_type.window_aggregate is null then 'CONDITION' else 'CONDITION_WITH_HISTORY' end);
    perform bank.check_expression(c_column || 'window_condition', p_type.window_condition, p_type.parameters, p_type.event_kind, 'PREDICATE');
    perform bank.check_expression(c_column || 'window_length', p_type.window_length, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'cool_down', p_type.cool_down, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'rearm_margin', p_type.rearm_margin, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'rearm_condition', p_type.rearm_condition, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_arm', p_type.timer_arm, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_cancel', p_type.timer_cancel, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_key', p_type.timer_key, p_type.parameters, p_type.event_kind, 'TEXT');
    perform bank.check_expression(c_column || 'timer_after', p_type.timer_after, p_type.parameters, p_type.event_kind, 'INTEGER');
end
$$;


--
-- Name: FUNCTION check_expressions(p_type bank.alert_type); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.check_expressions(p_type bank.alert_type) IS 'Refuses an alert type with an expression that the engine cannot compile or PostgreSQL cannot evaluate.';


--
-- Name: check_length(text, text, integer); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_length(p_column text, p_value text, p_longest integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if length(p_value) > p_longest then
        perform bank.refuse(p_column, p_value, format('it has %s characters, at most %s fit', length(p_value), p_longest), 'Shorten it.');
    end if;
    if p_value = '' then
        perform bank.refuse(p_column, p_value, 'it is empty', 'Give a value, or NULL where the column allows it.');
    end if;
end
$$;


--
-- Name: check_locale(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_locale(p_column text, p_value text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
begin
    if p_value !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' then
        perform bank.refuse(p_column, p_value, 'it is not a language tag', 'Use a BCP 47 tag such as nl-NL or en.');
    end if;
end
$_$;


--
-- Name: check_message_template(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_message_template() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_column text;
    v_text text;
    v_fault text;
begin
    perform bank.check_length('bank.message_template.subject', new.subject, 200);
    perform bank.check_length('bank.message_template.body', new.body, 4000);
    perform bank.check_locale('bank.message_template.locale', new.locale);
    for v_column, v_text in values ('subject', new.subject), ('body', new.body) loop
        v_fault := bank.template_fault(new.alert_type, v_text);
        if v_fault is not null then
            perform bank.refuse('bank.message_template.' || v_column, v_text, v_fault, 'Look at it with `bankalerts preview`; docs/designing-alert-types.md says what a template may hold.');
        end if;
    end loop;
    return new;
end
$$;


--
-- Name: check_one_of(text, text, text[]); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_one_of(p_column text, p_value text, p_allowed text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if p_value is null or p_value <> all (p_allowed) then
        perform bank.refuse(p_column, p_value, 'there is no such value', format('Use one of %s.', array_to_string(p_allowed, ', ')));
    end if;
end
$$;


--
-- Name: check_parameters(text, jsonb, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_parameters(p_column text, p_declared jsonb, p_given jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_name text;
    v_value jsonb;
    v_rule jsonb;
begin
    if jsonb_typeof(p_given) <> 'object' then
        perform bank.refuse(p_column, p_given::text, 'it is not a JSON object', 'Write {"name": value}.');
    end if;
    if octet_length(p_given::text) > 1000 then
        perform bank.refuse(p_column, p_given::text, 'it is longer than 1,000 bytes', 'Shorten it.');
    end if;
    for v_name in select d.key from jsonb_each(p_declared) d where not d.value ? 'default' except select jsonb_object_keys(p_given) loop
        perform bank.refuse(p_column || '.' || v_name, null, 'the alert type needs this parameter', 'Add it to the object.');
    end loop;
    for v_name, v_value in select * from jsonb_each(p_given) loop
        v_rule := p_declared -> v_name;
        if v_rule is null then
            perform bank.refuse(p_column || '.' || v_name, v_value::text, 'the alert type declares no such parameter',
                format('It declares: %s.', coalesce((select string_agg(k, ', ' order by k) from jsonb_object_keys(p_declared) k), 'none')));
        elsif v_rule ->> 'type' = 'integer' and (jsonb_typeof(v_value) <> 'number' or v_value::text !~ '^-?[0-9]{1,18}$')
            or v_rule ->> 'type' = 'text' and jsonb_typeof(v_value) <> 'string'
            or v_rule ->> 'type' = 'boolean' and jsonb_typeof(v_value) <> 'boolean' then
            perform bank.refuse(p_column || '.' || v_name, v_value::text, format('it is not of type %s', v_rule ->> 'type'),
                case v_rule ->> 'type' when 'integer' then 'Write a whole number without quotes; money is in minor units.' else 'Write it as JSON has it.' end);
        elsif v_rule ->> 'type' = 'integer' and (v_value::text::numeric < (v_rule ->> 'minimum')::numeric or v_value::text::numeric > (v_rule ->> 'maximum')::numeric) then
            perform bank.refuse(p_column || '.' || v_name, v_value::text, 'it is out of bounds',
                format('Use %s to %s.', coalesce(v_rule ->> 'minimum', 'any'), coalesce(v_rule ->> 'maximum', 'any')));
        end if;
    end loop;
end
$_$;


--
-- Name: check_preference(text, bank.alert_type, integer, jsonb, text[], boolean); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_preference(p_table text, p_type bank.alert_type, p_preference_no integer, p_parameters jsonb, p_channels text[], p_enabled boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if p_preference_no < 1 then
        perform bank.refuse(p_table || '.preference_no', p_preference_no::text, 'it starts at 1', 'Use 1 for the first of its type, 2 for the next.');
    end if;
    perform bank.check_parameters(p_table || '.parameters', p_type.parameters, p_parameters);
    perform bank.check_channels(p_table || '.channels', p_channels);
    if p_type.mandatory and not p_enabled then
        perform bank.refuse(p_table || '.enabled', 'false', 'the alert type is mandatory',
            'It cannot be switched off: choose its channels and parameters, or delete the preference for its defaults.');
    end if;
end
$$;


--
-- Name: check_preferences_fit(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_preferences_fit(p_alert_type text, p_declared jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    -- writers of preferences have read what was declared before: wait for them, so that each preference is seen here or sees the new
    lock table bank.alert_preference, bank.customer_preference in share mode;
    perform bank.check_parameters('bank.alert_preference.parameters', p_declared, p.parameters)
       from bank.alert_preference p where p.alert_type = p_alert_type;
    perform bank.check_parameters('bank.customer_preference.parameters', p_declared, p.parameters)
       from bank.customer_preference p where p.alert_type = p_alert_type;
exception when sqlstate 'BA001' then
    perform bank.refuse('bank.alert_type.parameters', p_declared::text, 'a preference that is there does not fit: ' || sqlerrm,
        'Keep what is declared, or insert an alert type of another name.');
end
$$;


--
-- Name: check_push_device(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_push_device() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.check_length('bank.push_device.push_id', new.push_id, 255);
    perform bank.check_one_of('bank.push_device.platform', new.platform, '{ANDROID,IOS,WEB}');
    perform bank.check_length('bank.push_device.provider', new.provider, 30);
    perform bank.check_length('bank.push_device.retired_reason', new.retired_reason, 200);
    perform bank.check_time('bank.push_device.registered_at', new.registered_at);
    perform bank.check_time('bank.push_device.retired_at', new.retired_at);
    if tg_op = 'UPDATE' and new.registered_at > old.registered_at and new.retired_at = old.retired_at then
        new.retired_at := null;
        new.retired_reason := null;
    end if;
    return new;
end
$$;


--
-- Name: check_schedule(jsonb, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_schedule(p_schedule jsonb, p_parameters jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    c_column constant text := 'bank.alert_type.timer_schedule';
    c_example constant text := 'Write {"every": "day" | "week" | "month", "hour": 0 to 23, "minute": 0 to 59}, with "weekday": 1 to 7 for weeks and "day": 1 to 31 for months; numbers, or ":name" of an integer parameter within these bounds.';
    v_every constant text := p_schedule ->> 'every';
    v_bounds jsonb := '{"hour": [0, 23], "minute": [0, 59]}';
    v_name text;
    v_value jsonb;
    v_rule jsonb;
begin
    if jsonb_typeof(p_schedule) <> 'object' or coalesce(v_every, '') not in ('day', 'week', 'month') then
        perform bank.refuse(c_column, p_schedule::text, 'it does not say how often', c_example);
    end if;
    v_bounds := v_bounds || case v_every when 'week' then jsonb '{"weekday": [1, 7]}' when 'month' then '{"day": [1, 31]}' else '{}' end;
    for v_name in select jsonb_object_keys(v_bounds) except select jsonb_object_keys(p_schedule) loop
        perform bank.refuse(format('%s.%s', c_column, v_name), null, 'the schedule needs it', c_example);
    end loop;
    for v_name, v_value in select * from jsonb_each(p_schedule - 'every') loop
        v_rule := case when v_value #>> '{}' like ':%' and jsonb_typeof(v_value) = 'string' then p_parameters -> substr(v_value #>> '{}', 2)
                       when v_value::text ~ '^[0-9]{1,2}$' then jsonb_build_object('type', 'integer', 'minimum', v_value, 'maximum', v_value) end;
        if not v_bounds ? v_name then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_value #>> '{}', 'such a schedule has none', c_example);
        elsif v_value #>> '{}' ~ '^[0-9]+$' and jsonb_typeof(v_value) = 'string' then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_value::text, 'it is a text', 'Write the number without quotes.');
        end if;
        if coalesce(v_rule ->> 'type' = 'integer' and (v_rule ->> 'minimum')::bigint >= (v_bounds -> v_name ->> 0)::bigint
                    and (v_rule ->> 'maximum')::bigint <= (v_bounds -> v_name ->> 1)::bigint, false) is false then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_value #>> '{}', 'it is out of bounds', c_example);
        end if;
    end loop;
end
$_$;


--
-- Name: check_time(text, timestamp with time zone); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_time(p_column text, p_value timestamp with time zone) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
    -- what every part of the chain can write and read: capture fails on an infinite time, Python knows the years 1 to 9999
    if p_value not between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00' then
        perform bank.refuse(p_column, p_value::text, 'a time must lie in the years 1 to 9999', 'Give a real time; where the column allows it, NULL means "none".');
    end if;
end
$$;


--
-- Name: check_time_zone(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_time_zone(p_column text, p_value text) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
begin
    if not exists (select from bank.time_zone where time_zone = p_value) then
        perform bank.refuse(p_column, p_value, 'there is no such time zone', 'Use an IANA name such as Europe/Amsterdam; bank.time_zone lists them.');
    end if;
end
$$;


--
-- Name: check_type_shape(bank.alert_type); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_type_shape(p_type bank.alert_type) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_name text;
begin
    perform bank.check_one_of('bank.alert_type.purpose', p_type.purpose, '{STATUTORY,SECURITY,SERVICE,MARKETING}');
    if p_type.default_channels <> '{}' or p_type.mandatory then
        perform bank.check_channels('bank.alert_type.default_channels', p_type.default_channels);
    end if;
    if p_type.mandatory then
        select key into v_name from jsonb_each(p_type.parameters) where not value ? 'default' limit 1;
        if found then
            perform bank.refuse('bank.alert_type.parameters', v_name, 'a mandatory type has a default for each parameter', 'Add "default" to it.');
        elsif p_type.timer_schedule is not null then
            perform bank.refuse('bank.alert_type.mandatory', 'true', 'a schedule belongs to a preference', 'Leave one of the two out.');
        end if;
    end if;
    perform bank.check_window(p_type);
    if (p_type.rearm_margin is null) <> (p_type.rearm_condition is null) then
        perform bank.refuse('bank.alert_type.rearm_condition', p_type.rearm_condition, 'it goes together with rearm_margin', 'Give both or neither.');
    end if;
    if (p_type.timer_arm is null) <> (p_type.timer_after is null) then
        perform bank.refuse('bank.alert_type.timer_after', p_type.timer_after, 'it goes together with timer_arm', 'Give both or neither.');
    end if;
    if p_type.timer_arm is null and (p_type.timer_cancel is not null or p_type.timer_key is not null) then
        perform bank.refuse('bank.alert_type.timer_arm', null, 'timer_cancel and timer_key need it', 'Say which event starts the timer.');
    end if;
    if p_type.timer_arm is not null or p_type.timer_schedule is not null then
        if p_type.window_group <> '{}' then
            perform bank.refuse('bank.alert_type.window_group', p_type.window_group::text, 'a timer belongs to no group', 'Leave it out, or make it part of window_condition.');
        elsif coalesce(p_type.cool_down, p_type.rearm_margin) is not null then
            perform bank.refuse('bank.alert_type.' || case when p_type.cool_down is null then 'rearm_margin' else 'cool_down' end,
                coalesce(p_type.cool_down, p_type.rearm_margin), 'a type with a timer has none', 'Leave it out: timer_after or timer_schedule says how often.');
        end if;
    end if;
    if p_type.timer_schedule is not null then
        if p_type.timer_arm is not null then
            perform bank.refuse('bank.alert_type.timer_schedule', p_type.timer_schedule::text, 'a timer is started by an event or by a schedule', 'Leave timer_arm or timer_schedule out.');
        end if;
        perform bank.check_schedule(p_type.timer_schedule, p_type.parameters);
    end if;
    -- more would be kept apart in TOAST, and capture sends no unchanged value from there
    if octet_length(concat_ws(' ', p_type.condition, p_type.parameters, p_type.statuses, p_type.default_channels, p_type.window_condition, p_type.window_length,
            p_type.cool_down, p_type.rearm_margin, p_type.rearm_condition, p_type.timer_arm, p_type.timer_cancel, p_type.timer_key, p_type.timer_after,
            p_type.timer_schedule)) > 6000 then
        perform bank.refuse('bank.alert_type.condition', p_type.condition, 'its expressions and parameters are longer than 6,000 bytes together', 'Shorten them.');
    end if;
end
$$;


--
-- Name: FUNCTION check_type_shape(p_type bank.alert_type); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.check_type_shape(p_type bank.alert_type) IS 'Refuses an alert type whose columns do not go together: mandatory, window, re-arm, timer.';


--
-- Name: check_webhook_secret(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_webhook_secret() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
declare
    v_bytes integer;
begin
    perform bank.check_length('bank.webhook_secret.address', new.address, 254);
    perform bank.check_time('bank.webhook_secret.made_at', new.made_at);
    if new.secret ~ '^whsec_[A-Za-z0-9+/=]{32,88}$' then
        begin
            v_bytes := octet_length(decode(substr(new.secret, 7), 'base64'));
        exception when invalid_parameter_value then
            v_bytes := null;
        end;
    end if;
    -- its value is told to nobody, not even in DETAIL
    if coalesce(v_bytes, 0) not between 24 and 64 then
        perform bank.refuse('bank.webhook_secret.secret', '(not shown)', 'it is not a secret of Standard Webhooks',
            'Write whsec_ and then 24 to 64 random bytes in base64.');
    end if;
    return new;
end
$_$;


--
-- Name: check_window(bank.alert_type); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_window(p_type bank.alert_type) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_amounts constant text[] := bank.window_columns(p_type.event_kind, 'amounts');
    v_groups constant text[] := bank.window_columns(p_type.event_kind, 'groups');
    v_column text;
begin
    if p_type.window_aggregate is null then
        if p_type.window_value is not null or p_type.window_group <> '{}' or p_type.window_condition is not null or p_type.window_length is not null then
            perform bank.refuse('bank.alert_type.window_aggregate', null, 'the other columns of a window need it', 'Say COUNT, SUM, MIN, MAX, AVERAGE or SINCE, or leave those out.');
        end if;
        return;
    end if;
    perform bank.check_one_of('bank.alert_type.window_aggregate', p_type.window_aggregate, '{COUNT,SUM,MIN,MAX,AVERAGE,SINCE}');
    if p_type.window_aggregate in ('COUNT', 'SINCE') then
        if p_type.window_value is not null then
            perform bank.refuse('bank.alert_type.window_value', p_type.window_value, p_type.window_aggregate || ' takes none', 'Leave it out.');
        end if;
    elsif p_type.window_value is null or p_type.window_value <> all (v_amounts) then
        perform bank.refuse('bank.alert_type.window_value', p_type.window_value, 'it is not an amount of this kind of event',
            format('Use one of: %s.', coalesce(nullif(array_to_string(v_amounts, ', '), ''), 'none, this kind can be counted')));
    end if;
    if cardinality(p_type.window_group) > 2 or array_ndims(p_type.window_group) > 1 then
        perform bank.refuse('bank.alert_type.window_group', p_type.window_group::text, 'it names more than two columns', 'Name one or two, or none.');
    end if;
    foreach v_column in array p_type.window_group loop
        if v_column is null or v_column <> all (v_groups) then
            perform bank.refuse('bank.alert_type.window_group', v_column, 'this kind of event is not grouped by this',
                format('Use %s; the account or customer is part of each group already.', array_to_string(v_groups, ', ')));
        end if;
    end loop;
    if cardinality(p_type.window_group) = 2 and p_type.window_group[1] = p_type.window_group[2] then
        perform bank.refuse('bank.alert_type.window_group', p_type.window_group::text, 'it names a column twice', 'Name each once.');
    end if;
    if p_type.window_length is null and p_type.window_aggregate <> 'SINCE' then
        perform bank.refuse('bank.alert_type.window_length', null, 'only SINCE goes without', 'Say how many seconds, such as 86400 or :hours * 3600.');
    end if;
    if p_type.window_lateness not between 0 and 31622400 then
        perform bank.refuse('bank.alert_type.window_lateness', p_type.window_lateness::text, 'it is out of bounds', 'Use 0 to 31622400 seconds.');
    end if;
end
$$;


--
-- Name: condition_sql(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.condition_sql(p_condition text, p_parameters jsonb) RETURNS text
    LANGUAGE plpgsql STABLE STRICT
    AS $$
begin
    return bank.expression_sql(p_condition, null, jsonb_build_object('column', 'expression', 'parameters', p_parameters, 'history', true,
        'columns', (select jsonb_object_agg(column_name, kind) from bank.readable_columns())));
end
$$;


--
-- Name: FUNCTION condition_sql(p_condition text, p_parameters jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.condition_sql(p_condition text, p_parameters jsonb) IS 'An expression as PostgreSQL evaluates it, over "event", "preference" and "history"; defaults of parameters are written into it.';


--
-- Name: expression_sql(text, text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.expression_sql(p_text text, p_kind text, p_scope jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    v_tokens bank.expression_token[] := bank.expression_tokens(p_text, p_scope);
    v_part bank.expression_part := bank.parse_expression(v_tokens, 1, 1, 0, p_scope);
begin
    if (v_tokens[v_part.next_token]).kind <> 'end' then
        perform bank.refuse_token(p_scope, v_tokens[v_part.next_token], 'this cannot stand here', bank.operator_allowed());
    end if;
    return bank.of_kind(v_tokens, p_scope, v_part, coalesce(p_kind, v_part.kind, 'boolean'));
end
$$;


--
-- Name: FUNCTION expression_sql(p_text text, p_kind text, p_scope jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.expression_sql(p_text text, p_kind text, p_scope jsonb) IS 'An expression of this kind (of any, without one) as SQL over "event", "preference" and "history". Refuses what is not in the subset.';


--
-- Name: expression_tokens(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.expression_tokens(p_text text, p_scope jsonb) RETURNS bank.expression_token[]
    LANGUAGE plpgsql
    AS $$
declare
    c_words constant text[] := '{and,or,not,in,between,is,like,ilike,"null",true,false,case,when,then,else,end,extract,from,at,time,zone,'
        'epoch,hour,minute,isodow,day,month,year,lower,upper,length,left,right,strpos,starts_with,substr,trim,replace,integer_of,abs,'
        'coalesce,nullif,greatest,least}';
    c_allowed constant text := 'Allowed are event.column, history.value, :parameter, whole numbers, ''text'', + - * / % || ->> < <= = <> >= >, '
        'parentheses, commas, AND, OR, NOT, IN, BETWEEN, IS, LIKE, ILIKE, NULL, TRUE, FALSE, CASE, WHEN, THEN, ELSE, END, EXTRACT, lower, upper, '
        'length, left, right, strpos, starts_with, substr, trim, replace, integer_of, abs, coalesce, nullif, greatest, least.';
    v_found text[];
    v_token bank.expression_token := ('', '', 1);
    v_tokens bank.expression_token[] := '{}';
    v_searches integer := 0;
begin
    if length(p_text) > 1000 then
        perform bank.refuse_token(p_scope, ('end', '', 1001)::bank.expression_token, 'it is longer than 1000 characters', 'Shorten it.');
    end if;
    for v_found in select regexp_matches(p_text,
        '(''(?:[^'']|'''')*''|[0-9]+|(?:event|history)\.[a-z_]+|:[a-z][a-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*)|([ \t\n\r\f\v]+)'
        '|(->>|\|\||<=|>=|<>|(?!--|/\*)[-+*/%<>=(),])|(--|/\*|.)', 'g') loop
        v_token.kind := case when v_found[1] is not null then 'value' when v_found[2] is not null then 'word'
                             when v_found[3] is not null then 'space' when v_found[4] is not null then 'sign' else 'other' end;
        v_token.content := coalesce(v_found[1], lower(v_found[2] collate "C"), v_found[3], v_found[4], v_found[5]);
        if v_token.kind <> 'space' then
            if v_token.kind = 'other' or v_token.kind = 'word' and v_token.content <> all (c_words) then
                perform bank.refuse_token(p_scope, v_token, 'a condition cannot contain this', c_allowed);
            end if;
            v_searches := v_searches + (v_token.content in ('like', 'ilike', 'strpos', 'replace'))::integer;
            if v_searches > 10 then
                perform bank.refuse_token(p_scope, v_token, 'this is more than 10 of LIKE, ILIKE, strpos and replace', 'Use fewer.');
            elsif cardinality(v_tokens) = 200 then
                perform bank.refuse_token(p_scope, v_token, 'it has more than 200 words and signs', 'Shorten it.');
            end if;
            v_tokens := v_tokens || v_token;
        end if;
        v_token.position := v_token.position + length(v_token.content);
    end loop;
    return v_tokens || ('end', '', v_token.position)::bank.expression_token;
end
$$;


--
-- Name: FUNCTION expression_tokens(p_text text, p_scope jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.expression_tokens(p_text text, p_scope jsonb) IS 'Words, signs and values of an expression, then an end. Refuses other things, and too many.';


--
-- Name: guard_account(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.guard_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if exists (select from bank.account_permission where account_id = old.account_id)
        or exists (select from bank.alert_preference where account_id = old.account_id) then
        perform bank.refuse('bank.account.account_id', old.account_id, 'the account has permissions or preferences',
            'DELETE those first, in a statement of their own.');
    end if;
    return old;
end
$$;


--
-- Name: guard_customer(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.guard_customer() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if exists (select from bank.customer_preference where customer_id = old.customer_id) then
        perform bank.refuse('bank.customer.customer_id', old.customer_id::text, 'the customer has preferences',
            'DELETE those first, in a statement of their own.');
    end if;
    return old;
end
$$;


--
-- Name: iban_fault(text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.iban_fault(p_iban text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $_$
declare
    -- country and length, from the IBAN registry, release 99
    c_lengths constant text := 'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29'
        ' ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20'
        ' LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29'
        ' PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20'
        ' YE30'
        -- and the territories that it counts under FI, FR and GB
        ' AX18 BL27 GF27 GP27 MF27 MQ27 NC27 PF27 PM27 RE27 TF27 WF27 YT27 GG22 IM22 JE22';
    v_length integer;
    v_digits text;
begin
    if p_iban !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' then
        return 'it is not written as an IBAN';
    end if;
    v_length := substring(c_lengths from left(p_iban, 2) || '([0-9]{2})');
    if v_length is null then
        return 'the IBAN registry has no country ' || left(p_iban, 2);
    elsif length(p_iban) <> v_length then
        return format('an IBAN of %s has %s characters, this has %s', left(p_iban, 2), v_length, length(p_iban));
    end if;
    select string_agg(case when c between '0' and '9' then c else (ascii(c) - 55)::text end, '' order by n)
      into v_digits
      from regexp_split_to_table(substr(p_iban, 5) || left(p_iban, 4), '') with ordinality as t (c, n);
    return case when v_digits::numeric % 97 <> 1 or substr(p_iban, 3, 2) not between '02' and '98' then 'its check digits are wrong' end;
end
$_$;


--
-- Name: FUNCTION iban_fault(p_iban text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.iban_fault(p_iban text) IS 'NULL for a valid IBAN, else what is wrong with it (ISO 13616: length by country, check digits modulo 97).';


--
-- Name: integer_of(text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.integer_of(p_text text) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $_$
    select case when p_text ~ '^-?[0-9]{1,18}$' then p_text::numeric end
$_$;


--
-- Name: integer_parameter(jsonb, text, numeric); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.integer_parameter(p_given jsonb, p_name text, p_default numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $_$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'number' and p_given ->> p_name ~ '^-?[0-9]{1,18}$' then (p_given ->> p_name)::numeric end
$_$;


--
-- Name: is_card_number(text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.is_card_number(p_value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT
    AS $_$
    select digits ~ '^[0-9]{13,19}$' and (
        select sum(case when (length(digits) - n) % 2 = 0 then digit else 2 * digit / 10 + 2 * digit % 10 end) % 10 = 0
          from generate_series(1, length(digits)) n, lateral (select substr(digits, n, 1)::integer as digit) d)
      from (select regexp_replace(p_value, '[ -]', '', 'g') as digits) t
     where p_value ~ '^[0-9 -]+$'
$_$;


--
-- Name: FUNCTION is_card_number(p_value text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.is_card_number(p_value text) IS 'Whether a text is 13 to 19 digits, spaces and hyphens aside, that pass the Luhn check; else false or NULL.';


--
-- Name: is_like(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.is_like(p_text text, p_pattern text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $_$
    select case when length(p_pattern) <= 100 and p_pattern ~ '^(?:[^\\]|\\.)*$' then p_text like p_pattern end
$_$;


--
-- Name: FUNCTION is_like(p_text text, p_pattern text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.is_like(p_text text, p_pattern text) IS 'LIKE; NULL for a pattern longer than 100 characters, or one that ends in a lone backslash.';


--
-- Name: joined(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.joined(p_text text, p_more text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when length(p_text) + length(p_more) <= 2000 then p_text || p_more end
$$;


--
-- Name: keep_replaced_address(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.keep_replaced_address() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'INSERT' and old.verified_at is not null then
        insert into bank.replaced_address (customer_id, channel, address) values (old.customer_id, old.channel, old.address)
            on conflict (customer_id, channel, address) do update set replaced_at = excluded.replaced_at;
    end if;
    if tg_op <> 'DELETE' then
        delete from bank.replaced_address r where (r.customer_id, r.channel, r.address) = (new.customer_id, new.channel, new.address);
    end if;
    return null;
end
$$;


--
-- Name: listed(bank.expression_token[], jsonb, bank.expression_part[], text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.listed(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_kind text) RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
    return (select string_agg(bank.of_kind(p_tokens, p_scope, p_parts[n], p_kind), ', ' order by n) from generate_subscripts(p_parts, 1) n);
end
$$;


--
-- Name: FUNCTION listed(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_kind text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.listed(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_kind text) IS 'SQL for parts of one kind, with commas between.';


--
-- Name: lock_account_permission(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.lock_account_permission() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from bank.account_permission where (account_id, customer_id) = (new.account_id, new.customer_id) for update;
    return new;
end
$$;


--
-- Name: lock_alert_preference(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.lock_alert_preference() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from bank.alert_preference
      where (account_id, customer_id, alert_type, preference_no) = (new.account_id, new.customer_id, new.alert_type, new.preference_no)
        for update;
    return new;
end
$$;


--
-- Name: lock_customer_preference(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.lock_customer_preference() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform from bank.customer_preference
      where (customer_id, alert_type, preference_no) = (new.customer_id, new.alert_type, new.preference_no) for update;
    return new;
end
$$;


--
-- Name: nearby(numeric); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.nearby(p_number numeric) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when p_number is not null then greatest(least(p_number, 100000), -100000)::integer end
$$;


--
-- Name: FUNCTION nearby(p_number numeric); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.nearby(p_number numeric) IS 'The number, or one that is as far beyond the end of every text.';


--
-- Name: note_template_uses_balance(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.note_template_uses_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- a template that shows the balance makes its type one that needs may_see_balance (design 4.1); check_row works it out
    update bank.alert_type a set title = title where a.uses_balance is distinct from bank.type_uses_balance(a);
    return null;
end
$$;


--
-- Name: of_kind(bank.expression_token[], jsonb, bank.expression_part, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.of_kind(p_tokens bank.expression_token[], p_scope jsonb, p_part bank.expression_part, p_kind text) RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
    if p_part.kind <> p_kind then
        perform bank.refuse_token(p_scope, p_tokens[p_part.first_token], format('%s is needed, and %s begins here', p_kind, p_part.kind), case p_kind
            when 'integer' then 'Allowed here: a whole number, an integer column or parameter, integer_of(text).'
            when 'text' then 'Allowed here: ''text'', a text column or parameter, event.properties ->> ''name''.'
            when 'boolean' then 'Allowed here: a comparison such as a > b, TRUE, FALSE, a boolean column or parameter.'
            when 'time' then 'Allowed here: event.event_time.' end);
    end if;
    return case when p_part.kind is null then 'null::' || case p_kind when 'integer' then 'numeric' else p_kind end else p_part.sql end;
end
$$;


--
-- Name: FUNCTION of_kind(p_tokens bank.expression_token[], p_scope jsonb, p_part bank.expression_part, p_kind text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.of_kind(p_tokens bank.expression_token[], p_scope jsonb, p_part bank.expression_part, p_kind text) IS 'SQL for a part that must be of this kind; NULL is of any.';


--
-- Name: operator_allowed(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.operator_allowed() RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select 'Allowed here: an operator, AND, OR, or what ends this part; with parentheses where two operators do not go together.'
$$;


--
-- Name: parse_call(bank.expression_token[], integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_call(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    -- kinds of the arguments; at least how many; kind of the result; SQL
    c_functions constant jsonb := '{"lower": [["text"], 1, "text", "lower(%s)"], "upper": [["text"], 1, "text", "upper(%s)"],
        "length": [["text"], 1, "integer", "length(%s)::numeric"], "left": [["text", "integer"], 2, "text", "left(%s, bank.nearby(%s))"],
        "right": [["text", "integer"], 2, "text", "right(%s, bank.nearby(%s))"], "strpos": [["text", "text"], 2, "integer", "strpos(%s, %s)::numeric"],
        "starts_with": [["text", "text"], 2, "boolean", "starts_with(%s, %s)"], "substr": [["text", "integer", "integer"], 2, "text", null],
        "trim": [["text"], 1, "text", "btrim(%s)"], "replace": [["text", "text", "text"], 3, "text", "bank.replaced(%s, %s, %s)"],
        "integer_of": [["text"], 1, "integer", "bank.integer_of(%s)"], "abs": [["integer"], 1, "integer", "abs(%s)"]}';
    v_name text := (p_tokens[p_at]).content;
    v_function jsonb := c_functions -> v_name;
    v_parts bank.expression_part[];
    v_arguments text[];
    v_next integer;
    v_kind text;
begin
    perform bank.taken(p_tokens, p_at + 1, p_scope, 'sign', '(');
    v_parts := bank.parse_list(p_tokens, p_at + 2, p_depth, p_scope);
    v_next := (v_parts[cardinality(v_parts)]).next_token + 1;
    if v_function is null and (v_name <> 'nullif' or cardinality(v_parts) = 2) then
        v_kind := bank.alike(p_tokens, p_scope, v_parts, true);
        return (format('%s(%s)', v_name, bank.listed(p_tokens, p_scope, v_parts, v_kind)), v_kind, p_at, 10, v_next)::bank.expression_part;
    elsif v_function is null or cardinality(v_parts) not between (v_function ->> 1)::integer and jsonb_array_length(v_function -> 0) then
        perform bank.refuse_token(p_scope, p_tokens[p_at],
            format('this takes %s arguments', coalesce(jsonb_array_length(v_function -> 0), 2)), 'Give as many.');
    end if;
    for v_number in 1 .. cardinality(v_parts) loop
        v_arguments := v_arguments || bank.of_kind(p_tokens, p_scope, v_parts[v_number], v_function -> 0 ->> v_number - 1);
    end loop;
    return (case v_name when 'substr' then format('bank.part_of(%s)', array_to_string(v_arguments, ', '))
                        else format(v_function ->> 3, variadic v_arguments) end, v_function ->> 2, p_at, 10, v_next)::bank.expression_part;
end
$$;


--
-- Name: parse_case(bank.expression_token[], integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_case(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    v_at integer := p_at + 1;
    v_is_simple boolean := (p_tokens[p_at + 1]).content <> 'when';
    v_part bank.expression_part;
    v_compared bank.expression_part; -- of CASE x WHEN: x
    v_tests bank.expression_part[] := '{}';
    v_results bank.expression_part[] := '{}';
    v_test_kind text := 'boolean';
    v_kind text;
    v_after text;
    v_sql text := 'case';
begin
    if v_is_simple then
        v_compared := bank.parse_expression(p_tokens, v_at, 1, p_depth, p_scope);
        v_at := v_compared.next_token;
    end if;
    perform bank.taken(p_tokens, v_at, p_scope, 'word', 'when');
    loop
        v_part := bank.parse_expression(p_tokens, v_at + 1, 1, p_depth, p_scope);
        if not v_is_simple then
            perform bank.of_kind(p_tokens, p_scope, v_part, 'boolean');
        end if;
        v_tests := v_tests || v_part;
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'word', 'then');
        v_part := bank.parse_expression(p_tokens, v_part.next_token + 1, 1, p_depth, p_scope);
        v_results := v_results || v_part;
        v_at := v_part.next_token;
        v_after := bank.taken(p_tokens, v_at, p_scope, 'word', 'when', 'else', 'end');
        if v_after = 'else' then
            v_part := bank.parse_expression(p_tokens, v_at + 1, 1, p_depth, p_scope);
            v_results := v_results || v_part;
            v_at := v_part.next_token;
            v_after := bank.taken(p_tokens, v_at, p_scope, 'word', 'end');
        end if;
        exit when v_after = 'end';
    end loop;
    if v_is_simple then
        v_test_kind := bank.alike(p_tokens, p_scope, v_compared || v_tests);
        v_sql := 'case ' || bank.of_kind(p_tokens, p_scope, v_compared, v_test_kind);
    end if;
    v_kind := bank.alike(p_tokens, p_scope, v_results, true);
    for v_number in 1 .. cardinality(v_results) loop
        v_sql := v_sql || case when v_number > cardinality(v_tests) then ' else '
                               else format(' when %s then ', bank.of_kind(p_tokens, p_scope, v_tests[v_number], v_test_kind)) end
                       || bank.of_kind(p_tokens, p_scope, v_results[v_number], v_kind);
    end loop;
    return (v_sql || ' end', v_kind, p_at, 10, v_at + 1)::bank.expression_part;
end
$$;


--
-- Name: parse_expression(bank.expression_token[], integer, integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_expression(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    -- how tightly an operator binds, as in PostgreSQL; 3 is NOT before a part, 10 a sign before one
    c_levels constant jsonb := '{"or": 1, "and": 2, "is": 4, "<": 5, "<=": 5, "=": 5, "<>": 5, ">=": 5, ">": 5,
        "not": 6, "between": 6, "in": 6, "like": 6, "ilike": 6, "||": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9}';
    v_part bank.expression_part;
    v_token bank.expression_token;
    v_level integer;
begin
    if p_depth > 10 then
        perform bank.refuse_token(p_scope, p_tokens[p_at], 'this is more than 10 parentheses, calls and CASE deep', 'Write it flatter.');
    end if;
    v_part := bank.parse_operand(p_tokens, p_at, p_level, p_depth, p_scope);
    loop
        v_token := p_tokens[v_part.next_token];
        v_level := case when v_token.kind in ('word', 'sign') then (c_levels ->> v_token.content)::integer end;
        exit when v_level is null or v_level < p_level;
        if v_level > v_part.tightest then
            perform bank.refuse_token(p_scope, v_token, 'this cannot stand here', bank.operator_allowed());
        end if;
        v_part := bank.parse_operation(p_tokens, v_part, v_level, p_depth, p_scope);
    end loop;
    return v_part;
end
$$;


--
-- Name: FUNCTION parse_expression(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.parse_expression(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb) IS 'A value from token p_at on, and all operators after it that bind at least as tightly as p_level. Refuses what does not fit, with its position.';


--
-- Name: parse_extract(bank.expression_token[], integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_extract(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    v_field text;
    v_time bank.expression_part;
    v_at integer;
    v_zone text;
    v_sql text;
begin
    perform bank.taken(p_tokens, p_at + 1, p_scope, 'sign', '(');
    v_field := bank.taken(p_tokens, p_at + 2, p_scope, 'word', 'epoch', 'hour', 'minute', 'isodow', 'day', 'month', 'year');
    perform bank.taken(p_tokens, p_at + 3, p_scope, 'word', 'from');
    v_time := bank.parse_expression(p_tokens, p_at + 4, 10, p_depth, p_scope);
    v_sql := bank.of_kind(p_tokens, p_scope, v_time, 'time');
    v_at := v_time.next_token;
    if v_field = 'epoch' then
        v_sql := format('floor(extract(epoch from %s))', v_sql);
    else
        perform bank.taken(p_tokens, v_at, p_scope, 'word', 'at');
        perform bank.taken(p_tokens, v_at + 1, p_scope, 'word', 'time');
        perform bank.taken(p_tokens, v_at + 2, p_scope, 'word', 'zone');
        v_zone := bank.taken(p_tokens, v_at + 3, p_scope, 'value');
        if not exists (select from bank.time_zone where quote_literal(time_zone) = v_zone) then
            perform bank.refuse_token(p_scope, p_tokens[v_at + 3], 'this is no time zone', 'Allowed here: an IANA name such as ''Europe/Amsterdam''.');
        end if;
        v_sql := format('bank.time_part(%L, %s, %s)', v_field, v_sql, v_zone);
        v_at := v_at + 4;
    end if;
    perform bank.taken(p_tokens, v_at, p_scope, 'sign', ')');
    return (v_sql, 'integer', p_at, 10, v_at + 1)::bank.expression_part;
end
$$;


--
-- Name: parse_list(bank.expression_token[], integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_list(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part[]
    LANGUAGE plpgsql
    AS $$
declare
    v_parts bank.expression_part[] := '{}';
    v_part bank.expression_part;
    v_at integer := p_at;
begin
    loop
        v_part := bank.parse_expression(p_tokens, v_at, 1, p_depth, p_scope);
        v_at := v_part.next_token + 1;
        v_parts := v_parts || v_part;
        exit when bank.taken(p_tokens, v_part.next_token, p_scope, 'sign', ',', ')') = ')';
    end loop;
    return v_parts;
end
$$;


--
-- Name: FUNCTION parse_list(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.parse_list(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) IS 'Expressions with commas between them; a closing parenthesis stands after the last one.';


--
-- Name: parse_operand(bank.expression_token[], integer, integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_operand(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $_$
declare
    v_sign text := (p_tokens[p_at]).content;
    v_part bank.expression_part;
    v_name text;
begin
    if v_sign = 'not' and p_level <= 3 then
        v_part := bank.parse_expression(p_tokens, p_at + 1, 4, p_depth, p_scope);
        return (format('(not %s)', bank.of_kind(p_tokens, p_scope, v_part, 'boolean')), 'boolean', p_at, 2, v_part.next_token)::bank.expression_part;
    elsif v_sign in ('+', '-') then
        v_part := bank.parse_primary(p_tokens, p_at + 1, p_depth, p_scope);
        return (format('(%s %s)', v_sign, bank.of_kind(p_tokens, p_scope, v_part, 'integer')), 'integer', p_at, 9, v_part.next_token)::bank.expression_part;
    end if;
    v_part := bank.parse_primary(p_tokens, p_at, p_depth, p_scope);
    if (p_tokens[v_part.next_token]).content = '->>' and v_part.kind = 'json' and p_level <= 7 then
        v_name := bank.taken(p_tokens, v_part.next_token + 1, p_scope, 'value');
        if v_name !~ '^''[A-Za-z_][A-Za-z0-9_]{0,39}''$' then
            perform bank.refuse_token(p_scope, p_tokens[v_part.next_token + 1], 'this is no name of a property',
                'Allowed here: ''name'', of letters, digits and _, at most 40.');
        end if;
        return (format('(bank.property(%s, %s) collate "C")', v_part.sql, v_name), 'text', p_at, 7, v_part.next_token + 2)::bank.expression_part;
    end if;
    return v_part;
end
$_$;


--
-- Name: parse_operation(bank.expression_token[], bank.expression_part, integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_operation(p_tokens bank.expression_token[], p_left bank.expression_part, p_level integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $_$
declare
    v_sign text := (p_tokens[p_left.next_token]).content;
    v_at integer := p_left.next_token + 1;
    v_kind text := case when p_level <= 2 then 'boolean' when p_level = 7 then 'text' when p_level in (8, 9) then 'integer' end;
    v_left text;
    v_right bank.expression_part;
    v_not text := '';
begin
    if p_level = 6 then
        return bank.parse_range(p_tokens, p_left, p_depth, p_scope);
    elsif p_level = 5 then
        v_right := bank.parse_expression(p_tokens, v_at, 6, p_depth, p_scope);
        v_kind := bank.alike(p_tokens, p_scope, array[p_left, v_right]);
        return (format('(%s %s %s)', bank.of_kind(p_tokens, p_scope, p_left, v_kind), v_sign, bank.of_kind(p_tokens, p_scope, v_right, v_kind)),
                'boolean', p_left.first_token, 4, v_right.next_token)::bank.expression_part;
    elsif p_level = 4 then
        if (p_tokens[v_at]).content = 'not' then
            v_not := 'not ';
            v_at := v_at + 1;
        end if;
        v_sign := bank.taken(p_tokens, v_at, p_scope, 'word', 'null', 'true', 'false');
        v_left := case when v_sign = 'null' then p_left.sql else bank.of_kind(p_tokens, p_scope, p_left, 'boolean') end;
        return (format('(%s is %s%s)', v_left, v_not, v_sign), 'boolean', p_left.first_token, 3, v_at + 1)::bank.expression_part;
    end if;
    v_left := bank.of_kind(p_tokens, p_scope, p_left, v_kind);
    v_right := bank.parse_expression(p_tokens, v_at, p_level + 1, p_depth, p_scope);
    return (format(case v_sign when '/' then 'div(%1$s, nullif(%2$s, 0))' when '%' then 'mod(%1$s, nullif(%2$s, 0))'
                               when '||' then 'bank.joined(%1$s, %2$s)' else '(%1$s %3$s %2$s)' end,
                   v_left, bank.of_kind(p_tokens, p_scope, v_right, v_kind), v_sign),
            v_kind, p_left.first_token, p_level, v_right.next_token)::bank.expression_part;
end
$_$;


--
-- Name: parse_primary(bank.expression_token[], integer, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_primary(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    v_token bank.expression_token := p_tokens[p_at];
    v_part bank.expression_part;
begin
    if v_token.kind = 'value' then
        return bank.parse_value(p_tokens, p_at, p_scope);
    elsif v_token.content in ('null', 'true', 'false') then
        return (v_token.content, case when v_token.content <> 'null' then 'boolean' end, p_at, 10, p_at + 1)::bank.expression_part;
    elsif v_token.content = '(' then
        v_part := bank.parse_expression(p_tokens, p_at + 1, 1, p_depth + 1, p_scope);
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'sign', ')');
        return (v_part.sql, v_part.kind, p_at, 10, v_part.next_token + 1)::bank.expression_part;
    elsif v_token.content = 'case' then
        return bank.parse_case(p_tokens, p_at, p_depth + 1, p_scope);
    elsif v_token.content = 'extract' then
        return bank.parse_extract(p_tokens, p_at, p_depth + 1, p_scope);
    elsif v_token.content = any ('{lower,upper,length,left,right,strpos,starts_with,substr,trim,replace,integer_of,abs,coalesce,nullif,greatest,least}') then
        return bank.parse_call(p_tokens, p_at, p_depth + 1, p_scope);
    end if;
    perform bank.refuse_token(p_scope, v_token, 'this cannot stand here',
        'Allowed here: a value, NULL, TRUE, FALSE, ( ), CASE, EXTRACT or a function; before it NOT or a sign.');
end
$$;


--
-- Name: parse_range(bank.expression_token[], bank.expression_part, integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_range(p_tokens bank.expression_token[], p_left bank.expression_part, p_depth integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    v_not text := '';
    v_at integer := p_left.next_token;
    v_word text := (p_tokens[p_left.next_token]).content;
    v_parts bank.expression_part[];
    v_part bank.expression_part;
    v_kind text;
    v_sql text;
begin
    if v_word = 'not' then
        v_not := 'not ';
        v_at := v_at + 1;
        v_word := bank.taken(p_tokens, v_at, p_scope, 'word');
    end if;
    if v_word = 'between' then
        v_part := bank.parse_expression(p_tokens, v_at + 1, 7, p_depth, p_scope);
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'word', 'and');
        v_parts := array[p_left, v_part];
        v_part := bank.parse_expression(p_tokens, v_part.next_token + 1, 7, p_depth, p_scope);
        v_kind := bank.alike(p_tokens, p_scope, v_parts || v_part);
        v_sql := format('%s between %s and %s', bank.of_kind(p_tokens, p_scope, p_left, v_kind), bank.of_kind(p_tokens, p_scope, v_parts[2], v_kind),
                        bank.of_kind(p_tokens, p_scope, v_part, v_kind));
    elsif v_word = 'in' then
        perform bank.taken(p_tokens, v_at + 1, p_scope, 'sign', '(');
        v_parts := bank.parse_list(p_tokens, v_at + 2, p_depth + 1, p_scope);
        v_part.next_token := (v_parts[cardinality(v_parts)]).next_token + 1;
        v_kind := bank.alike(p_tokens, p_scope, p_left || v_parts);
        v_sql := format('%s in (%s)', bank.of_kind(p_tokens, p_scope, p_left, v_kind), bank.listed(p_tokens, p_scope, v_parts, v_kind));
    elsif v_word in ('like', 'ilike') then
        v_sql := bank.of_kind(p_tokens, p_scope, p_left, 'text');
        v_part := bank.parse_expression(p_tokens, v_at + 1, 7, p_depth, p_scope);
        v_sql := format(case v_word when 'like' then 'bank.is_like(%s, %s)' else 'bank.is_like(lower(%s), lower(%s))' end,
                        v_sql, bank.of_kind(p_tokens, p_scope, v_part, 'text'));
    else
        perform bank.refuse_token(p_scope, p_tokens[v_at], 'this cannot stand here', 'Allowed here: BETWEEN, IN, LIKE, ILIKE.');
    end if;
    return (format('(%s(%s))', v_not, v_sql), 'boolean', p_left.first_token, 5, v_part.next_token)::bank.expression_part;
end
$$;


--
-- Name: parse_value(bank.expression_token[], integer, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.parse_value(p_tokens bank.expression_token[], p_at integer, p_scope jsonb) RETURNS bank.expression_part
    LANGUAGE plpgsql
    AS $$
declare
    v_token bank.expression_token := p_tokens[p_at];
    v_place text := split_part(v_token.content, '.', 1);
    v_name text := ltrim(split_part(v_token.content, '.', case when v_token.content like ':%' then 1 else 2 end), ':');
    v_rule jsonb := p_scope -> 'parameters' -> v_name;
    v_part bank.expression_part := (null, null, p_at, 10, p_at + 1);
begin
    if v_token.content like '''%' then
        v_part.kind := 'text';
        v_part.sql := format('(%s::text collate "C")', quote_literal(replace(substr(v_token.content, 2, length(v_token.content) - 2), '''''', '''')));
    elsif v_token.content ~ '^[0-9]' then
        v_part.kind := 'integer';
        v_part.sql := v_token.content || '::numeric';
    elsif v_place = 'event' and p_scope -> 'columns' ? v_name then
        v_part.kind := p_scope -> 'columns' ->> v_name;
        v_part.sql := format(case v_part.kind when 'integer' then 'event.%I::numeric' when 'text' then '(event.%I collate "C")' else 'event.%I' end, v_name);
    elsif v_place = 'history' and (p_scope ->> 'history')::boolean and v_name in ('value', 'previous', 'last', 'since') then
        v_part.kind := 'integer';
        v_part.sql := format('history.%I', v_name);
    elsif v_token.content like ':%' and v_rule is not null then
        v_part.kind := v_rule ->> 'type';
        v_part.sql := format('bank.%s_parameter(preference.parameters, %L, %L)', v_part.kind, v_name, v_rule ->> 'default');
        v_part.sql := case v_part.kind when 'text' then format('(%s collate "C")', v_part.sql) else v_part.sql end;
    else
        perform bank.refuse_token(p_scope, v_token, 'this cannot be read here', coalesce('Readable are ' || (
            select string_agg(name, ', ' order by place, name) || '.' from (
                select 1, 'event.' || c from jsonb_object_keys(p_scope -> 'columns') c
                union all select 2, 'history.' || h from unnest('{value,previous,last,since}'::text[]) h where (p_scope ->> 'history')::boolean
                union all select 3, ':' || p from jsonb_object_keys(p_scope -> 'parameters') p) r (place, name)), 'Nothing is readable here.'));
    end if;
    return v_part;
end
$$;


--
-- Name: part_of(text, numeric, numeric); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.part_of(p_text text, p_from numeric, p_length numeric DEFAULT 200000) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when p_length >= 0 then substr(p_text, bank.nearby(p_from), least(p_length, 200000)::integer) end
$$;


--
-- Name: property(jsonb, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.property(p_properties jsonb, p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    select case jsonb_typeof(p_properties -> p_name)
             when 'string' then p_properties ->> p_name
             when 'boolean' then p_properties ->> p_name
             when 'number' then substring(p_properties ->> p_name from '^-?[0-9]{1,18}$') end
$_$;


--
-- Name: FUNCTION property(p_properties jsonb, p_name text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.property(p_properties jsonb, p_name text) IS 'A property as text: of a text, a whole number of at most 18 digits or a boolean; else NULL.';


--
-- Name: put_alert_type(text, text, text, text, text, text[], jsonb, boolean, text[], text, text, text, text[], text, text, integer, text, text, text, text, text, text, text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.put_alert_type(alert_type text, event_kind text, condition text, category text, title text, statuses text[] DEFAULT NULL::text[], parameters jsonb DEFAULT '{}'::jsonb, mandatory boolean DEFAULT false, default_channels text[] DEFAULT '{}'::text[], purpose text DEFAULT 'SERVICE'::text, window_aggregate text DEFAULT NULL::text, window_value text DEFAULT NULL::text, window_group text[] DEFAULT '{}'::text[], window_condition text DEFAULT NULL::text, window_length text DEFAULT NULL::text, window_lateness integer DEFAULT 3600, cool_down text DEFAULT NULL::text, rearm_margin text DEFAULT NULL::text, rearm_condition text DEFAULT NULL::text, timer_arm text DEFAULT NULL::text, timer_cancel text DEFAULT NULL::text, timer_key text DEFAULT NULL::text, timer_after text DEFAULT NULL::text, timer_schedule jsonb DEFAULT NULL::jsonb) RETURNS void
    LANGUAGE sql
    AS $_$
    insert into bank.alert_type as there
        (alert_type, event_kind, condition, category, title, statuses, parameters, mandatory, default_channels, purpose, window_aggregate, window_value,
         window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key,
         timer_after, timer_schedule)
    values ($1, $2, $3, $4, $5, coalesce($6, case $2 when 'CUSTOMER_ACTIVITY' then '{}' else '{BOOKED}' end::text[]), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19, $20, $21, $22, $23, $24)
    on conflict (alert_type) do update
       set (event_kind, condition, category, title, statuses, parameters, mandatory, default_channels, purpose, window_aggregate, window_value,
            window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key,
            timer_after, timer_schedule)
         = (excluded.event_kind, excluded.condition, excluded.category, excluded.title, excluded.statuses, excluded.parameters, excluded.mandatory,
            excluded.default_channels, excluded.purpose, excluded.window_aggregate, excluded.window_value, excluded.window_group, excluded.window_condition,
            excluded.window_length, excluded.window_lateness, excluded.cool_down, excluded.rearm_margin, excluded.rearm_condition, excluded.timer_arm,
            excluded.timer_cancel, excluded.timer_key, excluded.timer_after, excluded.timer_schedule)
     where to_jsonb(there) - '{uses_balance,catalogue_version}'::text[] <> to_jsonb(excluded) - '{uses_balance,catalogue_version}'::text[]
$_$;


--
-- Name: FUNCTION put_alert_type(alert_type text, event_kind text, condition text, category text, title text, statuses text[], parameters jsonb, mandatory boolean, default_channels text[], purpose text, window_aggregate text, window_value text, window_group text[], window_condition text, window_length text, window_lateness integer, cool_down text, rearm_margin text, rearm_condition text, timer_arm text, timer_cancel text, timer_key text, timer_after text, timer_schedule jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.put_alert_type(alert_type text, event_kind text, condition text, category text, title text, statuses text[], parameters jsonb, mandatory boolean, default_channels text[], purpose text, window_aggregate text, window_value text, window_group text[], window_condition text, window_length text, window_lateness integer, cool_down text, rearm_margin text, rearm_condition text, timer_arm text, timer_cancel text, timer_key text, timer_after text, timer_schedule jsonb) IS 'Inserts an alert type, or makes the one of this name be as given; nothing changes where nothing differs. Columns by name: put_alert_type(alert_type => ..., ...).';


--
-- Name: raise_catalogue_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.raise_catalogue_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'DELETE' then
        update bank.catalogue set catalogue_version = (select max(catalogue_version) from new_rows)
         where catalogue_version < (select max(catalogue_version) from new_rows);
    elsif exists (select from old_rows) then
        update bank.catalogue set catalogue_version = catalogue_version + 1;
    end if;
    return null;
end
$$;


--
-- Name: raise_customer_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.raise_customer_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'DELETE' then
        update bank.customer c set state_version = n.state_version
          from (select customer_id, max(state_version) as state_version from new_rows group by customer_id) n
         where c.customer_id = n.customer_id and c.state_version < n.state_version;
    end if;
    if tg_op = 'UPDATE' then
        update bank.customer set state_version = state_version + 1
         where customer_id in (select customer_id from old_rows except select customer_id from new_rows);
    elsif tg_op = 'DELETE' then
        perform from bank.customer where customer_id in (select customer_id from old_rows) order by customer_id for no key update;
        update bank.customer set state_version = state_version + 1 where customer_id in (select customer_id from old_rows);
    end if;
    return null;
end
$$;


--
-- Name: raise_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.raise_state_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'DELETE' then
        update bank.account a set state_version = n.state_version
          from (select account_id, max(state_version) as state_version from new_rows group by account_id) n
         where a.account_id = n.account_id and a.state_version < n.state_version;
    end if;
    if tg_op = 'UPDATE' then
        update bank.account set state_version = state_version + 1
         where account_id in (select account_id from old_rows except select account_id from new_rows);
    elsif tg_op = 'DELETE' then
        perform from bank.account where account_id in (select account_id from old_rows) order by account_id for no key update;
        update bank.account set state_version = state_version + 1 where account_id in (select account_id from old_rows);
    end if;
    return null;
end
$$;


--
-- Name: readable_columns(text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.readable_columns(p_event_kind text DEFAULT NULL::text) RETURNS TABLE(event_kind text, column_name text, kind text)
    LANGUAGE sql IMMUTABLE
    AS $$
    select k.event_kind, c.column_name, c.kind
      from (values
        ('ACCOUNT_ENTRY', '{entry_id,account_id,currency,status,entry_type,original_currency,counterparty_account,description}'::text[],
                          '{amount_minor,balance_after_minor,original_amount_minor}'::text[], '{}'::text[], '{}'::text[]),
        ('CARD_AUTHORISATION', '{authorisation_id,account_id,card_token,currency,original_currency,merchant_id,merchant_category,country,outcome,decline_reason}',
                          '{amount_minor,original_amount_minor}', '{card_present}', '{}'),
        ('PAYMENT_ORDER', '{status_change_id,order_id,account_id,status,disclosable_reason,currency}', '{amount_minor}', '{}', '{}'),
        ('CUSTOMER_ACTIVITY', '{activity_id,activity_type}', '{customer_id}', '{}', '{properties}'),
        ('TIMER', '{}', '{}', '{}', '{}')) k (event_kind, texts, integers, booleans, jsons),
        lateral (select unnest(k.texts), 'text' union all select unnest(k.integers), 'integer' union all select unnest(k.booleans), 'boolean'
                 union all select unnest(k.jsons), 'json' union all select 'event_time', 'time') c (column_name, kind)
     where k.event_kind = p_event_kind or p_event_kind is null
$$;


--
-- Name: FUNCTION readable_columns(p_event_kind text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.readable_columns(p_event_kind text) IS 'What an expression may read of an event of this kind (of each kind, without one), and of which kind that is.';


--
-- Name: refuse(text, text, text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.refuse(p_column text, p_value text, p_reason text, p_remedy text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using
        errcode = 'BA001',
        message = format('%s is refused: %s', p_column, p_reason),
        detail = format('%s is %s', p_column, coalesce(quote_literal(left(p_value, 200)), 'null')),
        hint = p_remedy;
end
$$;


--
-- Name: FUNCTION refuse(p_column text, p_value text, p_reason text, p_remedy text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.refuse(p_column text, p_value text, p_reason text, p_remedy text) IS 'Refuses a row: column and reason in the message, value in DETAIL, remedy in HINT, SQLSTATE BA001.';


--
-- Name: refuse_statement(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.refuse_statement() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception using
        errcode = 'BA002',
        message = format('%s on %I.%I is refused: %s', tg_op, tg_table_schema, tg_table_name, tg_argv[0]),
        hint = tg_argv[1];
end
$$;


--
-- Name: FUNCTION refuse_statement(); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.refuse_statement() IS 'Trigger: refuses a kind of statement; its arguments are the reason and the remedy. SQLSTATE BA002.';


--
-- Name: refuse_token(jsonb, bank.expression_token, text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.refuse_token(p_scope jsonb, p_token bank.expression_token, p_reason text, p_allowed text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    perform bank.refuse(p_scope ->> 'column', coalesce(nullif(p_token.content, ''), 'the end'),
                        format('position %s: %s', p_token.position, p_reason), p_allowed);
end
$$;


--
-- Name: replaced(text, text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.replaced(p_text text, p_old text, p_new text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when length(p_text)::bigint + (length(p_text) - length(replace(p_text, p_old, '')))::bigint / greatest(length(p_old), 1)
                     * (length(p_new) - length(p_old)) <= 2000 then replace(p_text, p_old, p_new) end
$$;


--
-- Name: restart_timers(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.restart_timers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time, starts)
    select gen_random_uuid()::text, (now.time at time zone 'UTC')::date, e.account_id, new.customer_id, e.alert_type, e.preference_no, now.time, true
      from (select distinct account_id, alert_type, preference_no from bank.timer_event where customer_id = new.customer_id) e
      join bank.alert_type t using (alert_type), (select clock_timestamp() as time) now
     where t.timer_schedule is not null
       and (exists (select from bank.alert_preference p
                     where (p.account_id, p.customer_id, p.alert_type, p.preference_no) = (e.account_id, new.customer_id, e.alert_type, e.preference_no)
                       and p.enabled)
            or e.account_id is null and exists (
                    select from bank.customer_preference p
                     where (p.customer_id, p.alert_type, p.preference_no) = (new.customer_id, e.alert_type, e.preference_no) and p.enabled));
    return null;
end
$$;


--
-- Name: set_customer_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.set_customer_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select state_version + 1 into new.state_version from bank.customer where customer_id = new.customer_id for no key update;
    if not found then
        perform bank.refuse('bank.customer_preference.customer_id', new.customer_id::text, 'there is no such customer', 'Insert the customer first.');
    end if;
    return new;
end
$$;


--
-- Name: set_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.set_state_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select state_version + 1 into new.state_version from bank.account where account_id = new.account_id for no key update;
    if not found then
        perform bank.refuse(format('%s.%s.account_id', tg_table_schema, tg_table_name), new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    return new;
end
$$;


--
-- Name: stamp_account_entry(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.stamp_account_entry() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    c_most_minor constant bigint := 100000000000000000;
    c_first_date constant date := '0001-01-02';
    c_last_date constant date := '9999-12-30';
    v_currency text;
    v_time_zone text;
begin
    -- One query, so that both versions are of one moment. No foreign key: the row lock it takes on the account would make every entry
    -- wait for a change of preferences in progress.
    select a.state_version, a.currency, a.time_zone, c.catalogue_version,
           pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, v_currency, v_time_zone, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.account a, bank.catalogue c where a.account_id = new.account_id;
    if not found then
        perform bank.refuse('bank.account_entry.account_id', new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    if new.currency is distinct from v_currency then
        perform bank.refuse('bank.account_entry.currency', new.currency, format('the account is kept in %s', v_currency),
            'Give amount and balance in the account''s currency, the other in original_amount_minor and original_currency.');
    end if;
    -- One expression sees that a row is good, in a third of the time of so many calls; the calls then say what is bad.
    if (new.status in ('PENDING', 'BOOKED')
        and new.amount_minor between -c_most_minor and c_most_minor
        and coalesce(new.balance_after_minor, 0) between -c_most_minor and c_most_minor
        and coalesce(new.original_amount_minor, 0) between -c_most_minor and c_most_minor
        and new.booking_date between c_first_date and c_last_date
        and coalesce(new.value_date, new.booking_date) between c_first_date and c_last_date
        and coalesce(new.occurred_at, 'epoch') between c_first_date and c_last_date
        and length(new.entry_id) between 1 and 64
        and length(coalesce(new.description, '-')) between 1 and 1000
        and length(coalesce(new.counterparty_name, '-')) between 1 and 140
        and length(coalesce(new.counterparty_account, '-')) between 1 and 64
        and length(coalesce(new.entry_type, '-')) between 1 and 60
        and length(coalesce(new.reverses_entry_id, '-')) between 1 and 64
        and new.original_currency is null) is not true then
        perform bank.check_account_entry(new);
    end if;
    new.inserted_at := clock_timestamp();
    new.event_time := coalesce(new.occurred_at, new.booking_date::timestamp at time zone v_time_zone);
    return new;
end
$$;


--
-- Name: stamp_card_authorisation(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.stamp_card_authorisation() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
declare
    c_most_minor constant bigint := 100000000000000000;
    c_first_date constant date := '0001-01-02';
    c_last_date constant date := '9999-12-30';
    v_currency text;
begin
    select a.state_version, a.currency, c.catalogue_version,
           pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, v_currency, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.account a, bank.catalogue c where a.account_id = new.account_id;
    if not found then
        perform bank.refuse('bank.card_authorisation.account_id', new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    if new.currency is distinct from v_currency then
        perform bank.refuse('bank.card_authorisation.currency', new.currency, format('the account is kept in %s', v_currency),
            'Give the amount in the account''s currency, the other in original_amount_minor and original_currency.');
    end if;
    if (new.outcome in ('APPROVED', 'DECLINED')
        and new.amount_minor between -c_most_minor and c_most_minor
        and coalesce(new.original_amount_minor, 0) between -c_most_minor and c_most_minor
        and new.authorised_on between c_first_date and c_last_date
        and new.authorised_at between c_first_date and c_last_date
        and length(new.authorisation_id) between 1 and 64
        and length(new.card_token) between 1 and 64
        and new.card_token ~ '[^0-9 -]'
        and length(coalesce(new.merchant_id, '-')) between 1 and 64
        and coalesce(new.merchant_category, '0000') ~ '^[0-9]{4}$'
        and coalesce(new.country, 'NL') ~ '^[A-Z]{2}$'
        and new.decline_reason is null
        and new.original_currency is null) is not true then
        perform bank.check_card_authorisation(new);
    end if;
    new.inserted_at := clock_timestamp();
    new.event_time := new.authorised_at;
    return new;
end
$_$;


--
-- Name: stamp_customer_activity(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.stamp_customer_activity() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    select s.state_version, c.catalogue_version, pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.customer s, bank.catalogue c where s.customer_id = new.customer_id;
    if not found then
        perform bank.refuse('bank.customer_activity.customer_id', new.customer_id::text, 'there is no such customer', 'Insert the customer first.');
    end if;
    perform bank.check_length('bank.customer_activity.activity_id', new.activity_id, 64);
    perform bank.check_code('bank.customer_activity.activity_type', new.activity_type);
    if jsonb_typeof(new.properties) <> 'object' then
        perform bank.refuse('bank.customer_activity.properties', new.properties::text, 'it is not a JSON object', 'Write {"name": value}.');
    elsif octet_length(new.properties::text) > 2000 then
        perform bank.refuse('bank.customer_activity.properties', new.properties::text, 'it is longer than 2,000 bytes', 'Shorten it.');
    end if;
    perform bank.check_date('bank.customer_activity.occurred_on', new.occurred_on);
    perform bank.check_time('bank.customer_activity.occurred_at', new.occurred_at);
    new.inserted_at := clock_timestamp();
    new.event_time := new.occurred_at;
    return new;
end
$$;


--
-- Name: stamp_payment_order(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.stamp_payment_order() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_currency text;
begin
    select a.state_version, a.currency, c.catalogue_version,
           pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, v_currency, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.account a, bank.catalogue c where a.account_id = new.account_id;
    if not found then
        perform bank.refuse('bank.payment_order.account_id', new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    if new.currency is distinct from v_currency then
        perform bank.refuse('bank.payment_order.currency', new.currency, format('the account is kept in %s', v_currency), 'Give the amount in the account''s currency.');
    end if;
    perform bank.check_length('bank.payment_order.status_change_id', new.status_change_id, 64);
    perform bank.check_length('bank.payment_order.order_id', new.order_id, 64);
    perform bank.check_one_of('bank.payment_order.status', new.status, '{RECEIVED,AWAITING_APPROVAL,ACCEPTED,EXECUTED,REJECTED,CANCELLED,RETURNED}');
    perform bank.check_code('bank.payment_order.disclosable_reason', new.disclosable_reason);
    perform bank.check_amount('bank.payment_order.amount_minor', new.amount_minor);
    perform bank.check_date('bank.payment_order.changed_on', new.changed_on);
    perform bank.check_time('bank.payment_order.changed_at', new.changed_at);
    new.inserted_at := clock_timestamp();
    new.event_time := new.changed_at;
    return new;
end
$$;


--
-- Name: stamp_timer_event(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.stamp_timer_event() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    select coalesce(a.state_version, s.state_version), s.time_zone, c.catalogue_version,
           pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, new.time_zone, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.catalogue c, bank.customer s left join bank.account a on a.account_id = new.account_id
     where s.customer_id = new.customer_id and (new.account_id is null or a.account_id is not null);
    if not found then
        perform bank.refuse('bank.timer_event.customer_id', new.customer_id::text, 'there is no such customer or no such account', 'Leave this table to triggers and the timekeeper.');
    end if;
    perform bank.check_time('bank.timer_event.event_time', new.event_time);
    if new.due_on is distinct from (new.event_time at time zone 'UTC')::date then
        perform bank.refuse('bank.timer_event.due_on', new.due_on::text, 'it is not the UTC date of event_time', 'Leave this table to triggers and the timekeeper.');
    end if;
    new.routed_account := coalesce(new.account_id, '');
    new.routed_customer := case when new.account_id is null then new.customer_id else 0 end;
    new.inserted_at := clock_timestamp();
    return new;
end
$$;


--
-- Name: start_customer_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.start_customer_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.state_version := coalesce(
        (select max(greatest(from_version, until_version)) from audit.customer_preference_history where customer_id = new.customer_id), 0);
    return new;
end
$$;


--
-- Name: start_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.start_state_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.state_version := coalesce(greatest(
        (select max(greatest(from_version, until_version)) from audit.account_permission_history where account_id = new.account_id),
        (select max(greatest(from_version, until_version)) from audit.alert_preference_history where account_id = new.account_id)), 0);
    return new;
end
$$;


--
-- Name: start_timers(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.start_timers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := (v_now at time zone 'UTC')::date;
begin
    if tg_table_name = 'alert_preference' then
        insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, n.account_id, n.customer_id, n.alert_type, n.preference_no, v_now, true
          from new_rows n join bank.alert_type t using (alert_type) where n.enabled and t.timer_schedule is not null;
    elsif tg_table_name = 'customer_preference' then
        insert into bank.timer_event (timer_id, due_on, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, n.customer_id, n.alert_type, n.preference_no, v_now, true
          from new_rows n join bank.alert_type t using (alert_type) where n.enabled and t.timer_schedule is not null;
    else
        insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, p.account_id, p.customer_id, p.alert_type, p.preference_no, v_now, true
          from new_rows n join old_rows o using (alert_type)
          join (select account_id, customer_id, alert_type, preference_no, enabled from bank.alert_preference
                 union all
                select null, customer_id, alert_type, preference_no, enabled from bank.customer_preference) p using (alert_type)
         where n.timer_schedule is not null and p.enabled
           and to_jsonb(n) - '{title,category,catalogue_version}'::text[] <> to_jsonb(o) - '{title,category,catalogue_version}'::text[];
    end if;
    return null;
end
$$;


--
-- Name: statuses_of(text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.statuses_of(p_event_kind text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS $$
    select case p_event_kind
        when 'ACCOUNT_ENTRY' then '{PENDING,BOOKED}'::text[]
        when 'CARD_AUTHORISATION' then '{APPROVED,DECLINED}'
        when 'PAYMENT_ORDER' then '{RECEIVED,AWAITING_APPROVAL,ACCEPTED,EXECUTED,REJECTED,CANCELLED,RETURNED}'
        else '{}' end
$$;


--
-- Name: FUNCTION statuses_of(p_event_kind text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.statuses_of(p_event_kind text) IS 'The statuses that an event of a kind can have.';


--
-- Name: taken(bank.expression_token[], integer, jsonb, text, text[]); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.taken(p_tokens bank.expression_token[], p_at integer, p_scope jsonb, p_kind text, VARIADIC p_contents text[] DEFAULT '{}'::text[]) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    v_token bank.expression_token := p_tokens[p_at];
begin
    if v_token.kind <> p_kind or p_contents <> '{}' and v_token.content <> all (p_contents) then
        perform bank.refuse_token(p_scope, v_token, 'this cannot stand here', format('Allowed here: %s.', case
            when p_contents <> '{}' then (select string_agg(upper(c), ', ' order by n) from unnest(p_contents) with ordinality t (c, n))
            when p_kind = 'value' then 'a value' else 'BETWEEN, IN, LIKE, ILIKE' end));
    end if;
    return v_token.content;
end
$$;


--
-- Name: FUNCTION taken(p_tokens bank.expression_token[], p_at integer, p_scope jsonb, p_kind text, VARIADIC p_contents text[]); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.taken(p_tokens bank.expression_token[], p_at integer, p_scope jsonb, p_kind text, VARIADIC p_contents text[]) IS 'The token at this place, which must be of this kind, and one of these where some are given.';


--
-- Name: template_fault(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.template_fault(p_alert_type text, p_text text) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    c_tag constant text := '\{(?:\{-?([^{}%]*?)-?\}|%-?\s*([a-z]+)((?:\s[^{}%]*?)?)-?%)\}';
    v_names constant jsonb := (select bank.template_names(t) from bank.alert_type t where t.alert_type = p_alert_type);
    v_left constant text := regexp_replace(p_text, c_tag, E'\x01', 'g');
    v_open text := '';  -- one letter for each if that is open: i, or e behind its else
    v_tag text[];
    v_read record;
begin
    if v_names is null then
        return null;  -- there is no such type: the foreign key says so
    elsif p_text ~ E'\x01' then
        return 'it has a control character';
    elsif v_left ~ E'\\{[{%#\x01]' then
        return format('a tag does not end, or holds braces: %s', left(substring(v_left from E'\\{[{%#\x01].*'), 40));
    end if;
    for v_tag in select * from regexp_matches(p_text, c_tag, 'g') loop
        if v_tag[2] in ('else', 'endif') then
            if v_tag[3] ~ '\S' or v_open = '' or v_tag[2] = 'else' and right(v_open, 1) = 'e' then
                return format('{%% %s %%} has no {%% if %%}', v_tag[2]);
            end if;
            v_open := left(v_open, -1) || case v_tag[2] when 'else' then 'e' else '' end;
        elsif v_tag[2] is not null and v_tag[2] not in ('if', 'elif') then
            return format('there is no {%% %s %%}: use if, elif, else, endif', v_tag[2]);
        else
            if v_tag[2] = 'elif' and right(v_open, 1) is distinct from 'i' then
                return '{% elif %} has no {% if %}';
            end if;
            v_open := v_open || case v_tag[2] when 'if' then 'i' else '' end;
            select * into v_read from bank.template_kind(coalesce(v_tag[1], v_tag[3]), v_names);
            if v_read.fault is not null then
                return format('%s: %s', btrim(coalesce(v_tag[1], v_tag[3])), v_read.fault);
            end if;
        end if;
        if length(v_open) > 20 then
            return 'more than 20 ifs are in each other';
        end if;
    end loop;
    return case when v_open <> '' then 'an {% if %} has no {% endif %}' end;
end
$$;


--
-- Name: FUNCTION template_fault(p_alert_type text, p_text text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.template_fault(p_alert_type text, p_text text) IS 'What is wrong with a subject or body of this alert type; NULL where nothing is.';


--
-- Name: template_kind(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.template_kind(p_expression text, p_names jsonb, OUT kind text, OUT fault text) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    c_token constant text := '([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(''[^''\\{}%]*''|"[^"\\{}%]*")|([0-9]{1,9})|(==|!=|<=|>=|[<>|(),~+-])';
    -- a form, and the letter that it becomes; of one and the same text the first that fits is taken, again and again
    c_forms constant text[] := array[
        ['I\|abs(?![a-z_(])', 'I'], ['I\|money\(C\)', 'T'], ['W\|when(?![a-z_(])', 'T'], ['I\|duration(?![a-z_(])', 'T'],
        ['[TC]\|(country|merchant_category|reason|upper|lower|trim)(?![a-z_(])', 'T'],
        ['I\|default\(I\)', 'I'], ['[TC]\|default\([TC]\)', 'T'],
        ['[ITCBWD]\?\^?0(?!\?)', 'B'],
        ['(^|[^a-z_])\(([ITCBWD])\)', '\1\2'],
        ['(?<![ITCBWD)])-I(?!\|)', 'I'],
        ['[ITCBWD]~[ITCBWD](?!\|)', 'T'],
        ['(?<!~)I[+-]I(?![|~])', 'I'],
        ['(?<![~+-])(I(==|!=|<=|>=|<|>)I|[TC](==|!=)[TC])(?![|~+-])', 'B'],
        ['\^[ITCBWD](?![|~+<>=!?-])', 'B'],
        ['(?<![~+<>=!^-])[ITCBWD]&[ITCBWD](?![|~+<>=!?-])', 'B'],
        ['(?<![~+<>=!^&-])[ITCBWD]/[ITCBWD](?![|~+<>=!?&-])', 'B'],
        ['(^|\()([ITWD])\[[ITCBWD]\]\2($|\))', '\1\2\3']];
    v_form text := '';
    v_before text;
    v_token text[];
begin
    for v_token in select * from regexp_matches(p_expression, c_token, 'g') loop
        v_form := v_form || case
            when v_token[2] is not null then
                case when exists (select from bank.currency where currency = substr(v_token[2], 2, length(v_token[2]) - 2)) then 'C' else 'T' end
            when v_token[3] is not null then 'I'
            when v_token[4] is not null then v_token[4]
            when v_token[1] ~ '\.' then coalesce(p_names ->> v_token[1], 'unknown')
            when v_token[1] in ('abs', 'money', 'when', 'duration', 'country', 'merchant_category', 'reason', 'default', 'upper', 'lower', 'trim') then v_token[1]
            else coalesce('{"and": "&", "or": "/", "not": "^", "if": "[", "else": "]", "is": "?", "none": "0"}'::jsonb ->> v_token[1], 'unknown')
        end;
        if v_form like '%unknown' then
            fault := format('there is no %s: a template of this type reads %s', v_token[1],
                (select string_agg(name, ', ' order by name) from jsonb_object_keys(p_names) name));
            return;
        end if;
    end loop;
    if regexp_replace(p_expression, c_token, '', 'g') !~ '^\s*$' then
        fault := format('it has signs that mean nothing here: %s', regexp_replace(p_expression, c_token, '', 'g'));
        return;
    end if;
    loop
        v_before := v_form;
        for i in 1 .. array_length(c_forms, 1) loop
            v_form := regexp_replace(v_form, c_forms[i][1], c_forms[i][2]);
            exit when v_form <> v_before;
        end loop;
        exit when v_form = v_before;
    end loop;
    if v_form ~ '^[ITCBWD]$' then
        kind := v_form;
    else
        fault := 'it cannot be read, or a filter does not fit what it is given';
    end if;
end
$_$;


--
-- Name: FUNCTION template_kind(p_expression text, p_names jsonb, OUT kind text, OUT fault text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.template_kind(p_expression text, p_names jsonb, OUT kind text, OUT fault text) IS 'Of which kind an expression of a template is; or the fault.';


--
-- Name: template_names(bank.alert_type); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.template_names(p_type bank.alert_type) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with judged (kind, names) as (
        select case when p_type.timer_arm is not null or p_type.timer_schedule is not null then 'TIMER' else p_type.event_kind end,
               array(select m[1] from regexp_matches(lower(regexp_replace(p_type.condition, '''[^'']*''', '', 'g')), '\mevent\.([a-z_]+)', 'g') m)
    ), shown (name, kind) as (
        select 'event.' || c.column_name,
               case when c.column_name in ('currency', 'original_currency') then 'C' else upper(left(c.kind, 1)) end
          from judged j, bank.readable_columns(j.kind) c
         where c.kind in ('integer', 'text', 'boolean') and c.column_name not in ('description', 'counterparty_account', 'card_token')
           and (c.column_name = any (j.names) or c.column_name = any (p_type.window_group)
                or c.column_name in ('amount_minor', 'currency') or c.column_name = 'balance_after_minor'
                or j.kind = 'CARD_AUTHORISATION' and c.column_name in ('merchant_category', 'country', 'card_present', 'decline_reason')
                or j.kind = 'PAYMENT_ORDER' and c.column_name in ('order_id', 'status', 'disclosable_reason')
                or j.kind = 'CUSTOMER_ACTIVITY' and c.column_name = 'activity_type')
        union all
        values ('event.id', 'T'), ('event.date', 'D'), ('event.time', 'W'), ('customer.full_name', 'T')
        union all
        select 'account.' || name, kind
          from (values ('name', 'T'), ('account_id', 'T'), ('iban', 'T'), ('product', 'T'), ('currency', 'C')) a (name, kind)
         where p_type.event_kind <> 'CUSTOMER_ACTIVITY'
        union all
        select 'history.' || name, 'I' from unnest('{value,previous,last,since}'::text[]) name where p_type.window_aggregate is not null
        union all
        -- a parameter of such a name is a method where the text is rendered
        select 'parameters.' || name, upper(left(rule ->> 'type', 1)) from jsonb_each(p_type.parameters) p (name, rule)
         where name <> all ('{clear,copy,fromkeys,get,items,keys,pop,popitem,setdefault,update,values}')
    )
    select jsonb_object_agg(name, kind) from shown
$$;


--
-- Name: FUNCTION template_names(p_type bank.alert_type); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.template_names(p_type bank.alert_type) IS 'What templates of an alert type may read -> kind: I integer, T text, C currency, B boolean, W time, D date.';


--
-- Name: text_parameter(jsonb, text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.text_parameter(p_given jsonb, p_name text, p_default text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'string' then p_given ->> p_name end
$$;


--
-- Name: time_part(text, timestamp with time zone, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.time_part(p_part text, p_time timestamp with time zone, p_time_zone text) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when p_time at time zone p_time_zone >= '0001-01-01' and p_time at time zone p_time_zone < '10000-01-01'
                then date_part(p_part, p_time at time zone p_time_zone)::numeric end
$$;


--
-- Name: FUNCTION time_part(p_part text, p_time timestamp with time zone, p_time_zone text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.time_part(p_part text, p_time timestamp with time zone, p_time_zone text) IS 'hour, minute, isodow, day, month or year in this time zone; NULL outside the years 1 to 9999.';


--
-- Name: type_uses_balance(bank.alert_type); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.type_uses_balance(p_type bank.alert_type) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select concat_ws(' ', p_type.condition, p_type.window_value, p_type.window_group, p_type.window_condition, p_type.rearm_condition, p_type.timer_arm,
                     p_type.timer_cancel, p_type.timer_key) ~ 'balance'
        or exists (select from bank.message_template t where t.alert_type = p_type.alert_type and coalesce(t.subject, '') || t.body ~ 'balance')
$$;


--
-- Name: FUNCTION type_uses_balance(p_type bank.alert_type); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.type_uses_balance(p_type bank.alert_type) IS 'Whether an expression or a template of the type has to do with the balance (design 4.1).';


--
-- Name: window_columns(text, text); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.window_columns(p_event_kind text, p_what text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    AS $$
    select case p_event_kind || ' ' || p_what
        when 'ACCOUNT_ENTRY amounts' then '{amount_minor,balance_after_minor,original_amount_minor}'::text[]
        when 'CARD_AUTHORISATION amounts' then '{amount_minor,original_amount_minor}'
        when 'PAYMENT_ORDER amounts' then '{amount_minor}'
        when 'ACCOUNT_ENTRY groups' then '{amount_minor,counterparty_account,currency,description,entry_type,original_amount_minor,original_currency,status}'
        when 'CARD_AUTHORISATION groups' then '{amount_minor,card_present,card_token,country,currency,decline_reason,merchant_category,merchant_id,'
            'original_amount_minor,original_currency,outcome}'
        when 'PAYMENT_ORDER groups' then '{amount_minor,currency,disclosable_reason,order_id,status}'
        when 'CUSTOMER_ACTIVITY groups' then '{activity_type}'
        else '{}' end
$$;


--
-- Name: FUNCTION window_columns(p_event_kind text, p_what text); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.window_columns(p_event_kind text, p_what text) IS 'The columns of a kind of event that a window may work on: "amounts" or "groups".';


--
-- Name: commitment(bigint, text, text); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.commitment(p_customer bigint, p_nonce text, p_plain text) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select sha256(k.key || convert_to('commit:' || p_nonce, 'UTF8') || '\x00'::bytea || convert_to(p_plain, 'UTF8'))
    from vault.customer_key k
   where k.customer_id = p_customer
$$;


--
-- Name: FUNCTION commitment(p_customer bigint, p_nonce text, p_plain text); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.commitment(p_customer bigint, p_nonce text, p_plain text) IS 'Null when the key is gone, or never was: make_keys first.';


--
-- Name: commitment_of_sealed(bigint, text, bytea); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.commitment_of_sealed(p_customer bigint, p_nonce text, p_sealed bytea) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select sha256(k.key || convert_to('commit:' || p_nonce, 'UTF8') || '\x00'::bytea || vault.keystream_xor(k.key, p_nonce, p_sealed))
    from vault.customer_key k
   where k.customer_id = p_customer
$$;


--
-- Name: FUNCTION commitment_of_sealed(p_customer bigint, p_nonce text, p_sealed bytea); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.commitment_of_sealed(p_customer bigint, p_nonce text, p_sealed bytea) IS 'The commitment of what was sealed: no text comes out, also when somebody changed the bytes.';


--
-- Name: destroy_key(bigint, text); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.destroy_key(p_customer bigint, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into vault.customer_key as k (customer_id, key) values (p_customer, null)
  on conflict (customer_id) do update set key = null;
  insert into vault.erased_customer (customer_id, reason) values (p_customer, p_reason) on conflict do nothing;
  return found;
end
$$;


--
-- Name: FUNCTION destroy_key(p_customer bigint, p_reason text); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.destroy_key(p_customer bigint, p_reason text) IS 'False when it was destroyed before.';


--
-- Name: key_for(bigint); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.key_for(p_customer bigint) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: FUNCTION key_for(p_customer bigint); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.key_for(p_customer bigint) IS 'The customer''s key, made when there is none; null for an erased customer.';


--
-- Name: keystream_xor(bytea, text, bytea); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.keystream_xor(p_key bytea, p_nonce text, p_bytes bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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


--
-- Name: FUNCTION keystream_xor(p_key bytea, p_nonce text, p_bytes bytea); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.keystream_xor(p_key bytea, p_nonce text, p_bytes bytea) IS 'Its own inverse.';


--
-- Name: make_keys(bigint[]); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.make_keys(p_customers bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  -- two version 4 identifiers are 244 random bits from the server's strong source
  insert into vault.customer_key (customer_id, key)
  select c, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    from (select distinct c from unnest(p_customers) c where c is not null order by c) asked
   where not exists (select from vault.customer_key k where k.customer_id = c)
  on conflict do nothing
$$;


--
-- Name: FUNCTION make_keys(p_customers bigint[]); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.make_keys(p_customers bigint[]) IS 'Makes the keys that are missing; in their order, so that two of them never wait for each other.';


--
-- Name: open(bigint, text, bytea); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.open(p_customer bigint, p_nonce text, p_sealed bytea) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select convert_from(vault.keystream_xor(k.key, p_nonce, p_sealed), 'UTF8')
    from vault.customer_key k
   where k.customer_id = p_customer
$$;


--
-- Name: FUNCTION open(p_customer bigint, p_nonce text, p_sealed bytea); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.open(p_customer bigint, p_nonce text, p_sealed bytea) IS 'Null when the key is gone, or never was.';


--
-- Name: seal(bigint, text, text); Type: FUNCTION; Schema: vault; Owner: -
--

CREATE FUNCTION vault.seal(p_customer bigint, p_nonce text, p_plain text) RETURNS bytea
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select vault.keystream_xor(vault.key_for(p_customer), p_nonce, convert_to(p_plain, 'UTF8'))
$$;


--
-- Name: FUNCTION seal(p_customer bigint, p_nonce text, p_plain text); Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON FUNCTION vault.seal(p_customer bigint, p_nonce text, p_plain text) IS 'Null for an erased customer: nothing of theirs is kept any more.';


--
-- Name: alert; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.alert (
    alert_id uuid NOT NULL,
    event_kind text NOT NULL,
    event_id text NOT NULL,
    event_date date NOT NULL,
    account_id text,
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer NOT NULL,
    channels text[] NOT NULL,
    event_time timestamp with time zone NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    committed_at timestamp with time zone,
    on_kafka_at timestamp with time zone,
    decided_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    evidence jsonb NOT NULL
)
PARTITION BY RANGE (event_date);


--
-- Name: COLUMN alert.alert_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.alert_id IS 'From the alert''s identity (sha256 of its seven parts), so the same decision has the same id wherever it is made.';


--
-- Name: COLUMN alert.account_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.account_id IS 'NULL for alerts on what the customer did.';


--
-- Name: COLUMN alert.preference_no; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.preference_no IS '0: a mandatory alert type by its own parameters and channels, without a preference.';


--
-- Name: COLUMN alert.channels; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.channels IS 'Where its messages go; a trigger puts one into the outbox for each.';


--
-- Name: COLUMN alert.inserted_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.inserted_at IS 'When the event''s INSERT ran (its stamp).';


--
-- Name: COLUMN alert.committed_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.committed_at IS 'When the event''s transaction committed, by PostgreSQL''s clock, microseconds.';


--
-- Name: COLUMN alert.on_kafka_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.on_kafka_at IS 'The event''s timestamp on Kafka, milliseconds.';


--
-- Name: COLUMN alert.decided_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.decided_at IS 'When the engine decided, microseconds.';


--
-- Name: COLUMN alert.written_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.written_at IS 'When the row was written, just before its transaction committed.';


--
-- Name: COLUMN alert.evidence; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.alert.evidence IS 'The values compared, the parameters, the stamp, the versions of preference and permission. No free text.';


--
-- Name: alert_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.alert_default (
    alert_id uuid CONSTRAINT alert_alert_id_not_null NOT NULL,
    event_kind text CONSTRAINT alert_event_kind_not_null NOT NULL,
    event_id text CONSTRAINT alert_event_id_not_null NOT NULL,
    event_date date CONSTRAINT alert_event_date_not_null NOT NULL,
    account_id text,
    customer_id bigint CONSTRAINT alert_customer_id_not_null NOT NULL,
    alert_type text CONSTRAINT alert_alert_type_not_null NOT NULL,
    preference_no integer CONSTRAINT alert_preference_no_not_null NOT NULL,
    channels text[] CONSTRAINT alert_channels_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT alert_event_time_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT alert_inserted_at_not_null NOT NULL,
    committed_at timestamp with time zone,
    on_kafka_at timestamp with time zone,
    decided_at timestamp with time zone CONSTRAINT alert_decided_at_not_null NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() CONSTRAINT alert_written_at_not_null NOT NULL,
    evidence jsonb CONSTRAINT alert_evidence_not_null NOT NULL
);


--
-- Name: capture_heartbeat; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.capture_heartbeat (
    only_row boolean DEFAULT true NOT NULL,
    beat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT heartbeat_has_one_row CHECK (only_row)
);


--
-- Name: TABLE capture_heartbeat; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.capture_heartbeat IS 'Written by the connector''s heartbeat action; that it comes back through capture proves the flow.';


--
-- Name: capture_identity; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.capture_identity (
    only_row boolean DEFAULT true NOT NULL,
    system_identifier text NOT NULL,
    timeline text NOT NULL,
    slot text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT there_is_one_row CHECK (only_row)
);


--
-- Name: TABLE capture_identity; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.capture_identity IS 'The database that capture was set up for; written when it first flows. Without a row nothing is checked, and no engine halts.';


--
-- Name: COLUMN capture_identity.timeline; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.capture_identity.timeline IS 'PostgreSQL begins another one with each restore and each failover.';


--
-- Name: captured_table; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.captured_table (
    table_name text NOT NULL,
    columns text[] NOT NULL,
    types text[] NOT NULL
);


--
-- Name: TABLE captured_table; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.captured_table IS 'What the publication is to hold; a migration that changes what is captured changes this as well.';


--
-- Name: channel_policy; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.channel_policy (
    channel text NOT NULL,
    retries_unknown boolean DEFAULT true NOT NULL,
    unknown_tries_max integer DEFAULT 3 NOT NULL,
    falls_back_to text,
    CONSTRAINT no_fallback_to_itself CHECK ((falls_back_to <> channel)),
    CONSTRAINT some_tries CHECK (((unknown_tries_max >= 1) AND (unknown_tries_max <= 20)))
);


--
-- Name: TABLE channel_policy; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.channel_policy IS 'How a channel is drained. A channel without a row has the defaults, and falls back to none.';


--
-- Name: COLUMN channel_policy.retries_unknown; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.channel_policy.retries_unknown IS 'Whether a message that may have been sent is sent again: better twice, and marked, than never. False: it ends UNKNOWN.';


--
-- Name: COLUMN channel_policy.unknown_tries_max; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.channel_policy.unknown_tries_max IS 'After so many attempts whose outcome is unknown a message ends UNKNOWN all the same.';


--
-- Name: COLUMN channel_policy.falls_back_to; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.channel_policy.falls_back_to IS 'The channel that brings the alert when this one fails for good.';


--
-- Name: delivery_attempt; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.delivery_attempt (
    message_id uuid NOT NULL,
    event_date date NOT NULL,
    attempt_no integer NOT NULL,
    target text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    reason text,
    provider_ref text,
    provider text,
    receipt text,
    receipt_at timestamp with time zone,
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['SENT'::text, 'RETRY'::text, 'DROP'::text, 'UNKNOWN'::text]))),
    CONSTRAINT reason_unless_sent CHECK (((outcome = 'SENT'::text) OR (reason IS NOT NULL))),
    CONSTRAINT receipt_is_known CHECK ((receipt = ANY (ARRAY['DELIVERED'::text, 'BOUNCED'::text, 'FAILED'::text])))
)
PARTITION BY RANGE (event_date);


--
-- Name: COLUMN delivery_attempt.attempt_no; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.delivery_attempt.attempt_no IS 'Starts at 1 and counts the claims of the message.';


--
-- Name: COLUMN delivery_attempt.target; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.delivery_attempt.target IS 'The device''s push_id, or the sha256 of the address: the address itself is personal data.';


--
-- Name: COLUMN delivery_attempt.outcome; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.delivery_attempt.outcome IS 'SENT: it took the message. RETRY: certainly not taken, may be later. DROP: refused for good. UNKNOWN: it may have been taken.';


--
-- Name: COLUMN delivery_attempt.provider; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.delivery_attempt.provider IS 'The name of the provider that was called; null where none was. digest: provider_ref is the message of the digest that told this one.';


--
-- Name: COLUMN delivery_attempt.receipt; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.delivery_attempt.receipt IS 'What the provider said later: the first word it gave.';


--
-- Name: delivery_attempt_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.delivery_attempt_default (
    message_id uuid CONSTRAINT delivery_attempt_message_id_not_null NOT NULL,
    event_date date CONSTRAINT delivery_attempt_event_date_not_null NOT NULL,
    attempt_no integer CONSTRAINT delivery_attempt_attempt_no_not_null NOT NULL,
    target text CONSTRAINT delivery_attempt_target_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT delivery_attempt_started_at_not_null NOT NULL,
    finished_at timestamp with time zone CONSTRAINT delivery_attempt_finished_at_not_null NOT NULL,
    outcome text CONSTRAINT delivery_attempt_outcome_not_null NOT NULL,
    reason text,
    provider_ref text,
    provider text,
    receipt text,
    receipt_at timestamp with time zone,
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['SENT'::text, 'RETRY'::text, 'DROP'::text, 'UNKNOWN'::text]))),
    CONSTRAINT reason_unless_sent CHECK (((outcome = 'SENT'::text) OR (reason IS NOT NULL))),
    CONSTRAINT receipt_is_known CHECK ((receipt = ANY (ARRAY['DELIVERED'::text, 'BOUNCED'::text, 'FAILED'::text])))
);


--
-- Name: engine_position; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.engine_position (
    topic text NOT NULL,
    partition integer NOT NULL,
    topic_id text NOT NULL,
    "position" bigint NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    written_by text NOT NULL
);


--
-- Name: COLUMN engine_position.topic_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.engine_position.topic_id IS 'Kafka''s identity of the topic: another one means the topic was recreated, and the engine halts.';


--
-- Name: COLUMN engine_position."position"; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.engine_position."position" IS 'The next offset to be judged.';


--
-- Name: halt; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.halt (
    halt_id bigint NOT NULL,
    cause text NOT NULL,
    detail text NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    began_by text DEFAULT SESSION_USER NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    app_user text,
    reason text,
    CONSTRAINT cause_is_known CHECK ((cause = ANY (ARRAY['SLOT'::text, 'PUBLICATION'::text, 'TABLE'::text, 'RESTORE'::text, 'OPERATOR'::text]))),
    CONSTRAINT ended_is_told CHECK ((((ended_at IS NULL) = (ended_by IS NULL)) AND ((ended_at IS NULL) = (reason IS NULL))))
);


--
-- Name: TABLE halt; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.halt IS 'Why engines decide nothing: one open row is enough to hold up all of them. Kept for ever.';


--
-- Name: halt_halt_id_seq; Type: SEQUENCE; Schema: alerting; Owner: -
--

ALTER TABLE alerting.halt ALTER COLUMN halt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME alerting.halt_halt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: last_seen; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.last_seen (
    alert_type text NOT NULL COLLATE pg_catalog."C",
    definition text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    customer_id bigint,
    group_key text NOT NULL COLLATE pg_catalog."C",
    last_time timestamp with time zone NOT NULL
);


--
-- Name: TABLE last_seen; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.last_seen IS 'The newest event time of each group of a window without length (SINCE): it outlives the events.';


--
-- Name: COLUMN last_seen.definition; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.last_seen.definition IS 'Digest of what the type counts; where that changes, older rows are no longer read.';


--
-- Name: COLUMN last_seen.group_key; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.last_seen.group_key IS 'Digest of the values that the type groups by.';


--
-- Name: outbox_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.outbox_default (
    message_id uuid CONSTRAINT outbox_message_id_not_null NOT NULL,
    alert_id uuid CONSTRAINT outbox_alert_id_not_null NOT NULL,
    event_date date CONSTRAINT outbox_event_date_not_null NOT NULL,
    channel text CONSTRAINT outbox_channel_not_null NOT NULL,
    state text DEFAULT 'PENDING'::text CONSTRAINT outbox_state_not_null NOT NULL,
    reason text,
    written_at timestamp with time zone DEFAULT clock_timestamp() CONSTRAINT outbox_written_at_not_null NOT NULL,
    claimed_at timestamp with time zone,
    handed_at timestamp with time zone,
    finished_at timestamp with time zone,
    delivered_at timestamp with time zone,
    may_be_twice boolean DEFAULT false CONSTRAINT outbox_may_be_twice_not_null NOT NULL,
    falls_back_from text,
    CONSTRAINT ended_otherwise_for_a_reason CHECK (((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'DELIVERED'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT finished_when_not_pending CHECK (((state = 'PENDING'::text) = (finished_at IS NULL))),
    CONSTRAINT handed_when_accepted CHECK (((state <> ALL (ARRAY['ACCEPTED'::text, 'DELIVERED'::text])) OR (handed_at IS NOT NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'DELIVERED'::text, 'FAILED'::text, 'SUPPRESSED'::text, 'EXPIRED'::text, 'UNKNOWN'::text])))
)
WITH (fillfactor='80');


--
-- Name: outbox_due; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.outbox_due (
    message_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    event_date date NOT NULL,
    channel text NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_token uuid,
    held_for text,
    rescued boolean DEFAULT false NOT NULL,
    has_place boolean DEFAULT false NOT NULL
);


--
-- Name: TABLE outbox_due; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.outbox_due IS 'Messages still to be sent. The small working set of the notifiers; its history is alerting.outbox.';


--
-- Name: COLUMN outbox_due.due_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox_due.due_at IS 'When it may be claimed: at once, after a backoff, or when the lease of lease_token has run out.';


--
-- Name: COLUMN outbox_due.held_for; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox_due.held_for IS 'Why it waits although nothing failed: PAUSE:<scope>, QUIET, or DIGEST:<customer>:<alert type>. Null: it is not held.';


--
-- Name: COLUMN outbox_due.rescued; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox_due.rescued IS 'A lease of it ran out: its notifier ended, and may have sent it.';


--
-- Name: COLUMN outbox_due.has_place; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.outbox_due.has_place IS 'It got a place in the window of its throttled alert type, and asks for none again.';


--
-- Name: parked_type; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.parked_type (
    alert_type text NOT NULL COLLATE pg_catalog."C",
    catalogue_version bigint NOT NULL,
    reason text NOT NULL,
    parked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE parked_type; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.parked_type IS 'Alert types that the engine could not compile, by catalogue version: nothing is judged by them, the others go on.';


--
-- Name: pause; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.pause (
    pause_id bigint NOT NULL,
    scope text NOT NULL,
    reason text NOT NULL,
    made_by text DEFAULT SESSION_USER NOT NULL,
    made_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    CONSTRAINT ended_by_somebody CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
    CONSTRAINT scope_is_known CHECK (((scope = 'ALL'::text) OR (scope ~ '^(CHANNEL|TYPE):[A-Z][A-Z0-9_]*$'::text)))
);


--
-- Name: TABLE pause; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.pause IS 'What operators, or the brake, hold up. Ended ones stay as history.';


--
-- Name: pause_pause_id_seq; Type: SEQUENCE; Schema: alerting; Owner: -
--

ALTER TABLE alerting.pause ALTER COLUMN pause_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME alerting.pause_pause_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pilot; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.pilot (
    alert_type text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE pilot; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.pilot IS 'Alert types that are decided for all and sent to a few.';


--
-- Name: pilot_customer; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.pilot_customer (
    alert_type text NOT NULL,
    customer_id bigint NOT NULL
);


--
-- Name: preference_memory; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.preference_memory (
    account_id text COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    alert_type text NOT NULL COLLATE pg_catalog."C",
    preference_no integer NOT NULL,
    armed boolean NOT NULL,
    last_alert_time timestamp with time zone
);


--
-- Name: TABLE preference_memory; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.preference_memory IS 'What a preference with a cool-down or a re-arm margin has to know of its past.';


--
-- Name: COLUMN preference_memory.armed; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.preference_memory.armed IS 'False after an alert decided under a re-arm margin, until an event meets the type''s rearm_condition.';


--
-- Name: COLUMN preference_memory.last_alert_time; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.preference_memory.last_alert_time IS 'Event time of the newest alert decided under a cool-down.';


--
-- Name: quarantine; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.quarantine (
    quarantine_id bigint NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    event_key bytea,
    event_value bytea,
    reason text NOT NULL,
    quarantined_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    quarantined_by text NOT NULL
);


--
-- Name: TABLE quarantine; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.quarantine IS 'What the engine could not decode or judge. Rows are looked at by an operator; the rest flowed on.';


--
-- Name: quarantine_quarantine_id_seq; Type: SEQUENCE; Schema: alerting; Owner: -
--

ALTER TABLE alerting.quarantine ALTER COLUMN quarantine_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME alerting.quarantine_quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: receipt; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.receipt (
    message_id uuid NOT NULL,
    event_date date NOT NULL,
    attempt_no integer NOT NULL,
    target text NOT NULL,
    status text NOT NULL,
    provider text NOT NULL,
    reason text,
    said_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT reason_is_a_code CHECK ((reason ~ '^[A-Za-z0-9._:-]{1,64}$'::text)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['DELIVERED'::text, 'BOUNCED'::text, 'FAILED'::text, 'DELAYED'::text])))
)
PARTITION BY RANGE (event_date);


--
-- Name: TABLE receipt; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.receipt IS 'What providers said of messages after they took them. One row for each attempt and status.';


--
-- Name: COLUMN receipt.reason; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.receipt.reason IS 'The provider''s code. Never its text: that may hold an address.';


--
-- Name: COLUMN receipt.said_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.receipt.said_at IS 'When it happened, by the provider''s clock.';


--
-- Name: receipt_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.receipt_default (
    message_id uuid CONSTRAINT receipt_message_id_not_null NOT NULL,
    event_date date CONSTRAINT receipt_event_date_not_null NOT NULL,
    attempt_no integer CONSTRAINT receipt_attempt_no_not_null NOT NULL,
    target text CONSTRAINT receipt_target_not_null NOT NULL,
    status text CONSTRAINT receipt_status_not_null NOT NULL,
    provider text CONSTRAINT receipt_provider_not_null NOT NULL,
    reason text,
    said_at timestamp with time zone CONSTRAINT receipt_said_at_not_null NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() CONSTRAINT receipt_received_at_not_null NOT NULL,
    CONSTRAINT reason_is_a_code CHECK ((reason ~ '^[A-Za-z0-9._:-]{1,64}$'::text)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['DELIVERED'::text, 'BOUNCED'::text, 'FAILED'::text, 'DELAYED'::text])))
);


--
-- Name: refused_receipt; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.refused_receipt (
    day date NOT NULL,
    provider text NOT NULL,
    reason text NOT NULL,
    receipts bigint NOT NULL
);


--
-- Name: TABLE refused_receipt; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.refused_receipt IS 'How many receipts were refused on each day (UTC).';


--
-- Name: COLUMN refused_receipt.provider; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.refused_receipt.provider IS 'Who sent them; ''?'' where no signature says so.';


--
-- Name: seal; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seal (
    seal_no bigint NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    entries bigint NOT NULL,
    entries_digest bytea NOT NULL,
    previous bytea NOT NULL,
    head bytea NOT NULL,
    signature bytea,
    key_id text,
    CONSTRAINT a_seal_has_entries CHECK ((entries > 0)),
    CONSTRAINT signed_by_a_key CHECK (((signature IS NULL) = (key_id IS NULL)))
);


--
-- Name: TABLE seal; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.seal IS 'The chain: head = sha256(previous, seal_no, entries, entries_digest, sealed_at).';


--
-- Name: COLUMN seal.key_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.seal.key_id IS 'Which key signed it: the start of the sha256 of the public key.';


--
-- Name: seal_entry; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seal_entry (
    seal_no bigint NOT NULL,
    entry_no integer NOT NULL,
    kind text NOT NULL,
    id uuid NOT NULL,
    event_date date NOT NULL,
    customer_id bigint,
    state text,
    evidence_commitment bytea,
    leaf bytea NOT NULL,
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['ALERT'::text, 'MESSAGE'::text, 'ERASURE'::text])))
);


--
-- Name: TABLE seal_entry; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.seal_entry IS 'What a seal holds. Of a message the last entry is as the row is; earlier ones are what it was before a receipt.';


--
-- Name: COLUMN seal_entry.evidence_commitment; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.seal_entry.evidence_commitment IS 'Null: the customer was erased before the alert was sealed.';


--
-- Name: seal_mark; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seal_mark (
    at timestamp with time zone NOT NULL,
    first_unseen bigint NOT NULL
);


--
-- Name: TABLE seal_mark; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.seal_mark IS 'Transactions from first_unseen on wrote nothing before that time.';


--
-- Name: seal_until; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seal_until (
    kind text NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['ALERT'::text, 'MESSAGE'::text, 'RECEIPT'::text])))
);


--
-- Name: TABLE seal_until; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.seal_until IS 'Where the next block begins to look: every row before that has its entry.';


--
-- Name: seen_no; Type: SEQUENCE; Schema: alerting; Owner: -
--

CREATE SEQUENCE alerting.seen_no
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: seen_event; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seen_event (
    seen_no bigint DEFAULT nextval('alerting.seen_no'::regclass) NOT NULL,
    event_kind text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    event_date date NOT NULL,
    account_id text COLLATE pg_catalog."C",
    customer_id bigint,
    CONSTRAINT seen_for_account_or_customer CHECK (((account_id IS NOT NULL) OR (customer_id IS NOT NULL)))
)
PARTITION BY RANGE (event_date);


--
-- Name: TABLE seen_event; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.seen_event IS 'Events that were judged by something that remembers, in that order. f was seen before e where f.seen_no < e.seen_no; an f that is not here, where f.transaction_id < e.seen_below.';


--
-- Name: COLUMN seen_event.seen_no; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.seen_event.seen_no IS 'Ascending in the order of judging, among the events of one account (or customer); with gaps.';


--
-- Name: seen_event_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.seen_event_default (
    seen_no bigint DEFAULT nextval('alerting.seen_no'::regclass) CONSTRAINT seen_event_seen_no_not_null NOT NULL,
    event_kind text CONSTRAINT seen_event_event_kind_not_null NOT NULL COLLATE pg_catalog."C",
    event_id text CONSTRAINT seen_event_event_id_not_null NOT NULL COLLATE pg_catalog."C",
    event_date date CONSTRAINT seen_event_event_date_not_null NOT NULL,
    account_id text COLLATE pg_catalog."C",
    customer_id bigint,
    CONSTRAINT seen_for_account_or_customer CHECK (((account_id IS NOT NULL) OR (customer_id IS NOT NULL)))
);


--
-- Name: suppressed_address; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.suppressed_address (
    channel text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    message_id uuid,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE suppressed_address; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.suppressed_address IS 'Addresses that providers called dead: nothing is sent to them until the row is deleted.';


--
-- Name: COLUMN suppressed_address.target; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.suppressed_address.target IS 'As in delivery_attempt: the sha256 of the address, or the device''s push_id.';


--
-- Name: throttle; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.throttle (
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    channel text NOT NULL,
    window_ends_at timestamp with time zone NOT NULL,
    sent integer NOT NULL,
    held integer NOT NULL
);


--
-- Name: TABLE throttle; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.throttle IS 'How many messages of a type a customer got in the window that runs, and how many were held back for a digest.';


--
-- Name: timer; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.timer (
    timer_id text NOT NULL COLLATE pg_catalog."C",
    series_id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    alert_type text NOT NULL COLLATE pg_catalog."C",
    preference_no integer NOT NULL,
    timer_key text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone NOT NULL,
    state text DEFAULT 'ARMED'::text NOT NULL COLLATE pg_catalog."C",
    reason text,
    armed_at timestamp with time zone NOT NULL,
    event_kind text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    event_date date NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    rung_at timestamp with time zone,
    judged_at timestamp with time zone,
    earlier_armed_at timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    CONSTRAINT judged_when_fired_or_not_met CHECK (((state <> ALL (ARRAY['FIRED'::text, 'NOT_MET'::text])) OR (judged_at IS NOT NULL))),
    CONSTRAINT not_armed_when_judged CHECK (((state <> ALL (ARRAY['ARMED'::text, 'RUNG'::text])) OR (judged_at IS NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['ARMED'::text, 'RUNG'::text, 'FIRED'::text, 'NOT_MET'::text, 'CANCELLED'::text])))
);


--
-- Name: TABLE timer; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.timer IS 'One row per timer: ARMED, then RUNG (a row of bank.timer_event), then FIRED (an alert) or NOT_MET; or CANCELLED by a later event of its series.';


--
-- Name: COLUMN timer.series_id; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.timer.series_id IS 'The timers of one preference and one key.';


--
-- Name: COLUMN timer.reason; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.timer.reason IS 'Why it was cancelled, or did not lead to an alert.';


--
-- Name: COLUMN timer.armed_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.timer.armed_at IS 'Event time of the event that armed it: event_kind, event_id, event_date. The newest, where several did.';


--
-- Name: COLUMN timer.earlier_armed_at; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON COLUMN alerting.timer.earlier_armed_at IS 'The other event times at which it was armed for the same due time: each cancelled other timers of the series.';


--
-- Name: timer_cancel; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.timer_cancel (
    series_id text NOT NULL COLLATE pg_catalog."C",
    cancelled_at timestamp with time zone NOT NULL,
    event_kind text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    event_date date NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE timer_cancel; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.timer_cancel IS 'Event times at which a series of timers was cancelled: an event that arms it may come after the one that cancels it.';


--
-- Name: topic_layout; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.topic_layout (
    only_row boolean DEFAULT true NOT NULL,
    partitions integer NOT NULL,
    CONSTRAINT partitions_between_1_and_1000 CHECK (((partitions >= 1) AND (partitions <= 1000))),
    CONSTRAINT topic_layout_has_one_row CHECK (only_row)
);


--
-- Name: TABLE topic_layout; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.topic_layout IS 'How many partitions the topics by account have. Changing it means new topics and a new snapshot; the engine halts on a mismatch.';


--
-- Name: type_volume; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.type_volume (
    alert_type text NOT NULL,
    minute timestamp with time zone NOT NULL,
    messages bigint NOT NULL
);


--
-- Name: TABLE type_volume; Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON TABLE alerting.type_volume IS 'How many messages of an alert type went out in a minute: the brake''s measure. Kept for 8 days.';


--
-- Name: account_permission_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.account_permission_history (
    account_id text NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    from_version bigint NOT NULL,
    until_version bigint,
    role text NOT NULL,
    may_see_balance boolean NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    began_by text DEFAULT SESSION_USER NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    began_app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    ended_app_user text
);


--
-- Name: TABLE account_permission_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.account_permission_history IS 'Each permission as it was at the account''s state versions from_version up to, not including, until_version.';


--
-- Name: COLUMN account_permission_history.began_app_user; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.account_permission_history.began_app_user IS 'Who used the app: "set local bankalerts.app_user = ..." of the transaction. Null where it did not say.';


--
-- Name: alert_preference_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.alert_preference_history (
    account_id text NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer NOT NULL,
    from_version bigint NOT NULL,
    until_version bigint,
    currency text NOT NULL,
    parameters jsonb NOT NULL,
    channels text[] NOT NULL,
    enabled boolean NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    began_by text DEFAULT SESSION_USER NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    began_app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    ended_app_user text
);


--
-- Name: TABLE alert_preference_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.alert_preference_history IS 'Each preference as it was at the account''s state versions from_version up to, not including, until_version.';


--
-- Name: COLUMN alert_preference_history.began_app_user; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.alert_preference_history.began_app_user IS 'As in account_permission_history.';


--
-- Name: change_no; Type: SEQUENCE; Schema: audit; Owner: -
--

CREATE SEQUENCE audit.change_no
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: change; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.change (
    change_no bigint DEFAULT nextval('audit.change_no'::regclass) NOT NULL,
    table_name text NOT NULL,
    row_key text NOT NULL COLLATE pg_catalog."C",
    customer_id bigint,
    operation text NOT NULL,
    changed jsonb NOT NULL,
    sealed bytea,
    changed_at timestamp with time zone,
    changed_by text,
    app_user text,
    transaction_id bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT found_has_no_author CHECK ((((operation = 'FOUND'::text) = (changed_at IS NULL)) AND ((operation = 'FOUND'::text) = (changed_by IS NULL)))),
    CONSTRAINT operation_is_known CHECK ((operation = ANY (ARRAY['FOUND'::text, 'INSERT'::text, 'UPDATE'::text, 'DELETE'::text])))
);


--
-- Name: TABLE change; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.change IS 'Who changed which row of the tables in audit.recorded_table when, and what it then was.';


--
-- Name: COLUMN change.row_key; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.change.row_key IS 'The values of the key columns, with | between them.';


--
-- Name: COLUMN change.operation; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.change.operation IS 'FOUND: what the row was before its first recorded change; nobody knows since when.';


--
-- Name: COLUMN change.changed; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.change.changed IS 'The whole row after the change (of a DELETE: before it), without personal columns.';


--
-- Name: COLUMN change.sealed; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.change.sealed IS 'The personal columns: vault.seal(customer_id, ''change:'' || change_no, ...). Null where there are none, or once erased.';


--
-- Name: COLUMN change.transaction_id; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.change.transaction_id IS 'What one transaction changed belongs together.';


--
-- Name: customer_preference_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.customer_preference_history (
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer NOT NULL,
    from_version bigint NOT NULL,
    until_version bigint,
    parameters jsonb NOT NULL,
    channels text[] NOT NULL,
    enabled boolean NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    began_by text DEFAULT SESSION_USER NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    began_app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    ended_app_user text
);


--
-- Name: TABLE customer_preference_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.customer_preference_history IS 'Each preference as it was at the customer''s state versions from_version up to, not including, until_version.';


--
-- Name: COLUMN customer_preference_history.began_app_user; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.customer_preference_history.began_app_user IS 'As in account_permission_history.';


--
-- Name: customer_activity; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.customer_activity (
    activity_id text NOT NULL COLLATE pg_catalog."C",
    occurred_on date NOT NULL,
    customer_id bigint NOT NULL,
    activity_type text NOT NULL COLLATE pg_catalog."C",
    properties jsonb DEFAULT '{}'::jsonb NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    event_time timestamp with time zone NOT NULL,
    state_version bigint NOT NULL,
    catalogue_version bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    transaction_id bigint NOT NULL,
    seen_below bigint NOT NULL
)
PARTITION BY RANGE (occurred_on);


--
-- Name: TABLE customer_activity; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.customer_activity IS 'One thing that a customer did, such as a step of a loan application. Insert-only; its stamp has the customer''s state_version.';


--
-- Name: COLUMN customer_activity.properties; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer_activity.properties IS 'What goes with it: a JSON object of at most 2,000 bytes, without personal data.';


--
-- Name: payment_order; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.payment_order (
    status_change_id text NOT NULL COLLATE pg_catalog."C",
    changed_on date NOT NULL,
    order_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    disclosable_reason text COLLATE pg_catalog."C",
    amount_minor bigint NOT NULL,
    currency text NOT NULL COLLATE pg_catalog."C",
    changed_at timestamp with time zone NOT NULL,
    event_time timestamp with time zone NOT NULL,
    state_version bigint NOT NULL,
    catalogue_version bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    transaction_id bigint NOT NULL,
    seen_below bigint NOT NULL
)
PARTITION BY RANGE (changed_on);


--
-- Name: TABLE payment_order; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.payment_order IS 'One change of the status of a payment order. Insert-only.';


--
-- Name: COLUMN payment_order.disclosable_reason; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.payment_order.disclosable_reason IS 'Why, as the customer may read it. The bank''s internal reasons stay out: a message could tip someone off.';


--
-- Name: timer_event; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.timer_event (
    timer_id text NOT NULL COLLATE pg_catalog."C",
    due_on date NOT NULL,
    account_id text COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    alert_type text NOT NULL COLLATE pg_catalog."C",
    preference_no integer NOT NULL,
    timer_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    event_time timestamp with time zone NOT NULL,
    starts boolean DEFAULT false NOT NULL,
    time_zone text NOT NULL,
    routed_account text NOT NULL,
    routed_customer bigint NOT NULL,
    state_version bigint NOT NULL,
    catalogue_version bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    transaction_id bigint NOT NULL,
    seen_below bigint NOT NULL
)
PARTITION BY RANGE (due_on);


--
-- Name: TABLE timer_event; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.timer_event IS 'One timer that was due, or one schedule that starts. Written by the timekeeper and by triggers alone; insert-only.';


--
-- Name: COLUMN timer_event.timer_id; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.timer_id IS 'From its identity: preference, key and due time; so it is here once, however often it is rung.';


--
-- Name: COLUMN timer_event.event_time; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.event_time IS 'When it was due; of one that starts: when the preference or its type was written.';


--
-- Name: COLUMN timer_event.starts; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.starts IS 'Nothing was due: the engine arms the first time of the preference''s schedule.';


--
-- Name: COLUMN timer_event.time_zone; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.time_zone IS 'Stamp: the customer''s time zone; the next time of a schedule is worked out in it.';


--
-- Name: COLUMN timer_event.routed_account; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.routed_account IS 'Capture routes by this and routed_customer: the account, or nothing where there is none. Neither is ever NULL.';


--
-- Name: COLUMN timer_event.routed_customer; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.routed_customer IS 'The customer where there is no account, else 0.';


--
-- Name: COLUMN timer_event.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.timer_event.state_version IS 'Stamp: the state_version of the account, or of the customer where there is none.';


--
-- Name: event; Type: VIEW; Schema: audit; Owner: -
--

CREATE VIEW audit.event WITH (security_invoker='true') AS
 SELECT 'ACCOUNT_ENTRY'::text AS event_kind,
    account_entry.entry_id AS event_id,
    account_entry.booking_date AS event_date,
    account_entry.account_id,
    NULL::bigint AS customer_id,
    account_entry.event_time,
    account_entry.inserted_at,
    account_entry.state_version,
    account_entry.catalogue_version,
    account_entry.transaction_id,
    account_entry.seen_below
   FROM bank.account_entry
UNION ALL
 SELECT 'CARD_AUTHORISATION'::text AS event_kind,
    card_authorisation.authorisation_id AS event_id,
    card_authorisation.authorised_on AS event_date,
    card_authorisation.account_id,
    NULL::bigint AS customer_id,
    card_authorisation.event_time,
    card_authorisation.inserted_at,
    card_authorisation.state_version,
    card_authorisation.catalogue_version,
    card_authorisation.transaction_id,
    card_authorisation.seen_below
   FROM bank.card_authorisation
UNION ALL
 SELECT 'PAYMENT_ORDER'::text AS event_kind,
    payment_order.status_change_id AS event_id,
    payment_order.changed_on AS event_date,
    payment_order.account_id,
    NULL::bigint AS customer_id,
    payment_order.event_time,
    payment_order.inserted_at,
    payment_order.state_version,
    payment_order.catalogue_version,
    payment_order.transaction_id,
    payment_order.seen_below
   FROM bank.payment_order
UNION ALL
 SELECT 'CUSTOMER_ACTIVITY'::text AS event_kind,
    customer_activity.activity_id AS event_id,
    customer_activity.occurred_on AS event_date,
    NULL::text AS account_id,
    customer_activity.customer_id,
    customer_activity.event_time,
    customer_activity.inserted_at,
    customer_activity.state_version,
    customer_activity.catalogue_version,
    customer_activity.transaction_id,
    customer_activity.seen_below
   FROM bank.customer_activity
UNION ALL
 SELECT 'TIMER'::text AS event_kind,
    timer_event.timer_id AS event_id,
    timer_event.due_on AS event_date,
    timer_event.account_id,
    timer_event.customer_id,
    timer_event.event_time,
    timer_event.inserted_at,
    timer_event.state_version,
    timer_event.catalogue_version,
    timer_event.transaction_id,
    timer_event.seen_below
   FROM bank.timer_event;


--
-- Name: VIEW event; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON VIEW audit.event IS 'The events of all kinds: identity, times and stamp.';


--
-- Name: grants; Type: VIEW; Schema: audit; Owner: -
--

CREATE VIEW audit.grants WITH (security_invoker='true') AS
 SELECT COALESCE(g.rolname, 'public'::name) AS role,
    o.schema_name,
    o.object_name,
    o.kind,
    o.column_name,
    a.privilege_type AS verb
   FROM ((( SELECT n.nspname AS schema_name,
            n.nspname AS object_name,
            'SCHEMA'::text AS kind,
            NULL::text AS column_name,
            n.nspacl AS acl,
            n.nspowner AS owner
           FROM pg_namespace n
        UNION ALL
         SELECT n.nspname,
            c.relname,
                CASE c.relkind
                    WHEN 'v'::"char" THEN 'VIEW'::text
                    WHEN 'S'::"char" THEN 'SEQUENCE'::text
                    ELSE 'TABLE'::text
                END AS "case",
            NULL::text,
            c.relacl,
            c.relowner
           FROM (pg_class c
             JOIN pg_namespace n ON ((n.oid = c.relnamespace)))
          WHERE ((c.relkind = ANY (ARRAY['r'::"char", 'p'::"char", 'v'::"char", 'S'::"char"])) AND (NOT c.relispartition))
        UNION ALL
         SELECT n.nspname,
            c.relname,
            'TABLE'::text,
            t.attname,
            t.attacl,
            c.relowner
           FROM ((pg_attribute t
             JOIN pg_class c ON ((c.oid = t.attrelid)))
             JOIN pg_namespace n ON ((n.oid = c.relnamespace)))
          WHERE ((NOT c.relispartition) AND (t.attacl IS NOT NULL))
        UNION ALL
         SELECT n.nspname,
            ((((p.proname)::text || '('::text) || pg_get_function_identity_arguments(p.oid)) || ')'::text),
            'FUNCTION'::text,
            NULL::text,
            COALESCE(p.proacl, acldefault('f'::"char", p.proowner)) AS "coalesce",
            p.proowner
           FROM (pg_proc p
             JOIN pg_namespace n ON ((n.oid = p.pronamespace)))) o
     CROSS JOIN LATERAL aclexplode(o.acl) a(grantor, grantee, privilege_type, is_grantable))
     LEFT JOIN pg_roles g ON ((g.oid = a.grantee)))
  WHERE ((o.schema_name = ANY (ARRAY['bank'::name, 'alerting'::name, 'audit'::name, 'vault'::name])) AND (a.grantee <> o.owner));


--
-- Name: VIEW grants; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON VIEW audit.grants IS 'Who may do what with which object, as the database has it: what is granted to roles and to PUBLIC.';


--
-- Name: maintenance; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.maintenance (
    run_no bigint NOT NULL,
    what text NOT NULL,
    data_class text NOT NULL,
    relation text NOT NULL,
    rows_or_partitions bigint NOT NULL,
    took interval NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    by text DEFAULT SESSION_USER NOT NULL,
    app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    CONSTRAINT what_is_known CHECK ((what = ANY (ARRAY['MADE'::text, 'DETACHED'::text, 'DROPPED'::text, 'DELETED'::text])))
);


--
-- Name: TABLE maintenance; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.maintenance IS 'What retention did, in the same transaction as what it did.';


--
-- Name: maintenance_run_no_seq; Type: SEQUENCE; Schema: audit; Owner: -
--

ALTER TABLE audit.maintenance ALTER COLUMN run_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.maintenance_run_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox_history; Type: VIEW; Schema: audit; Owner: -
--

CREATE VIEW audit.outbox_history WITH (security_invoker='true') AS
 SELECT o.message_id,
    a.alert_id,
    a.event_kind,
    a.event_id,
    a.event_date,
    a.account_id,
    a.customer_id,
    a.alert_type,
    a.preference_no,
    o.channel,
        CASE
            WHEN ((o.state = 'PENDING'::text) AND (d.lease_token IS NOT NULL) AND (d.due_at > now())) THEN 'LEASED'::text
            ELSE o.state
        END AS state,
    o.reason,
    a.event_time,
    a.inserted_at,
    a.committed_at,
    a.on_kafka_at,
    a.decided_at,
    o.written_at,
    o.claimed_at,
    o.handed_at,
    o.finished_at,
    ( SELECT count(*) AS count
           FROM alerting.delivery_attempt t
          WHERE ((t.message_id = o.message_id) AND (t.event_date = o.event_date))) AS attempts,
    a.evidence,
    o.delivered_at,
    o.may_be_twice,
    o.falls_back_from,
    d.held_for,
    d.due_at
   FROM ((alerting.outbox o
     JOIN alerting.alert a ON (((a.alert_id = o.alert_id) AND (a.event_date = o.event_date))))
     LEFT JOIN alerting.outbox_due d ON ((d.message_id = o.message_id)));


--
-- Name: VIEW outbox_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON VIEW audit.outbox_history IS 'One row per message with the alert behind it, its times, its attempts and the evidence.';


--
-- Name: retention_policy; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.retention_policy (
    data_class text NOT NULL,
    kept_in text NOT NULL,
    relations text[] DEFAULT '{}'::text[] NOT NULL,
    keeps interval,
    action text DEFAULT 'NONE'::text NOT NULL,
    ahead interval,
    reason text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by text DEFAULT SESSION_USER NOT NULL,
    app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    CONSTRAINT action_is_known CHECK ((action = ANY (ARRAY['DROP'::text, 'DETACH'::text, 'DELETE'::text, 'TOPIC_RETENTION'::text, 'NONE'::text]))),
    CONSTRAINT ahead_is_a_month_at_least CHECK (((ahead >= '1 mon'::interval) AND (ahead <= '2 years'::interval))),
    CONSTRAINT kept_in_is_known CHECK ((kept_in = ANY (ARRAY['TABLE'::text, 'TOPIC'::text, 'CHECKPOINT'::text]))),
    CONSTRAINT kept_longer_than_topics CHECK (((keeps >= '8 days'::interval) OR (action <> ALL (ARRAY['DROP'::text, 'DETACH'::text])))),
    CONSTRAINT only_partitions_go_whole CHECK (((ahead IS NOT NULL) OR (action <> ALL (ARRAY['DROP'::text, 'DETACH'::text])))),
    CONSTRAINT partitions_go_whole CHECK (((ahead IS NULL) OR (action = ANY (ARRAY['DROP'::text, 'DETACH'::text, 'NONE'::text])))),
    CONSTRAINT what_goes_has_a_time CHECK (((action = 'NONE'::text) = (keeps IS NULL)))
);


--
-- Name: TABLE retention_policy; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.retention_policy IS 'How long each class of data is kept. The bank sets it: update keeps, action, reason. bankalerts maintain applies it.';


--
-- Name: COLUMN retention_policy.keeps; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.retention_policy.keeps IS 'How long after its date; of a partition, after its last. Null: for ever.';


--
-- Name: COLUMN retention_policy.action; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.retention_policy.action IS 'DROP or DETACH a partition (a detached one stays as a table of its own), DELETE rows, TOPIC_RETENTION: Kafka does it.';


--
-- Name: COLUMN retention_policy.ahead; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.retention_policy.ahead IS 'How far ahead monthly partitions are made; null where there are none.';


--
-- Name: COLUMN retention_policy.app_user; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON COLUMN audit.retention_policy.app_user IS 'Who used the app: "set local bankalerts.app_user = ..." of the transaction that changed it.';


--
-- Name: account; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account (
    account_id text NOT NULL COLLATE pg_catalog."C",
    iban text,
    currency text NOT NULL,
    product text,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL,
    status text DEFAULT 'OPEN'::text NOT NULL
);

ALTER TABLE ONLY bank.account FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN account.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account.state_version IS 'Raised by one for each statement that changes this account''s permissions or preferences; written by triggers alone.';


--
-- Name: COLUMN account.status; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account.status IS 'OPEN; BLOCKED: nothing is sent about it. It decides no alert, and raises no state_version.';


--
-- Name: account_entry_default; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account_entry_default (
    entry_id text CONSTRAINT account_entry_entry_id_not_null NOT NULL COLLATE pg_catalog."C",
    booking_date date CONSTRAINT account_entry_booking_date_not_null NOT NULL,
    account_id text CONSTRAINT account_entry_account_id_not_null NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint CONSTRAINT account_entry_amount_minor_not_null NOT NULL,
    currency text CONSTRAINT account_entry_currency_not_null NOT NULL COLLATE pg_catalog."C",
    balance_after_minor bigint,
    status text DEFAULT 'BOOKED'::text CONSTRAINT account_entry_status_not_null NOT NULL COLLATE pg_catalog."C",
    occurred_at timestamp with time zone,
    value_date date,
    original_amount_minor bigint,
    original_currency text COLLATE pg_catalog."C",
    entry_type text COLLATE pg_catalog."C",
    counterparty_account text COLLATE pg_catalog."C",
    counterparty_name text COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    reverses_entry_id text COLLATE pg_catalog."C",
    event_time timestamp with time zone CONSTRAINT account_entry_event_time_not_null NOT NULL,
    state_version bigint CONSTRAINT account_entry_state_version_not_null NOT NULL,
    catalogue_version bigint CONSTRAINT account_entry_catalogue_version_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT account_entry_inserted_at_not_null NOT NULL,
    transaction_id bigint,
    seen_below bigint
);


--
-- Name: account_permission; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account_permission (
    account_id text NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    role text NOT NULL,
    may_see_balance boolean DEFAULT true NOT NULL,
    valid_from timestamp with time zone DEFAULT now() NOT NULL,
    valid_until timestamp with time zone,
    state_version bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY bank.account_permission FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE account_permission; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.account_permission IS 'The customer may see the account, from valid_from until just before valid_until.';


--
-- Name: COLUMN account_permission.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account_permission.state_version IS 'The account''s state_version that this row came in with; written by a trigger.';


--
-- Name: alert_preference; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.alert_preference (
    account_id text NOT NULL COLLATE pg_catalog."C",
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer DEFAULT 1 NOT NULL,
    currency text NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    channels text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY bank.alert_preference FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN alert_preference.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_preference.state_version IS 'The account''s state_version that this row came in with; written by a trigger.';


--
-- Name: alert_type_example; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.alert_type_example (
    alert_type text NOT NULL,
    example_no integer NOT NULL,
    says text NOT NULL,
    parameters jsonb,
    events jsonb NOT NULL,
    alerts jsonb NOT NULL,
    CONSTRAINT alerts_are_a_list CHECK (((jsonb_typeof(alerts) = 'array'::text) AND (jsonb_array_length(alerts) <= jsonb_array_length(events)))),
    CONSTRAINT alerts_name_events_that_are_there CHECK ((NOT jsonb_path_exists(alerts, '$[*]?(!(@."event" >= 1 && @."event" <= $"last"))'::jsonpath, jsonb_build_object('last', jsonb_array_length(events))))),
    CONSTRAINT events_are_a_list CHECK (((jsonb_typeof(events) = 'array'::text) AND ((jsonb_array_length(events) >= 1) AND (jsonb_array_length(events) <= 50)))),
    CONSTRAINT example_no_starts_at_1 CHECK ((example_no >= 1)),
    CONSTRAINT parameters_are_an_object CHECK ((jsonb_typeof(parameters) = 'object'::text)),
    CONSTRAINT says_something_short CHECK (((length(says) >= 1) AND (length(says) <= 300)))
);


--
-- Name: TABLE alert_type_example; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.alert_type_example IS 'Events in, alerts out: for designers to read and for tests to run. The engine does not read it.';


--
-- Name: COLUMN alert_type_example.says; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type_example.says IS 'What the example shows, in one sentence.';


--
-- Name: COLUMN alert_type_example.parameters; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type_example.parameters IS 'Of the one preference there is. NULL: there is none, as a mandatory type needs none.';


--
-- Name: COLUMN alert_type_example.events; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type_example.events IS 'In the order in which they are inserted. Each has "at", an interval from the start of the example to the time of the event, and columns of the table of its kind; what is left out has a plain value (EUR, BOOKED, APPROVED, card-1, order-1). {"kind": "TIMER"} is the moment at which a timer of the type is due; for a type with a schedule the example starts at the first due time.';


--
-- Name: COLUMN alert_type_example.alerts; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type_example.alerts IS 'The alerts of this type that follow: {"event": number in events, from 1}, and where it matters "history" as it stands in the evidence.';


--
-- Name: card_authorisation_default; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.card_authorisation_default (
    authorisation_id text CONSTRAINT card_authorisation_authorisation_id_not_null NOT NULL COLLATE pg_catalog."C",
    authorised_on date CONSTRAINT card_authorisation_authorised_on_not_null NOT NULL,
    account_id text CONSTRAINT card_authorisation_account_id_not_null NOT NULL COLLATE pg_catalog."C",
    card_token text CONSTRAINT card_authorisation_card_token_not_null NOT NULL COLLATE pg_catalog."C",
    amount_minor bigint CONSTRAINT card_authorisation_amount_minor_not_null NOT NULL,
    currency text CONSTRAINT card_authorisation_currency_not_null NOT NULL COLLATE pg_catalog."C",
    original_amount_minor bigint,
    original_currency text COLLATE pg_catalog."C",
    merchant_id text COLLATE pg_catalog."C",
    merchant_category text COLLATE pg_catalog."C",
    country text COLLATE pg_catalog."C",
    card_present boolean CONSTRAINT card_authorisation_card_present_not_null NOT NULL,
    outcome text CONSTRAINT card_authorisation_outcome_not_null NOT NULL COLLATE pg_catalog."C",
    decline_reason text COLLATE pg_catalog."C",
    authorised_at timestamp with time zone CONSTRAINT card_authorisation_authorised_at_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT card_authorisation_event_time_not_null NOT NULL,
    state_version bigint CONSTRAINT card_authorisation_state_version_not_null NOT NULL,
    catalogue_version bigint CONSTRAINT card_authorisation_catalogue_version_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT card_authorisation_inserted_at_not_null NOT NULL,
    transaction_id bigint CONSTRAINT card_authorisation_transaction_id_not_null NOT NULL,
    seen_below bigint CONSTRAINT card_authorisation_seen_below_not_null NOT NULL
);


--
-- Name: catalogue; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.catalogue (
    only_row boolean DEFAULT true NOT NULL,
    catalogue_version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT catalogue_has_one_row CHECK (only_row)
);


--
-- Name: TABLE catalogue; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.catalogue IS 'One row: the version of the alert type catalogue, raised by one for each statement that changes bank.alert_type.';


--
-- Name: channel; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.channel (
    channel text NOT NULL,
    CONSTRAINT channel_is_a_short_name CHECK ((channel ~ '^[A-Z][A-Z0-9_]{1,29}$'::text))
);


--
-- Name: TABLE channel; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.channel IS 'Ways to reach a customer. Each has one file in notifier/channels/.';


--
-- Name: contact_address; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.contact_address (
    customer_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    verified_at timestamp with time zone
);

ALTER TABLE ONLY bank.contact_address FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN contact_address.verified_at; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.contact_address.verified_at IS 'When the customer proved to hold this address; NULL: nothing is sent there.';


--
-- Name: currency; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.currency (
    currency text NOT NULL,
    minor_digits smallint NOT NULL,
    CONSTRAINT currency_is_three_capitals CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT minor_digits_as_in_iso_4217 CHECK (((minor_digits >= 0) AND (minor_digits <= 4)))
);


--
-- Name: TABLE currency; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.currency IS 'ISO 4217: amounts in *_minor columns are in units of 10^-minor_digits.';


--
-- Name: customer; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.customer (
    customer_id bigint NOT NULL,
    full_name text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL,
    contact_status text DEFAULT 'ACTIVE'::text NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    shows_balance boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY bank.customer FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN customer.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer.state_version IS 'Raised by one for each statement that changes this customer''s own preferences; written by triggers alone.';


--
-- Name: COLUMN customer.contact_status; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer.contact_status IS 'ACTIVE; HOLD (nothing is sent for now) or DECEASED: nothing is sent, of mandatory alert types neither.';


--
-- Name: COLUMN customer.quiet_from; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer.quiet_from IS 'From this time of day until quiet_until, by the customer''s clock, messages wait. Mandatory types, STATUTORY and SECURITY do not.';


--
-- Name: COLUMN customer.shows_balance; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer.shows_balance IS 'PUSH and SMS, which others may read on a locked screen, may write a balance.';


--
-- Name: customer_activity_default; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.customer_activity_default (
    activity_id text CONSTRAINT customer_activity_activity_id_not_null NOT NULL COLLATE pg_catalog."C",
    occurred_on date CONSTRAINT customer_activity_occurred_on_not_null NOT NULL,
    customer_id bigint CONSTRAINT customer_activity_customer_id_not_null NOT NULL,
    activity_type text CONSTRAINT customer_activity_activity_type_not_null NOT NULL COLLATE pg_catalog."C",
    properties jsonb DEFAULT '{}'::jsonb CONSTRAINT customer_activity_properties_not_null NOT NULL,
    occurred_at timestamp with time zone CONSTRAINT customer_activity_occurred_at_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT customer_activity_event_time_not_null NOT NULL,
    state_version bigint CONSTRAINT customer_activity_state_version_not_null NOT NULL,
    catalogue_version bigint CONSTRAINT customer_activity_catalogue_version_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT customer_activity_inserted_at_not_null NOT NULL,
    transaction_id bigint CONSTRAINT customer_activity_transaction_id_not_null NOT NULL,
    seen_below bigint CONSTRAINT customer_activity_seen_below_not_null NOT NULL
);


--
-- Name: customer_consent; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.customer_consent (
    customer_id bigint NOT NULL,
    purpose text NOT NULL,
    granted boolean NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY bank.customer_consent FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE customer_consent; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.customer_consent IS 'What customers agreed to. Without a row: SERVICE is sent, MARKETING is not. For SECURITY and STATUTORY nobody is asked.';


--
-- Name: customer_preference; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.customer_preference (
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer DEFAULT 1 NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    channels text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY bank.customer_preference FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE customer_preference; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.customer_preference IS 'Which customer wants which alert type on their own activity: for types without an account.';


--
-- Name: COLUMN customer_preference.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.customer_preference.state_version IS 'The customer''s state_version that this row came in with; written by a trigger.';


--
-- Name: delivery_rule; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.delivery_rule (
    alert_type text NOT NULL,
    time_to_live interval DEFAULT '24:00:00'::interval NOT NULL,
    throttle_messages integer,
    throttle_window interval,
    per_minute_max integer
);


--
-- Name: TABLE delivery_rule; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.delivery_rule IS 'How messages of an alert type are delivered. Without a row: 24 hours, every one, at most ten times the usual number a minute.';


--
-- Name: COLUMN delivery_rule.time_to_live; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.delivery_rule.time_to_live IS 'A message older than this is not sent any more.';


--
-- Name: COLUMN delivery_rule.throttle_messages; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.delivery_rule.throttle_messages IS 'So many messages a customer gets on a channel within throttle_window; the others are told together in one at its end.';


--
-- Name: COLUMN delivery_rule.per_minute_max; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.delivery_rule.per_minute_max IS 'More messages a minute than this, of all customers, and the alert type is paused.';


--
-- Name: inbox_message; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.inbox_message (
    message_id uuid NOT NULL,
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    subject text,
    body text NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL,
    read_at timestamp with time zone
);

ALTER TABLE ONLY bank.inbox_message FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE inbox_message; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.inbox_message IS 'What customers read in the bank''s app. Written once, by the notifier; the app marks read_at.';


--
-- Name: message_template; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.message_template (
    alert_type text NOT NULL,
    channel text NOT NULL,
    locale text NOT NULL,
    version integer NOT NULL,
    subject text,
    body text NOT NULL,
    CONSTRAINT version_starts_at_1 CHECK ((version >= 1))
);


--
-- Name: payment_order_default; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.payment_order_default (
    status_change_id text CONSTRAINT payment_order_status_change_id_not_null NOT NULL COLLATE pg_catalog."C",
    changed_on date CONSTRAINT payment_order_changed_on_not_null NOT NULL,
    order_id text CONSTRAINT payment_order_order_id_not_null NOT NULL COLLATE pg_catalog."C",
    account_id text CONSTRAINT payment_order_account_id_not_null NOT NULL COLLATE pg_catalog."C",
    status text CONSTRAINT payment_order_status_not_null NOT NULL COLLATE pg_catalog."C",
    disclosable_reason text COLLATE pg_catalog."C",
    amount_minor bigint CONSTRAINT payment_order_amount_minor_not_null NOT NULL,
    currency text CONSTRAINT payment_order_currency_not_null NOT NULL COLLATE pg_catalog."C",
    changed_at timestamp with time zone CONSTRAINT payment_order_changed_at_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT payment_order_event_time_not_null NOT NULL,
    state_version bigint CONSTRAINT payment_order_state_version_not_null NOT NULL,
    catalogue_version bigint CONSTRAINT payment_order_catalogue_version_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT payment_order_inserted_at_not_null NOT NULL,
    transaction_id bigint CONSTRAINT payment_order_transaction_id_not_null NOT NULL,
    seen_below bigint CONSTRAINT payment_order_seen_below_not_null NOT NULL
);


--
-- Name: push_device; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.push_device (
    push_id text NOT NULL,
    customer_id bigint NOT NULL,
    platform text NOT NULL,
    provider text NOT NULL,
    registered_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    retired_reason text,
    CONSTRAINT retired_for_a_reason CHECK (((retired_at IS NULL) = (retired_reason IS NULL)))
);

ALTER TABLE ONLY bank.push_device FORCE ROW LEVEL SECURITY;


--
-- Name: COLUMN push_device.retired_at; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.push_device.retired_at IS 'When the provider said that the device is registered no more; nothing is sent there. A new registered_at makes it NULL.';


--
-- Name: replaced_address; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.replaced_address (
    customer_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    replaced_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY bank.replaced_address FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE replaced_address; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.replaced_address IS 'Verified addresses that were changed or deleted; written by triggers. SECURITY messages go there for 72 hours more.';


--
-- Name: time_zone; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.time_zone (
    time_zone text NOT NULL
);


--
-- Name: TABLE time_zone; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.time_zone IS 'IANA time zones, exactly as every part of the chain knows them: PostgreSQL alone would take cest, europe/amsterdam and XYZ5 as well.';


--
-- Name: timer_event_default; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.timer_event_default (
    timer_id text CONSTRAINT timer_event_timer_id_not_null NOT NULL COLLATE pg_catalog."C",
    due_on date CONSTRAINT timer_event_due_on_not_null NOT NULL,
    account_id text COLLATE pg_catalog."C",
    customer_id bigint CONSTRAINT timer_event_customer_id_not_null NOT NULL,
    alert_type text CONSTRAINT timer_event_alert_type_not_null NOT NULL COLLATE pg_catalog."C",
    preference_no integer CONSTRAINT timer_event_preference_no_not_null NOT NULL,
    timer_key text DEFAULT ''::text CONSTRAINT timer_event_timer_key_not_null NOT NULL COLLATE pg_catalog."C",
    event_time timestamp with time zone CONSTRAINT timer_event_event_time_not_null NOT NULL,
    starts boolean DEFAULT false CONSTRAINT timer_event_starts_not_null NOT NULL,
    time_zone text CONSTRAINT timer_event_time_zone_not_null NOT NULL,
    routed_account text CONSTRAINT timer_event_routed_account_not_null NOT NULL,
    routed_customer bigint CONSTRAINT timer_event_routed_customer_not_null NOT NULL,
    state_version bigint CONSTRAINT timer_event_state_version_not_null NOT NULL,
    catalogue_version bigint CONSTRAINT timer_event_catalogue_version_not_null NOT NULL,
    inserted_at timestamp with time zone CONSTRAINT timer_event_inserted_at_not_null NOT NULL,
    transaction_id bigint CONSTRAINT timer_event_transaction_id_not_null NOT NULL,
    seen_below bigint CONSTRAINT timer_event_seen_below_not_null NOT NULL
);


--
-- Name: webhook_secret; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.webhook_secret (
    customer_id bigint NOT NULL,
    address text NOT NULL,
    secret text NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY bank.webhook_secret FORCE ROW LEVEL SECURITY;


--
-- Name: TABLE webhook_secret; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON TABLE bank.webhook_secret IS 'What signs messages to a webhook (Standard Webhooks). The newest two sign; delete the others.';


--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: customer_key; Type: TABLE; Schema: vault; Owner: -
--

CREATE TABLE vault.customer_key (
    customer_id bigint NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    key bytea,
    CONSTRAINT key_has_32_bytes CHECK ((length(key) = 32))
);


--
-- Name: TABLE customer_key; Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON TABLE vault.customer_key IS 'One key for each customer of whom something was sealed. Leave the schema out of backups that outlive an erasure.';


--
-- Name: COLUMN customer_key.key; Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON COLUMN vault.customer_key.key IS 'Null: destroyed. The row stays, or a writer at the same moment would make a new key.';


--
-- Name: erased_customer; Type: TABLE; Schema: vault; Owner: -
--

CREATE TABLE vault.erased_customer (
    customer_id bigint NOT NULL,
    erased_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    erased_by text DEFAULT SESSION_USER NOT NULL,
    app_user text DEFAULT NULLIF(current_setting('bankalerts.app_user'::text, true), ''::text),
    reason text NOT NULL,
    CONSTRAINT reason_is_given CHECK ((reason <> ''::text))
);


--
-- Name: TABLE erased_customer; Type: COMMENT; Schema: vault; Owner: -
--

COMMENT ON TABLE vault.erased_customer IS 'Whose key was destroyed, by whom and why.';


--
-- Name: alert_default; Type: TABLE ATTACH; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert ATTACH PARTITION alerting.alert_default DEFAULT;


--
-- Name: delivery_attempt_default; Type: TABLE ATTACH; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.delivery_attempt ATTACH PARTITION alerting.delivery_attempt_default DEFAULT;


--
-- Name: outbox_default; Type: TABLE ATTACH; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.outbox ATTACH PARTITION alerting.outbox_default DEFAULT;


--
-- Name: receipt_default; Type: TABLE ATTACH; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.receipt ATTACH PARTITION alerting.receipt_default DEFAULT;


--
-- Name: seen_event_default; Type: TABLE ATTACH; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seen_event ATTACH PARTITION alerting.seen_event_default DEFAULT;


--
-- Name: account_entry_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_entry ATTACH PARTITION bank.account_entry_default DEFAULT;


--
-- Name: card_authorisation_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.card_authorisation ATTACH PARTITION bank.card_authorisation_default DEFAULT;


--
-- Name: customer_activity_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_activity ATTACH PARTITION bank.customer_activity_default DEFAULT;


--
-- Name: payment_order_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.payment_order ATTACH PARTITION bank.payment_order_default DEFAULT;


--
-- Name: timer_event_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.timer_event ATTACH PARTITION bank.timer_event_default DEFAULT;


--
-- Name: alert one_alert_per_event_and_preference; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert
    ADD CONSTRAINT one_alert_per_event_and_preference UNIQUE NULLS NOT DISTINCT (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no);


--
-- Name: alert_default alert_default_event_id_event_date_event_kind_account_id_cus_key; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert_default
    ADD CONSTRAINT alert_default_event_id_event_date_event_kind_account_id_cus_key UNIQUE NULLS NOT DISTINCT (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no);


--
-- Name: alert alert_id_is_unique; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert
    ADD CONSTRAINT alert_id_is_unique PRIMARY KEY (alert_id, event_date);


--
-- Name: alert_default alert_default_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert_default
    ADD CONSTRAINT alert_default_pkey PRIMARY KEY (alert_id, event_date);


--
-- Name: delivery_attempt attempt_is_recorded_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.delivery_attempt
    ADD CONSTRAINT attempt_is_recorded_once PRIMARY KEY (message_id, attempt_no, target, event_date);


--
-- Name: timer_cancel cancelled_once_at_a_time; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.timer_cancel
    ADD CONSTRAINT cancelled_once_at_a_time PRIMARY KEY (series_id, cancelled_at);


--
-- Name: capture_heartbeat capture_heartbeat_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.capture_heartbeat
    ADD CONSTRAINT capture_heartbeat_pkey PRIMARY KEY (only_row);


--
-- Name: capture_identity capture_identity_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.capture_identity
    ADD CONSTRAINT capture_identity_pkey PRIMARY KEY (only_row);


--
-- Name: captured_table captured_table_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.captured_table
    ADD CONSTRAINT captured_table_pkey PRIMARY KEY (table_name);


--
-- Name: channel_policy channel_policy_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.channel_policy
    ADD CONSTRAINT channel_policy_pkey PRIMARY KEY (channel);


--
-- Name: delivery_attempt_default delivery_attempt_default_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.delivery_attempt_default
    ADD CONSTRAINT delivery_attempt_default_pkey PRIMARY KEY (message_id, attempt_no, target, event_date);


--
-- Name: engine_position engine_position_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.engine_position
    ADD CONSTRAINT engine_position_pkey PRIMARY KEY (topic, partition);


--
-- Name: seen_event event_is_seen_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seen_event
    ADD CONSTRAINT event_is_seen_once PRIMARY KEY (event_id, event_date, event_kind);


--
-- Name: halt halt_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.halt
    ADD CONSTRAINT halt_pkey PRIMARY KEY (halt_id);


--
-- Name: last_seen last_seen_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.last_seen
    ADD CONSTRAINT last_seen_once UNIQUE NULLS NOT DISTINCT (account_id, customer_id, alert_type, definition, group_key);


--
-- Name: outbox message_id_is_unique; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.outbox
    ADD CONSTRAINT message_id_is_unique PRIMARY KEY (message_id, event_date);


--
-- Name: outbox_default outbox_default_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.outbox_default
    ADD CONSTRAINT outbox_default_pkey PRIMARY KEY (message_id, event_date);


--
-- Name: outbox_due outbox_due_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.outbox_due
    ADD CONSTRAINT outbox_due_pkey PRIMARY KEY (message_id);


--
-- Name: parked_type parked_once_per_version; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.parked_type
    ADD CONSTRAINT parked_once_per_version PRIMARY KEY (alert_type, catalogue_version);


--
-- Name: pause pause_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.pause
    ADD CONSTRAINT pause_pkey PRIMARY KEY (pause_id);


--
-- Name: pilot_customer pilot_customer_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.pilot_customer
    ADD CONSTRAINT pilot_customer_pkey PRIMARY KEY (alert_type, customer_id);


--
-- Name: pilot pilot_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.pilot
    ADD CONSTRAINT pilot_pkey PRIMARY KEY (alert_type);


--
-- Name: preference_memory preference_remembered_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.preference_memory
    ADD CONSTRAINT preference_remembered_once UNIQUE NULLS NOT DISTINCT (account_id, customer_id, alert_type, preference_no);


--
-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);


--
-- Name: quarantine quarantined_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.quarantine
    ADD CONSTRAINT quarantined_once UNIQUE (topic_id, partition, "position");


--
-- Name: receipt receipt_is_applied_once; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.receipt
    ADD CONSTRAINT receipt_is_applied_once PRIMARY KEY (message_id, attempt_no, target, status, event_date);


--
-- Name: receipt_default receipt_default_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.receipt_default
    ADD CONSTRAINT receipt_default_pkey PRIMARY KEY (message_id, attempt_no, target, status, event_date);


--
-- Name: refused_receipt refused_receipt_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.refused_receipt
    ADD CONSTRAINT refused_receipt_pkey PRIMARY KEY (day, provider, reason);


--
-- Name: seal_entry seal_entry_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seal_entry
    ADD CONSTRAINT seal_entry_pkey PRIMARY KEY (seal_no, entry_no);


--
-- Name: seal_mark seal_mark_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seal_mark
    ADD CONSTRAINT seal_mark_pkey PRIMARY KEY (at);


--
-- Name: seal seal_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seal
    ADD CONSTRAINT seal_pkey PRIMARY KEY (seal_no);


--
-- Name: seal_until seal_until_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seal_until
    ADD CONSTRAINT seal_until_pkey PRIMARY KEY (kind);


--
-- Name: seen_event_default seen_event_default_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seen_event_default
    ADD CONSTRAINT seen_event_default_pkey PRIMARY KEY (event_id, event_date, event_kind);


--
-- Name: suppressed_address suppressed_address_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.suppressed_address
    ADD CONSTRAINT suppressed_address_pkey PRIMARY KEY (channel, target);


--
-- Name: throttle throttle_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.throttle
    ADD CONSTRAINT throttle_pkey PRIMARY KEY (customer_id, alert_type, channel);


--
-- Name: timer timer_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.timer
    ADD CONSTRAINT timer_pkey PRIMARY KEY (timer_id);


--
-- Name: topic_layout topic_layout_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.topic_layout
    ADD CONSTRAINT topic_layout_pkey PRIMARY KEY (only_row);


--
-- Name: type_volume type_volume_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.type_volume
    ADD CONSTRAINT type_volume_pkey PRIMARY KEY (alert_type, minute);


--
-- Name: account_permission_history account_permission_history_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.account_permission_history
    ADD CONSTRAINT account_permission_history_pkey PRIMARY KEY (account_id, customer_id, from_version);


--
-- Name: alert_preference_history alert_preference_history_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.alert_preference_history
    ADD CONSTRAINT alert_preference_history_pkey PRIMARY KEY (account_id, customer_id, alert_type, preference_no, from_version);


--
-- Name: alert_type_history alert_type_history_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.alert_type_history
    ADD CONSTRAINT alert_type_history_pkey PRIMARY KEY (alert_type, from_version);


--
-- Name: change change_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (change_no);


--
-- Name: customer_preference_history customer_preference_history_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.customer_preference_history
    ADD CONSTRAINT customer_preference_history_pkey PRIMARY KEY (customer_id, alert_type, preference_no, from_version);


--
-- Name: maintenance maintenance_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.maintenance
    ADD CONSTRAINT maintenance_pkey PRIMARY KEY (run_no);


--
-- Name: recorded_table recorded_table_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.recorded_table
    ADD CONSTRAINT recorded_table_pkey PRIMARY KEY (table_name);


--
-- Name: retention_policy retention_policy_pkey; Type: CONSTRAINT; Schema: audit; Owner: -
--

ALTER TABLE ONLY audit.retention_policy
    ADD CONSTRAINT retention_policy_pkey PRIMARY KEY (data_class);


--
-- Name: account_entry account_entry_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_entry
    ADD CONSTRAINT account_entry_pkey PRIMARY KEY (entry_id, booking_date);


--
-- Name: account_entry_default account_entry_default_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_entry_default
    ADD CONSTRAINT account_entry_default_pkey PRIMARY KEY (entry_id, booking_date);


--
-- Name: account_permission account_permission_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_permission
    ADD CONSTRAINT account_permission_pkey PRIMARY KEY (account_id, customer_id);


--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (account_id);


--
-- Name: alert_preference alert_preference_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_preference
    ADD CONSTRAINT alert_preference_pkey PRIMARY KEY (account_id, customer_id, alert_type, preference_no);


--
-- Name: alert_type_example alert_type_example_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_type_example
    ADD CONSTRAINT alert_type_example_pkey PRIMARY KEY (alert_type, example_no);


--
-- Name: alert_type alert_type_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_type
    ADD CONSTRAINT alert_type_pkey PRIMARY KEY (alert_type);


--
-- Name: card_authorisation card_authorisation_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.card_authorisation
    ADD CONSTRAINT card_authorisation_pkey PRIMARY KEY (authorisation_id, authorised_on);


--
-- Name: card_authorisation_default card_authorisation_default_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.card_authorisation_default
    ADD CONSTRAINT card_authorisation_default_pkey PRIMARY KEY (authorisation_id, authorised_on);


--
-- Name: catalogue catalogue_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.catalogue
    ADD CONSTRAINT catalogue_pkey PRIMARY KEY (only_row);


--
-- Name: channel channel_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (channel);


--
-- Name: contact_address contact_address_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.contact_address
    ADD CONSTRAINT contact_address_pkey PRIMARY KEY (customer_id, channel, address);


--
-- Name: currency currency_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.currency
    ADD CONSTRAINT currency_pkey PRIMARY KEY (currency);


--
-- Name: customer_activity customer_activity_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_activity
    ADD CONSTRAINT customer_activity_pkey PRIMARY KEY (activity_id, occurred_on);


--
-- Name: customer_activity_default customer_activity_default_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_activity_default
    ADD CONSTRAINT customer_activity_default_pkey PRIMARY KEY (activity_id, occurred_on);


--
-- Name: customer_consent customer_consent_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_consent
    ADD CONSTRAINT customer_consent_pkey PRIMARY KEY (customer_id, purpose);


--
-- Name: customer customer_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (customer_id);


--
-- Name: customer_preference customer_preference_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_preference
    ADD CONSTRAINT customer_preference_pkey PRIMARY KEY (customer_id, alert_type, preference_no);


--
-- Name: delivery_rule delivery_rule_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.delivery_rule
    ADD CONSTRAINT delivery_rule_pkey PRIMARY KEY (alert_type);


--
-- Name: account iban_is_unique; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account
    ADD CONSTRAINT iban_is_unique UNIQUE (iban);


--
-- Name: inbox_message inbox_message_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.inbox_message
    ADD CONSTRAINT inbox_message_pkey PRIMARY KEY (message_id);


--
-- Name: message_template message_template_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.message_template
    ADD CONSTRAINT message_template_pkey PRIMARY KEY (alert_type, channel, locale, version);


--
-- Name: payment_order payment_order_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.payment_order
    ADD CONSTRAINT payment_order_pkey PRIMARY KEY (status_change_id, changed_on);


--
-- Name: payment_order_default payment_order_default_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.payment_order_default
    ADD CONSTRAINT payment_order_default_pkey PRIMARY KEY (status_change_id, changed_on);


--
-- Name: push_device push_device_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.push_device
    ADD CONSTRAINT push_device_pkey PRIMARY KEY (push_id);


--
-- Name: replaced_address replaced_address_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.replaced_address
    ADD CONSTRAINT replaced_address_pkey PRIMARY KEY (customer_id, channel, address);


--
-- Name: time_zone time_zone_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.time_zone
    ADD CONSTRAINT time_zone_pkey PRIMARY KEY (time_zone);


--
-- Name: timer_event timer_event_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.timer_event
    ADD CONSTRAINT timer_event_pkey PRIMARY KEY (timer_id, due_on);


--
-- Name: timer_event_default timer_event_default_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.timer_event_default
    ADD CONSTRAINT timer_event_default_pkey PRIMARY KEY (timer_id, due_on);


--
-- Name: webhook_secret webhook_secret_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.webhook_secret
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (customer_id, address, made_at);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: customer_key customer_key_pkey; Type: CONSTRAINT; Schema: vault; Owner: -
--

ALTER TABLE ONLY vault.customer_key
    ADD CONSTRAINT customer_key_pkey PRIMARY KEY (customer_id);


--
-- Name: erased_customer erased_customer_pkey; Type: CONSTRAINT; Schema: vault; Owner: -
--

ALTER TABLE ONLY vault.erased_customer
    ADD CONSTRAINT erased_customer_pkey PRIMARY KEY (customer_id);


--
-- Name: alert_written; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX alert_written ON ONLY alerting.alert USING brin (written_at) WITH (autosummarize='on');


--
-- Name: alert_default_written_at_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX alert_default_written_at_idx ON alerting.alert_default USING brin (written_at) WITH (autosummarize='on');


--
-- Name: delivery_attempt_of_provider_ref; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX delivery_attempt_of_provider_ref ON ONLY alerting.delivery_attempt USING btree (provider_ref) WHERE (provider_ref IS NOT NULL);


--
-- Name: delivery_attempt_default_provider_ref_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX delivery_attempt_default_provider_ref_idx ON alerting.delivery_attempt_default USING btree (provider_ref) WHERE (provider_ref IS NOT NULL);


--
-- Name: last_seen_of_customer; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX last_seen_of_customer ON alerting.last_seen USING btree (customer_id) WHERE (account_id IS NULL);


--
-- Name: one_open_halt_per_cause; Type: INDEX; Schema: alerting; Owner: -
--

CREATE UNIQUE INDEX one_open_halt_per_cause ON alerting.halt USING btree (cause) WHERE (ended_at IS NULL);


--
-- Name: one_open_pause_per_scope; Type: INDEX; Schema: alerting; Owner: -
--

CREATE UNIQUE INDEX one_open_pause_per_scope ON alerting.pause USING btree (scope) WHERE (ended_at IS NULL);


--
-- Name: outbox_of_alert; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_of_alert ON ONLY alerting.outbox USING btree (alert_id);


--
-- Name: outbox_default_alert_id_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_default_alert_id_idx ON alerting.outbox_default USING btree (alert_id);


--
-- Name: outbox_ended; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_ended ON ONLY alerting.outbox USING brin (finished_at) WITH (autosummarize='on');


--
-- Name: outbox_default_finished_at_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_default_finished_at_idx ON alerting.outbox_default USING brin (finished_at) WITH (autosummarize='on');


--
-- Name: outbox_due_held; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_due_held ON alerting.outbox_due USING btree (held_for) WHERE (held_for IS NOT NULL);


--
-- Name: outbox_due_in_order; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_due_in_order ON alerting.outbox_due USING btree (channel, due_at);


--
-- Name: preference_memory_of_customer; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX preference_memory_of_customer ON alerting.preference_memory USING btree (customer_id) WHERE (account_id IS NULL);


--
-- Name: receipt_received; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX receipt_received ON ONLY alerting.receipt USING brin (received_at) WITH (autosummarize='on');


--
-- Name: receipt_default_received_at_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX receipt_default_received_at_idx ON alerting.receipt_default USING brin (received_at) WITH (autosummarize='on');


--
-- Name: seal_entry_of_customer; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX seal_entry_of_customer ON alerting.seal_entry USING btree (customer_id, event_date) WHERE (kind = 'ALERT'::text);


--
-- Name: seal_entry_of_row; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX seal_entry_of_row ON alerting.seal_entry USING btree (id, kind, seal_no);


--
-- Name: timer_armed_again; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX timer_armed_again ON alerting.timer USING btree (series_id) WHERE (earlier_armed_at <> '{}'::timestamp with time zone[]);


--
-- Name: timer_due; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX timer_due ON alerting.timer USING btree (due_at) WHERE (state = 'ARMED'::text);


--
-- Name: timer_of_series; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX timer_of_series ON alerting.timer USING btree (series_id, armed_at);


--
-- Name: account_permission_history_of_customer; Type: INDEX; Schema: audit; Owner: -
--

CREATE INDEX account_permission_history_of_customer ON audit.account_permission_history USING btree (customer_id, began_at);


--
-- Name: alert_preference_history_of_customer; Type: INDEX; Schema: audit; Owner: -
--

CREATE INDEX alert_preference_history_of_customer ON audit.alert_preference_history USING btree (customer_id, began_at);


--
-- Name: change_of_customer; Type: INDEX; Schema: audit; Owner: -
--

CREATE INDEX change_of_customer ON audit.change USING btree (customer_id, changed_at) WHERE (customer_id IS NOT NULL);


--
-- Name: change_of_row; Type: INDEX; Schema: audit; Owner: -
--

CREATE INDEX change_of_row ON audit.change USING btree (table_name, row_key, changed_at DESC NULLS LAST);


--
-- Name: account_entry_of_account; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX account_entry_of_account ON ONLY bank.account_entry USING btree (account_id, event_time);


--
-- Name: account_entry_default_account_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX account_entry_default_account_id_event_time_idx ON bank.account_entry_default USING btree (account_id, event_time);


--
-- Name: card_authorisation_of_account; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX card_authorisation_of_account ON ONLY bank.card_authorisation USING btree (account_id, event_time);


--
-- Name: card_authorisation_default_account_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX card_authorisation_default_account_id_event_time_idx ON bank.card_authorisation_default USING btree (account_id, event_time);


--
-- Name: customer_activity_of_customer; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX customer_activity_of_customer ON ONLY bank.customer_activity USING btree (customer_id, event_time);


--
-- Name: customer_activity_default_customer_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX customer_activity_default_customer_id_event_time_idx ON bank.customer_activity_default USING btree (customer_id, event_time);


--
-- Name: inbox_message_of_customer; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX inbox_message_of_customer ON bank.inbox_message USING btree (customer_id, written_at);


--
-- Name: payment_order_of_account; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX payment_order_of_account ON ONLY bank.payment_order USING btree (account_id, event_time);


--
-- Name: payment_order_default_account_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX payment_order_default_account_id_event_time_idx ON bank.payment_order_default USING btree (account_id, event_time);


--
-- Name: push_device_of_customer; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX push_device_of_customer ON bank.push_device USING btree (customer_id);


--
-- Name: timer_event_of_customer; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX timer_event_of_customer ON ONLY bank.timer_event USING btree (customer_id, event_time);


--
-- Name: timer_event_default_customer_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX timer_event_default_customer_id_event_time_idx ON bank.timer_event_default USING btree (customer_id, event_time);


--
-- Name: alert_default_event_id_event_date_event_kind_account_id_cus_key; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.one_alert_per_event_and_preference ATTACH PARTITION alerting.alert_default_event_id_event_date_event_kind_account_id_cus_key;


--
-- Name: alert_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.alert_id_is_unique ATTACH PARTITION alerting.alert_default_pkey;


--
-- Name: alert_default_written_at_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.alert_written ATTACH PARTITION alerting.alert_default_written_at_idx;


--
-- Name: delivery_attempt_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.attempt_is_recorded_once ATTACH PARTITION alerting.delivery_attempt_default_pkey;


--
-- Name: delivery_attempt_default_provider_ref_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.delivery_attempt_of_provider_ref ATTACH PARTITION alerting.delivery_attempt_default_provider_ref_idx;


--
-- Name: outbox_default_alert_id_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.outbox_of_alert ATTACH PARTITION alerting.outbox_default_alert_id_idx;


--
-- Name: outbox_default_finished_at_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.outbox_ended ATTACH PARTITION alerting.outbox_default_finished_at_idx;


--
-- Name: outbox_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.message_id_is_unique ATTACH PARTITION alerting.outbox_default_pkey;


--
-- Name: receipt_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.receipt_is_applied_once ATTACH PARTITION alerting.receipt_default_pkey;


--
-- Name: receipt_default_received_at_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.receipt_received ATTACH PARTITION alerting.receipt_default_received_at_idx;


--
-- Name: seen_event_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.event_is_seen_once ATTACH PARTITION alerting.seen_event_default_pkey;


--
-- Name: account_entry_default_account_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.account_entry_of_account ATTACH PARTITION bank.account_entry_default_account_id_event_time_idx;


--
-- Name: account_entry_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.account_entry_pkey ATTACH PARTITION bank.account_entry_default_pkey;


--
-- Name: card_authorisation_default_account_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.card_authorisation_of_account ATTACH PARTITION bank.card_authorisation_default_account_id_event_time_idx;


--
-- Name: card_authorisation_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.card_authorisation_pkey ATTACH PARTITION bank.card_authorisation_default_pkey;


--
-- Name: customer_activity_default_customer_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.customer_activity_of_customer ATTACH PARTITION bank.customer_activity_default_customer_id_event_time_idx;


--
-- Name: customer_activity_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.customer_activity_pkey ATTACH PARTITION bank.customer_activity_default_pkey;


--
-- Name: payment_order_default_account_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.payment_order_of_account ATTACH PARTITION bank.payment_order_default_account_id_event_time_idx;


--
-- Name: payment_order_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.payment_order_pkey ATTACH PARTITION bank.payment_order_default_pkey;


--
-- Name: timer_event_default_customer_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.timer_event_of_customer ATTACH PARTITION bank.timer_event_default_customer_id_event_time_idx;


--
-- Name: timer_event_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.timer_event_pkey ATTACH PARTITION bank.timer_event_default_pkey;


--
-- Name: alert alert_is_never_changed; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER alert_is_never_changed BEFORE DELETE OR UPDATE ON alerting.alert FOR EACH ROW EXECUTE FUNCTION alerting.refuse_change();


--
-- Name: alert alerts_are_never_truncated; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER alerts_are_never_truncated BEFORE TRUNCATE ON alerting.alert FOR EACH STATEMENT EXECUTE FUNCTION alerting.refuse_change();


--
-- Name: outbox make_due; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER make_due AFTER INSERT ON alerting.outbox REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION alerting.make_due();


--
-- Name: alert make_messages; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER make_messages AFTER INSERT ON alerting.alert REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION alerting.make_messages();


--
-- Name: channel_policy record_change; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON alerting.channel_policy FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: pilot record_change; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON alerting.pilot FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: pilot_customer record_change; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON alerting.pilot_customer FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: capture_heartbeat refuse_truncate; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON alerting.capture_heartbeat FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Leave it alone.');


--
-- Name: retention_policy check_policies; Type: TRIGGER; Schema: audit; Owner: -
--

CREATE TRIGGER check_policies AFTER INSERT OR DELETE OR UPDATE ON audit.retention_policy FOR EACH STATEMENT EXECUTE FUNCTION audit.check_retention_policies();


--
-- Name: retention_policy stamp_policy; Type: TRIGGER; Schema: audit; Owner: -
--

CREATE TRIGGER stamp_policy BEFORE INSERT OR UPDATE ON audit.retention_policy FOR EACH ROW EXECUTE FUNCTION audit.stamp_retention_policy();


--
-- Name: account check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OF account_id, iban, currency, product, time_zone ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.check_account();


--
-- Name: account_permission check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.account_permission FOR EACH ROW EXECUTE FUNCTION bank.check_account_permission();


--
-- Name: alert_preference check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.alert_preference FOR EACH ROW EXECUTE FUNCTION bank.check_alert_preference();


--
-- Name: alert_type check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.alert_type FOR EACH ROW EXECUTE FUNCTION bank.check_alert_type();


--
-- Name: contact_address check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.contact_address FOR EACH ROW EXECUTE FUNCTION bank.check_contact_address();


--
-- Name: customer check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OF customer_id, full_name, locale, time_zone ON bank.customer FOR EACH ROW EXECUTE FUNCTION bank.check_customer();


--
-- Name: customer_consent check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.customer_consent FOR EACH ROW EXECUTE FUNCTION bank.check_customer_consent();


--
-- Name: customer_preference check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.customer_preference FOR EACH ROW EXECUTE FUNCTION bank.check_customer_preference();


--
-- Name: delivery_rule check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.delivery_rule FOR EACH ROW EXECUTE FUNCTION bank.check_delivery_rule();


--
-- Name: message_template check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.message_template FOR EACH ROW EXECUTE FUNCTION bank.check_message_template();


--
-- Name: push_device check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.push_device FOR EACH ROW EXECUTE FUNCTION bank.check_push_device();


--
-- Name: webhook_secret check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.webhook_secret FOR EACH ROW EXECUTE FUNCTION bank.check_webhook_secret();


--
-- Name: customer check_settings; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_settings BEFORE INSERT OR UPDATE OF contact_status, quiet_from, quiet_until ON bank.customer FOR EACH ROW EXECUTE FUNCTION bank.check_customer_settings();


--
-- Name: account check_status; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_status BEFORE INSERT OR UPDATE OF status ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.check_account_status();


--
-- Name: account guard_account; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_account BEFORE DELETE ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.guard_account();


--
-- Name: catalogue guard_catalogue; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_catalogue BEFORE INSERT OR DELETE OR UPDATE ON bank.catalogue FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION bank.refuse_statement('triggers alone write it', 'Change bank.alert_type instead.');


--
-- Name: customer guard_customer; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_customer BEFORE DELETE ON bank.customer FOR EACH ROW EXECUTE FUNCTION bank.guard_customer();


--
-- Name: account guard_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_state_version BEFORE UPDATE OF state_version ON bank.account FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION bank.refuse_statement('triggers alone write state_version', 'Leave the column out of the statement.');


--
-- Name: customer guard_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_state_version BEFORE UPDATE OF state_version ON bank.customer FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION bank.refuse_statement('triggers alone write state_version', 'Leave the column out of the statement.');


--
-- Name: contact_address keep_replaced_address; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER keep_replaced_address AFTER INSERT OR DELETE OR UPDATE OF customer_id, channel, address ON bank.contact_address FOR EACH ROW EXECUTE FUNCTION bank.keep_replaced_address();


--
-- Name: account_permission lock_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER lock_row BEFORE INSERT ON bank.account_permission FOR EACH ROW EXECUTE FUNCTION bank.lock_account_permission();


--
-- Name: alert_preference lock_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER lock_row BEFORE INSERT ON bank.alert_preference FOR EACH ROW EXECUTE FUNCTION bank.lock_alert_preference();


--
-- Name: customer_preference lock_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER lock_row BEFORE INSERT ON bank.customer_preference FOR EACH ROW EXECUTE FUNCTION bank.lock_customer_preference();


--
-- Name: message_template note_uses_balance; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER note_uses_balance AFTER INSERT OR DELETE OR UPDATE ON bank.message_template FOR EACH STATEMENT EXECUTE FUNCTION bank.note_template_uses_balance();


--
-- Name: alert_type raise_catalogue_version_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_catalogue_version_1 AFTER INSERT ON bank.alert_type REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_catalogue_version();


--
-- Name: alert_type raise_catalogue_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_catalogue_version_2 AFTER UPDATE ON bank.alert_type REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_catalogue_version();


--
-- Name: alert_type raise_catalogue_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_catalogue_version_3 AFTER DELETE ON bank.alert_type REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_catalogue_version();


--
-- Name: account_permission raise_state_version_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_1 AFTER INSERT ON bank.account_permission REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: alert_preference raise_state_version_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_1 AFTER INSERT ON bank.alert_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: customer_preference raise_state_version_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_1 AFTER INSERT ON bank.customer_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_customer_version();


--
-- Name: account_permission raise_state_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_2 AFTER UPDATE ON bank.account_permission REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: alert_preference raise_state_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_2 AFTER UPDATE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: customer_preference raise_state_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_2 AFTER UPDATE ON bank.customer_preference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_customer_version();


--
-- Name: account_permission raise_state_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_3 AFTER DELETE ON bank.account_permission REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: alert_preference raise_state_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_3 AFTER DELETE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: customer_preference raise_state_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_3 AFTER DELETE ON bank.customer_preference REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_customer_version();


--
-- Name: alert_type record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.alert_type FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: contact_address record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.contact_address FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: customer_consent record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.customer_consent FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: delivery_rule record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.delivery_rule FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: message_template record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.message_template FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: push_device record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.push_device FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: webhook_secret record_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON bank.webhook_secret FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: account record_change_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change_2 AFTER UPDATE ON bank.account FOR EACH ROW WHEN ((((((old.account_id IS DISTINCT FROM new.account_id) OR (old.currency IS DISTINCT FROM new.currency)) OR (old.product IS DISTINCT FROM new.product)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.status IS DISTINCT FROM new.status))) EXECUTE FUNCTION audit.record_change();


--
-- Name: customer record_change_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change_2 AFTER UPDATE ON bank.customer FOR EACH ROW WHEN ((((((((old.customer_id IS DISTINCT FROM new.customer_id) OR (old.locale IS DISTINCT FROM new.locale)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.contact_status IS DISTINCT FROM new.contact_status)) OR (old.quiet_from IS DISTINCT FROM new.quiet_from)) OR (old.quiet_until IS DISTINCT FROM new.quiet_until)) OR (old.shows_balance IS DISTINCT FROM new.shows_balance))) EXECUTE FUNCTION audit.record_change();


--
-- Name: account record_change_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change_3 AFTER DELETE ON bank.account FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: customer record_change_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_change_3 AFTER DELETE ON bank.customer FOR EACH ROW EXECUTE FUNCTION audit.record_change();


--
-- Name: account_permission record_history_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_1 AFTER INSERT ON bank.account_permission REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_account_permission();


--
-- Name: alert_preference record_history_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_1 AFTER INSERT ON bank.alert_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_preference();


--
-- Name: alert_type record_history_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_1 AFTER INSERT ON bank.alert_type REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_type();


--
-- Name: customer_preference record_history_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_1 AFTER INSERT ON bank.customer_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_customer_preference();


--
-- Name: account_permission record_history_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_2 AFTER UPDATE ON bank.account_permission REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_account_permission();


--
-- Name: alert_preference record_history_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_2 AFTER UPDATE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_preference();


--
-- Name: alert_type record_history_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_2 AFTER UPDATE ON bank.alert_type REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_type();


--
-- Name: customer_preference record_history_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_2 AFTER UPDATE ON bank.customer_preference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_customer_preference();


--
-- Name: account_permission record_history_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_3 AFTER DELETE ON bank.account_permission REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_account_permission();


--
-- Name: alert_preference record_history_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_3 AFTER DELETE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_preference();


--
-- Name: alert_type record_history_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_3 AFTER DELETE ON bank.alert_type REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_alert_type();


--
-- Name: customer_preference record_history_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER record_history_3 AFTER DELETE ON bank.customer_preference REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record_customer_preference();


--
-- Name: account_entry refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.account_entry FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Insert a correction that names this entry in reverses_entry_id; old entries leave with their partition.');


--
-- Name: card_authorisation refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.card_authorisation FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Insert another authorisation; old ones leave with their partition.');


--
-- Name: customer_activity refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.customer_activity FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Insert another activity; old ones leave with their partition.');


--
-- Name: message_template refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE UPDATE ON bank.message_template FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('a version is never changed', 'INSERT the next version, or DELETE this one.');


--
-- Name: payment_order refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.payment_order FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Insert another change of status; old ones leave with their partition.');


--
-- Name: timer_event refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.timer_event FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Leave it alone; old ones leave with their partition.');


--
-- Name: account refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.account FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: account_entry refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.account_entry FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Drop a partition.');


--
-- Name: account_permission refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.account_permission FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: alert_preference refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.alert_preference FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: alert_type refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.alert_type FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: card_authorisation refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.card_authorisation FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Drop a partition.');


--
-- Name: catalogue refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.catalogue FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Leave it alone.');


--
-- Name: customer refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.customer FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: customer_activity refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.customer_activity FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Drop a partition.');


--
-- Name: customer_preference refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.customer_preference FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'DELETE the rows.');


--
-- Name: payment_order refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.payment_order FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Drop a partition.');


--
-- Name: timer_event refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.timer_event FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Drop a partition.');


--
-- Name: inbox_message refuse_update; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_update BEFORE UPDATE OF message_id, customer_id, alert_type, subject, body, written_at ON bank.inbox_message FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('a message is written once', 'Set read_at alone.');


--
-- Name: customer restart_timers; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER restart_timers AFTER UPDATE OF time_zone ON bank.customer FOR EACH ROW WHEN ((new.time_zone <> old.time_zone)) EXECUTE FUNCTION bank.restart_timers();


--
-- Name: account_permission set_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER set_state_version BEFORE INSERT OR UPDATE ON bank.account_permission FOR EACH ROW EXECUTE FUNCTION bank.set_state_version();


--
-- Name: alert_preference set_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER set_state_version BEFORE INSERT OR UPDATE ON bank.alert_preference FOR EACH ROW EXECUTE FUNCTION bank.set_state_version();


--
-- Name: customer_preference set_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER set_state_version BEFORE INSERT OR UPDATE ON bank.customer_preference FOR EACH ROW EXECUTE FUNCTION bank.set_customer_version();


--
-- Name: account_entry stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.account_entry FOR EACH ROW EXECUTE FUNCTION bank.stamp_account_entry();


--
-- Name: card_authorisation stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.card_authorisation FOR EACH ROW EXECUTE FUNCTION bank.stamp_card_authorisation();


--
-- Name: customer_activity stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.customer_activity FOR EACH ROW EXECUTE FUNCTION bank.stamp_customer_activity();


--
-- Name: payment_order stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.payment_order FOR EACH ROW EXECUTE FUNCTION bank.stamp_payment_order();


--
-- Name: timer_event stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.timer_event FOR EACH ROW EXECUTE FUNCTION bank.stamp_timer_event();


--
-- Name: account start_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_state_version BEFORE INSERT ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.start_state_version();


--
-- Name: customer start_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_state_version BEFORE INSERT ON bank.customer FOR EACH ROW EXECUTE FUNCTION bank.start_customer_version();


--
-- Name: alert_preference start_timers_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_timers_1 AFTER INSERT ON bank.alert_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.start_timers();


--
-- Name: customer_preference start_timers_1; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_timers_1 AFTER INSERT ON bank.customer_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.start_timers();


--
-- Name: alert_preference start_timers_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_timers_2 AFTER UPDATE ON bank.alert_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.start_timers();


--
-- Name: alert_type start_timers_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_timers_2 AFTER UPDATE ON bank.alert_type REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.start_timers();


--
-- Name: customer_preference start_timers_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_timers_2 AFTER UPDATE ON bank.customer_preference REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.start_timers();


--
-- Name: pilot_customer pilot_customer_alert_type_fkey; Type: FK CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.pilot_customer
    ADD CONSTRAINT pilot_customer_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES alerting.pilot(alert_type) ON DELETE CASCADE;


--
-- Name: seal_entry seal_entry_seal_no_fkey; Type: FK CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.seal_entry
    ADD CONSTRAINT seal_entry_seal_no_fkey FOREIGN KEY (seal_no) REFERENCES alerting.seal(seal_no) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: account account_currency_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account
    ADD CONSTRAINT account_currency_fkey FOREIGN KEY (currency) REFERENCES bank.currency(currency);


--
-- Name: account_permission account_permission_account_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_permission
    ADD CONSTRAINT account_permission_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank.account(account_id);


--
-- Name: account_permission account_permission_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_permission
    ADD CONSTRAINT account_permission_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id);


--
-- Name: alert_preference alert_preference_account_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_preference
    ADD CONSTRAINT alert_preference_account_id_fkey FOREIGN KEY (account_id) REFERENCES bank.account(account_id);


--
-- Name: alert_preference alert_preference_alert_type_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_preference
    ADD CONSTRAINT alert_preference_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES bank.alert_type(alert_type);


--
-- Name: alert_preference alert_preference_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_preference
    ADD CONSTRAINT alert_preference_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id);


--
-- Name: alert_type_example alert_type_example_alert_type_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.alert_type_example
    ADD CONSTRAINT alert_type_example_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES bank.alert_type(alert_type) ON DELETE CASCADE;


--
-- Name: contact_address contact_address_channel_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.contact_address
    ADD CONSTRAINT contact_address_channel_fkey FOREIGN KEY (channel) REFERENCES bank.channel(channel);


--
-- Name: contact_address contact_address_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.contact_address
    ADD CONSTRAINT contact_address_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id);


--
-- Name: customer_consent customer_consent_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_consent
    ADD CONSTRAINT customer_consent_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id) ON DELETE CASCADE;


--
-- Name: customer_preference customer_preference_alert_type_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_preference
    ADD CONSTRAINT customer_preference_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES bank.alert_type(alert_type);


--
-- Name: customer_preference customer_preference_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer_preference
    ADD CONSTRAINT customer_preference_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id);


--
-- Name: delivery_rule delivery_rule_alert_type_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.delivery_rule
    ADD CONSTRAINT delivery_rule_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES bank.alert_type(alert_type) ON DELETE CASCADE;


--
-- Name: message_template message_template_alert_type_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.message_template
    ADD CONSTRAINT message_template_alert_type_fkey FOREIGN KEY (alert_type) REFERENCES bank.alert_type(alert_type);


--
-- Name: message_template message_template_channel_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.message_template
    ADD CONSTRAINT message_template_channel_fkey FOREIGN KEY (channel) REFERENCES bank.channel(channel);


--
-- Name: push_device push_device_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.push_device
    ADD CONSTRAINT push_device_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id);


--
-- Name: replaced_address replaced_address_channel_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.replaced_address
    ADD CONSTRAINT replaced_address_channel_fkey FOREIGN KEY (channel) REFERENCES bank.channel(channel);


--
-- Name: replaced_address replaced_address_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.replaced_address
    ADD CONSTRAINT replaced_address_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id) ON DELETE CASCADE;


--
-- Name: webhook_secret webhook_secret_customer_id_fkey; Type: FK CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.webhook_secret
    ADD CONSTRAINT webhook_secret_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES bank.customer(customer_id) ON DELETE CASCADE;


--
-- Name: erased_customer erased_customer_customer_id_fkey; Type: FK CONSTRAINT; Schema: vault; Owner: -
--

ALTER TABLE ONLY vault.erased_customer
    ADD CONSTRAINT erased_customer_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES vault.customer_key(customer_id);


--
-- Name: account; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.account ENABLE ROW LEVEL SECURITY;

--
-- Name: account_permission; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.account_permission ENABLE ROW LEVEL SECURITY;

--
-- Name: alert_preference; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.alert_preference ENABLE ROW LEVEL SECURITY;

--
-- Name: account all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.account TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: account_permission all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.account_permission TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: alert_preference all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.alert_preference TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: contact_address all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.contact_address TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: customer all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.customer TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: customer_consent all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.customer_consent TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: customer_preference all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.customer_preference TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: inbox_message all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.inbox_message TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: push_device all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.push_device TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: replaced_address all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.replaced_address TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: webhook_secret all_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY all_rows ON bank.webhook_secret TO bankalerts_owner, bankalerts_core, bankalerts_auditor, bankalerts_operator, bankalerts_caretaker, bankalerts_engine, bankalerts_capture USING (true) WITH CHECK (true);


--
-- Name: contact_address channel_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY channel_rows ON bank.contact_address TO bankalerts_notifier USING (((( SELECT bank.channels_read() AS channels_read) IS NULL) OR (channel = ANY (( SELECT bank.channels_read() AS channels_read)::text[]))));


--
-- Name: webhook_secret channel_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY channel_rows ON bank.webhook_secret TO bankalerts_notifier USING (((( SELECT bank.channels_read() AS channels_read) IS NULL) OR ('WEBHOOK'::text = ANY (( SELECT bank.channels_read() AS channels_read)::text[]))));


--
-- Name: contact_address; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.contact_address ENABLE ROW LEVEL SECURITY;

--
-- Name: customer; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.customer ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_consent; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.customer_consent ENABLE ROW LEVEL SECURITY;

--
-- Name: customer_preference; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.customer_preference ENABLE ROW LEVEL SECURITY;

--
-- Name: inbox_message; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.inbox_message ENABLE ROW LEVEL SECURITY;

--
-- Name: account notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.account TO bankalerts_notifier USING (true);


--
-- Name: account_permission notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.account_permission TO bankalerts_notifier USING (true);


--
-- Name: alert_preference notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.alert_preference TO bankalerts_notifier USING (true);


--
-- Name: customer notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.customer TO bankalerts_notifier USING (true);


--
-- Name: customer_consent notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.customer_consent TO bankalerts_notifier USING (true);


--
-- Name: customer_preference notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.customer_preference TO bankalerts_notifier USING (true);


--
-- Name: inbox_message notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.inbox_message TO bankalerts_notifier USING (true);


--
-- Name: push_device notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.push_device TO bankalerts_notifier USING (true);


--
-- Name: replaced_address notified_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY notified_rows ON bank.replaced_address TO bankalerts_notifier USING (true);


--
-- Name: account own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.account TO bankalerts_app USING ((account_id IN ( SELECT p.account_id
   FROM bank.account_permission p
  WHERE ((p.customer_id = ( SELECT bank.acting_for() AS acting_for)) AND (p.valid_from <= now()) AND ((p.valid_until IS NULL) OR (p.valid_until > now()))))));


--
-- Name: account_permission own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.account_permission TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: alert_preference own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.alert_preference TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for))) WITH CHECK (((customer_id = ( SELECT bank.acting_for() AS acting_for)) AND (account_id IN ( SELECT p.account_id
   FROM bank.account_permission p
  WHERE ((p.customer_id = ( SELECT bank.acting_for() AS acting_for)) AND ((p.valid_until IS NULL) OR (p.valid_until > now())))))));


--
-- Name: contact_address own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.contact_address TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: customer own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.customer TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: customer_consent own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.customer_consent TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: customer_preference own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.customer_preference TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: inbox_message own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.inbox_message TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: push_device own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.push_device TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: replaced_address own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.replaced_address TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: webhook_secret own_rows; Type: POLICY; Schema: bank; Owner: -
--

CREATE POLICY own_rows ON bank.webhook_secret TO bankalerts_app USING ((customer_id = ( SELECT bank.acting_for() AS acting_for)));


--
-- Name: push_device; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.push_device ENABLE ROW LEVEL SECURITY;

--
-- Name: replaced_address; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.replaced_address ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_secret; Type: ROW SECURITY; Schema: bank; Owner: -
--

ALTER TABLE bank.webhook_secret ENABLE ROW LEVEL SECURITY;

--
-- Name: bankalerts; Type: PUBLICATION; Schema: -; Owner: -
--

CREATE PUBLICATION bankalerts WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);


--
-- Name: bankalerts capture_heartbeat; Type: PUBLICATION TABLE; Schema: alerting; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY alerting.capture_heartbeat (only_row, beat_at);


--
-- Name: bankalerts account; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.account (account_id, state_version);


--
-- Name: bankalerts account_entry; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, original_amount_minor, original_currency, entry_type, counterparty_account, description, event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below);


--
-- Name: bankalerts account_permission; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.account_permission (account_id, customer_id, may_see_balance, valid_from, valid_until, state_version);


--
-- Name: bankalerts alert_preference; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels, enabled, state_version);


--
-- Name: bankalerts alert_type; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.alert_type (alert_type, event_kind, statuses, condition, parameters, uses_balance, mandatory, default_channels, purpose, window_aggregate, window_value, window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key, timer_after, timer_schedule);


--
-- Name: bankalerts card_authorisation; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.card_authorisation (authorisation_id, authorised_on, account_id, card_token, amount_minor, currency, original_amount_minor, original_currency, merchant_id, merchant_category, country, card_present, outcome, decline_reason, event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below);


--
-- Name: bankalerts catalogue; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.catalogue (only_row, catalogue_version);


--
-- Name: bankalerts customer; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.customer (customer_id, state_version);


--
-- Name: bankalerts customer_activity; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below);


--
-- Name: bankalerts customer_preference; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.customer_preference (customer_id, alert_type, preference_no, parameters, channels, enabled, state_version);


--
-- Name: bankalerts payment_order; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.payment_order (status_change_id, changed_on, order_id, account_id, status, disclosable_reason, amount_minor, currency, event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below);


--
-- Name: bankalerts timer_event; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, timer_key, event_time, starts, time_zone, routed_account, routed_customer, state_version, catalogue_version, inserted_at, transaction_id, seen_below);


--
-- PostgreSQL database dump complete
--


