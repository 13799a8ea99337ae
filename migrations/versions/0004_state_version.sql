-- Versions and history: which state an event was judged on (design 4.5).
--
-- A statement that changes permissions or preferences raises bank.account.state_version of each account it touches by one, in the
-- same transaction. The row lock on the account makes the order of versions the order of commits. The rows changed carry the
-- version they came in with; audit.*_history keeps every row with the versions [from_version, until_version) it was valid for.
-- An event is stamped with the version that its INSERT saw, so "the state of version v" has one meaning in memory, in the topics
-- and in these tables. In the WAL the account's row follows the changes: it is the marker "everything up to version v is here".
-- The catalogue of alert types has the same with bank.catalogue.catalogue_version.

create schema audit;

create table audit.account_permission_history (
    account_id      text not null,
    customer_id     bigint not null,
    from_version    bigint not null,
    until_version   bigint,
    role            text not null,
    may_see_balance boolean not null,
    valid_from      timestamptz not null,
    valid_until     timestamptz,
    began_at        timestamptz not null default clock_timestamp(),
    began_by        text not null default session_user,
    ended_at        timestamptz,
    ended_by        text,
    primary key (account_id, customer_id, from_version)
);
comment on table audit.account_permission_history is 'Each permission as it was at the account''s state versions from_version up to, not including, until_version.';

create table audit.alert_preference_history (
    account_id    text not null,
    customer_id   bigint not null,
    alert_type    text not null,
    preference_no integer not null,
    from_version  bigint not null,
    until_version bigint,
    currency      text not null,
    parameters    jsonb not null,
    channels      text[] not null,
    enabled       boolean not null,
    began_at      timestamptz not null default clock_timestamp(),
    began_by      text not null default session_user,
    ended_at      timestamptz,
    ended_by      text,
    primary key (account_id, customer_id, alert_type, preference_no, from_version)
);
comment on table audit.alert_preference_history is 'Each preference as it was at the account''s state versions from_version up to, not including, until_version.';

create table audit.alert_type_history (
    alert_type    text not null,
    from_version  bigint not null,
    until_version bigint,
    event_kind    text not null,
    statuses      text[] not null,
    condition     text not null,
    parameters    jsonb not null,
    category      text not null,
    title         text not null,
    uses_balance  boolean not null,
    began_at      timestamptz not null default clock_timestamp(),
    began_by      text not null default session_user,
    ended_at      timestamptz,
    ended_by      text,
    primary key (alert_type, from_version)
);
comment on table audit.alert_type_history is 'Each alert type as it was at the catalogue versions from_version up to, not including, until_version.';

-- An account that is inserted again goes on from its last version, so that no version ever means two states.
create function bank.start_state_version() returns trigger
    language plpgsql as
$$
begin
    new.state_version := coalesce(greatest(
        (select max(greatest(from_version, until_version)) from audit.account_permission_history where account_id = new.account_id),
        (select max(greatest(from_version, until_version)) from audit.alert_preference_history where account_id = new.account_id)), 0);
    return new;
end
$$;
create trigger start_state_version before insert on bank.account for each row execute function bank.start_state_version();

-- Its permissions and preferences first, in a statement of their own: with the account gone, the history could not end them.
create function bank.guard_account() returns trigger
    language plpgsql as
$$
begin
    if exists (select from bank.account_permission where account_id = old.account_id)
        or exists (select from bank.alert_preference where account_id = old.account_id) then
        perform bank.refuse('bank.account.account_id', old.account_id, 'the account has permissions or preferences',
            'DELETE those first, in a statement of their own.');
    end if;
    return old;
end
$$;
create trigger guard_account before delete on bank.account for each row execute function bank.guard_account();

create trigger guard_state_version before update of state_version on bank.account
    for each statement when (pg_trigger_depth() = 0)
    execute function bank.refuse_statement('triggers alone write state_version', 'Leave the column out of the statement.');
create trigger guard_catalogue before insert or update or delete on bank.catalogue
    for each statement when (pg_trigger_depth() = 0)
    execute function bank.refuse_statement('triggers alone write it', 'Change bank.alert_type instead.');

-- Before each row: the version it comes in with. The lock makes two writers of one account take turns.
create function bank.set_state_version() returns trigger
    language plpgsql as
$$
begin
    select state_version + 1 into new.state_version from bank.account where account_id = new.account_id for no key update;
    if not found then
        perform bank.refuse(format('%s.%s.account_id', tg_table_schema, tg_table_name), new.account_id, 'there is no such account', 'Insert the account first.');
    end if;
    return new;
end
$$;

-- An upsert takes the row first and then the account, as UPDATE and DELETE do: the other way round, the two would deadlock.
create function bank.lock_account_permission() returns trigger
    language plpgsql as
$$
begin
    perform from bank.account_permission where (account_id, customer_id) = (new.account_id, new.customer_id) for update;
    return new;
end
$$;
create trigger lock_row before insert on bank.account_permission for each row execute function bank.lock_account_permission();

create function bank.lock_alert_preference() returns trigger
    language plpgsql as
$$
begin
    perform from bank.alert_preference
      where (account_id, customer_id, alert_type, preference_no) = (new.account_id, new.customer_id, new.alert_type, new.preference_no)
        for update;
    return new;
end
$$;
create trigger lock_row before insert on bank.alert_preference for each row execute function bank.lock_alert_preference();

create trigger set_state_version before insert or update on bank.account_permission for each row execute function bank.set_state_version();
create trigger set_state_version before insert or update on bank.alert_preference for each row execute function bank.set_state_version();

-- After each statement: the accounts it touched. One statement makes one version, even where INSERT ... ON CONFLICT fires twice.
create function bank.raise_state_version() returns trigger
    language plpgsql as
$$
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

create function audit.record_account_permission() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
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

create function audit.record_alert_preference() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
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

-- Triggers of one event fire in the order of their names: raise_state_version, then record_history.
create trigger raise_state_version_1 after insert on bank.account_permission referencing new table as new_rows
    for each statement execute function bank.raise_state_version();
create trigger raise_state_version_2 after update on bank.account_permission referencing old table as old_rows new table as new_rows
    for each statement execute function bank.raise_state_version();
create trigger raise_state_version_3 after delete on bank.account_permission referencing old table as old_rows
    for each statement execute function bank.raise_state_version();
create trigger record_history_1 after insert on bank.account_permission referencing new table as new_rows
    for each statement execute function audit.record_account_permission();
create trigger record_history_2 after update on bank.account_permission referencing old table as old_rows new table as new_rows
    for each statement execute function audit.record_account_permission();
create trigger record_history_3 after delete on bank.account_permission referencing old table as old_rows
    for each statement execute function audit.record_account_permission();

create trigger raise_state_version_1 after insert on bank.alert_preference referencing new table as new_rows
    for each statement execute function bank.raise_state_version();
create trigger raise_state_version_2 after update on bank.alert_preference referencing old table as old_rows new table as new_rows
    for each statement execute function bank.raise_state_version();
create trigger raise_state_version_3 after delete on bank.alert_preference referencing old table as old_rows
    for each statement execute function bank.raise_state_version();
create trigger record_history_1 after insert on bank.alert_preference referencing new table as new_rows
    for each statement execute function audit.record_alert_preference();
create trigger record_history_2 after update on bank.alert_preference referencing old table as old_rows new table as new_rows
    for each statement execute function audit.record_alert_preference();
create trigger record_history_3 after delete on bank.alert_preference referencing old table as old_rows
    for each statement execute function audit.record_alert_preference();

-- The catalogue: bank.check_alert_type sets the row's version and holds the lock on bank.catalogue.
create function bank.raise_catalogue_version() returns trigger
    language plpgsql as
$$
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

create function audit.record_alert_type() returns trigger
    language plpgsql security definer set search_path = pg_catalog as
$$
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

create trigger raise_catalogue_version_1 after insert on bank.alert_type referencing new table as new_rows
    for each statement execute function bank.raise_catalogue_version();
create trigger raise_catalogue_version_2 after update on bank.alert_type referencing old table as old_rows new table as new_rows
    for each statement execute function bank.raise_catalogue_version();
create trigger raise_catalogue_version_3 after delete on bank.alert_type referencing old table as old_rows
    for each statement execute function bank.raise_catalogue_version();
create trigger record_history_1 after insert on bank.alert_type referencing new table as new_rows
    for each statement execute function audit.record_alert_type();
create trigger record_history_2 after update on bank.alert_type referencing old table as old_rows new table as new_rows
    for each statement execute function audit.record_alert_type();
create trigger record_history_3 after delete on bank.alert_type referencing old table as old_rows
    for each statement execute function audit.record_alert_type();
