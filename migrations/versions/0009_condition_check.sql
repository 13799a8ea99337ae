-- For whoever evaluates an expression, and for whoever writes one.
create or replace function bank.condition_sql(p_condition text, p_parameters jsonb) returns text
    language plpgsql stable strict as
$$
begin
    return bank.expression_sql(p_condition, null, jsonb_build_object('column', 'expression', 'parameters', p_parameters, 'history', true,
        'columns', (select jsonb_object_agg(column_name, kind) from bank.readable_columns())));
end
$$;
comment on function bank.condition_sql is
    'An expression as PostgreSQL evaluates it, over "event", "preference" and "history"; defaults of parameters are written into it.';

create function bank.check_expression(p_column text, p_text text, p_parameters jsonb, p_event_kind text, p_what text) returns void
    language plpgsql as
$$
declare
    v_scope jsonb := jsonb_build_object(
        'column', p_column, 'history', p_what = 'CONDITION_WITH_HISTORY',
        'parameters', case when p_what in ('PREDICATE', 'TEXT') then '{}' else p_parameters end,
        'columns', coalesce((select jsonb_object_agg(column_name, kind) from bank.readable_columns(p_event_kind) where p_what <> 'INTEGER'), '{}'));
    v_kind text := case p_what when 'INTEGER' then 'integer' when 'TEXT' then 'text' else 'boolean' end;
    v_event text := case when p_event_kind = 'TIMER' or p_what = 'INTEGER' then '(select null::timestamptz as event_time)'
                         else format('(select (null::bank.%I).*)', lower(p_event_kind)) end;
    v_sql text;
begin
    if p_text is null then
        return;
    end if;
    v_sql := bank.expression_sql(p_text, v_kind, v_scope);
    begin
        execute format('select (%s) from %s event, (select null::jsonb as parameters) preference,'
            ' (select null::numeric as value, null::numeric as previous, null::numeric as last, null::numeric as since) history', v_sql, v_event);
    exception when others then
        perform bank.refuse(p_column, p_text, 'PostgreSQL cannot evaluate it: ' || sqlerrm, 'Write it in another way, and tell us: this is a mistake of ours.');
    end;
end
$$;
comment on function bank.check_expression is
    'Refuses an expression outside the subset. p_what: CONDITION (event.*, :parameters), CONDITION_WITH_HISTORY (and history.*), PREDICATE (event.* only), '
    'INTEGER (:parameters only), TEXT (event.* only). Without an expression, nothing is checked.';

create or replace function bank.check_expressions(p_type bank.alert_type) returns void
    language plpgsql as
$$
declare
    c_column constant text := 'bank.alert_type.';
    v_is_timer boolean := p_type.timer_arm is not null or p_type.timer_schedule is not null;
begin
    perform bank.check_expression(c_column || 'condition', p_type.condition, p_type.parameters, case when v_is_timer then 'TIMER' else p_type.event_kind end,
        case when p_type.window_aggregate is null then 'CONDITION' else 'CONDITION_WITH_HISTORY' end);
    perform bank.check_expression(c_column || 'window_condition', p_type.window_condition, p_type.parameters, p_type.event_kind, 'PREDICATE');
    perform bank.check_expression(c_column || 'window_length', p_type.window_length, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'cool_down', p_type.cool_down, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'rearm_margin', p_type.rearm_margin, p_type.parameters, p_type.event_kind, 'INTEGER');
    perform bank.check_expression(c_column || 'rearm_condition', p_type.rearm_condition, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_arm', p_type.timer_arm, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_cancel', p_type.timer_cancel, p_type.parameters, p_type.event_kind, 'CONDITION');
    perform bank.check_expression(c_column || 'timer_key', p_type.timer_key, p_type.parameters, p_type.event_kind, 'TEXT');
    perform bank.check_expression(c_column || 'timer_after', p_type.timer_after, p_type.parameters, p_type.event_kind, 'INTEGER');
end
$$;

drop function bank.check_condition;
drop function bank.condition_form;
