-- Templates: a broken one is refused when it is written, not when the first customer should have got it.
--
-- template_names   what a template of a type may read, and of which kind that is: what the engine puts into the alert's evidence, the
--                  parameters, the account, the customer.
-- template_kind    of which kind an expression is, or what is wrong with it. Names and constants become letters (I integer, T text,
--                  C currency, B boolean, W time, D date), and forms that are known become one letter, the tightest first.
-- template_fault   what is wrong with a text: its tags, its ifs, its expressions.
--
-- notifier/render.py renders all that is accepted here; tests hold the two to each other. A version is never changed: a message that
-- was sent can be told from its version.

create function bank.template_names(p_type bank.alert_type) returns jsonb
    language sql stable as
$$
    with judged (kind, names) as (
        select case when p_type.timer_arm is not null or p_type.timer_schedule is not null then 'TIMER' else p_type.event_kind end,
               array(select m[1] from regexp_matches(lower(regexp_replace(p_type.condition, '''[^'']*''', '', 'g')), '\mevent\.([a-z_]+)', 'g') m)
    ), shown (name, kind) as (
        select 'event.' || c.column_name,
               case when c.column_name in ('currency', 'original_currency') then 'C' else upper(left(c.kind, 1)) end
          from judged j, bank.readable_columns(j.kind) c
         where c.kind in ('integer', 'text', 'boolean') and c.column_name not in ('description', 'counterparty_account', 'card_token')
           and (c.column_name = any (j.names) or c.column_name = any (p_type.window_group)
                or c.column_name in ('amount_minor', 'currency') or c.column_name = 'balance_after_minor'
                or j.kind = 'CARD_AUTHORISATION' and c.column_name in ('merchant_category', 'country', 'card_present', 'decline_reason')
                or j.kind = 'PAYMENT_ORDER' and c.column_name in ('order_id', 'status', 'disclosable_reason')
                or j.kind = 'CUSTOMER_ACTIVITY' and c.column_name = 'activity_type')
        union all
        values ('event.id', 'T'), ('event.date', 'D'), ('event.time', 'W'), ('customer.full_name', 'T')
        union all
        select 'account.' || name, kind
          from (values ('name', 'T'), ('account_id', 'T'), ('iban', 'T'), ('product', 'T'), ('currency', 'C')) a (name, kind)
         where p_type.event_kind <> 'CUSTOMER_ACTIVITY'
        union all
        select 'history.' || name, 'I' from unnest('{value,previous,last,since}'::text[]) name where p_type.window_aggregate is not null
        union all
        -- a parameter of such a name is a method where the text is rendered
        select 'parameters.' || name, upper(left(rule ->> 'type', 1)) from jsonb_each(p_type.parameters) p (name, rule)
         where name <> all ('{clear,copy,fromkeys,get,items,keys,pop,popitem,setdefault,update,values}')
    )
    select jsonb_object_agg(name, kind) from shown
$$;
comment on function bank.template_names is
    'What templates of an alert type may read -> kind: I integer, T text, C currency, B boolean, W time, D date.';

create function bank.template_kind(p_expression text, p_names jsonb, out kind text, out fault text)
    language plpgsql stable as
$$
declare
    c_token constant text := '([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(''[^''\\{}%]*''|"[^"\\{}%]*")|([0-9]{1,9})|(==|!=|<=|>=|[<>|(),~+-])';
    -- a form, and the letter that it becomes; of one and the same text the first that fits is taken, again and again
    c_forms constant text[] := array[
        ['I\|abs(?![a-z_(])', 'I'], ['I\|money\(C\)', 'T'], ['W\|when(?![a-z_(])', 'T'], ['I\|duration(?![a-z_(])', 'T'],
        ['[TC]\|(country|merchant_category|reason|upper|lower|trim)(?![a-z_(])', 'T'],
        ['I\|default\(I\)', 'I'], ['[TC]\|default\([TC]\)', 'T'],
        ['[ITCBWD]\?\^?0(?!\?)', 'B'],
        ['(^|[^a-z_])\(([ITCBWD])\)', '\1\2'],
        ['(?<![ITCBWD)])-I(?!\|)', 'I'],
        ['[ITCBWD]~[ITCBWD](?!\|)', 'T'],
        ['(?<!~)I[+-]I(?![|~])', 'I'],
        ['(?<![~+-])(I(==|!=|<=|>=|<|>)I|[TC](==|!=)[TC])(?![|~+-])', 'B'],
        ['\^[ITCBWD](?![|~+<>=!?-])', 'B'],
        ['(?<![~+<>=!^-])[ITCBWD]&[ITCBWD](?![|~+<>=!?-])', 'B'],
        ['(?<![~+<>=!^&-])[ITCBWD]/[ITCBWD](?![|~+<>=!?&-])', 'B'],
        ['(^|\()([ITWD])\[[ITCBWD]\]\2($|\))', '\1\2\3']];
    v_form text := '';
    v_before text;
    v_token text[];
begin
    for v_token in select * from regexp_matches(p_expression, c_token, 'g') loop
        v_form := v_form || case
            when v_token[2] is not null then
                case when exists (select from bank.currency where currency = substr(v_token[2], 2, length(v_token[2]) - 2)) then 'C' else 'T' end
            when v_token[3] is not null then 'I'
            when v_token[4] is not null then v_token[4]
            when v_token[1] ~ '\.' then coalesce(p_names ->> v_token[1], 'unknown')
            when v_token[1] in ('abs', 'money', 'when', 'duration', 'country', 'merchant_category', 'reason', 'default', 'upper', 'lower', 'trim') then v_token[1]
            else coalesce('{"and": "&", "or": "/", "not": "^", "if": "[", "else": "]", "is": "?", "none": "0"}'::jsonb ->> v_token[1], 'unknown')
        end;
        if v_form like '%unknown' then
            fault := format('there is no %s: a template of this type reads %s', v_token[1],
                (select string_agg(name, ', ' order by name) from jsonb_object_keys(p_names) name));
            return;
        end if;
    end loop;
    if regexp_replace(p_expression, c_token, '', 'g') !~ '^\s*$' then
        fault := format('it has signs that mean nothing here: %s', regexp_replace(p_expression, c_token, '', 'g'));
        return;
    end if;
    loop
        v_before := v_form;
        for i in 1 .. array_length(c_forms, 1) loop
            v_form := regexp_replace(v_form, c_forms[i][1], c_forms[i][2]);
            exit when v_form <> v_before;
        end loop;
        exit when v_form = v_before;
    end loop;
    if v_form ~ '^[ITCBWD]$' then
        kind := v_form;
    else
        fault := 'it cannot be read, or a filter does not fit what it is given';
    end if;
end
$$;
comment on function bank.template_kind is 'Of which kind an expression of a template is; or the fault.';

create function bank.template_fault(p_alert_type text, p_text text) returns text
    language plpgsql stable as
$$
declare
    c_tag constant text := '\{(?:\{-?([^{}%]*?)-?\}|%-?\s*([a-z]+)((?:\s[^{}%]*?)?)-?%)\}';
    v_names constant jsonb := (select bank.template_names(t) from bank.alert_type t where t.alert_type = p_alert_type);
    v_left constant text := regexp_replace(p_text, c_tag, E'\x01', 'g');
    v_open text := '';  -- one letter for each if that is open: i, or e behind its else
    v_tag text[];
    v_read record;
begin
    if v_names is null then
        return null;  -- there is no such type: the foreign key says so
    elsif p_text ~ E'\x01' then
        return 'it has a control character';
    elsif v_left ~ E'\\{[{%#\x01]' then
        return format('a tag does not end, or holds braces: %s', left(substring(v_left from E'\\{[{%#\x01].*'), 40));
    end if;
    for v_tag in select * from regexp_matches(p_text, c_tag, 'g') loop
        if v_tag[2] in ('else', 'endif') then
            if v_tag[3] ~ '\S' or v_open = '' or v_tag[2] = 'else' and right(v_open, 1) = 'e' then
                return format('{%% %s %%} has no {%% if %%}', v_tag[2]);
            end if;
            v_open := left(v_open, -1) || case v_tag[2] when 'else' then 'e' else '' end;
        elsif v_tag[2] is not null and v_tag[2] not in ('if', 'elif') then
            return format('there is no {%% %s %%}: use if, elif, else, endif', v_tag[2]);
        else
            if v_tag[2] = 'elif' and right(v_open, 1) is distinct from 'i' then
                return '{% elif %} has no {% if %}';
            end if;
            v_open := v_open || case v_tag[2] when 'if' then 'i' else '' end;
            select * into v_read from bank.template_kind(coalesce(v_tag[1], v_tag[3]), v_names);
            if v_read.fault is not null then
                return format('%s: %s', btrim(coalesce(v_tag[1], v_tag[3])), v_read.fault);
            end if;
        end if;
        if length(v_open) > 20 then
            return 'more than 20 ifs are in each other';
        end if;
    end loop;
    return case when v_open <> '' then 'an {% if %} has no {% endif %}' end;
end
$$;
comment on function bank.template_fault is 'What is wrong with a subject or body of this alert type; NULL where nothing is.';

create or replace function bank.check_message_template() returns trigger
    language plpgsql as
$$
declare
    v_column text;
    v_text text;
    v_fault text;
begin
    perform bank.check_length('bank.message_template.subject', new.subject, 200);
    perform bank.check_length('bank.message_template.body', new.body, 4000);
    perform bank.check_locale('bank.message_template.locale', new.locale);
    for v_column, v_text in values ('subject', new.subject), ('body', new.body) loop
        v_fault := bank.template_fault(new.alert_type, v_text);
        if v_fault is not null then
            perform bank.refuse('bank.message_template.' || v_column, v_text, v_fault, 'Look at it with `bankalerts preview`; docs/designing-alert-types.md says what a template may hold.');
        end if;
    end loop;
    return new;
end
$$;
create trigger refuse_change before update on bank.message_template for each row execute function
    bank.refuse_statement('a version is never changed', 'INSERT the next version, or DELETE this one.');
