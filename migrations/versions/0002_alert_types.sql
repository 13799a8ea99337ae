-- Alert types, the templates of their messages, and preferences: which customer wants which alert type on which account.
--
-- A condition is refused unless the engine can compile it and PostgreSQL can evaluate it to the same (design 4.3): by its words and
-- signs, by its form, and by its types.

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
) with (toast_tuple_target = 8160); -- nothing is kept apart in TOAST: capture sends no unchanged value from there
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
$$;
comment on function bank.condition_sql is 'A condition as PostgreSQL evaluates it, over "event" and "preference".';

create function bank.condition_form(p_condition text, p_parameters jsonb) returns text
    language plpgsql as
$$
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
comment on function bank.condition_form is
    'A condition with one letter for each word and sign: x value, k NULL, TRUE or FALSE, + plus or minus, = any comparison, A AND, O OR, '
    'N NOT, I IN, S IS, B BETWEEN. Refuses other words and signs: what is left can reach no table and no function.';

create function bank.check_condition(p_condition text, p_parameters jsonb) returns void
    language plpgsql as
$$
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
$$;

create function bank.check_declared(p_declared jsonb) returns void
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
        elsif v_rule - '{type,minimum,maximum}'::text[] <> '{}' or v_rule ->> 'type' <> 'integer' and v_rule - 'type' <> '{}' then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'it says more than a type, or the bounds of an integer', c_example);
        elsif exists (select from jsonb_each(v_rule - 'type') b where b.value::text !~ '^-?[0-9]{1,18}$') then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its bounds are not whole numbers', c_example);
        elsif (v_rule ->> 'minimum')::bigint > (v_rule ->> 'maximum')::bigint then
            perform bank.refuse(format('%s.%s', c_column, v_name), v_rule::text, 'its minimum is above its maximum', c_example);
        end if;
    end loop;
end
$$;

create function bank.check_alert_type() returns trigger
    language plpgsql as
$$
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
$$;

create function bank.check_preferences_fit(p_alert_type text, p_declared jsonb) returns void
    language plpgsql as
$$
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
    perform bank.check_locale('bank.message_template.locale', new.locale);
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

-- TRUNCATE is refused on every captured table: capture does not see it.
create trigger refuse_truncate before truncate on bank.alert_preference for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.alert_type for each statement execute function bank.refuse_statement('capture does not see it', 'DELETE the rows.');
create trigger refuse_truncate before truncate on bank.catalogue for each statement execute function bank.refuse_statement('capture does not see it', 'Leave it alone.');
