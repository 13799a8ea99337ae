-- The grammar: expressions from the tightest operator to the loosest, as engine/condition_grammar.py has it.

create function bank.parse_value(p_tokens bank.expression_token[], p_at integer, p_scope jsonb) returns bank.expression_part
    language plpgsql as
$$
declare
    v_token bank.expression_token := p_tokens[p_at];
    v_place text := split_part(v_token.content, '.', 1);
    v_name text := ltrim(split_part(v_token.content, '.', case when v_token.content like ':%' then 1 else 2 end), ':');
    v_rule jsonb := p_scope -> 'parameters' -> v_name;
    v_part bank.expression_part := (null, null, p_at, 10, p_at + 1);
begin
    if v_token.content like '''%' then
        v_part.kind := 'text';
        v_part.sql := format('(%s::text collate "C")', quote_literal(replace(substr(v_token.content, 2, length(v_token.content) - 2), '''''', '''')));
    elsif v_token.content ~ '^[0-9]' then
        v_part.kind := 'integer';
        v_part.sql := v_token.content || '::numeric';
    elsif v_place = 'event' and p_scope -> 'columns' ? v_name then
        v_part.kind := p_scope -> 'columns' ->> v_name;
        v_part.sql := format(case v_part.kind when 'integer' then 'event.%I::numeric' when 'text' then '(event.%I collate "C")' else 'event.%I' end, v_name);
    elsif v_place = 'history' and (p_scope ->> 'history')::boolean and v_name in ('value', 'previous', 'last', 'since') then
        v_part.kind := 'integer';
        v_part.sql := format('history.%I', v_name);
    elsif v_token.content like ':%' and v_rule is not null then
        v_part.kind := v_rule ->> 'type';
        v_part.sql := format('bank.%s_parameter(preference.parameters, %L, %L)', v_part.kind, v_name, v_rule ->> 'default');
        v_part.sql := case v_part.kind when 'text' then format('(%s collate "C")', v_part.sql) else v_part.sql end;
    else
        perform bank.refuse_token(p_scope, v_token, 'this cannot be read here', coalesce('Readable are ' || (
            select string_agg(name, ', ' order by place, name) || '.' from (
                select 1, 'event.' || c from jsonb_object_keys(p_scope -> 'columns') c
                union all select 2, 'history.' || h from unnest('{value,previous,last,since}'::text[]) h where (p_scope ->> 'history')::boolean
                union all select 3, ':' || p from jsonb_object_keys(p_scope -> 'parameters') p) r (place, name)), 'Nothing is readable here.'));
    end if;
    return v_part;
end
$$;

create function bank.parse_list(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) returns bank.expression_part[]
    language plpgsql as
$$
declare
    v_parts bank.expression_part[] := '{}';
    v_part bank.expression_part;
    v_at integer := p_at;
begin
    loop
        v_part := bank.parse_expression(p_tokens, v_at, 1, p_depth, p_scope);
        v_at := v_part.next_token + 1;
        v_parts := v_parts || v_part;
        exit when bank.taken(p_tokens, v_part.next_token, p_scope, 'sign', ',', ')') = ')';
    end loop;
    return v_parts;
end
$$;
comment on function bank.parse_list is 'Expressions with commas between them; a closing parenthesis stands after the last one.';

create function bank.parse_call(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) returns bank.expression_part
    language plpgsql as
$$
declare
    -- kinds of the arguments; at least how many; kind of the result; SQL
    c_functions constant jsonb := '{"lower": [["text"], 1, "text", "lower(%s)"], "upper": [["text"], 1, "text", "upper(%s)"],
        "length": [["text"], 1, "integer", "length(%s)::numeric"], "left": [["text", "integer"], 2, "text", "left(%s, bank.nearby(%s))"],
        "right": [["text", "integer"], 2, "text", "right(%s, bank.nearby(%s))"], "strpos": [["text", "text"], 2, "integer", "strpos(%s, %s)::numeric"],
        "starts_with": [["text", "text"], 2, "boolean", "starts_with(%s, %s)"], "substr": [["text", "integer", "integer"], 2, "text", null],
        "trim": [["text"], 1, "text", "btrim(%s)"], "replace": [["text", "text", "text"], 3, "text", "bank.replaced(%s, %s, %s)"],
        "integer_of": [["text"], 1, "integer", "bank.integer_of(%s)"], "abs": [["integer"], 1, "integer", "abs(%s)"]}';
    v_name text := (p_tokens[p_at]).content;
    v_function jsonb := c_functions -> v_name;
    v_parts bank.expression_part[];
    v_arguments text[];
    v_next integer;
    v_kind text;
begin
    perform bank.taken(p_tokens, p_at + 1, p_scope, 'sign', '(');
    v_parts := bank.parse_list(p_tokens, p_at + 2, p_depth, p_scope);
    v_next := (v_parts[cardinality(v_parts)]).next_token + 1;
    if v_function is null and (v_name <> 'nullif' or cardinality(v_parts) = 2) then
        v_kind := bank.alike(p_tokens, p_scope, v_parts, true);
        return (format('%s(%s)', v_name, bank.listed(p_tokens, p_scope, v_parts, v_kind)), v_kind, p_at, 10, v_next)::bank.expression_part;
    elsif v_function is null or cardinality(v_parts) not between (v_function ->> 1)::integer and jsonb_array_length(v_function -> 0) then
        perform bank.refuse_token(p_scope, p_tokens[p_at],
            format('this takes %s arguments', coalesce(jsonb_array_length(v_function -> 0), 2)), 'Give as many.');
    end if;
    for v_number in 1 .. cardinality(v_parts) loop
        v_arguments := v_arguments || bank.of_kind(p_tokens, p_scope, v_parts[v_number], v_function -> 0 ->> v_number - 1);
    end loop;
    return (case v_name when 'substr' then format('bank.part_of(%s)', array_to_string(v_arguments, ', '))
                        else format(v_function ->> 3, variadic v_arguments) end, v_function ->> 2, p_at, 10, v_next)::bank.expression_part;
end
$$;

create function bank.parse_case(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) returns bank.expression_part
    language plpgsql as
$$
declare
    v_at integer := p_at + 1;
    v_is_simple boolean := (p_tokens[p_at + 1]).content <> 'when';
    v_part bank.expression_part;
    v_compared bank.expression_part; -- of CASE x WHEN: x
    v_tests bank.expression_part[] := '{}';
    v_results bank.expression_part[] := '{}';
    v_test_kind text := 'boolean';
    v_kind text;
    v_after text;
    v_sql text := 'case';
begin
    if v_is_simple then
        v_compared := bank.parse_expression(p_tokens, v_at, 1, p_depth, p_scope);
        v_at := v_compared.next_token;
    end if;
    perform bank.taken(p_tokens, v_at, p_scope, 'word', 'when');
    loop
        v_part := bank.parse_expression(p_tokens, v_at + 1, 1, p_depth, p_scope);
        if not v_is_simple then
            perform bank.of_kind(p_tokens, p_scope, v_part, 'boolean');
        end if;
        v_tests := v_tests || v_part;
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'word', 'then');
        v_part := bank.parse_expression(p_tokens, v_part.next_token + 1, 1, p_depth, p_scope);
        v_results := v_results || v_part;
        v_at := v_part.next_token;
        v_after := bank.taken(p_tokens, v_at, p_scope, 'word', 'when', 'else', 'end');
        if v_after = 'else' then
            v_part := bank.parse_expression(p_tokens, v_at + 1, 1, p_depth, p_scope);
            v_results := v_results || v_part;
            v_at := v_part.next_token;
            v_after := bank.taken(p_tokens, v_at, p_scope, 'word', 'end');
        end if;
        exit when v_after = 'end';
    end loop;
    if v_is_simple then
        v_test_kind := bank.alike(p_tokens, p_scope, v_compared || v_tests);
        v_sql := 'case ' || bank.of_kind(p_tokens, p_scope, v_compared, v_test_kind);
    end if;
    v_kind := bank.alike(p_tokens, p_scope, v_results, true);
    for v_number in 1 .. cardinality(v_results) loop
        v_sql := v_sql || case when v_number > cardinality(v_tests) then ' else '
                               else format(' when %s then ', bank.of_kind(p_tokens, p_scope, v_tests[v_number], v_test_kind)) end
                       || bank.of_kind(p_tokens, p_scope, v_results[v_number], v_kind);
    end loop;
    return (v_sql || ' end', v_kind, p_at, 10, v_at + 1)::bank.expression_part;
end
$$;

create function bank.parse_extract(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) returns bank.expression_part
    language plpgsql as
$$
declare
    v_field text;
    v_time bank.expression_part;
    v_at integer;
    v_zone text;
    v_sql text;
begin
    perform bank.taken(p_tokens, p_at + 1, p_scope, 'sign', '(');
    v_field := bank.taken(p_tokens, p_at + 2, p_scope, 'word', 'epoch', 'hour', 'minute', 'isodow', 'day', 'month', 'year');
    perform bank.taken(p_tokens, p_at + 3, p_scope, 'word', 'from');
    v_time := bank.parse_expression(p_tokens, p_at + 4, 10, p_depth, p_scope);
    v_sql := bank.of_kind(p_tokens, p_scope, v_time, 'time');
    v_at := v_time.next_token;
    if v_field = 'epoch' then
        v_sql := format('floor(extract(epoch from %s))', v_sql);
    else
        perform bank.taken(p_tokens, v_at, p_scope, 'word', 'at');
        perform bank.taken(p_tokens, v_at + 1, p_scope, 'word', 'time');
        perform bank.taken(p_tokens, v_at + 2, p_scope, 'word', 'zone');
        v_zone := bank.taken(p_tokens, v_at + 3, p_scope, 'value');
        if not exists (select from bank.time_zone where quote_literal(time_zone) = v_zone) then
            perform bank.refuse_token(p_scope, p_tokens[v_at + 3], 'this is no time zone', 'Allowed here: an IANA name such as ''Europe/Amsterdam''.');
        end if;
        v_sql := format('bank.time_part(%L, %s, %s)', v_field, v_sql, v_zone);
        v_at := v_at + 4;
    end if;
    perform bank.taken(p_tokens, v_at, p_scope, 'sign', ')');
    return (v_sql, 'integer', p_at, 10, v_at + 1)::bank.expression_part;
end
$$;

create function bank.parse_primary(p_tokens bank.expression_token[], p_at integer, p_depth integer, p_scope jsonb) returns bank.expression_part
    language plpgsql as
$$
declare
    v_token bank.expression_token := p_tokens[p_at];
    v_part bank.expression_part;
begin
    if v_token.kind = 'value' then
        return bank.parse_value(p_tokens, p_at, p_scope);
    elsif v_token.content in ('null', 'true', 'false') then
        return (v_token.content, case when v_token.content <> 'null' then 'boolean' end, p_at, 10, p_at + 1)::bank.expression_part;
    elsif v_token.content = '(' then
        v_part := bank.parse_expression(p_tokens, p_at + 1, 1, p_depth + 1, p_scope);
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'sign', ')');
        return (v_part.sql, v_part.kind, p_at, 10, v_part.next_token + 1)::bank.expression_part;
    elsif v_token.content = 'case' then
        return bank.parse_case(p_tokens, p_at, p_depth + 1, p_scope);
    elsif v_token.content = 'extract' then
        return bank.parse_extract(p_tokens, p_at, p_depth + 1, p_scope);
    elsif v_token.content = any ('{lower,upper,length,left,right,strpos,starts_with,substr,trim,replace,integer_of,abs,coalesce,nullif,greatest,least}') then
        return bank.parse_call(p_tokens, p_at, p_depth + 1, p_scope);
    end if;
    perform bank.refuse_token(p_scope, v_token, 'this cannot stand here',
        'Allowed here: a value, NULL, TRUE, FALSE, ( ), CASE, EXTRACT or a function; before it NOT or a sign.');
end
$$;

create function bank.parse_operand(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb)
    returns bank.expression_part
    language plpgsql as
$$
declare
    v_sign text := (p_tokens[p_at]).content;
    v_part bank.expression_part;
    v_name text;
begin
    if v_sign = 'not' and p_level <= 3 then
        v_part := bank.parse_expression(p_tokens, p_at + 1, 4, p_depth, p_scope);
        return (format('(not %s)', bank.of_kind(p_tokens, p_scope, v_part, 'boolean')), 'boolean', p_at, 2, v_part.next_token)::bank.expression_part;
    elsif v_sign in ('+', '-') then
        v_part := bank.parse_primary(p_tokens, p_at + 1, p_depth, p_scope);
        return (format('(%s %s)', v_sign, bank.of_kind(p_tokens, p_scope, v_part, 'integer')), 'integer', p_at, 9, v_part.next_token)::bank.expression_part;
    end if;
    v_part := bank.parse_primary(p_tokens, p_at, p_depth, p_scope);
    if (p_tokens[v_part.next_token]).content = '->>' and v_part.kind = 'json' and p_level <= 7 then
        v_name := bank.taken(p_tokens, v_part.next_token + 1, p_scope, 'value');
        if v_name !~ '^''[A-Za-z_][A-Za-z0-9_]{0,39}''$' then
            perform bank.refuse_token(p_scope, p_tokens[v_part.next_token + 1], 'this is no name of a property',
                'Allowed here: ''name'', of letters, digits and _, at most 40.');
        end if;
        return (format('(bank.property(%s, %s) collate "C")', v_part.sql, v_name), 'text', p_at, 7, v_part.next_token + 2)::bank.expression_part;
    end if;
    return v_part;
end
$$;

create function bank.parse_range(p_tokens bank.expression_token[], p_left bank.expression_part, p_depth integer, p_scope jsonb)
    returns bank.expression_part
    language plpgsql as
$$
declare
    v_not text := '';
    v_at integer := p_left.next_token;
    v_word text := (p_tokens[p_left.next_token]).content;
    v_parts bank.expression_part[];
    v_part bank.expression_part;
    v_kind text;
    v_sql text;
begin
    if v_word = 'not' then
        v_not := 'not ';
        v_at := v_at + 1;
        v_word := bank.taken(p_tokens, v_at, p_scope, 'word');
    end if;
    if v_word = 'between' then
        v_part := bank.parse_expression(p_tokens, v_at + 1, 7, p_depth, p_scope);
        perform bank.taken(p_tokens, v_part.next_token, p_scope, 'word', 'and');
        v_parts := array[p_left, v_part];
        v_part := bank.parse_expression(p_tokens, v_part.next_token + 1, 7, p_depth, p_scope);
        v_kind := bank.alike(p_tokens, p_scope, v_parts || v_part);
        v_sql := format('%s between %s and %s', bank.of_kind(p_tokens, p_scope, p_left, v_kind), bank.of_kind(p_tokens, p_scope, v_parts[2], v_kind),
                        bank.of_kind(p_tokens, p_scope, v_part, v_kind));
    elsif v_word = 'in' then
        perform bank.taken(p_tokens, v_at + 1, p_scope, 'sign', '(');
        v_parts := bank.parse_list(p_tokens, v_at + 2, p_depth + 1, p_scope);
        v_part.next_token := (v_parts[cardinality(v_parts)]).next_token + 1;
        v_kind := bank.alike(p_tokens, p_scope, p_left || v_parts);
        v_sql := format('%s in (%s)', bank.of_kind(p_tokens, p_scope, p_left, v_kind), bank.listed(p_tokens, p_scope, v_parts, v_kind));
    elsif v_word in ('like', 'ilike') then
        v_sql := bank.of_kind(p_tokens, p_scope, p_left, 'text');
        v_part := bank.parse_expression(p_tokens, v_at + 1, 7, p_depth, p_scope);
        v_sql := format(case v_word when 'like' then 'bank.is_like(%s, %s)' else 'bank.is_like(lower(%s), lower(%s))' end,
                        v_sql, bank.of_kind(p_tokens, p_scope, v_part, 'text'));
    else
        perform bank.refuse_token(p_scope, p_tokens[v_at], 'this cannot stand here', 'Allowed here: BETWEEN, IN, LIKE, ILIKE.');
    end if;
    return (format('(%s(%s))', v_not, v_sql), 'boolean', p_left.first_token, 5, v_part.next_token)::bank.expression_part;
end
$$;

create function bank.parse_operation(p_tokens bank.expression_token[], p_left bank.expression_part, p_level integer, p_depth integer, p_scope jsonb)
    returns bank.expression_part
    language plpgsql as
$$
declare
    v_sign text := (p_tokens[p_left.next_token]).content;
    v_at integer := p_left.next_token + 1;
    v_kind text := case when p_level <= 2 then 'boolean' when p_level = 7 then 'text' when p_level in (8, 9) then 'integer' end;
    v_left text;
    v_right bank.expression_part;
    v_not text := '';
begin
    if p_level = 6 then
        return bank.parse_range(p_tokens, p_left, p_depth, p_scope);
    elsif p_level = 5 then
        v_right := bank.parse_expression(p_tokens, v_at, 6, p_depth, p_scope);
        v_kind := bank.alike(p_tokens, p_scope, array[p_left, v_right]);
        return (format('(%s %s %s)', bank.of_kind(p_tokens, p_scope, p_left, v_kind), v_sign, bank.of_kind(p_tokens, p_scope, v_right, v_kind)),
                'boolean', p_left.first_token, 4, v_right.next_token)::bank.expression_part;
    elsif p_level = 4 then
        if (p_tokens[v_at]).content = 'not' then
            v_not := 'not ';
            v_at := v_at + 1;
        end if;
        v_sign := bank.taken(p_tokens, v_at, p_scope, 'word', 'null', 'true', 'false');
        v_left := case when v_sign = 'null' then p_left.sql else bank.of_kind(p_tokens, p_scope, p_left, 'boolean') end;
        return (format('(%s is %s%s)', v_left, v_not, v_sign), 'boolean', p_left.first_token, 3, v_at + 1)::bank.expression_part;
    end if;
    v_left := bank.of_kind(p_tokens, p_scope, p_left, v_kind);
    v_right := bank.parse_expression(p_tokens, v_at, p_level + 1, p_depth, p_scope);
    return (format(case v_sign when '/' then 'div(%1$s, nullif(%2$s, 0))' when '%' then 'mod(%1$s, nullif(%2$s, 0))'
                               when '||' then 'bank.joined(%1$s, %2$s)' else '(%1$s %3$s %2$s)' end,
                   v_left, bank.of_kind(p_tokens, p_scope, v_right, v_kind), v_sign),
            v_kind, p_left.first_token, p_level, v_right.next_token)::bank.expression_part;
end
$$;

create function bank.parse_expression(p_tokens bank.expression_token[], p_at integer, p_level integer, p_depth integer, p_scope jsonb)
    returns bank.expression_part
    language plpgsql as
$$
declare
    -- how tightly an operator binds, as in PostgreSQL; 3 is NOT before a part, 10 a sign before one
    c_levels constant jsonb := '{"or": 1, "and": 2, "is": 4, "<": 5, "<=": 5, "=": 5, "<>": 5, ">=": 5, ">": 5,
        "not": 6, "between": 6, "in": 6, "like": 6, "ilike": 6, "||": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9}';
    v_part bank.expression_part;
    v_token bank.expression_token;
    v_level integer;
begin
    if p_depth > 10 then
        perform bank.refuse_token(p_scope, p_tokens[p_at], 'this is more than 10 parentheses, calls and CASE deep', 'Write it flatter.');
    end if;
    v_part := bank.parse_operand(p_tokens, p_at, p_level, p_depth, p_scope);
    loop
        v_token := p_tokens[v_part.next_token];
        v_level := case when v_token.kind in ('word', 'sign') then (c_levels ->> v_token.content)::integer end;
        exit when v_level is null or v_level < p_level;
        if v_level > v_part.tightest then
            perform bank.refuse_token(p_scope, v_token, 'this cannot stand here', bank.operator_allowed());
        end if;
        v_part := bank.parse_operation(p_tokens, v_part, v_level, p_depth, p_scope);
    end loop;
    return v_part;
end
$$;
comment on function bank.parse_expression is
    'A value from token p_at on, and all operators after it that bind at least as tightly as p_level. Refuses what does not fit, with its position.';

create function bank.operator_allowed() returns text
    language sql immutable as
$$
    select 'Allowed here: an operator, AND, OR, or what ends this part; with parentheses where two operators do not go together.'
$$;

create function bank.expression_sql(p_text text, p_kind text, p_scope jsonb) returns text
    language plpgsql as
$$
declare
    v_tokens bank.expression_token[] := bank.expression_tokens(p_text, p_scope);
    v_part bank.expression_part := bank.parse_expression(v_tokens, 1, 1, 0, p_scope);
begin
    if (v_tokens[v_part.next_token]).kind <> 'end' then
        perform bank.refuse_token(p_scope, v_tokens[v_part.next_token], 'this cannot stand here', bank.operator_allowed());
    end if;
    return bank.of_kind(v_tokens, p_scope, v_part, coalesce(p_kind, v_part.kind, 'boolean'));
end
$$;
comment on function bank.expression_sql is
    'An expression of this kind (of any, without one) as SQL over "event", "preference" and "history". Refuses what is not in the subset.';
