-- What an alert type can say: for any kind of event, mandatory or not, over a window, with a cool-down and a margin to re-arm, by a timer.
--
-- bank.check_alert_type refuses what does not fit together (check_type_shape) and what no engine could evaluate (check_expressions).

alter table bank.alert_type
    add column mandatory        boolean not null default false,
    add column default_channels text[] not null default '{}',
    add column purpose          text not null default 'SERVICE',
    add column window_aggregate text,
    add column window_value     text,
    add column window_group     text[] not null default '{}',
    add column window_condition text,
    add column window_length    text,
    add column window_lateness  integer not null default 3600,
    add column cool_down        text,
    add column rearm_margin     text,
    add column rearm_condition  text,
    add column timer_arm        text,
    add column timer_cancel     text,
    add column timer_key        text,
    add column timer_after      text,
    add column timer_schedule   jsonb;
comment on column bank.alert_type.statuses is 'Which statuses (of an authorisation: outcomes) of an event are judged; {} means any.';
comment on column bank.alert_type.parameters is
    'What a preference may give: {"name": {"type": "integer" | "text" | "boolean", "minimum": ..., "maximum": ..., "default": ...}}; without a default it must.';
comment on column bank.alert_type.mandatory is 'It reaches every permitted customer, without a preference; a preference may change channels and parameters, not switch it off.';
comment on column bank.alert_type.default_channels is 'Where a mandatory type goes for customers without a preference.';
comment on column bank.alert_type.purpose is 'STATUTORY, SECURITY, SERVICE or MARKETING.';
comment on column bank.alert_type.window_aggregate is 'COUNT, SUM, MIN, MAX or AVERAGE of the events in a window, or SINCE: only how long ago the last was.';
comment on column bank.alert_type.window_value is 'The integer column of the event that is summed, compared or averaged; none for COUNT and SINCE.';
comment on column bank.alert_type.window_group is 'Up to two more columns of the event: only events with the same values share a window.';
comment on column bank.alert_type.window_condition is 'A boolean expression over event.column: which events count. NULL: all.';
comment on column bank.alert_type.window_length is 'Seconds: an integer expression over :parameter. NULL, for SINCE alone: for ever.';
comment on column bank.alert_type.window_lateness is 'Seconds that an event may come late and still find its window in the engine''s memory.';
comment on column bank.alert_type.cool_down is 'Seconds after an alert in which the preference makes no other: an integer expression over :parameter. NULL or 0: none.';
comment on column bank.alert_type.rearm_margin is 'An integer expression over :parameter: above 0, an alert disarms the preference until rearm_condition is true.';
comment on column bank.alert_type.rearm_condition is 'A boolean expression over event.column and :parameter: which event arms the preference again.';
comment on column bank.alert_type.timer_arm is 'A boolean expression over event.column and :parameter: which event starts a timer.';
comment on column bank.alert_type.timer_cancel is 'A boolean expression over event.column and :parameter: which event stops the timer.';
comment on column bank.alert_type.timer_key is 'A text expression over event.column: one timer for each key. NULL: one for the preference.';
comment on column bank.alert_type.timer_after is 'Seconds after the event that armed it: an integer expression over :parameter.';
comment on column bank.alert_type.timer_schedule is
    'Instead of arming events: {"every": "day" | "week" | "month", "hour": ..., "minute": ..., "weekday": 1 to 7, "day": 1 to 31}, numbers or ":parameter".';

alter table audit.alert_type_history
    add column mandatory        boolean not null default false,
    add column default_channels text[] not null default '{}',
    add column purpose          text not null default 'SERVICE',
    add column window_aggregate text,
    add column window_value     text,
    add column window_group     text[] not null default '{}',
    add column window_condition text,
    add column window_length    text,
    add column window_lateness  integer not null default 3600,
    add column cool_down        text,
    add column rearm_margin     text,
    add column rearm_condition  text,
    add column timer_arm        text,
    add column timer_cancel     text,
    add column timer_key        text,
    add column timer_after      text,
    add column timer_schedule   jsonb;

create or replace function audit.record_alert_type() returns trigger
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

create function bank.statuses_of(p_event_kind text) returns text[]
    language sql immutable as
$$
    select case p_event_kind
        when 'ACCOUNT_ENTRY' then '{PENDING,BOOKED}'::text[]
        when 'CARD_AUTHORISATION' then '{APPROVED,DECLINED}'
        when 'PAYMENT_ORDER' then '{RECEIVED,AWAITING_APPROVAL,ACCEPTED,EXECUTED,REJECTED,CANCELLED,RETURNED}'
        else '{}' end
$$;
comment on function bank.statuses_of is 'The statuses that an event of a kind can have.';

create function bank.type_uses_balance(p_type bank.alert_type) returns boolean
    language sql stable as
$$
    select concat_ws(' ', p_type.condition, p_type.window_value, p_type.window_group, p_type.window_condition, p_type.rearm_condition, p_type.timer_arm,
                     p_type.timer_cancel, p_type.timer_key) ~ 'balance'
        or exists (select from bank.message_template t where t.alert_type = p_type.alert_type and coalesce(t.subject, '') || t.body ~ 'balance')
$$;
comment on function bank.type_uses_balance is 'Whether an expression or a template of the type has to do with the balance (design 4.1).';

create function bank.window_columns(p_event_kind text, p_what text) returns text[]
    language sql immutable as
$$
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
comment on function bank.window_columns is 'The columns of a kind of event that a window may work on: "amounts" or "groups".';

create function bank.check_window(p_type bank.alert_type) returns void
    language plpgsql as
$$
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

create function bank.check_schedule(p_schedule jsonb, p_parameters jsonb) returns void
    language plpgsql as
$$
declare
    c_column constant text := 'bank.alert_type.timer_schedule';
    c_example constant text := 'Write {"every": "day" | "week" | "month", "hour": 0 to 23, "minute": 0 to 59}, with "weekday": 1 to 7 for weeks and "day": 1 to 31 for months; numbers, or ":name" of an integer parameter within these bounds.';
    v_every constant text := p_schedule ->> 'every';
    v_bounds jsonb := '{"hour": [0, 23], "minute": [0, 59]}';
    v_name text;
    v_value text;
    v_rule jsonb;
begin
    if jsonb_typeof(p_schedule) <> 'object' or coalesce(v_every, '') not in ('day', 'week', 'month') then
        perform bank.refuse(c_column, p_schedule::text, 'it does not say how often', c_example);
    end if;
    v_bounds := v_bounds || case v_every when 'week' then jsonb '{"weekday": [1, 7]}' when 'month' then '{"day": [1, 31]}' else '{}' end;
    for v_name in select jsonb_object_keys(v_bounds) except select jsonb_object_keys(p_schedule) loop
        perform bank.refuse(format('%s.%s', c_column, v_name), null, 'the schedule needs it', c_example);
    end loop;
    for v_name, v_value in select * from jsonb_each_text(p_schedule - 'every') loop
        v_rule := p_parameters -> substr(v_value, 2);
        if not v_bounds ? v_name then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_value, 'such a schedule has none', c_example);
        elsif v_value ~ '^[0-9]{1,2}$' then
            v_rule := jsonb_build_object('type', 'integer', 'minimum', v_value::integer, 'maximum', v_value::integer);
        elsif v_value !~ '^:' then
            v_rule := null;
        end if;
        if coalesce(v_rule ->> 'type' = 'integer' and (v_rule ->> 'minimum')::bigint >= (v_bounds -> v_name ->> 0)::bigint
                    and (v_rule ->> 'maximum')::bigint <= (v_bounds -> v_name ->> 1)::bigint, false) is false then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_value, 'it is out of bounds', c_example);
        end if;
    end loop;
end
$$;

create function bank.check_type_shape(p_type bank.alert_type) returns void
    language plpgsql as
$$
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
comment on function bank.check_type_shape is 'Refuses an alert type whose columns do not go together: mandatory, window, re-arm, timer.';

create function bank.check_expressions(p_type bank.alert_type) returns void
    language plpgsql as
$$
begin
    if p_type.event_kind = 'ACCOUNT_ENTRY' then
        perform bank.check_condition(p_type.condition, p_type.parameters);
    end if;
end
$$;
comment on function bank.check_expressions is 'Refuses an alert type with an expression that the engine cannot compile or PostgreSQL cannot evaluate.';

create or replace function bank.check_alert_type() returns trigger
    language plpgsql as
$$
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
$$;

create or replace function bank.note_template_uses_balance() returns trigger
    language plpgsql as
$$
begin
    -- a template that shows the balance makes its type one that needs may_see_balance (design 4.1); check_row works it out
    update bank.alert_type a set title = title where a.uses_balance is distinct from bank.type_uses_balance(a);
    return null;
end
$$;

create function bank.put_alert_type(
    alert_type text, event_kind text, condition text, category text, title text,
    statuses text[] default null, parameters jsonb default '{}', mandatory boolean default false, default_channels text[] default '{}',
    purpose text default 'SERVICE', window_aggregate text default null, window_value text default null, window_group text[] default '{}',
    window_condition text default null, window_length text default null, window_lateness integer default 3600, cool_down text default null,
    rearm_margin text default null, rearm_condition text default null, timer_arm text default null, timer_cancel text default null,
    timer_key text default null, timer_after text default null, timer_schedule jsonb default null)
    returns void language sql as
$$
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
$$;
comment on function bank.put_alert_type is
    'Inserts an alert type, or makes the one of this name be as given; nothing changes where nothing differs. Columns by name: put_alert_type(alert_type => ..., ...).';

-- What Debezium captures: these tables and columns, nothing else. Names, addresses and IBANs stay here.
alter publication bankalerts set table
    bank.account_permission (account_id, customer_id, may_see_balance, valid_from, valid_until, state_version),
    bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels, enabled, state_version),
    bank.customer_preference (customer_id, alert_type, preference_no, parameters, channels, enabled, state_version),
    bank.customer (customer_id, state_version),
    bank.account (account_id, state_version),
    bank.alert_type (alert_type, event_kind, statuses, condition, parameters, uses_balance, mandatory, default_channels, purpose, window_aggregate, window_value,
        window_group, window_condition, window_length, window_lateness, cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key,
        timer_after, timer_schedule),
    bank.catalogue (only_row, catalogue_version),
    bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, entry_type, original_amount_minor,
        original_currency, counterparty_account, description, event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below),
    bank.card_authorisation (authorisation_id, authorised_on, account_id, card_token, amount_minor, currency, original_amount_minor, original_currency,
        merchant_id, merchant_category, country, card_present, outcome, decline_reason, event_time, state_version, catalogue_version, inserted_at,
        transaction_id, seen_below),
    bank.payment_order (status_change_id, changed_on, order_id, account_id, status, disclosable_reason, amount_minor, currency, event_time, state_version,
        catalogue_version, inserted_at, transaction_id, seen_below),
    bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, event_time, state_version, catalogue_version, inserted_at,
        transaction_id, seen_below),
    alerting.capture_heartbeat (only_row, beat_at);
