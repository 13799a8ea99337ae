-- The reference for every alert type: what became of each event and each preference it met, from the rows alone. Slow and obviously
-- right; the engine is measured against it, auditors ask it why, and `bankalerts dry-run` asks it what would have been.
--
-- judged               one row for each event and preference: ALERTED, or the reason why not
--   judging_query      the query for one version of an alert type: candidates, checks, window, condition. No memory
--   judge              runs it for all versions of a type; where a type remembers (cool-down, re-arm, timers), event by event
-- expected_alerts      those that are ALERTED
-- explain              those of one event and customer, with authors, and what became of the messages
-- dry_run              judge, on past events, as if a type and the preferences of today had been there

create type audit.seen_place as (seen_no bigint, transaction_id bigint, seen_below bigint, inserted_at timestamptz, event_id text);
comment on type audit.seen_place is 'Where an event stands in the order in which events were judged; seen_no where that was recorded.';

create type audit.judgement as (
    event_kind         text,
    event_id           text,
    event_date         date,
    account_id         text,
    customer_id        bigint,
    alert_type         text,
    preference_no      integer,
    outcome            text,
    event_time         timestamptz,
    inserted_at        timestamptz,
    channels           text[],
    compared           jsonb,
    type_version       bigint,
    preference_version bigint,
    permission_version bigint,
    place              audit.seen_place,
    cool_down          numeric,
    rearm_margin       numeric,
    rearms             boolean,
    arms               boolean,
    cancels            boolean,
    timer_key          text,
    due_at             timestamptz
);
comment on type audit.judgement is 'One event and one preference: the outcome, the values compared, and the versions that counted.';

create function audit.seen_before(f audit.seen_place, e audit.seen_place) returns boolean
    language sql immutable as
$$
    -- Recorded events: in the order recorded. One that was not recorded: if it had committed when e was inserted. Where e itself is not
    -- recorded (no engine has judged it): in the order of insertion, after what is recorded.
    select case when e.seen_no is not null and f.seen_no is not null then f.seen_no < e.seen_no
                when e.seen_no is not null then coalesce(f.transaction_id, 0) < e.seen_below
                else f.seen_no is not null
                     or (coalesce(f.transaction_id, 0), f.inserted_at, f.event_id) < (coalesce(e.transaction_id, 0), e.inserted_at, e.event_id) end
$$;
comment on function audit.seen_before is 'Whether f was judged before e (design 4.4).';

create function audit.filled(p_template text, p_parts jsonb) returns text
    language sql immutable strict as
$$
    -- in one pass: what a part brings in is not looked at again
    select string_agg(coalesce(p_parts ->> part[1], part[2]), '' order by n)
      from regexp_matches(p_template, '\{([a-z_]+)\}|([^{]+|\{)', 'g') with ordinality t (part, n)
$$;
comment on function audit.filled is 'A text with its {names} replaced by the parts of these names.';

create view audit.event as
select 'ACCOUNT_ENTRY' as event_kind, entry_id as event_id, booking_date as event_date, account_id, null::bigint as customer_id,
       event_time, inserted_at, state_version, catalogue_version, transaction_id, seen_below from bank.account_entry
union all
select 'CARD_AUTHORISATION', authorisation_id, authorised_on, account_id, null, event_time, inserted_at, state_version, catalogue_version,
       transaction_id, seen_below from bank.card_authorisation
union all
select 'PAYMENT_ORDER', status_change_id, changed_on, account_id, null, event_time, inserted_at, state_version, catalogue_version,
       transaction_id, seen_below from bank.payment_order
union all
select 'CUSTOMER_ACTIVITY', activity_id, occurred_on, null, customer_id, event_time, inserted_at, state_version, catalogue_version,
       transaction_id, seen_below from bank.customer_activity
union all
select 'TIMER', timer_id, due_on, account_id, customer_id, event_time, inserted_at, state_version, catalogue_version,
       transaction_id, seen_below from bank.timer_event;
comment on view audit.event is 'The events of all kinds: identity, times and stamp.';

create function audit.kind_parts(p_kind text) returns jsonb
    language sql immutable as
$$
    select jsonb_build_object('kind', quote_literal(kind), 'relation', relation, 'id', id, 'day', day, 'status', status,
                              'account', case when kind = 'CUSTOMER_ACTIVITY' then 'null::text' else 'event.account_id' end)
      from (values ('ACCOUNT_ENTRY', 'bank.account_entry', 'entry_id', 'booking_date', 'event.status'),
                   ('CARD_AUTHORISATION', 'bank.card_authorisation', 'authorisation_id', 'authorised_on', 'event.outcome'),
                   ('PAYMENT_ORDER', 'bank.payment_order', 'status_change_id', 'changed_on', 'event.status'),
                   ('CUSTOMER_ACTIVITY', 'bank.customer_activity', 'activity_id', 'occurred_on', null),
                   ('TIMER', 'bank.timer_event', 'timer_id', 'due_on', null)) k (kind, relation, id, day, status)
     where kind = p_kind
$$;
comment on function audit.kind_parts is 'The table of a kind of event, and what its identity and status are called there.';

create function audit.status_query(p_kind text, p_statuses text[]) returns text
    language sql immutable as
$$
    select case when audit.kind_parts(p_kind) ->> 'status' is null or p_statuses = '{}' then 'true'
                else format('%s = any (%L::text[])', audit.kind_parts(p_kind) ->> 'status', p_statuses) end
$$;

create function audit.version_query(p_row text, p_now boolean) returns text
    language sql immutable as
$$
    select case when p_now then format('%s.until_version is null', p_row)
                else format('%1$s.from_version <= event.state_version and (%1$s.until_version is null or event.state_version < %1$s.until_version)', p_row) end
$$;
comment on function audit.version_query is 'Whether a row of a history table counts for "event": by its stamp, or as it is now.';

create function audit.candidates_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) returns text
    language plpgsql stable as
$$
declare
    c_own constant text := $query$
        select p.customer_id, p.preference_no, {currency} as currency, p.parameters, p.channels, {enabled} as enabled, p.from_version
          from {table} p
         where {same} and p.alert_type = {alert_type} and {at_p} $query$;
    c_by_default constant text := $query$
        union all
        select q.customer_id, 0, {event_currency}, '{}'::jsonb, {default_channels}::text[], true, null
          from {entitled} q
         where {at_q} and not exists (select from {table} p
               where {same} and p.customer_id = q.customer_id and p.alert_type = {alert_type} and {at_p} and {same_currency}) $query$;
    c_assumed constant text := $query$
        select q.customer_id, 1, {event_currency}, {assumed}::jsonb, {default_channels}::text[], true, null::bigint
          from {entitled} q where {at_q} $query$;
    v_activity constant boolean := p_type.event_kind = 'CUSTOMER_ACTIVITY';
    v_template text := c_own;
begin
    if p_assumed is not null then
        v_template := 'select * from (' || c_assumed || ') as a (customer_id, preference_no, currency, parameters, channels, enabled, from_version)';
    elsif p_type.mandatory then
        v_template := c_own || c_by_default;
    end if;
    if p_kind = 'TIMER' then
        -- the one preference that the timer names, whatever became of it
        v_template := format($query$
            select event.customer_id, event.preference_no, found.currency, coalesce(found.parameters, '{}') as parameters, found.channels,
                   found.enabled, found.from_version
              from (select 1) one left join (%s) found on found.customer_id = event.customer_id and found.preference_no = event.preference_no
            $query$, v_template);
    end if;
    return audit.filled(v_template, jsonb_build_object(
        'table', case when v_activity then 'audit.customer_preference_history' else 'audit.alert_preference_history' end,
        'same', case when v_activity then 'p.customer_id = event.customer_id' else 'p.account_id = event.account_id' end,
        'entitled', case when v_activity then '(select event.customer_id, event.state_version as from_version, null::bigint as until_version)'
                         else '(select * from audit.account_permission_history h where h.account_id = event.account_id)' end,
        'currency', case when v_activity then 'null::text' else 'p.currency' end,
        'event_currency', case when v_activity or p_kind = 'TIMER' then 'null::text' else 'event.currency' end,
        'same_currency', case when v_activity or p_kind = 'TIMER' then 'true' else 'p.currency = event.currency' end,
        'enabled', case when p_type.mandatory then 'true' else 'p.enabled' end,
        'alert_type', quote_literal(p_type.alert_type),
        'default_channels', quote_literal(p_type.default_channels),
        'assumed', quote_nullable(p_assumed),
        'at_p', audit.version_query('p', p_now), 'at_q', audit.version_query('q', p_now)));
end
$$;
comment on function audit.candidates_query is
    'The preferences that an event meets: those there are; a mandatory type''s defaults as number 0 where a customer has none in the event''s currency.';

create function audit.aggregate_query(p_type audit.alert_type_history, p_which text) returns text
    language sql immutable as
$$
    -- history is NULL as a whole where the event has no value of a group
    select format('case when subject.has_group then %s end', case p_type.window_aggregate
        when 'COUNT' then format('count(*) filter (where %s)::numeric', p_which)
        when 'AVERAGE' then format('div(sum(member.value) filter (where %1$s), nullif(count(member.value) filter (where %1$s), 0))', p_which)
        else format('%s(member.value) filter (where %s)', lower(p_type.window_aggregate), p_which) end)
$$;

create function audit.window_query(p_type audit.alert_type_history, p_kind text, p_now boolean) returns text
    language sql stable as
$$
    select case when p_type.window_aggregate is null then
        'select null::numeric as value, null::numeric as previous, null::numeric as last, null::numeric as since'
    else audit.filled($query$
        select {value} as value, {previous} as previous, {last} as last,
               floor(subject.seconds - max(member.seconds) filter (where member.earlier)) as since
          from (select {window_value}::numeric as value, extract(epoch from event.event_time) as seconds, event.inserted_at, event.{id} as id,
                       {is_other} as earlier
                  from {relation} event
                  left join alerting.seen_event seen on {as_seen}
                    and (seen.event_kind, seen.event_id, seen.event_date) = ({kind}, event.{id}, event.{day})
                 where subject.reason is null
                   and {same_entity} {same_group}
                   and {is_status}
                   and ({window_condition})
                   and event.event_time <= subject.event_time and event.event_time > subject.window_from
                   and (not {is_other} or audit.seen_before(
                        row(seen.seen_no, event.transaction_id, event.seen_below, event.inserted_at, event.{id})::audit.seen_place, subject.place))
               ) member $query$,
        audit.kind_parts(p_type.event_kind) || jsonb_build_object(
            'value', case when p_type.window_aggregate = 'SINCE' then 'null::numeric' else audit.aggregate_query(p_type, 'true') end,
            'previous', case when p_type.window_aggregate = 'SINCE' then 'null::numeric' else audit.aggregate_query(p_type, 'member.earlier') end,
            'last', case when p_type.window_aggregate in ('COUNT', 'SINCE') then 'null::numeric' else
                '(array_agg(member.value order by member.seconds desc, member.inserted_at desc, member.id desc) filter (where member.earlier))[1]' end,
            'window_value', coalesce('event.' || p_type.window_value, 'null'),
            'is_other', case when p_kind = 'TIMER' then 'true'
                             else audit.filled('((event.{id}, event.{day}) <> (subject.id, subject.day))', audit.kind_parts(p_kind)) end,
            'same_entity', case when p_type.event_kind = 'CUSTOMER_ACTIVITY' then 'event.customer_id = subject.customer_id'
                                else 'event.account_id = subject.account_id' end,
            'same_group', case when p_kind = 'TIMER' then '' else coalesce((
                select string_agg(format('and event.%1$I = subject.group_%2$s', g, n), ' ') from unnest(p_type.window_group) with ordinality u (g, n)), '') end,
            'is_status', audit.status_query(p_type.event_kind, p_type.statuses),
            'window_condition', coalesce(bank.condition_sql(p_type.window_condition, p_type.parameters), 'true'),
            'as_seen', case when p_now then 'false' else 'true' end))
    end
$$;
comment on function audit.window_query is 'history.value, previous, last and since of the event "subject" (design 4.4).';

create function audit.defaults_query(p_type audit.alert_type_history) returns text
    language sql stable as
$$
    select quote_literal(coalesce(jsonb_object_agg(name, rule -> 'default') filter (where rule ? 'default'), '{}')) from jsonb_each(p_type.parameters) d (name, rule)
$$;

create function audit.supposed_timers(p_type audit.alert_type_history, p_assumed jsonb) returns jsonb
    language plpgsql stable as
$$
declare
    -- what events would have armed and is due by now; seen after all events there are
    c_armed constant text := $query$
        select distinct on (j.account_id, j.customer_id, j.preference_no, j.timer_key, j.due_at) j.account_id, j.customer_id, j.preference_no, j.timer_key,
               j.due_at as event_time
          from ({arming}) j (event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no)
         where j.arms and j.timer_key is not null and j.due_at <= clock_timestamp() $query$;
    -- each time since $7 that the schedule names
    c_scheduled constant text := $query$
        select event.account_id, preference.customer_id, preference.preference_no, '' as timer_key, due.at as event_time
          from {owners} event
          join lateral ({candidates}) preference on true
          join bank.customer c on c.customer_id = preference.customer_id
         cross join lateral (
            with recursive due (at) as (
                select audit.next_due({schedule}, {defaults}::jsonb || preference.parameters, c.time_zone, $7::timestamp at time zone c.time_zone)
                union all
                select audit.next_due({schedule}, {defaults}::jsonb || preference.parameters, c.time_zone, at) from due where at <= clock_timestamp()
            )
            select at from due where at <= clock_timestamp()) due $query$;
begin
    return jsonb_build_object('relation', audit.filled($query$
        (select 'supposed-' || row_number() over (order by event_time, account_id, customer_id, preference_no, timer_key) as timer_id,
                (event_time at time zone 'UTC')::date as due_on, account_id, customer_id, {alert_type}::text as alert_type, preference_no, timer_key,
                event_time, false as starts, 'UTC' as time_zone, event_time as inserted_at, 9223372036854775807 as transaction_id, null::bigint as seen_below, 0::bigint as state_version
           from ({timers}) t) $query$,
        jsonb_build_object('alert_type', quote_literal(p_type.alert_type), 'timers', case when p_type.timer_schedule is null
            then audit.filled(c_armed, jsonb_build_object('arming', audit.judging_query(p_type, p_type.event_kind, true, p_assumed)))
            else audit.filled(c_scheduled, jsonb_build_object(
                'owners', case when p_type.event_kind = 'CUSTOMER_ACTIVITY' then '(select null::text as account_id, customer_id, 0 as state_version from bank.customer)'
                               else '(select account_id, currency, 0 as state_version from bank.account)' end,
                'candidates', audit.candidates_query(p_type, p_type.event_kind, true, p_assumed),
                'schedule', quote_literal(p_type.timer_schedule), 'defaults', audit.defaults_query(p_type))) end)));
end
$$;
comment on function audit.supposed_timers is 'Instead of bank.timer_event, for a dry run: the timers that would have rung.';

create function audit.judging_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) returns text
    language plpgsql stable as
$$
declare
    v_activity constant boolean := p_type.event_kind = 'CUSTOMER_ACTIVITY';
    v_timer constant boolean := p_kind = 'TIMER';
    v_armed constant boolean := p_type.timer_arm is not null;
    v_expressions constant text := concat_ws(' ', p_type.condition, p_type.window_condition, p_type.rearm_condition, p_type.timer_arm,
                                             p_type.timer_cancel, p_type.timer_key, 'event.' || p_type.window_value);
    v_parts jsonb;
begin
    v_parts := audit.kind_parts(p_kind) || case when v_timer and p_now then audit.supposed_timers(p_type, p_assumed) else '{}' end || jsonb_build_object(
        'alert_type', quote_literal(p_type.alert_type), 'type_version', p_type.from_version,
        'candidates', audit.candidates_query(p_type, p_kind, p_now, p_assumed),
        'window', audit.window_query(p_type, p_kind, p_now),
        'at_permission', audit.version_query('permission', p_now),
        'entity', case when v_timer then 'coalesce(event.account_id, event.customer_id::text)' when v_activity then 'event.customer_id::text' else 'event.account_id' end,
        'at_type', case when p_now then 'true' else format('event.catalogue_version >= %s and event.catalogue_version < %s',
                                                           p_type.from_version, coalesce(p_type.until_version::text, '9223372036854775807')) end,
        -- today's state may not be that of the engine's order: as inserted
        'as_seen', case when p_now then 'false' else 'true' end,
        'needs_permission', case when v_activity then 'false' else 'true' end,
        'is_status', case when v_timer then 'true' else audit.status_query(p_kind, p_type.statuses) end,
        'other_currency', case when v_activity or v_timer then 'false' else 'preference.currency <> event.currency' end,
        'uses_balance', case when p_type.uses_balance and not v_activity then 'true' else 'false' end,
        -- an expression that PostgreSQL cannot evaluate was taken out (audit.sound_query)
        'parked', case when p_type.condition is null then 'true' else 'false' end,
        'this_timer', case when v_timer then format('event.alert_type = %L and (event.account_id is null) = %L::boolean', p_type.alert_type, v_activity) else 'true' end,
        'groups', case when v_timer then '' else coalesce((
            select string_agg(format(', event.%I as group_%s', g, n), '') from unnest(p_type.window_group) with ordinality u (g, n)), '') end,
        'has_group', case when v_timer then 'true' else coalesce((
            select string_agg(format('event.%I is not null', g), ' and ') from unnest(p_type.window_group) g), 'true') end,
        'window_length', coalesce(bank.condition_sql(p_type.window_length, p_type.parameters), 'null'),
        'since_ever', case when p_type.window_length is null then 'true' else 'false' end,
        'cool_down', coalesce(case when not v_timer then bank.condition_sql(p_type.cool_down, p_type.parameters) end, 'null'),
        'rearm_margin', coalesce(case when not v_timer then bank.condition_sql(p_type.rearm_margin, p_type.parameters) end, 'null'),
        'rearms', coalesce(case when not v_timer then bank.condition_sql(p_type.rearm_condition, p_type.parameters) end, 'null'),
        'condition', coalesce(bank.condition_sql(p_type.condition, p_type.parameters), 'null::boolean'),
        'arms', case when not v_timer then 'subject.reason is null and ' || coalesce(bank.condition_sql(p_type.timer_arm, p_type.parameters), 'false')
                     when p_type.timer_schedule is not null then 'coalesce(preference.enabled, false)' else 'false' end,
        'cancels', case when v_timer then 'false' else 'subject.reason is null and ' || coalesce(bank.condition_sql(p_type.timer_cancel, p_type.parameters), 'false') end,
        'timer_key', case when v_timer then 'event.timer_key' when p_type.timer_key is null then '''''' else bank.condition_sql(p_type.timer_key, p_type.parameters) end,
        'due_at', case when not v_timer then format('case when after.seconds between 0 and 315360000 then event.event_time + make_interval(secs => after.seconds::double precision) end')
                       when p_type.timer_schedule is not null then format('audit.next_due(%L, subject.parameters, event.time_zone, event.event_time)', p_type.timer_schedule)
                       else 'null::timestamptz' end,
        'timer_after', case when v_timer then 'null' else coalesce(bank.condition_sql(p_type.timer_after, p_type.parameters), 'null') end,
        'starts', case when v_timer then 'event.starts' else 'false' end,
        'outcome', case when v_timer or not v_armed then $query$case when judged.met then 'ALERTED' when judged.met is null then 'CONDITION_UNKNOWN' else 'CONDITION_FALSE' end$query$
                        else $query$case when timer.arms then 'ARMS_TIMER' when timer.cancels then 'CANCELS_TIMER' else 'LEAVES_TIMER' end$query$ end,
        'judges', case when v_timer or not v_armed then 'true' else 'false' end,
        'defaults', audit.defaults_query(p_type),
        'default_channels', quote_literal(p_type.default_channels),
        'columns', quote_literal('{amount_minor,currency}'::text[] || p_type.window_group || array(
            select m[1] from regexp_matches(v_expressions, 'event\.([a-z_]+)', 'g') m)),
        'history', case when p_type.window_aggregate is null then 'null::jsonb' else
            $query$jsonb_build_object('value', history.value, 'previous', history.previous, 'last', history.last, 'since', history.since)$query$ end);
    return audit.filled($query$
select {kind}, event.{id}, event.{day}, {account}, preference.customer_id, {alert_type}, preference.preference_no,
       coalesce(case when {starts} then 'STARTS_SCHEDULE' end, subject.reason, {outcome}), event.event_time, event.inserted_at, coalesce(preference.channels, {default_channels}::text[]),
       jsonb_build_object('parameters', subject.parameters, 'history', {history}, 'event', (
           select coalesce(jsonb_object_agg(c, value), '{}') from jsonb_each(to_jsonb(event)) e (c, value) where c = any ({columns}::text[]))),
       {type_version}::bigint, preference.from_version, permission.from_version, subject.place,
       limits.cool_down, limits.rearm_margin, ({rearms})::boolean as rearms, timer.arms, timer.cancels, timer.key as timer_key, {due_at} as due_at
  from {relation} event
  left join alerting.seen_event seen on {as_seen} and (seen.event_kind, seen.event_id, seen.event_date) = ({kind}, event.{id}, event.{day})
  join lateral ({candidates}) preference on true
  left join audit.account_permission_history permission
    on {needs_permission} and permission.account_id = {account} and permission.customer_id = preference.customer_id and {at_permission}
 cross join lateral (select ({window_length})::numeric as window_length, ({cool_down})::numeric as cool_down, ({rearm_margin})::numeric as rearm_margin) limits
 cross join lateral (
    select event.event_time, extract(epoch from event.event_time) as seconds, {account} as account_id, preference.customer_id,
           event.{id} as id, event.{day} as day, {defaults}::jsonb || preference.parameters as parameters, {has_group} as has_group {groups},
           row(seen.seen_no, event.transaction_id, event.seen_below, event.inserted_at, event.{id})::audit.seen_place as place,
           case when limits.window_length <= 0 then event.event_time -- no member at all
                when {since_ever} or extract(epoch from event.event_time) - limits.window_length < -62200000000 then '-infinity' -- before any year 1
                else event.event_time - make_interval(secs => limits.window_length::double precision) end as window_from,
           case when preference.enabled is null then 'NO_PREFERENCE'
                when {needs_permission} and permission.from_version is null then 'NO_PERMISSION'
                when {needs_permission} and not (permission.valid_from <= event.inserted_at
                     and (permission.valid_until is null or event.inserted_at < permission.valid_until)) then 'PERMISSION_NOT_VALID'
                when not preference.enabled then 'DISABLED'
                when {other_currency} then 'OTHER_CURRENCY'
                when not ({is_status}) then 'OTHER_STATUS'
                when {uses_balance} and not permission.may_see_balance then 'MAY_NOT_SEE_BALANCE'
                when {parked} then 'TYPE_PARKED' end as reason) subject
 cross join lateral (select ({timer_after})::numeric as seconds) after
 cross join lateral (select coalesce({arms}, false) as arms, coalesce({cancels}, false) as cancels, ({timer_key})::text as key) timer
 cross join lateral ({window}) history
 cross join lateral (select case when subject.reason is null and {judges} then ({condition}) end as met) judged
 where {at_type} and {this_timer}
   and event.{day} between $1 and $2 and ($3 is null or event.{id} = $3) and ($4 is null or preference.customer_id = $4)
   and ($5 is null or {entity} = $5) and (not $6 or coalesce(subject.reason, {outcome}) = 'ALERTED' and not {starts} or limits.rearm_margin > 0 or timer.arms or timer.cancels)
$query$, v_parts);
end
$$;
comment on function audit.judging_query is
    'The query that judges events by one version of an alert type, with no memory of earlier decisions. Parameters: dates from and until, event, customer, entity, alerted only.';
