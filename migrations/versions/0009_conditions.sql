-- Conditions in the whole subset of docs/sql-contract.md: read token by token, checked by grammar and kind, and written anew as the SQL
-- that means the same as what the engine compiles.
--
-- expression_tokens -> parse_expression (and what it calls) -> condition_sql, for whoever evaluates; check_expression, for whoever writes.
-- engine/condition_form.py and engine/condition_grammar.py have the same rules in the same order; a test holds them to each other.

create type bank.expression_token as (kind text, content text, position integer);
comment on type bank.expression_token is 'kind: value, word, sign or end; words in small letters; positions count characters from 1.';
create type bank.expression_part as (sql text, kind text, first_token integer, tightest integer, next_token integer);
comment on type bank.expression_part is
    'A part of an expression as PostgreSQL evaluates it. kind: integer, text, boolean, time, json, null for NULL; tightest: the tightest operator that may follow.';

-- What an expression may read, and what its functions do. Each returns NULL where there is no value, and none raises an error.

create function bank.readable_columns(p_event_kind text default null) returns table (event_kind text, column_name text, kind text)
    language sql immutable as
$$
    select k.event_kind, c.column_name, c.kind
      from (values
        ('ACCOUNT_ENTRY', '{entry_id,account_id,currency,status,entry_type,original_currency,counterparty_account,description}'::text[],
                          '{amount_minor,balance_after_minor,original_amount_minor}'::text[], '{}'::text[], '{}'::text[]),
        ('CARD_AUTHORISATION', '{authorisation_id,account_id,card_token,currency,original_currency,merchant_id,merchant_category,country,outcome,decline_reason}',
                          '{amount_minor,original_amount_minor}', '{card_present}', '{}'),
        ('PAYMENT_ORDER', '{status_change_id,order_id,account_id,status,disclosable_reason,currency}', '{amount_minor}', '{}', '{}'),
        ('CUSTOMER_ACTIVITY', '{activity_id,activity_type}', '{customer_id}', '{}', '{properties}'),
        ('TIMER', '{}', '{}', '{}', '{}')) k (event_kind, texts, integers, booleans, jsons),
        lateral (select unnest(k.texts), 'text' union all select unnest(k.integers), 'integer' union all select unnest(k.booleans), 'boolean'
                 union all select unnest(k.jsons), 'json' union all select 'event_time', 'time') c (column_name, kind)
     where k.event_kind = p_event_kind or p_event_kind is null
$$;
comment on function bank.readable_columns is 'What an expression may read of an event of this kind (of each kind, without one), and of which kind that is.';

create function bank.integer_parameter(p_given jsonb, p_name text, p_default numeric) returns numeric
    language sql immutable as
$$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'number' and p_given ->> p_name ~ '^-?[0-9]{1,18}$' then (p_given ->> p_name)::numeric end
$$;
create function bank.boolean_parameter(p_given jsonb, p_name text, p_default boolean) returns boolean
    language sql immutable as
$$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'boolean' then (p_given ->> p_name)::boolean end
$$;
create function bank.text_parameter(p_given jsonb, p_name text, p_default text) returns text
    language sql immutable as
$$
    select case when (p_given ? p_name) is not true then p_default
                when jsonb_typeof(p_given -> p_name) = 'string' then p_given ->> p_name end
$$;

create function bank.property(p_properties jsonb, p_name text) returns text
    language sql immutable as
$$
    select case jsonb_typeof(p_properties -> p_name)
             when 'string' then p_properties ->> p_name
             when 'boolean' then p_properties ->> p_name
             when 'number' then substring(p_properties ->> p_name from '^-?[0-9]{1,18}$') end
$$;
comment on function bank.property is 'A property as text: of a text, a whole number of at most 18 digits or a boolean; else NULL.';

create function bank.integer_of(p_text text) returns numeric
    language sql immutable as
$$
    select case when p_text ~ '^-?[0-9]{1,18}$' then p_text::numeric end
$$;

create function bank.joined(p_text text, p_more text) returns text
    language sql immutable as
$$
    select case when length(p_text) + length(p_more) <= 2000 then p_text || p_more end
$$;

create function bank.replaced(p_text text, p_old text, p_new text) returns text
    language sql immutable as
$$
    select case when length(p_text)::bigint + (length(p_text) - length(replace(p_text, p_old, '')))::bigint / greatest(length(p_old), 1)
                     * (length(p_new) - length(p_old)) <= 2000 then replace(p_text, p_old, p_new) end
$$;

create function bank.is_like(p_text text, p_pattern text) returns boolean
    language sql immutable as
$$
    select case when length(p_pattern) <= 100 and p_pattern ~ '^(?:[^\\]|\\.)*$' then p_text like p_pattern end
$$;
comment on function bank.is_like is 'LIKE; NULL for a pattern longer than 100 characters, or one that ends in a lone backslash.';

create function bank.nearby(p_number numeric) returns integer
    language sql immutable as
$$
    select case when p_number is not null then greatest(least(p_number, 100000), -100000)::integer end
$$;
comment on function bank.nearby is 'The number, or one that is as far beyond the end of every text.';

create function bank.part_of(p_text text, p_from numeric, p_length numeric default 200000) returns text
    language sql immutable as
$$
    select case when p_length >= 0 then substr(p_text, bank.nearby(p_from), least(p_length, 200000)::integer) end
$$;

create function bank.time_part(p_part text, p_time timestamptz, p_time_zone text) returns numeric
    language sql immutable as
$$
    select case when p_time at time zone p_time_zone >= '0001-01-01' and p_time at time zone p_time_zone < '10000-01-01'
                then date_part(p_part, p_time at time zone p_time_zone)::numeric end
$$;
comment on function bank.time_part is 'hour, minute, isodow, day, month or year in this time zone; NULL outside the years 1 to 9999.';

-- Reading

create function bank.refuse_token(p_scope jsonb, p_token bank.expression_token, p_reason text, p_allowed text) returns void
    language plpgsql as
$$
begin
    perform bank.refuse(p_scope ->> 'column', coalesce(nullif(p_token.content, ''), 'the end'),
                        format('position %s: %s', p_token.position, p_reason), p_allowed);
end
$$;

create function bank.expression_tokens(p_text text, p_scope jsonb) returns bank.expression_token[]
    language plpgsql as
$$
declare
    c_words constant text[] := '{and,or,not,in,between,is,like,ilike,"null",true,false,case,when,then,else,end,extract,from,at,time,zone,'
        'epoch,hour,minute,isodow,day,month,year,lower,upper,length,left,right,strpos,starts_with,substr,trim,replace,integer_of,abs,'
        'coalesce,nullif,greatest,least}';
    c_allowed constant text := 'Allowed are event.column, history.value, :parameter, whole numbers, ''text'', + - * / % || ->> < <= = <> >= >, '
        'parentheses, commas, AND, OR, NOT, IN, BETWEEN, IS, LIKE, ILIKE, NULL, TRUE, FALSE, CASE, WHEN, THEN, ELSE, END, EXTRACT, lower, upper, '
        'length, left, right, strpos, starts_with, substr, trim, replace, integer_of, abs, coalesce, nullif, greatest, least.';
    v_found text[];
    v_token bank.expression_token := ('', '', 1);
    v_tokens bank.expression_token[] := '{}';
    v_searches integer := 0;
begin
    if length(p_text) > 1000 then
        perform bank.refuse_token(p_scope, ('end', '', 1001)::bank.expression_token, 'it is longer than 1000 characters', 'Shorten it.');
    end if;
    for v_found in select regexp_matches(p_text,
        '(''(?:[^'']|'''')*''|[0-9]+|(?:event|history)\.[a-z_]+|:[a-z][a-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*)|([ \t\n\r\f\v]+)'
        '|(->>|\|\||<=|>=|<>|(?!--|/\*)[-+*/%<>=(),])|(--|/\*|.)', 'g') loop
        v_token.kind := case when v_found[1] is not null then 'value' when v_found[2] is not null then 'word'
                             when v_found[3] is not null then 'space' when v_found[4] is not null then 'sign' else 'other' end;
        v_token.content := coalesce(v_found[1], lower(v_found[2] collate "C"), v_found[3], v_found[4], v_found[5]);
        if v_token.kind <> 'space' then
            if v_token.kind = 'other' or v_token.kind = 'word' and v_token.content <> all (c_words) then
                perform bank.refuse_token(p_scope, v_token, 'a condition cannot contain this', c_allowed);
            end if;
            v_searches := v_searches + (v_token.content in ('like', 'ilike', 'strpos', 'replace'))::integer;
            if v_searches > 10 then
                perform bank.refuse_token(p_scope, v_token, 'this is more than 10 of LIKE, ILIKE, strpos and replace', 'Use fewer.');
            elsif cardinality(v_tokens) = 200 then
                perform bank.refuse_token(p_scope, v_token, 'it has more than 200 words and signs', 'Shorten it.');
            end if;
            v_tokens := v_tokens || v_token;
        end if;
        v_token.position := v_token.position + length(v_token.content);
    end loop;
    return v_tokens || ('end', '', v_token.position)::bank.expression_token;
end
$$;
comment on function bank.expression_tokens is 'Words, signs and values of an expression, then an end. Refuses other things, and too many.';

create function bank.taken(p_tokens bank.expression_token[], p_at integer, p_scope jsonb, p_kind text, variadic p_contents text[] default '{}') returns text
    language plpgsql as
$$
declare
    v_token bank.expression_token := p_tokens[p_at];
begin
    if v_token.kind <> p_kind or p_contents <> '{}' and v_token.content <> all (p_contents) then
        perform bank.refuse_token(p_scope, v_token, 'this cannot stand here', format('Allowed here: %s.', case
            when p_contents <> '{}' then (select string_agg(upper(c), ', ' order by n) from unnest(p_contents) with ordinality t (c, n))
            when p_kind = 'value' then 'a value' else 'BETWEEN, IN, LIKE, ILIKE' end));
    end if;
    return v_token.content;
end
$$;
comment on function bank.taken is 'The token at this place, which must be of this kind, and one of these where some are given.';

create function bank.of_kind(p_tokens bank.expression_token[], p_scope jsonb, p_part bank.expression_part, p_kind text) returns text
    language plpgsql as
$$
begin
    if p_part.kind <> p_kind then
        perform bank.refuse_token(p_scope, p_tokens[p_part.first_token], format('%s is needed, and %s begins here', p_kind, p_part.kind), 'Change it.');
    end if;
    return case when p_part.kind is null then 'null::' || case p_kind when 'integer' then 'numeric' else p_kind end else p_part.sql end;
end
$$;
comment on function bank.of_kind is 'SQL for a part that must be of this kind; NULL is of any.';

create function bank.alike(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_known boolean default false) returns text
    language plpgsql as
$$
declare
    v_kind text;
    v_part bank.expression_part;
begin
    select kind into v_kind from unnest(p_parts) with ordinality where kind is not null order by ordinality limit 1;
    foreach v_part in array p_parts loop
        if v_part.kind in ('time', 'json') then
            perform bank.refuse_token(p_scope, p_tokens[v_part.first_token], format('%s begins here, it does not compare', v_part.kind),
                'Allowed here: integer, text, boolean.');
        elsif v_part.kind <> v_kind then
            perform bank.refuse_token(p_scope, p_tokens[v_part.first_token], format('%s is needed, and %s begins here', v_kind, v_part.kind),
                'Compare like with like.');
        end if;
    end loop;
    if p_known and v_kind is null then
        perform bank.refuse_token(p_scope, p_tokens[(p_parts[1]).first_token], 'all of these are NULL', 'Allowed here: at least one value.');
    end if;
    return coalesce(v_kind, 'text');
end
$$;
comment on function bank.alike is 'The kind that all parts have. p_known: at least one must not be NULL.';

create function bank.listed(p_tokens bank.expression_token[], p_scope jsonb, p_parts bank.expression_part[], p_kind text) returns text
    language plpgsql as
$$
begin
    return (select string_agg(bank.of_kind(p_tokens, p_scope, p_parts[n], p_kind), ', ' order by n) from generate_subscripts(p_parts, 1) n);
end
$$;
comment on function bank.listed is 'SQL for parts of one kind, with commas between.';
