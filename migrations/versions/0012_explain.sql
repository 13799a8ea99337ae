-- On top of the judging: event by event where a type remembers, the alerts that should be, and why one event led to what it did.

create function audit.timer_stands(p_operations audit.judgement[], e audit.judgement) returns boolean
    language sql stable as
$$
    with operation as (
        select o.event_time, o.arms and o.due_at is not null as arms, o.due_at, max(o.event_time) over () as newest
          from unnest(p_operations) o where o.timer_key = e.timer_key and o.event_time <= e.event_time
    )
    select coalesce(bool_and(arms) and bool_or(due_at = e.event_time), false) from operation where event_time = newest
$$;
comment on function audit.timer_stands is
    'Whether the newest of the operations (arming, cancelling) on a timer that were seen before it was due armed it for that time, and none cancelled it.';

create function audit.entity_of(p_event_kind text, p_event_id text) returns text
    language sql stable as
$$
    select coalesce(account_id, customer_id::text) from audit.event where event_kind = p_event_kind and event_id = p_event_id limit 1
$$;
comment on function audit.entity_of is 'The account of an event, or the customer where it has none.';

create function audit.sound_query(p_type audit.alert_type_history, p_kind text, p_now boolean, p_assumed jsonb) returns text
    language plpgsql stable as
$$
declare
    v_query text;
begin
    v_query := audit.judging_query(p_type, p_kind, p_now, p_assumed);
    -- asks for no date: only whether it can be planned
    execute v_query using 'infinity'::date, '-infinity'::date, '', 0::bigint, '', true, current_date;
    return v_query;
exception when syntax_error_or_access_rule_violation or sqlstate 'BA001' then
    return audit.judging_query(jsonb_populate_record(p_type, jsonb_build_object('condition', null, 'window_aggregate', null, 'window_condition', null,
        'window_length', null, 'cool_down', null, 'rearm_margin', null, 'rearm_condition', null, 'timer_arm', null, 'timer_cancel', null,
        'timer_key', null, 'timer_after', null)), p_kind, p_now, p_assumed);
end
$$;
comment on function audit.sound_query is
    'The query for one version of an alert type; where PostgreSQL cannot evaluate its expressions one without them, by which all is TYPE_PARKED.';

create function audit.judge(p_versions audit.alert_type_history[], p_from date, p_until date, p_event_kind text, p_event_id text, p_customer bigint,
                            p_alerted_only boolean, p_now boolean, p_assumed jsonb) returns setof audit.judgement
    language plpgsql stable as
$$
declare
    v_type audit.alert_type_history;
    v_queries text[] := '{}';
    v_query text;
    v_remembers boolean;
    j audit.judgement;
    v_preference audit.judgement;
    v_alert_time timestamptz;
    v_armed boolean;
    v_stamps bigint[];
    v_operations audit.judgement[];
begin
    select bool_or(t.cool_down is not null or t.rearm_margin is not null or t.timer_arm is not null or t.timer_schedule is not null)
      into v_remembers from unnest(p_versions) t;
    -- of one event, where nothing is remembered, the version stamped on it is enough
    if p_event_id is not null and not v_remembers then
        v_stamps := array(select catalogue_version from audit.event where event_kind = p_event_kind and event_id = p_event_id);
    end if;
    foreach v_type in array p_versions loop
        continue when not exists (select from unnest(v_stamps) s where s >= v_type.from_version and (v_type.until_version is null or s < v_type.until_version))
                  and v_stamps is not null;
        continue when v_type.timer_schedule is not null and p_event_kind <> 'TIMER';
        if v_type.timer_schedule is null and (v_remembers or coalesce(p_event_kind, v_type.event_kind) = v_type.event_kind) then
            v_queries := v_queries || audit.sound_query(v_type, v_type.event_kind, p_now, p_assumed);
        end if;
        if v_type.timer_arm is not null or v_type.timer_schedule is not null then
            v_queries := v_queries || audit.sound_query(v_type, 'TIMER', p_now, p_assumed);
        end if;
    end loop;
    if not v_remembers then
        foreach v_query in array v_queries loop
            return query execute v_query using p_from, p_until, p_event_id, p_customer, null::text, p_alerted_only, p_from;
        end loop;
        return;
    elsif v_queries = '{}' then
        return;
    end if;
    -- What came before counts: all events of the account or customer, in the order in which they were judged, those that were not judged
    -- yet last. One that was judged and not recorded had nothing to remember: where it stands is no matter.
    for j in execute format($query$
        select * from (%s) j (event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no)
         order by account_id, customer_id, preference_no, (place).seen_no nulls last,
                  coalesce((place).transaction_id, 0), (place).inserted_at, (place).event_id $query$, array_to_string(v_queries, ' union all '))
        using '-infinity'::date, 'infinity'::date, null::text, p_customer,
              case when p_event_id is not null then coalesce(audit.entity_of(p_event_kind, p_event_id), '') end, p_alerted_only, p_from
    loop
        if (j.account_id, j.customer_id, j.preference_no) is distinct from (v_preference.account_id, v_preference.customer_id, v_preference.preference_no) then
            v_armed := true; v_alert_time := null; v_operations := '{}';
        end if;
        v_preference := j;
        if j.event_kind = 'TIMER' and j.outcome in ('ALERTED', 'CONDITION_FALSE', 'CONDITION_UNKNOWN') and not (p_now and v_type.timer_schedule is not null)
            and not audit.timer_stands(v_operations, j) then
            j.outcome := 'TIMER_CANCELLED';
        end if;
        if j.outcome in ('ALERTED', 'CONDITION_FALSE', 'CONDITION_UNKNOWN') and j.rearm_margin > 0 and j.rearms then
            v_armed := true;
        end if;
        if j.outcome = 'ALERTED' then
            if j.rearm_margin > 0 and not v_armed then
                j.outcome := 'DISARMED';
            elsif j.cool_down > 0 and abs(extract(epoch from j.event_time - v_alert_time)) < j.cool_down then
                j.outcome := 'COOL_DOWN';
            else
                v_armed := v_armed and coalesce(j.rearm_margin, 0) <= 0;
                if j.cool_down > 0 then
                    v_alert_time := greatest(v_alert_time, j.event_time); -- of which one NULL does not count
                end if;
            end if;
        end if;
        if j.timer_key is not null and (j.arms and j.due_at is not null or j.cancels and (not j.arms or j.due_at is null)) then
            v_operations := v_operations || j;
        end if;
        continue when p_event_kind <> j.event_kind or p_event_id <> j.event_id or j.event_date not between p_from and p_until
                   or p_alerted_only and j.outcome <> 'ALERTED' or j.outcome = 'STARTS_SCHEDULE';
        return next j;
    end loop;
end
$$;
comment on function audit.judge is
    'What one alert type, in all its versions, makes of events. p_now: of its one version, on the state of today. p_assumed: as if every permitted customer had these parameters.';

create function audit.judged(p_from date default '-infinity', p_until date default 'infinity', p_event_kind text default null, p_event_id text default null,
                             p_customer bigint default null, p_alert_type text default null, p_alerted_only boolean default false)
    returns setof audit.judgement
    language plpgsql stable as
$$
declare
    v_versions audit.alert_type_history[];
begin
    for v_versions in
        select array_agg(h order by h.from_version) from audit.alert_type_history h
         where h.alert_type = coalesce(p_alert_type, h.alert_type)
         group by h.alert_type
        having p_event_kind is null or bool_or(h.event_kind = p_event_kind or p_event_kind = 'TIMER' and coalesce(h.timer_arm, h.timer_schedule::text) is not null)
         order by h.alert_type
    loop
        return query select * from audit.judge(v_versions, p_from, p_until, p_event_kind, p_event_id, p_customer, p_alerted_only, false, null);
    end loop;
end
$$;
comment on function audit.judged is
    'One row for each event of these dates and each preference it met, by the versions and the order stamped and recorded: ALERTED, or the reason why not.';

drop function audit.expected_alerts;
create function audit.expected_alerts(p_from date default '-infinity', p_until date default 'infinity')
    returns table (event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer)
    language sql stable as
$$
    select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no
      from audit.judged(p_from, p_until, p_alerted_only => true)
$$;
comment on function audit.expected_alerts is
    'The alerts that the events of these dates should have led to, by the state and catalogue versions stamped on them (design 4).';

create function audit.explained(p_from date default '-infinity', p_until date default 'infinity', p_event_kind text default null,
                                p_event_id text default null, p_customer bigint default null)
    returns table (event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer,
                   outcome text, condition text, compared jsonb, type_version bigint, type_by text, type_at timestamptz,
                   preference_version bigint, preference_by text, preference_at timestamptz,
                   permission_version bigint, permission_by text, permission_at timestamptz, alert_id uuid, messages jsonb)
    language sql stable as
$$
    select j.event_kind, j.event_id, j.event_date, j.account_id, j.customer_id, j.alert_type, j.preference_no,
           case when j.outcome = 'ALERTED' and sent.suppressed then 'SUPPRESSED'
                when j.outcome = 'ALERTED' and a.alert_id is null and exists (
                     select from alerting.parked_type k where k.alert_type = j.alert_type and k.catalogue_version >= t.from_version
                        and (t.until_version is null or k.catalogue_version < t.until_version)) then 'TYPE_PARKED'
                else j.outcome end, t.condition, j.compared,
           j.type_version, t.began_by, t.began_at, j.preference_version, coalesce(p.began_by, c.began_by), coalesce(p.began_at, c.began_at),
           j.permission_version, q.began_by, q.began_at, a.alert_id, sent.messages
      from audit.judged(p_from, p_until, p_event_kind, p_event_id, p_customer) j
      left join audit.alert_type_history t on (t.alert_type, t.from_version) = (j.alert_type, j.type_version)
      left join audit.alert_preference_history p on (p.account_id, p.customer_id, p.alert_type, p.preference_no, p.from_version)
                                                  = (j.account_id, j.customer_id, j.alert_type, j.preference_no, j.preference_version)
      left join audit.customer_preference_history c on j.account_id is null and (c.customer_id, c.alert_type, c.preference_no, c.from_version)
                                                     = (j.customer_id, j.alert_type, j.preference_no, j.preference_version)
      left join audit.account_permission_history q on (q.account_id, q.customer_id, q.from_version) = (j.account_id, j.customer_id, j.permission_version)
      left join alerting.alert a on (a.event_id, a.event_date, a.event_kind, a.customer_id, a.alert_type, a.preference_no)
                                  = (j.event_id, j.event_date, j.event_kind, j.customer_id, j.alert_type, j.preference_no)
                                 and a.account_id is not distinct from j.account_id
     cross join lateral (
        select jsonb_object_agg(o.channel, concat_ws(': ', o.state, o.reason)) as messages, bool_and(o.state = 'SUPPRESSED') as suppressed
          from alerting.outbox o where (o.alert_id, o.event_date) = (a.alert_id, a.event_date)) sent
$$;
comment on function audit.explained is
    'Why events led to alerts or not: one row for each event and preference with the outcome, the values compared, who wrote what counted and when, the alert and its messages.';

create function audit.explain(p_event_kind text, p_event_id text, p_customer bigint default null)
    returns table (event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer, outcome text, condition text, compared jsonb,
                   type_version bigint, type_by text, type_at timestamptz, preference_version bigint, preference_by text, preference_at timestamptz,
                   permission_version bigint, permission_by text, permission_at timestamptz, alert_id uuid, messages jsonb)
    language sql stable as
$$
    select event_date, account_id, customer_id, alert_type, preference_no, outcome, condition, compared, type_version, type_by, type_at,
           preference_version, preference_by, preference_at, permission_version, permission_by, permission_at, alert_id, messages
      from audit.explained(p_event_kind => p_event_kind, p_event_id => p_event_id, p_customer => p_customer)
     order by event_date, account_id, customer_id, alert_type, preference_no
$$;
comment on function audit.explain is 'audit.explained of one event, and of one customer where given.';

create function audit.dry_run(p_type audit.alert_type_history, p_from date, p_until date, p_assumed jsonb default null, p_customer bigint default null)
    returns setof audit.judgement
    language sql stable as
$$
    select * from audit.judge(array[p_type], p_from, p_until, null, null, p_customer, true, true, p_assumed)
$$;
comment on function audit.dry_run is
    'The alerts that events of these dates would have led to, had this alert type and today''s preferences and permissions been there: for every permitted customer with p_assumed, where given.';

create function audit.run_statements(p_statements text) returns void
    language plpgsql as
$$
begin
    execute p_statements;
end
$$;
comment on function audit.run_statements is 'Runs SQL statements within the transaction: begin, commit and rollback among them are refused.';
