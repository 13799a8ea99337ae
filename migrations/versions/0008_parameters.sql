-- Parameters may have defaults; what a preference on an account and one of a customer have in common.

create or replace function bank.check_declared(p_declared jsonb) returns void
    language plpgsql as
$$
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
$$;

create or replace function bank.check_parameters(p_column text, p_declared jsonb, p_given jsonb) returns void
    language plpgsql stable as
$$
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
$$;

create or replace function bank.check_preferences_fit(p_alert_type text, p_declared jsonb) returns void
    language plpgsql as
$$
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

-- What a preference on an account and one of a customer have in common.
create function bank.check_preference(p_table text, p_type bank.alert_type, p_preference_no integer, p_parameters jsonb, p_channels text[], p_enabled boolean)
    returns void language plpgsql stable as
$$
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

create or replace function bank.check_alert_preference() returns trigger
    language plpgsql as
$$
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
