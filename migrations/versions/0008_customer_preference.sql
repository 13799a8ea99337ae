-- Customers have versions as accounts have (0004): for their own preferences, those for alert types that need no account.

alter table bank.customer add column state_version bigint not null default 0;
comment on column bank.customer.state_version is
    'Raised by one for each statement that changes this customer''s own preferences; written by triggers alone.';

create table bank.customer_preference (
    customer_id   bigint not null references bank.customer,
    alert_type    text not null references bank.alert_type,
    preference_no integer not null default 1,
    parameters    jsonb not null default '{}',
    channels      text[] not null,
    enabled       boolean not null default true,
    state_version bigint not null default 0,
    primary key (customer_id, alert_type, preference_no)
);
comment on table bank.customer_preference is 'Which customer wants which alert type on their own activity: for types without an account.';
comment on column bank.customer_preference.state_version is 'The customer''s state_version that this row came in with; written by a trigger.';

create table audit.customer_preference_history (
    customer_id   bigint not null,
    alert_type    text not null,
    preference_no integer not null,
    from_version  bigint not null,
    until_version bigint,
    parameters    jsonb not null,
    channels      text[] not null,
    enabled       boolean not null,
    began_at      timestamptz not null default clock_timestamp(),
    began_by      text not null default session_user,
    ended_at      timestamptz,
    ended_by      text,
    primary key (customer_id, alert_type, preference_no, from_version)
);
comment on table audit.customer_preference_history is 'Each preference as it was at the customer''s state versions from_version up to, not including, until_version.';

drop trigger check_row on bank.customer;
create or replace function bank.check_customer() returns trigger
    language plpgsql as
$$
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
create trigger check_row before insert or update of customer_id, full_name, locale, time_zone on bank.customer
    for each row execute function bank.check_customer();

create function bank.start_customer_version() returns trigger
    language plpgsql as
$$
begin
    new.state_version := coalesce(
        (select max(greatest(from_version, until_version)) from audit.customer_preference_history where customer_id = new.customer_id), 0);
    return new;
end
$$;
create trigger start_state_version before insert on bank.customer for each row execute function bank.start_customer_version();

create function bank.guard_customer() returns trigger
    language plpgsql as
$$
begin
    if exists (select from bank.customer_preference where customer_id = old.customer_id) then
        perform bank.refuse('bank.customer.customer_id', old.customer_id::text, 'the customer has preferences',
            'DELETE those first, in a statement of their own.');
    end if;
    return old;
end
$$;
create trigger guard_customer before delete on bank.customer for each row execute function bank.guard_customer();
create trigger guard_state_version before update of state_version on bank.customer
    for each statement when (pg_trigger_depth() = 0)
    execute function bank.refuse_statement('triggers alone write state_version', 'Leave the column out of the statement.');

create function bank.check_customer_preference() returns trigger
    language plpgsql as
$$
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
create trigger check_row before insert or update on bank.customer_preference for each row execute function bank.check_customer_preference();

-- The row first and then the customer, as UPDATE and DELETE do: the other way round, two upserts would deadlock.
create function bank.lock_customer_preference() returns trigger
    language plpgsql as
$$
begin
    perform from bank.customer_preference
      where (customer_id, alert_type, preference_no) = (new.customer_id, new.alert_type, new.preference_no) for update;
    return new;
end
$$;
create trigger lock_row before insert on bank.customer_preference for each row execute function bank.lock_customer_preference();

create function bank.set_customer_version() returns trigger
    language plpgsql as
$$
begin
    select state_version + 1 into new.state_version from bank.customer where customer_id = new.customer_id for no key update;
    if not found then
        perform bank.refuse('bank.customer_preference.customer_id', new.customer_id::text, 'there is no such customer', 'Insert the customer first.');
    end if;
    return new;
end
$$;
create trigger set_state_version before insert or update on bank.customer_preference for each row execute function bank.set_customer_version();

create function bank.raise_customer_version() returns trigger
    language plpgsql as
$$
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

create function audit.record_customer_preference() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
begin
    if tg_op <> 'INSERT' then
        update audit.customer_preference_history h
           set until_version = c.state_version, ended_at = clock_timestamp(), ended_by = session_user
          from old_rows o join bank.customer c using (customer_id)
         where (h.customer_id, h.alert_type, h.preference_no) = (o.customer_id, o.alert_type, o.preference_no) and h.until_version is null;
    end if;
    if tg_op <> 'DELETE' then
        insert into audit.customer_preference_history (customer_id, alert_type, preference_no, from_version, parameters, channels, enabled)
        select customer_id, alert_type, preference_no, state_version, parameters, channels, enabled from new_rows;
    end if;
    return null;
end
$$;

create trigger raise_state_version_1 after insert on bank.customer_preference referencing new table as new_rows
    for each statement execute function bank.raise_customer_version();
create trigger raise_state_version_2 after update on bank.customer_preference referencing old table as old_rows new table as new_rows
    for each statement execute function bank.raise_customer_version();
create trigger raise_state_version_3 after delete on bank.customer_preference referencing old table as old_rows
    for each statement execute function bank.raise_customer_version();
create trigger record_history_1 after insert on bank.customer_preference referencing new table as new_rows
    for each statement execute function audit.record_customer_preference();
create trigger record_history_2 after update on bank.customer_preference referencing old table as old_rows new table as new_rows
    for each statement execute function audit.record_customer_preference();
create trigger record_history_3 after delete on bank.customer_preference referencing old table as old_rows
    for each statement execute function audit.record_customer_preference();
create trigger refuse_truncate before truncate on bank.customer for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.customer_preference for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
