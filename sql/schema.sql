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
-- Name: add_partitions(date, date); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.add_partitions(p_from date, p_until date) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    v_month date;
    v_table text;
    v_name text;
    v_made integer := 0;
begin
    -- two at once would both find the same table missing
    perform pg_advisory_xact_lock(hashtext('alerting.add_partitions'));
    for v_month in select generate_series(date_trunc('month', p_from::timestamp), p_until::timestamp, '1 month')::date loop
        foreach v_table in array '{bank.account_entry,alerting.alert,alerting.outbox,alerting.delivery_attempt}'::text[] loop
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
    end loop;
    return v_made;
end
$$;


--
-- Name: FUNCTION add_partitions(p_from date, p_until date); Type: COMMENT; Schema: alerting; Owner: -
--

COMMENT ON FUNCTION alerting.add_partitions(p_from date, p_until date) IS 'Makes the monthly partitions of events, alerts, messages and attempts for the dates given, but for a month whose rows are in the default partition: it warns of those. Returns how many were made. Safe to repeat, and at once.';


--
-- Name: make_due(); Type: FUNCTION; Schema: alerting; Owner: -
--

CREATE FUNCTION alerting.make_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
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
    SET search_path TO 'pg_catalog'
    AS $$
begin
    insert into alerting.outbox (message_id, alert_id, event_date, channel)
    select alerting.message_id(alert_id, channel), alert_id, event_date, channel
      from new_rows cross join unnest(channels) channel;
    return null;
end
$$;


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
-- Name: expected_alerts(date, date); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.expected_alerts(p_from date DEFAULT '-infinity'::date, p_until date DEFAULT 'infinity'::date) RETURNS TABLE(event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_type audit.alert_type_history;
begin
    -- each version of each alert type judges the events stamped with a catalogue version it was valid for
    for v_type in select * from audit.alert_type_history h where h.event_kind = 'ACCOUNT_ENTRY' order by h.alert_type, h.from_version loop
        return query execute format($query$
            select 'ACCOUNT_ENTRY', event.entry_id, event.booking_date, event.account_id, preference.customer_id, preference.alert_type, preference.preference_no
              from bank.account_entry event
              join audit.alert_preference_history preference
                on preference.account_id = event.account_id
               and preference.from_version <= event.state_version
               and (preference.until_version is null or event.state_version < preference.until_version)
              join audit.account_permission_history permission
                on permission.account_id = event.account_id
               and permission.customer_id = preference.customer_id
               and permission.from_version <= event.state_version
               and (permission.until_version is null or event.state_version < permission.until_version)
             where event.booking_date between $1 and $2
               and $3 <= event.catalogue_version and ($4 is null or event.catalogue_version < $4)
               and event.status = any ($5)
               and preference.alert_type = $6
               and preference.enabled
               and preference.currency = event.currency
               and permission.valid_from <= event.inserted_at
               and (permission.valid_until is null or event.inserted_at < permission.valid_until)
               and (permission.may_see_balance or not $7)
               and (%s)
            $query$, bank.condition_sql(v_type.condition, v_type.parameters))
        using p_from, p_until, v_type.from_version, v_type.until_version, v_type.statuses, v_type.alert_type, v_type.uses_balance;
    end loop;
end
$_$;


--
-- Name: FUNCTION expected_alerts(p_from date, p_until date); Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON FUNCTION audit.expected_alerts(p_from date, p_until date) IS 'The alerts that the events booked from p_from to p_until should have led to, by the state and catalogue versions stamped on them (design 4).';


--
-- Name: record_account_permission(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_account_permission() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
begin
    if tg_op <> 'INSERT' then
        update audit.account_permission_history h
           set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user
          from old_rows o join bank.account a using (account_id)
         where (h.account_id, h.customer_id) = (o.account_id, o.customer_id) and h.until_version is null;
    end if;
    if tg_op <> 'DELETE' then
        insert into audit.account_permission_history (account_id, customer_id, from_version, role, may_see_balance, valid_from, valid_until)
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
    SET search_path TO 'pg_catalog'
    AS $$
begin
    if tg_op <> 'INSERT' then
        update audit.alert_preference_history h
           set until_version = a.state_version, ended_at = clock_timestamp(), ended_by = session_user
          from old_rows o join bank.account a using (account_id)
         where (h.account_id, h.customer_id, h.alert_type, h.preference_no) = (o.account_id, o.customer_id, o.alert_type, o.preference_no)
           and h.until_version is null;
    end if;
    if tg_op <> 'DELETE' then
        insert into audit.alert_preference_history
            (account_id, customer_id, alert_type, preference_no, from_version, currency, parameters, channels, enabled)
        select account_id, customer_id, alert_type, preference_no, state_version, currency, parameters, channels, enabled from new_rows;
    end if;
    return null;
end
$$;


--
-- Name: record_alert_type(); Type: FUNCTION; Schema: audit; Owner: -
--

CREATE FUNCTION audit.record_alert_type() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
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
            (alert_type, from_version, event_kind, statuses, condition, parameters, category, title, uses_balance)
        select alert_type, catalogue_version, event_kind, statuses, condition, parameters, category, title, uses_balance from new_rows;
    end if;
    return null;
end
$$;


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


SET default_tablespace = '';

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
    inserted_at timestamp with time zone NOT NULL
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
-- Name: check_alert_preference(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_alert_preference() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_declared jsonb;
begin
    select parameters into v_declared from bank.alert_type where alert_type = new.alert_type;
    if not found then
        perform bank.refuse('bank.alert_preference.alert_type', new.alert_type, 'there is no such alert type', 'bank.alert_type lists them.');
    end if;
    if new.preference_no < 1 then
        perform bank.refuse('bank.alert_preference.preference_no', new.preference_no::text, 'it starts at 1', 'Use 1 for the first of its type, 2 for the next.');
    end if;
    perform bank.check_currency('bank.alert_preference.currency', new.currency);
    perform bank.check_parameters('bank.alert_preference.parameters', v_declared, new.parameters);
    perform bank.check_channels('bank.alert_preference.channels', new.channels);
    return new;
end
$$;


--
-- Name: check_alert_type(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_alert_type() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
begin
    if new.alert_type !~ '^[A-Z][A-Z0-9_]{1,59}$' then
        perform bank.refuse('bank.alert_type.alert_type', new.alert_type, 'it is not a name in capitals', 'Use capitals, digits and underscores, such as BALANCE_BELOW.');
    end if;
    perform bank.check_one_of('bank.alert_type.event_kind', new.event_kind, '{ACCOUNT_ENTRY}');
    if array_ndims(new.statuses) is distinct from 1 or cardinality(new.statuses) > 2 or not new.statuses <@ '{PENDING,BOOKED}' then
        perform bank.refuse('bank.alert_type.statuses', new.statuses::text, 'it is not a list of statuses of an account entry', 'Use ''{BOOKED}'', ''{PENDING}'' or ''{PENDING,BOOKED}''.');
    end if;
    perform bank.check_length('bank.alert_type.title', new.title, 100);
    perform bank.check_length('bank.alert_type.category', new.category, 40);
    perform bank.check_declared(new.parameters);
    perform bank.check_condition(new.condition, new.parameters);
    if tg_op = 'UPDATE' and new.parameters <> old.parameters then
        perform bank.check_preferences_fit(new.alert_type, new.parameters);
    end if;
    new.uses_balance := new.condition ~ 'balance' or exists (
        select from bank.message_template t where t.alert_type = new.alert_type and coalesce(t.subject, '') || t.body ~ 'balance');
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
-- Name: check_condition(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_condition(p_condition text, p_parameters jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    c_column constant text := 'bank.alert_type.condition';
    c_sum constant text := '\+?[xk](?:[+*]\+?[xk])*';
    c_test constant text := format('N?(?:%1$s(?:=%1$s)?(?:SN?k)?|%1$sN?B%1$sA%1$s|%1$sN?IL)', c_sum);
    c_boolean constant text := format('%1$s(?:[AO]%1$s)*', c_test);
    v_form text;
begin
    perform bank.check_length(c_column, p_condition, 1000);
    v_form := bank.condition_form(p_condition, p_parameters);
    if length(v_form) > 200 then
        perform bank.refuse(c_column, p_condition, format('it has %s words and signs, at most 200 fit', length(v_form)), 'Shorten it.');
    end if;
    -- What stands in parentheses counts as one value, after IN as its list; from the innermost out, ten deep.
    for v_depth in 1 .. 10 loop
        v_form := regexp_replace(v_form, format('I\(%1$s(?:,%1$s)*\)', c_sum), 'IL', 'g');
        v_form := regexp_replace(v_form, format('\(%s\)', c_boolean), 'x', 'g');
    end loop;
    if v_form !~ format('^%s$', c_boolean) then
        perform bank.refuse(c_column, p_condition, 'it does not have the form of a condition',
            'Write comparisons such as a < b, a BETWEEN b AND c, a IN (b, c), a IS NULL, joined by AND, OR and NOT, in parentheses at most ten deep.');
    end if;
    begin
        execute format('select from (select (null::bank.account_entry).*) event, (select null::jsonb as parameters) preference where false and (%s)',
                       bank.condition_sql(p_condition, p_parameters));
    exception when syntax_error_or_access_rule_violation then
        perform bank.refuse(c_column, p_condition, 'PostgreSQL cannot evaluate it: ' || sqlerrm, 'Compare integers with integers and text with text.');
    end;
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
    elsif new.channel = 'PUSH' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'push messages go to devices', 'Insert into bank.push_device instead.');
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
    perform bank.check_length('bank.customer.full_name', new.full_name, 140);
    perform bank.check_locale('bank.customer.locale', new.locale);
    perform bank.check_time_zone('bank.customer.time_zone', new.time_zone);
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
        elsif v_rule - '{type,minimum,maximum}'::text[] <> '{}' or v_rule ->> 'type' <> 'integer' and v_rule - 'type' <> '{}' then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'it says more than a type, or the bounds of an integer', c_example);
        elsif exists (select from jsonb_each(v_rule - 'type') b where b.value::text !~ '^-?[0-9]{1,18}$') then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its bounds are not whole numbers', c_example);
        elsif (v_rule ->> 'minimum')::bigint > (v_rule ->> 'maximum')::bigint then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its minimum is above its maximum', c_example);
        end if;
    end loop;
end
$_$;


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
begin
    perform bank.check_length('bank.message_template.subject', new.subject, 200);
    perform bank.check_length('bank.message_template.body', new.body, 4000);
    perform bank.check_locale('bank.message_template.locale', new.locale);
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
    for v_name in select jsonb_object_keys(p_declared) except select jsonb_object_keys(p_given) loop
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
-- Name: check_preferences_fit(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.check_preferences_fit(p_alert_type text, p_declared jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    -- writers of preferences have read what was declared before: wait for them, so that each preference is seen here or sees the new
    lock table bank.alert_preference in share mode;
    perform bank.check_parameters('bank.alert_preference.parameters', p_declared, p.parameters)
       from bank.alert_preference p where p.alert_type = p_alert_type;
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
    return new;
end
$$;


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
-- Name: condition_form(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.condition_form(p_condition text, p_parameters jsonb) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    c_column constant text := 'bank.alert_type.condition';
    c_readable constant text[] := '{account_id,amount_minor,balance_after_minor,currency,entry_id,entry_type,status}';
    c_words constant jsonb := '{"and": "A", "or": "O", "not": "N", "in": "I", "is": "S", "between": "B", "null": "k", "true": "k", "false": "k"}';
    c_signs constant jsonb := '{"<": "=", "<=": "=", "=": "=", "<>": "=", ">=": "=", ">": "=", "+": "+", "-": "+", "*": "*", "(": "(", ")": ")", ",": ","}';
    v_token text[];
    v_letter text;
    v_form text := '';
begin
    for v_token in select regexp_matches(p_condition,
        '(''(?:[^'']|'''')*''|[0-9]+)|event\.([a-z_]+)|:([a-z][a-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*)|(<=|>=|<>|[-+*<>=(),])|(\s+)|(--|.)', 'g') loop
        if v_token[2] <> all (c_readable) then
            perform bank.refuse(c_column, 'event.' || v_token[2], 'a condition cannot read this column of an event',
                format('Readable are event.%s.', array_to_string(c_readable, ', event.')));
        elsif not p_parameters ? v_token[3] then
            perform bank.refuse(c_column, ':' || v_token[3], 'the parameter is not declared', 'Declare it in the column parameters.');
        end if;
        v_letter := case when coalesce(v_token[1], v_token[2], v_token[3]) is not null then 'x' when v_token[6] is not null then ''
                         else coalesce(c_words ->> lower(v_token[4]), c_signs ->> v_token[5]) end;
        if v_letter is null then
            perform bank.refuse(c_column, coalesce(v_token[4], v_token[7]), 'a condition cannot contain this',
                'Use event.column, :parameter, integers, ''text'', TRUE, FALSE, + - * < <= = <> >= >, AND, OR, NOT, IN, BETWEEN, IS NULL.');
        end if;
        v_form := v_form || v_letter;
    end loop;
    return v_form;
end
$$;


--
-- Name: FUNCTION condition_form(p_condition text, p_parameters jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.condition_form(p_condition text, p_parameters jsonb) IS 'A condition with one letter for each word and sign: x value, k NULL, TRUE or FALSE, + plus or minus, = any comparison, A AND, O OR, N NOT, I IN, S IS, B BETWEEN. Refuses other words and signs: what is left can reach no table and no function.';


--
-- Name: condition_sql(text, jsonb); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.condition_sql(p_condition text, p_parameters jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    AS $_$
    -- Integers become numeric, in which nothing overflows; text compares in collation "C"; a parameter of another type than the
    -- declared one is NULL. So PostgreSQL means by the text what the engine means by it.
    select coalesce(string_agg(
        case when part[2] is not null then format('(%s::text collate "C")', part[2])
             when part[3] is not null then part[3] || '::numeric'
             when part[4] is not null then format(
                 case p_parameters -> part[4] ->> 'type'
                 when 'integer' then 'case jsonb_typeof(preference.parameters -> %1$L) when ''number'' then (preference.parameters ->> %1$L)::numeric end'
                 when 'boolean' then 'case jsonb_typeof(preference.parameters -> %1$L) when ''boolean'' then (preference.parameters ->> %1$L)::boolean end'
                 else '((preference.parameters ->> %1$L) collate "C")' end, part[4])
             else part[1] end, '' order by n), '')
      from regexp_matches(p_condition, '((''(?:[^'']|'''')*'')|(event\.[a-z_]+_minor|[0-9]+)|:([a-z][a-z0-9_]*)|[A-Za-z_][A-Za-z0-9_.]*|.|\s)', 'g')
           with ordinality as t (part, n)
$_$;


--
-- Name: FUNCTION condition_sql(p_condition text, p_parameters jsonb); Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON FUNCTION bank.condition_sql(p_condition text, p_parameters jsonb) IS 'A condition as PostgreSQL evaluates it, over "event" and "preference".';


--
-- Name: guard_account(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.guard_account() RETURNS trigger
    LANGUAGE plpgsql
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
-- Name: lock_account_permission(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.lock_account_permission() RETURNS trigger
    LANGUAGE plpgsql
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
    LANGUAGE plpgsql
    AS $$
begin
    perform from bank.alert_preference
      where (account_id, customer_id, alert_type, preference_no) = (new.account_id, new.customer_id, new.alert_type, new.preference_no)
        for update;
    return new;
end
$$;


--
-- Name: note_template_uses_balance(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.note_template_uses_balance() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- a template that shows the balance makes its type one that needs may_see_balance (design 4.1); check_row works it out
    update bank.alert_type a set title = title
     where a.uses_balance is distinct from (a.condition ~ 'balance' or exists (
        select from bank.message_template t where t.alert_type = a.alert_type and coalesce(t.subject, '') || t.body ~ 'balance'));
    return null;
end
$$;


--
-- Name: raise_catalogue_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.raise_catalogue_version() RETURNS trigger
    LANGUAGE plpgsql
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
-- Name: raise_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.raise_state_version() RETURNS trigger
    LANGUAGE plpgsql
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
-- Name: set_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.set_state_version() RETURNS trigger
    LANGUAGE plpgsql
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
    select a.state_version, a.currency, a.time_zone, c.catalogue_version
      into new.state_version, v_currency, v_time_zone, new.catalogue_version
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
-- Name: start_state_version(); Type: FUNCTION; Schema: bank; Owner: -
--

CREATE FUNCTION bank.start_state_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.state_version := coalesce(greatest(
        (select max(greatest(from_version, until_version)) from audit.account_permission_history where account_id = new.account_id),
        (select max(greatest(from_version, until_version)) from audit.alert_preference_history where account_id = new.account_id)), 0);
    return new;
end
$$;


--
-- Name: alert; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.alert (
    alert_id uuid NOT NULL,
    event_kind text NOT NULL,
    event_id text NOT NULL,
    event_date date NOT NULL,
    account_id text NOT NULL,
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


SET default_table_access_method = heap;

--
-- Name: alert_default; Type: TABLE; Schema: alerting; Owner: -
--

CREATE TABLE alerting.alert_default (
    alert_id uuid CONSTRAINT alert_alert_id_not_null NOT NULL,
    event_kind text CONSTRAINT alert_event_kind_not_null NOT NULL,
    event_id text CONSTRAINT alert_event_id_not_null NOT NULL,
    event_date date CONSTRAINT alert_event_date_not_null NOT NULL,
    account_id text CONSTRAINT alert_account_id_not_null NOT NULL,
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
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['SENT'::text, 'RETRY'::text, 'DROP'::text]))),
    CONSTRAINT reason_unless_sent CHECK (((outcome = 'SENT'::text) OR (reason IS NOT NULL)))
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
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['SENT'::text, 'RETRY'::text, 'DROP'::text]))),
    CONSTRAINT reason_unless_sent CHECK (((outcome = 'SENT'::text) OR (reason IS NOT NULL)))
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
    CONSTRAINT failed_or_suppressed_for_a_reason CHECK (((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT finished_when_not_pending CHECK (((state = 'PENDING'::text) = (finished_at IS NULL))),
    CONSTRAINT handed_when_accepted CHECK (((state <> 'ACCEPTED'::text) OR (handed_at IS NOT NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'FAILED'::text, 'SUPPRESSED'::text])))
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
    CONSTRAINT failed_or_suppressed_for_a_reason CHECK (((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT finished_when_not_pending CHECK (((state = 'PENDING'::text) = (finished_at IS NULL))),
    CONSTRAINT handed_when_accepted CHECK (((state <> 'ACCEPTED'::text) OR (handed_at IS NOT NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['PENDING'::text, 'ACCEPTED'::text, 'FAILED'::text, 'SUPPRESSED'::text])))
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
    lease_token uuid
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
-- Name: account_permission_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.account_permission_history (
    account_id text NOT NULL,
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
    ended_by text
);


--
-- Name: TABLE account_permission_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.account_permission_history IS 'Each permission as it was at the account''s state versions from_version up to, not including, until_version.';


--
-- Name: alert_preference_history; Type: TABLE; Schema: audit; Owner: -
--

CREATE TABLE audit.alert_preference_history (
    account_id text NOT NULL,
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
    ended_by text
);


--
-- Name: TABLE alert_preference_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.alert_preference_history IS 'Each preference as it was at the account''s state versions from_version up to, not including, until_version.';


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
    ended_by text
);


--
-- Name: TABLE alert_type_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON TABLE audit.alert_type_history IS 'Each alert type as it was at the catalogue versions from_version up to, not including, until_version.';


--
-- Name: outbox_history; Type: VIEW; Schema: audit; Owner: -
--

CREATE VIEW audit.outbox_history AS
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
    o.state,
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
           FROM alerting.delivery_attempt d
          WHERE ((d.message_id = o.message_id) AND (d.event_date = o.event_date))) AS attempts,
    a.evidence
   FROM (alerting.outbox o
     JOIN alerting.alert a ON (((a.alert_id = o.alert_id) AND (a.event_date = o.event_date))));


--
-- Name: VIEW outbox_history; Type: COMMENT; Schema: audit; Owner: -
--

COMMENT ON VIEW audit.outbox_history IS 'One row per message with the alert behind it, its times, its attempts and the evidence.';


--
-- Name: account; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account (
    account_id text NOT NULL,
    iban text,
    currency text NOT NULL,
    product text,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL
);


--
-- Name: COLUMN account.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.account.state_version IS 'Raised by one for each statement that changes this account''s permissions or preferences; written by triggers alone.';


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
    inserted_at timestamp with time zone CONSTRAINT account_entry_inserted_at_not_null NOT NULL
);


--
-- Name: account_permission; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.account_permission (
    account_id text NOT NULL,
    customer_id bigint NOT NULL,
    role text NOT NULL,
    may_see_balance boolean DEFAULT true NOT NULL,
    valid_from timestamp with time zone DEFAULT now() NOT NULL,
    valid_until timestamp with time zone,
    state_version bigint DEFAULT 0 NOT NULL
);


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
    account_id text NOT NULL,
    customer_id bigint NOT NULL,
    alert_type text NOT NULL,
    preference_no integer DEFAULT 1 NOT NULL,
    currency text NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    channels text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL
);


--
-- Name: COLUMN alert_preference.state_version; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_preference.state_version IS 'The account''s state_version that this row came in with; written by a trigger.';


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
    catalogue_version bigint DEFAULT 0 NOT NULL
)
WITH (toast_tuple_target='8160');


--
-- Name: COLUMN alert_type.condition; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.condition IS 'A SQL boolean expression over event.column and :parameter, in the checked subset of docs/sql-contract.md.';


--
-- Name: COLUMN alert_type.parameters; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.parameters IS 'What a preference must give: {"name": {"type": "integer" | "text" | "boolean", "minimum": ..., "maximum": ...}}.';


--
-- Name: COLUMN alert_type.uses_balance; Type: COMMENT; Schema: bank; Owner: -
--

COMMENT ON COLUMN bank.alert_type.uses_balance IS 'Condition or a template shows the balance: only for customers with may_see_balance. Written by triggers.';


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
    time_zone text DEFAULT 'UTC'::text NOT NULL
);


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
-- Name: push_device; Type: TABLE; Schema: bank; Owner: -
--

CREATE TABLE bank.push_device (
    push_id text NOT NULL,
    customer_id bigint NOT NULL,
    platform text NOT NULL,
    provider text NOT NULL
);


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
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


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
-- Name: account_entry_default; Type: TABLE ATTACH; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account_entry ATTACH PARTITION bank.account_entry_default DEFAULT;


--
-- Name: alert one_alert_per_event_and_preference; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert
    ADD CONSTRAINT one_alert_per_event_and_preference UNIQUE (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no);


--
-- Name: alert_default alert_default_event_id_event_date_event_kind_account_id_cus_key; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.alert_default
    ADD CONSTRAINT alert_default_event_id_event_date_event_kind_account_id_cus_key UNIQUE (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no);


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
-- Name: capture_heartbeat capture_heartbeat_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.capture_heartbeat
    ADD CONSTRAINT capture_heartbeat_pkey PRIMARY KEY (only_row);


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
-- Name: topic_layout topic_layout_pkey; Type: CONSTRAINT; Schema: alerting; Owner: -
--

ALTER TABLE ONLY alerting.topic_layout
    ADD CONSTRAINT topic_layout_pkey PRIMARY KEY (only_row);


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
-- Name: customer customer_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (customer_id);


--
-- Name: account iban_is_unique; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.account
    ADD CONSTRAINT iban_is_unique UNIQUE (iban);


--
-- Name: message_template message_template_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.message_template
    ADD CONSTRAINT message_template_pkey PRIMARY KEY (alert_type, channel, locale, version);


--
-- Name: push_device push_device_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.push_device
    ADD CONSTRAINT push_device_pkey PRIMARY KEY (push_id);


--
-- Name: time_zone time_zone_pkey; Type: CONSTRAINT; Schema: bank; Owner: -
--

ALTER TABLE ONLY bank.time_zone
    ADD CONSTRAINT time_zone_pkey PRIMARY KEY (time_zone);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: outbox_of_alert; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_of_alert ON ONLY alerting.outbox USING btree (alert_id);


--
-- Name: outbox_default_alert_id_idx; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_default_alert_id_idx ON alerting.outbox_default USING btree (alert_id);


--
-- Name: outbox_due_in_order; Type: INDEX; Schema: alerting; Owner: -
--

CREATE INDEX outbox_due_in_order ON alerting.outbox_due USING btree (channel, due_at);


--
-- Name: account_entry_of_account; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX account_entry_of_account ON ONLY bank.account_entry USING btree (account_id, event_time);


--
-- Name: account_entry_default_account_id_event_time_idx; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX account_entry_default_account_id_event_time_idx ON bank.account_entry_default USING btree (account_id, event_time);


--
-- Name: push_device_of_customer; Type: INDEX; Schema: bank; Owner: -
--

CREATE INDEX push_device_of_customer ON bank.push_device USING btree (customer_id);


--
-- Name: alert_default_event_id_event_date_event_kind_account_id_cus_key; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.one_alert_per_event_and_preference ATTACH PARTITION alerting.alert_default_event_id_event_date_event_kind_account_id_cus_key;


--
-- Name: alert_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.alert_id_is_unique ATTACH PARTITION alerting.alert_default_pkey;


--
-- Name: delivery_attempt_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.attempt_is_recorded_once ATTACH PARTITION alerting.delivery_attempt_default_pkey;


--
-- Name: outbox_default_alert_id_idx; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.outbox_of_alert ATTACH PARTITION alerting.outbox_default_alert_id_idx;


--
-- Name: outbox_default_pkey; Type: INDEX ATTACH; Schema: alerting; Owner: -
--

ALTER INDEX alerting.message_id_is_unique ATTACH PARTITION alerting.outbox_default_pkey;


--
-- Name: account_entry_default_account_id_event_time_idx; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.account_entry_of_account ATTACH PARTITION bank.account_entry_default_account_id_event_time_idx;


--
-- Name: account_entry_default_pkey; Type: INDEX ATTACH; Schema: bank; Owner: -
--

ALTER INDEX bank.account_entry_pkey ATTACH PARTITION bank.account_entry_default_pkey;


--
-- Name: outbox make_due; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER make_due AFTER INSERT ON alerting.outbox REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION alerting.make_due();


--
-- Name: alert make_messages; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER make_messages AFTER INSERT ON alerting.alert REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION alerting.make_messages();


--
-- Name: capture_heartbeat refuse_truncate; Type: TRIGGER; Schema: alerting; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON alerting.capture_heartbeat FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Leave it alone.');


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

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.customer FOR EACH ROW EXECUTE FUNCTION bank.check_customer();


--
-- Name: message_template check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.message_template FOR EACH ROW EXECUTE FUNCTION bank.check_message_template();


--
-- Name: push_device check_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON bank.push_device FOR EACH ROW EXECUTE FUNCTION bank.check_push_device();


--
-- Name: account guard_account; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_account BEFORE DELETE ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.guard_account();


--
-- Name: catalogue guard_catalogue; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_catalogue BEFORE INSERT OR DELETE OR UPDATE ON bank.catalogue FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION bank.refuse_statement('triggers alone write it', 'Change bank.alert_type instead.');


--
-- Name: account guard_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER guard_state_version BEFORE UPDATE OF state_version ON bank.account FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION bank.refuse_statement('triggers alone write state_version', 'Leave the column out of the statement.');


--
-- Name: account_permission lock_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER lock_row BEFORE INSERT ON bank.account_permission FOR EACH ROW EXECUTE FUNCTION bank.lock_account_permission();


--
-- Name: alert_preference lock_row; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER lock_row BEFORE INSERT ON bank.alert_preference FOR EACH ROW EXECUTE FUNCTION bank.lock_alert_preference();


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
-- Name: account_permission raise_state_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_2 AFTER UPDATE ON bank.account_permission REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: alert_preference raise_state_version_2; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_2 AFTER UPDATE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: account_permission raise_state_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_3 AFTER DELETE ON bank.account_permission REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


--
-- Name: alert_preference raise_state_version_3; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER raise_state_version_3 AFTER DELETE ON bank.alert_preference REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bank.raise_state_version();


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
-- Name: account_entry refuse_change; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON bank.account_entry FOR EACH ROW EXECUTE FUNCTION bank.refuse_statement('an event is immutable', 'Insert a correction that names this entry in reverses_entry_id; old entries leave with their partition.');


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
-- Name: catalogue refuse_truncate; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON bank.catalogue FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_statement('capture does not see it', 'Leave it alone.');


--
-- Name: account_permission set_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER set_state_version BEFORE INSERT OR UPDATE ON bank.account_permission FOR EACH ROW EXECUTE FUNCTION bank.set_state_version();


--
-- Name: alert_preference set_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER set_state_version BEFORE INSERT OR UPDATE ON bank.alert_preference FOR EACH ROW EXECUTE FUNCTION bank.set_state_version();


--
-- Name: account_entry stamp; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER stamp BEFORE INSERT ON bank.account_entry FOR EACH ROW EXECUTE FUNCTION bank.stamp_account_entry();


--
-- Name: account start_state_version; Type: TRIGGER; Schema: bank; Owner: -
--

CREATE TRIGGER start_state_version BEFORE INSERT ON bank.account FOR EACH ROW EXECUTE FUNCTION bank.start_state_version();


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

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, entry_type, event_time, state_version, catalogue_version, inserted_at);


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

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.alert_type (alert_type, event_kind, statuses, condition, parameters, uses_balance);


--
-- Name: bankalerts catalogue; Type: PUBLICATION TABLE; Schema: bank; Owner: -
--

ALTER PUBLICATION bankalerts ADD TABLE ONLY bank.catalogue (only_row, catalogue_version);


--
-- PostgreSQL database dump complete
--


