-- The bank schema: what banking apps and core systems write, in plain SQL. Here: refusals, reference data, customers, accounts and
-- permissions; then come the alert types with their preferences (0002) and the events (0003).
--
-- State tables (customer, account, account_permission, alert_preference, alert_type) say what is the case now; every change of a
-- permission or a preference raises bank.account.state_version in the same transaction. Event tables (account_entry) say what
-- happened: a row is inserted once, never updated, and a BEFORE INSERT trigger stamps it with the versions its INSERT saw. A wrong
-- row is refused here, by the database, with the column in the message, the value in DETAIL (which the server's log leaves out with
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

create function bank.check_time(p_column text, p_value timestamptz) returns void
    language plpgsql stable as
$$
begin
    -- what every part of the chain can write and read: capture fails on an infinite time, Python knows the years 1 to 9999
    if p_value not between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00' then
        perform bank.refuse(p_column, p_value::text, 'a time must lie in the years 1 to 9999', 'Give a real time; where the column allows it, NULL means "none".');
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

create table bank.time_zone (
    time_zone text primary key
);
comment on table bank.time_zone is
    'IANA time zones, exactly as every part of the chain knows them: PostgreSQL alone would take cest, europe/amsterdam and XYZ5 as well.';
insert into bank.time_zone
select name from pg_timezone_names where name = 'UTC' or name like '%/%' and name !~ '^(posix|right|SystemV)/|Unknown$';

create function bank.check_time_zone(p_column text, p_value text) returns void
    language plpgsql stable as
$$
begin
    if not exists (select from bank.time_zone where time_zone = p_value) then
        perform bank.refuse(p_column, p_value, 'there is no such time zone', 'Use an IANA name such as Europe/Amsterdam; bank.time_zone lists them.');
    end if;
end
$$;

create function bank.check_locale(p_column text, p_value text) returns void
    language plpgsql immutable as
$$
begin
    if p_value !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' then
        perform bank.refuse(p_column, p_value, 'it is not a language tag', 'Use a BCP 47 tag such as nl-NL or en.');
    end if;
end
$$;

create function bank.check_channels(p_column text, p_value text[]) returns void
    language plpgsql stable as
$$
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
    perform bank.check_locale('bank.customer.locale', new.locale);
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
    perform bank.check_time('bank.account_permission.valid_from', new.valid_from);
    perform bank.check_time('bank.account_permission.valid_until', new.valid_until);
    if new.valid_until < new.valid_from then
        perform bank.refuse('bank.account_permission.valid_until', new.valid_until::text, 'it is before valid_from', 'Give a later time or NULL.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.account_permission for each row execute function bank.check_account_permission();

-- TRUNCATE is refused on every captured table: capture does not see it.
create trigger refuse_truncate before truncate on bank.account for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.account_permission for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
