-- Events: rows that are inserted once, stamped with the versions that their INSERT saw, and never changed.

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

create function bank.check_amount(p_column text, p_value bigint) returns void
    language plpgsql immutable as
$$
begin
    if p_value not between -100000000000000000 and 100000000000000000 then
        perform bank.refuse(p_column, p_value::text, 'it is beyond 10^17 minor units', 'Money is in minor units (cents).');
    end if;
end
$$;

create function bank.check_date(p_column text, p_value date) returns void
    language plpgsql immutable as
$$
begin
    -- a day inside the times that bank.check_time takes, so that it has a start in every time zone
    if p_value not between '0001-01-02' and '9999-12-30' then
        perform bank.refuse(p_column, p_value::text, 'a date must lie in the years 1 to 9999', 'Give a real date.');
    end if;
end
$$;

create function bank.check_account_entry(p_new bank.account_entry) returns void
    language plpgsql as
$$
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

create function bank.stamp_account_entry() returns trigger
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
create trigger stamp before insert on bank.account_entry for each row execute function bank.stamp_account_entry();
-- for each row: the triggers of rows are those of each partition as well
create trigger refuse_change before update or delete on bank.account_entry for each row execute function
    bank.refuse_statement('an event is immutable', 'Insert a correction that names this entry in reverses_entry_id; old entries leave with their partition.');
create trigger refuse_truncate before truncate on bank.account_entry for each statement execute function
    bank.refuse_statement('capture does not see it', 'Drop a partition.');
