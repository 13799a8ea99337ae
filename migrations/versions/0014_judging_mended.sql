-- Judging mended: what a review of conditions, schedules and timers found.

-- A schedule's number in quotes was taken here, and the engine could not compile it: the type was parked.
create or replace function bank.check_schedule(p_schedule jsonb, p_parameters jsonb) returns void
    language plpgsql as
$$
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
$$;

-- What a type with a timer cannot have was taken: a cool-down or a margin was not looked at, and of a window by groups the engine found
-- no group where the reference took all of them together.
create or replace function bank.check_type_shape(p_type bank.alert_type) returns void
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

-- Says what would be of the kind that is needed.
create or replace function bank.of_kind(p_tokens bank.expression_token[], p_scope jsonb, p_part bank.expression_part, p_kind text) returns text
    language plpgsql as
$$
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

-- A customer who moves to another time zone: the next time of each schedule is armed anew, by the new clock. The preferences are found by
-- the timer events they had (each began with one), for these have an index by customer.
create function bank.restart_timers() returns trigger
    language plpgsql as
$$
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
create trigger restart_timers after update of time_zone on bank.customer for each row when (new.time_zone <> old.time_zone)
    execute function bank.restart_timers();

-- A timer that is armed again for the same due time kept the newest arming alone; by an older one another timer of its series may have
-- been cancelled, and that was forgotten: it rang, and the reference said that it does not stand.
alter table alerting.timer add column earlier_armed_at timestamptz[] not null default '{}';
comment on column alerting.timer.earlier_armed_at is 'The other event times at which it was armed for the same due time: each cancelled other timers of the series.';
create index timer_armed_again on alerting.timer (series_id) where earlier_armed_at <> '{}';
