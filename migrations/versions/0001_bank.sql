-- The bank schema: what banking apps and core systems write, in plain SQL.
--
-- State tables (customer, account, account_permission, alert_preference, alert_type) say what is the case now; every change of a permission or
-- a preference raises bank.account.state_version in the same transaction. Event tables (account_entry) say what happened: a row
-- is inserted once, never updated, and a BEFORE INSERT trigger stamps it with the versions its INSERT saw. A wrong row is refused
-- here, by the database, with the column in the message, the value in DETAIL (which the server's log leaves out with
-- log_error_verbosity = terse) and the remedy in HINT. Such a refusal has SQLSTATE BA001.

create schema bank;

-- Refusals ---------------------------------------------------------------------------------------------------------------------

create function bank.refuse(p_column text, p_value text, p_reason text, p_remedy text) returns void
    language plpgsql as
$$
begin
    raise exception using
        errcode = 'BA001',
        message = format('%s is refused: %s', p_column, p_reason),
        detail = format('%s is %s', p_column, coalesce(quote_literal(left(p_value, 200)), 'null')),
        hint = p_remedy;
end
$$;
comment on function bank.refuse is 'Refuses a row: column and reason in the message, value in DETAIL, remedy in HINT, SQLSTATE BA001.';

create function bank.refuse_statement() returns trigger
    language plpgsql as
$$
begin
    raise exception using
        errcode = 'BA002',
        message = format('%s on %I.%I is refused: %s', tg_op, tg_table_schema, tg_table_name, tg_argv[0]),
        hint = tg_argv[1];
end
$$;
comment on function bank.refuse_statement is 'Trigger: refuses a kind of statement; its arguments are the reason and the remedy. SQLSTATE BA002.';

create function bank.check_length(p_column text, p_value text, p_longest integer) returns void
    language plpgsql immutable as
$$
begin
    if length(p_value) > p_longest then
        perform bank.refuse(p_column, p_value, format('it has %s characters, at most %s fit', length(p_value), p_longest), 'Shorten it.');
    end if;
    if p_value = '' then
        perform bank.refuse(p_column, p_value, 'it is empty', 'Give a value, or NULL where the column allows it.');
    end if;
end
$$;

create function bank.check_one_of(p_column text, p_value text, p_allowed text[]) returns void
    language plpgsql immutable as
$$
begin
    if p_value is null or p_value <> all (p_allowed) then
        perform bank.refuse(p_column, p_value, 'there is no such value', format('Use one of %s.', array_to_string(p_allowed, ', ')));
    end if;
end
$$;

create function bank.check_finite(p_column text, p_value timestamptz) returns void
    language plpgsql immutable as
$$
begin
    if not isfinite(p_value) then
        perform bank.refuse(p_column, p_value::text, 'a time must be finite', 'Use NULL for "without end", or a real time.');
    end if;
end
$$;

-- Reference data ---------------------------------------------------------------------------------------------------------------

create table bank.currency (
    currency    text primary key,
    minor_digits smallint not null,
    constraint currency_is_three_capitals check (currency ~ '^[A-Z]{3}$'),
    constraint minor_digits_as_in_iso_4217 check (minor_digits between 0 and 4)
);
comment on table bank.currency is 'ISO 4217: amounts in *_minor columns are in units of 10^-minor_digits.';
insert into bank.currency (currency, minor_digits)
select unnest('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}'::text[]), 0
union all
select unnest('{AED,AFN,ALL,AMD,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BMD,BND,BOB,BOV,BRL,BSD,BTN,BWP,BYN,BZD,CAD,CDF,CHE,CHF,CHW,CNY,COP,COU,
    CRC,CUP,CVE,CZK,DKK,DOP,DZD,EGP,ERN,ETB,EUR,FJD,FKP,GBP,GEL,GHS,GIP,GMD,GTQ,GYD,HKD,HNL,HTG,HUF,IDR,ILS,INR,IRR,JMD,KES,
    KGS,KHR,KPW,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,MDL,MGA,MKD,MMK,MNT,MOP,MRU,MUR,MVR,MWK,MXN,MXV,MYR,MZN,NAD,NGN,NIO,NOK,NPR,
    NZD,PAB,PEN,PGK,PHP,PKR,PLN,QAR,RON,RSD,RUB,SAR,SBD,SCR,SDG,SEK,SGD,SHP,SLE,SOS,SRD,SSP,STN,SVC,SYP,SZL,THB,TJS,TMT,TOP,
    TRY,TTD,TWD,TZS,UAH,USD,USN,UYU,UZS,VED,VES,WST,XAD,XCD,XCG,YER,ZAR,ZMW,ZWG}'::text[]), 2
union all
select unnest('{BHD,IQD,JOD,KWD,LYD,OMR,TND}'::text[]), 3
union all
select unnest('{CLF,UYW}'::text[]), 4;

create table bank.channel (
    channel text primary key,
    constraint channel_is_a_short_name check (channel ~ '^[A-Z][A-Z0-9_]{1,29}$')
);
comment on table bank.channel is 'Ways to reach a customer. Each has one file in notifier/channels/.';
insert into bank.channel values ('EMAIL'), ('SMS'), ('PUSH');

create function bank.check_currency(p_column text, p_value text) returns void
    language plpgsql stable as
$$
begin
    if not exists (select from bank.currency where currency = p_value) then
        perform bank.refuse(p_column, p_value, 'ISO 4217 has no such currency', 'Use a code such as EUR; bank.currency lists them.');
    end if;
end
$$;

create function bank.check_time_zone(p_column text, p_value text) returns void
    language plpgsql stable as
$$
begin
    perform now() at time zone p_value;
exception when invalid_parameter_value then
    perform bank.refuse(p_column, p_value, 'there is no such time zone', 'Use an IANA name such as Europe/Amsterdam.');
end
$$;

create function bank.check_channels(p_column text, p_value text[]) returns void
    language plpgsql stable as
$$
declare
    v_unknown text;
begin
    if p_value is null or cardinality(p_value) = 0 then
        perform bank.refuse(p_column, p_value::text, 'it names no channel', 'Name at least one, for example ''{PUSH}''.');
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

-- Customers and their addresses ------------------------------------------------------------------------------------------------

create table bank.customer (
    customer_id bigint primary key,
    full_name   text not null,
    locale      text not null default 'en',
    time_zone   text not null default 'UTC'
);

create function bank.check_customer() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.customer.full_name', new.full_name, 140);
    if new.locale !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$' then
        perform bank.refuse('bank.customer.locale', new.locale, 'it is no language tag', 'Use a BCP 47 tag such as nl-NL or en.');
    end if;
    perform bank.check_time_zone('bank.customer.time_zone', new.time_zone);
    return new;
end
$$;
create trigger check_row before insert or update on bank.customer for each row execute function bank.check_customer();

create table bank.contact_address (
    customer_id bigint not null references bank.customer,
    channel     text not null references bank.channel,
    address     text not null,
    verified_at timestamptz,
    primary key (customer_id, channel, address)
);
comment on column bank.contact_address.verified_at is 'When the customer proved to hold this address; NULL: nothing is sent there.';

create function bank.check_contact_address() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.contact_address.address', new.address, 254);
    perform bank.check_finite('bank.contact_address.verified_at', new.verified_at);
    if new.channel = 'EMAIL' and new.address !~
        '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$'
    then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is no e-mail address', 'Write it as name@example.org.');
    elsif new.channel = 'EMAIL' and length(split_part(new.address, '@', 1)) > 64 then
        perform bank.refuse('bank.contact_address.address', new.address, 'the part before @ has more than 64 characters', 'Correct it.');
    elsif new.channel = 'SMS' and new.address !~ '^\+[1-9][0-9]{6,14}$' then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is no international telephone number',
            'Write it in E.164: a plus sign, country code and number, digits only, such as +31612345678.');
    elsif new.channel = 'PUSH' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'push messages go to devices', 'Insert into bank.push_device instead.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.contact_address for each row execute function bank.check_contact_address();

create table bank.push_device (
    push_id     text primary key,
    customer_id bigint not null references bank.customer,
    platform    text not null,
    provider    text not null
);
create index push_device_of_customer on bank.push_device (customer_id);

create function bank.check_push_device() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.push_device.push_id', new.push_id, 255);
    perform bank.check_one_of('bank.push_device.platform', new.platform, '{ANDROID,IOS,WEB}');
    perform bank.check_length('bank.push_device.provider', new.provider, 30);
    return new;
end
$$;
create trigger check_row before insert or update on bank.push_device for each row execute function bank.check_push_device();

-- Accounts and permissions -----------------------------------------------------------------------------------------------------

create table bank.account (
    account_id    text primary key,
    iban          text,
    currency      text not null references bank.currency,
    product       text,
    time_zone     text not null default 'UTC',
    state_version bigint not null default 0,
    constraint iban_is_unique unique (iban)
);
comment on column bank.account.state_version is
    'Raised by one for each statement that changes this account''s permissions or preferences; written by triggers alone.';

create function bank.iban_fault(p_iban text) returns text
    language plpgsql immutable strict as
$$
declare
    -- country and length, from the IBAN registry, release 99
    c_lengths constant text := 'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29'
        ' ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20'
        ' LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29'
        ' PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20'
        ' YE30';
    v_length integer := substring(c_lengths from left(p_iban, 2) || '([0-9]{2})')::integer;
    v_digits text := '';
    v_rest numeric;
begin
    if p_iban !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' then
        return 'it is not written as an IBAN';
    elsif v_length is null then
        return 'the IBAN registry has no country ' || left(p_iban, 2);
    elsif length(p_iban) <> v_length then
        return format('an IBAN of %s has %s characters, this has %s', left(p_iban, 2), v_length, length(p_iban));
    end if;
    select string_agg(case when c between '0' and '9' then c else (ascii(c) - 55)::text end, '' order by n)
      into v_digits
      from regexp_split_to_table(substr(p_iban, 5) || left(p_iban, 4), '') with ordinality as t (c, n);
    v_rest := v_digits::numeric % 97;
    return case when v_rest <> 1 or substr(p_iban, 3, 2) not between '02' and '98' then 'its check digits are wrong' end;
end
$$;
comment on function bank.iban_fault is 'NULL for a valid IBAN, else what is wrong with it (ISO 13616: length by country, check digits modulo 97).';

create function bank.check_account() returns trigger
    language plpgsql as
$$
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
create trigger check_row before insert or update of account_id, iban, currency, product, time_zone on bank.account
    for each row execute function bank.check_account();

create table bank.account_permission (
    account_id      text not null references bank.account,
    customer_id     bigint not null references bank.customer,
    role            text not null,
    may_see_balance boolean not null default true,
    valid_from      timestamptz not null default now(),
    valid_until     timestamptz,
    state_version   bigint not null default 0,
    primary key (account_id, customer_id)
);
comment on table bank.account_permission is 'The customer may see the account, from valid_from until just before valid_until.';
comment on column bank.account_permission.state_version is 'The account''s state_version that this row came in with; written by a trigger.';

create function bank.check_account_permission() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_one_of('bank.account_permission.role', new.role, '{OWNER,AUTHORISED,VIEWER}');
    perform bank.check_finite('bank.account_permission.valid_from', new.valid_from);
    perform bank.check_finite('bank.account_permission.valid_until', new.valid_until);
    if new.valid_until < new.valid_from then
        perform bank.refuse('bank.account_permission.valid_until', new.valid_until::text, 'it is before valid_from', 'Give a later time or NULL.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.account_permission for each row execute function bank.check_account_permission();

-- Alert types and preferences --------------------------------------------------------------------------------------------------

create table bank.catalogue (
    only_row          boolean primary key default true,
    catalogue_version bigint not null default 0,
    constraint catalogue_has_one_row check (only_row)
);
comment on table bank.catalogue is 'One row: the version of the alert type catalogue, raised by one for each statement that changes bank.alert_type.';
insert into bank.catalogue default values;

create table bank.alert_type (
    alert_type        text primary key,
    event_kind        text not null,
    statuses          text[] not null default '{BOOKED}',
    condition         text not null,
    parameters        jsonb not null default '{}',
    category          text not null,
    title             text not null,
    uses_balance      boolean not null default false,
    catalogue_version bigint not null default 0
);
comment on column bank.alert_type.condition is 'A SQL boolean expression over event.column and :parameter, in the checked subset of docs/sql-contract.md.';
comment on column bank.alert_type.parameters is 'What a preference must give: {"name": {"type": "integer" | "text" | "boolean", "minimum": ..., "maximum": ...}}.';
comment on column bank.alert_type.uses_balance is
    'Condition or a template shows the balance: only for customers with may_see_balance. Written by triggers.';

create table bank.message_template (
    alert_type text not null references bank.alert_type,
    channel    text not null references bank.channel,
    locale     text not null,
    version    integer not null,
    subject    text,
    body       text not null,
    primary key (alert_type, channel, locale, version),
    constraint version_starts_at_1 check (version >= 1)
);

create table bank.alert_preference (
    account_id    text not null references bank.account,
    customer_id   bigint not null references bank.customer,
    alert_type    text not null references bank.alert_type,
    preference_no integer not null default 1,
    currency      text not null,
    parameters    jsonb not null default '{}',
    channels      text[] not null,
    enabled       boolean not null default true,
    state_version bigint not null default 0,
    primary key (account_id, customer_id, alert_type, preference_no)
);
comment on column bank.alert_preference.state_version is 'The account''s state_version that this row came in with; written by a trigger.';

create function bank.condition_sql(p_condition text, p_parameters jsonb) returns text
    language sql immutable strict as
$$
    -- :name becomes (preference.parameters ->> 'name')::type, so that PostgreSQL evaluates the very text that the engine compiles
    select coalesce(string_agg(
        case when part[2] is not null and p_parameters ? part[2]
             then format('(preference.parameters ->> %L)::%s', part[2],
                         case p_parameters -> part[2] ->> 'type' when 'integer' then 'bigint' else p_parameters -> part[2] ->> 'type' end)
             else part[1] end, '' order by n), '')
      from regexp_matches(p_condition, '(''(?:[^'']|'''')*''|:([a-z][a-z0-9_]*)|[^:'']+|.)', 'g') with ordinality as t (part, n)
$$;
comment on function bank.condition_sql is 'A condition as PostgreSQL evaluates it, over "event" and "preference".';

create function bank.check_alert_type() returns trigger
    language plpgsql as
$$
declare
    c_words constant text[] := '{and,or,not,in,is,null,between,true,false}';
    v_token text[];
    v_name text;
    v_declared jsonb;
begin
    if new.alert_type !~ '^[A-Z][A-Z0-9_]{1,59}$' then
        perform bank.refuse('bank.alert_type.alert_type', new.alert_type, 'it is no name', 'Use capitals, digits and underscores, such as BALANCE_BELOW.');
    end if;
    perform bank.check_one_of('bank.alert_type.event_kind', new.event_kind, '{ACCOUNT_ENTRY}');
    if cardinality(new.statuses) = 0 or not new.statuses <@ '{PENDING,BOOKED}' then
        perform bank.refuse('bank.alert_type.statuses', new.statuses::text, 'it names no status of an account entry', 'Use ''{BOOKED}'', ''{PENDING}'' or both.');
    end if;
    perform bank.check_length('bank.alert_type.condition', new.condition, 1000);
    perform bank.check_length('bank.alert_type.title', new.title, 100);
    perform bank.check_length('bank.alert_type.category', new.category, 40);
    perform bank.check_length('bank.alert_type.parameters', new.parameters::text, 1000);
    for v_name, v_declared in select * from jsonb_each(new.parameters) loop
        if v_name !~ '^[a-z][a-z0-9_]{0,39}$' or v_declared ->> 'type' is null or v_declared ->> 'type' not in ('integer', 'text', 'boolean') then
            perform bank.refuse('bank.alert_type.parameters', v_name, 'a parameter needs a lower-case name and a type',
                'Write {"threshold_minor": {"type": "integer", "minimum": 0, "maximum": 1000000}}; types are integer, text, boolean.');
        end if;
    end loop;
    -- Words allowed in a condition: with no other name and no bare parenthesised call it cannot reach a table or a function.
    for v_token in select regexp_matches(new.condition,
        '(''(?:[^'']|'''')*'')|(event\.[a-z_]+)|(:[a-z][a-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*)|([0-9]+)|(<=|>=|<>|[-+*<>=(),])|(\s+)|(.)', 'g') loop
        if v_token[8] is not null or (v_token[4] is not null and lower(v_token[4]) <> all (c_words)) then
            perform bank.refuse('bank.alert_type.condition', coalesce(v_token[8], v_token[4]), 'a condition cannot contain this',
                'Use event.column, :parameter, integers, ''text'', + - * < <= = <> >= >, AND, OR, NOT, IN, BETWEEN, IS NULL.');
        elsif v_token[3] is not null and not new.parameters ? substr(v_token[3], 2) then
            perform bank.refuse('bank.alert_type.condition', v_token[3], 'the parameter is not declared', 'Declare it in the column parameters.');
        end if;
    end loop;
    begin
        execute format('select %s from (select (null::bank.account_entry).*) event, (select null::jsonb as parameters) preference '
                       'where false and (%1$s)', bank.condition_sql(new.condition, new.parameters));
    exception when syntax_error_or_access_rule_violation then
        perform bank.refuse('bank.alert_type.condition', new.condition, 'PostgreSQL cannot evaluate it: ' || sqlerrm, 'Write a boolean expression over columns of the event.');
    end;
    new.uses_balance := new.condition ~ 'balance' or exists (
        select from bank.message_template t where t.alert_type = new.alert_type and coalesce(t.subject, '') || t.body ~ 'balance');
    select catalogue_version + 1 into new.catalogue_version from bank.catalogue for update;
    return new;
end
$$;

create function bank.check_parameters(p_column text, p_declared jsonb, p_given jsonb) returns void
    language plpgsql stable as
$$
declare
    v_name text;
    v_value jsonb;
    v_rule jsonb;
begin
    if jsonb_typeof(p_given) <> 'object' then
        perform bank.refuse(p_column, p_given::text, 'it is no JSON object', 'Write {"name": value}.');
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
            perform bank.refuse(p_column || '.' || v_name, v_value::text, format('it is no %s', v_rule ->> 'type'),
                case v_rule ->> 'type' when 'integer' then 'Write a whole number without quotes; money is in minor units.' else 'Write it as JSON has it.' end);
        elsif v_rule ->> 'type' = 'integer' and (v_value::text::numeric < (v_rule ->> 'minimum')::numeric or v_value::text::numeric > (v_rule ->> 'maximum')::numeric) then
            perform bank.refuse(p_column || '.' || v_name, v_value::text, 'it is out of bounds',
                format('Use %s to %s.', coalesce(v_rule ->> 'minimum', 'any'), coalesce(v_rule ->> 'maximum', 'any')));
        end if;
    end loop;
end
$$;

create function bank.check_alert_preference() returns trigger
    language plpgsql as
$$
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
create trigger check_row before insert or update on bank.alert_preference for each row execute function bank.check_alert_preference();
create trigger check_row before insert or update on bank.alert_type for each row execute function bank.check_alert_type();

create function bank.check_message_template() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.message_template.subject', new.subject, 200);
    perform bank.check_length('bank.message_template.body', new.body, 4000);
    if new.locale !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$' then
        perform bank.refuse('bank.message_template.locale', new.locale, 'it is no language tag', 'Use a BCP 47 tag such as nl-NL or en.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.message_template for each row execute function bank.check_message_template();

create function bank.note_template_uses_balance() returns trigger
    language plpgsql as
$$
begin
    -- a template that shows the balance makes its type one that needs may_see_balance (design 4.1); check_row works it out
    update bank.alert_type a set title = title
     where a.uses_balance is distinct from (a.condition ~ 'balance' or exists (
        select from bank.message_template t where t.alert_type = a.alert_type and coalesce(t.subject, '') || t.body ~ 'balance'));
    return null;
end
$$;
create trigger note_uses_balance after insert or update or delete on bank.message_template
    for each statement execute function bank.note_template_uses_balance();

-- Events -----------------------------------------------------------------------------------------------------------------------

create table bank.account_entry (
    -- collation "C": text in a condition compares as the engine compares it (design 4.3)
    entry_id                text collate "C" not null,
    booking_date            date not null,
    account_id              text collate "C" not null,
    amount_minor            bigint not null,
    currency                text collate "C" not null,
    balance_after_minor     bigint,
    status                  text collate "C" not null default 'BOOKED',
    occurred_at             timestamptz,
    value_date              date,
    original_amount_minor   bigint,
    original_currency       text collate "C",
    entry_type              text collate "C",
    counterparty_account    text collate "C",
    counterparty_name       text collate "C",
    description             text collate "C",
    reverses_entry_id       text collate "C",
    event_time              timestamptz not null,
    state_version           bigint not null,
    catalogue_version       bigint not null,
    inserted_at             timestamptz not null,
    primary key (entry_id, booking_date)
) partition by range (booking_date);
comment on table bank.account_entry is 'One booking on one account. Insert-only: a correction is a new row that names the old one in reverses_entry_id.';
comment on column bank.account_entry.event_time is 'Stamp: occurred_at, or the start of booking_date in the account''s time zone.';
comment on column bank.account_entry.state_version is 'Stamp: the account''s state_version that this INSERT saw. The event is judged on that state.';
comment on column bank.account_entry.catalogue_version is 'Stamp: the version of the alert type catalogue that this INSERT saw.';
comment on column bank.account_entry.inserted_at is 'Stamp: when this row was inserted; permissions are valid or not at this time.';
create index account_entry_of_account on bank.account_entry (account_id, event_time);
create table bank.account_entry_default partition of bank.account_entry default;

create function bank.stamp_account_entry() returns trigger
    language plpgsql as
$$
declare
    c_most_minor constant bigint := 100000000000000000;
    v_currency text;
    v_time_zone text;
begin
    -- No foreign key: the row lock it takes on the account would make every entry wait for a change of preferences in progress.
    select state_version, currency, time_zone into new.state_version, v_currency, v_time_zone from bank.account where account_id = new.account_id;
    if not found then
        perform bank.refuse('bank.account_entry.account_id', new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    if new.currency is distinct from v_currency then
        perform bank.refuse('bank.account_entry.currency', new.currency, format('the account is kept in %s', v_currency),
            'Give amount and balance in the account''s currency, the other in original_amount_minor and original_currency.');
    end if;
    if new.status is null or new.status not in ('PENDING', 'BOOKED') then
        perform bank.check_one_of('bank.account_entry.status', new.status, '{PENDING,BOOKED}');
    end if;
    if abs(new.amount_minor) > c_most_minor or abs(new.balance_after_minor) > c_most_minor or abs(new.original_amount_minor) > c_most_minor then
        perform bank.refuse('bank.account_entry.amount_minor', new.amount_minor::text, 'an amount or balance is beyond 10^17 minor units', 'Money is in minor units (cents).');
    end if;
    if not isfinite(new.booking_date) then
        perform bank.refuse('bank.account_entry.booking_date', new.booking_date::text, 'a date must be finite', 'Give the date of booking.');
    end if;
    if not isfinite(new.occurred_at) then
        perform bank.check_finite('bank.account_entry.occurred_at', new.occurred_at);
    end if;
    if length(new.entry_id) not between 1 and 64 or length(new.description) not between 1 and 1000
        or length(new.counterparty_name) not between 1 and 140 or length(new.counterparty_account) not between 1 and 64
        or length(new.entry_type) not between 1 and 60 or length(new.reverses_entry_id) not between 1 and 64 then
        perform bank.check_length('bank.account_entry.entry_id', new.entry_id, 64);
        perform bank.check_length('bank.account_entry.description', new.description, 1000);
        perform bank.check_length('bank.account_entry.counterparty_name', new.counterparty_name, 140);
        perform bank.check_length('bank.account_entry.counterparty_account', new.counterparty_account, 64);
        perform bank.check_length('bank.account_entry.entry_type', new.entry_type, 60);
        perform bank.check_length('bank.account_entry.reverses_entry_id', new.reverses_entry_id, 64);
    end if;
    if new.original_currency is not null then
        perform bank.check_currency('bank.account_entry.original_currency', new.original_currency);
    end if;
    select catalogue_version into new.catalogue_version from bank.catalogue;
    new.inserted_at := clock_timestamp();
    new.event_time := coalesce(new.occurred_at, new.booking_date::timestamp at time zone v_time_zone);
    return new;
end
$$;
create trigger stamp before insert on bank.account_entry for each row execute function bank.stamp_account_entry();
create trigger refuse_update before update on bank.account_entry for each statement execute function
    bank.refuse_statement('an event is immutable', 'Insert a correction that names this entry in reverses_entry_id.');

-- TRUNCATE is refused on every captured table: capture does not see it.
create trigger refuse_truncate before truncate on bank.account for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.account_permission for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.alert_preference for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.alert_type for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.catalogue for each statement execute function bank.refuse_statement('capture does not see it', 'Leave it alone.');
create trigger refuse_truncate before truncate on bank.account_entry for each statement execute function bank.refuse_statement('capture does not see it', 'Drop a partition.');
