-- Card authorisations, payment orders and what customers do on screens: the other kinds of event.
--
-- Each kind has its identity (an id and a date), its own time, and the same stamp. Money that leaves the account is negative everywhere.
-- transaction_id and seen_below order two events by commit: everything below seen_below had ended when the row was inserted.

create function bank.check_code(p_column text, p_value text) returns void
    language plpgsql immutable as
$$
begin
    if p_value !~ '^[A-Z][A-Z0-9_]{1,59}$' then
        perform bank.refuse(p_column, p_value, 'it is not a code', 'Use capitals, digits and underscores, such as INSUFFICIENT_FUNDS; 2 to 60 of them.');
    end if;
end
$$;

-- account_id compares in collation "C" everywhere, as it does in events: with two collations no index served to join them, and each
-- INSERT of an event read all accounts to find its own. (No type changes while a publication names the column; 0008_alert_type.sql
-- publishes them again.)
alter publication bankalerts set table alerting.capture_heartbeat (only_row, beat_at);
drop trigger check_row on bank.account;
alter table bank.account alter column account_id type text collate "C";
alter table bank.account_permission alter column account_id type text collate "C";
alter table bank.alert_preference alter column account_id type text collate "C";
alter table audit.account_permission_history alter column account_id type text collate "C";
alter table audit.alert_preference_history alter column account_id type text collate "C";
create trigger check_row before insert or update of account_id, iban, currency, product, time_zone on bank.account
    for each row execute function bank.check_account();

-- Account entries: the order of commits in the stamp ------------------------------------------------------------------------------

alter table bank.account_entry add column transaction_id bigint, add column seen_below bigint;
comment on column bank.account_entry.transaction_id is 'Stamp: the transaction that inserted this row; NULL in rows from before it was noted.';
comment on column bank.account_entry.seen_below is
    'Stamp: every transaction below this one had ended when this row was inserted: its events came before this one.';

create or replace function bank.stamp_account_entry() returns trigger
    language plpgsql as
$$
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

-- Card authorisations -------------------------------------------------------------------------------------------------------------

create table bank.card_authorisation (
    authorisation_id        text collate "C" not null,
    authorised_on           date not null,
    account_id              text collate "C" not null,
    card_token              text collate "C" not null,
    amount_minor            bigint not null,
    currency                text collate "C" not null,
    original_amount_minor   bigint,
    original_currency       text collate "C",
    merchant_id             text collate "C",
    merchant_category       text collate "C",
    country                 text collate "C",
    card_present            boolean not null,
    outcome                 text collate "C" not null,
    decline_reason          text collate "C",
    authorised_at           timestamptz not null,
    event_time              timestamptz not null,
    state_version           bigint not null,
    catalogue_version       bigint not null,
    inserted_at             timestamptz not null,
    transaction_id          bigint not null,
    seen_below              bigint not null,
    primary key (authorisation_id, authorised_on)
) partition by range (authorised_on);
comment on table bank.card_authorisation is 'One use of a card: money that leaves the account is negative, declined or not. Insert-only.';
comment on column bank.card_authorisation.card_token is 'Stands for the card; a card number is refused.';
comment on column bank.card_authorisation.merchant_category is 'ISO 18245: four digits; 6010 and 6011 are cash.';
comment on column bank.card_authorisation.country is 'Where the merchant is: ISO 3166, two capitals.';
comment on column bank.card_authorisation.decline_reason is 'Why it was declined, as the customer may read it.';
create index card_authorisation_of_account on bank.card_authorisation (account_id, event_time);
create table bank.card_authorisation_default partition of bank.card_authorisation default;

create function bank.is_card_number(p_value text) returns boolean
    language sql immutable strict as
$$
    select digits ~ '^[0-9]{13,19}$' and (
        select sum(case when (length(digits) - n) % 2 = 0 then digit else 2 * digit / 10 + 2 * digit % 10 end) % 10 = 0
          from generate_series(1, length(digits)) n, lateral (select substr(digits, n, 1)::integer as digit) d)
      from (select regexp_replace(p_value, '[ -]', '', 'g') as digits) t
     where p_value ~ '^[0-9 -]+$'
$$;
comment on function bank.is_card_number is 'Whether a text is 13 to 19 digits, spaces and hyphens aside, that pass the Luhn check; else false or NULL.';

create function bank.check_card_authorisation(p_new bank.card_authorisation) returns void
    language plpgsql as
$$
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
$$;

create function bank.stamp_card_authorisation() returns trigger
    language plpgsql as
$$
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
$$;
create trigger stamp before insert on bank.card_authorisation for each row execute function bank.stamp_card_authorisation();
create trigger refuse_change before update or delete on bank.card_authorisation for each row execute function
    bank.refuse_statement('an event is immutable', 'Insert another authorisation; old ones leave with their partition.');
create trigger refuse_truncate before truncate on bank.card_authorisation for each statement execute function
    bank.refuse_statement('capture does not see it', 'Drop a partition.');

-- Payment orders ------------------------------------------------------------------------------------------------------------------

create table bank.payment_order (
    status_change_id    text collate "C" not null,
    changed_on          date not null,
    order_id            text collate "C" not null,
    account_id          text collate "C" not null,
    status              text collate "C" not null,
    disclosable_reason  text collate "C",
    amount_minor        bigint not null,
    currency            text collate "C" not null,
    changed_at          timestamptz not null,
    event_time          timestamptz not null,
    state_version       bigint not null,
    catalogue_version   bigint not null,
    inserted_at         timestamptz not null,
    transaction_id      bigint not null,
    seen_below          bigint not null,
    primary key (status_change_id, changed_on)
) partition by range (changed_on);
comment on table bank.payment_order is 'One change of the status of a payment order. Insert-only.';
comment on column bank.payment_order.disclosable_reason is
    'Why, as the customer may read it. The bank''s internal reasons stay out: a message could tip someone off.';
create index payment_order_of_account on bank.payment_order (account_id, event_time);
create table bank.payment_order_default partition of bank.payment_order default;

create function bank.stamp_payment_order() returns trigger
    language plpgsql as
$$
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
create trigger stamp before insert on bank.payment_order for each row execute function bank.stamp_payment_order();
create trigger refuse_change before update or delete on bank.payment_order for each row execute function
    bank.refuse_statement('an event is immutable', 'Insert another change of status; old ones leave with their partition.');
create trigger refuse_truncate before truncate on bank.payment_order for each statement execute function
    bank.refuse_statement('capture does not see it', 'Drop a partition.');

-- Customer activity ---------------------------------------------------------------------------------------------------------------

create table bank.customer_activity (
    activity_id       text collate "C" not null,
    occurred_on       date not null,
    customer_id       bigint not null,
    activity_type     text collate "C" not null,
    properties        jsonb not null default '{}',
    occurred_at       timestamptz not null,
    event_time        timestamptz not null,
    state_version     bigint not null,
    catalogue_version bigint not null,
    inserted_at       timestamptz not null,
    transaction_id    bigint not null,
    seen_below        bigint not null,
    primary key (activity_id, occurred_on)
) partition by range (occurred_on);
comment on table bank.customer_activity is 'One thing that a customer did, such as a step of a loan application. Insert-only; its stamp has the customer''s state_version.';
comment on column bank.customer_activity.properties is 'What goes with it: a JSON object of at most 2,000 bytes, without personal data.';
create index customer_activity_of_customer on bank.customer_activity (customer_id, event_time);
create table bank.customer_activity_default partition of bank.customer_activity default;

create function bank.stamp_customer_activity() returns trigger
    language plpgsql as
$$
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
create trigger stamp before insert on bank.customer_activity for each row execute function bank.stamp_customer_activity();
create trigger refuse_change before update or delete on bank.customer_activity for each row execute function
    bank.refuse_statement('an event is immutable', 'Insert another activity; old ones leave with their partition.');
create trigger refuse_truncate before truncate on bank.customer_activity for each statement execute function
    bank.refuse_statement('capture does not see it', 'Drop a partition.');

-- Alerts without an account, partitions of every table, and capture ---------------------------------------------------------------

alter table alerting.alert drop constraint one_alert_per_event_and_preference;
alter table alerting.alert alter column account_id drop not null;
alter table alerting.alert add constraint one_alert_per_event_and_preference
    unique nulls not distinct (event_id, event_date, event_kind, account_id, customer_id, alert_type, preference_no);
comment on column alerting.alert.account_id is 'NULL for alerts on what the customer did.';
comment on column alerting.alert.preference_no is '0: a mandatory alert type by its own parameters and channels, without a preference.';

create or replace function alerting.add_partitions(p_from date, p_until date) returns integer
    language plpgsql as
$$
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
