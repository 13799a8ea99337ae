-- Timers: something did not happen, a scheduled report. A timer that is due becomes an event, like any other.
--
-- alerting.timer holds what the engine has armed. When one is due, a timekeeper inserts a row of bank.timer_event: stamped and captured
-- like an entry, in the partition of its account (or customer) behind all that was committed before it. So when the engine comes to
-- judge it, it has judged everything that came in time, however late capture is.

-- TIMER events --------------------------------------------------------------------------------------------------------------------

create table bank.timer_event (
    timer_id          text collate "C" not null,
    due_on            date not null,
    account_id        text collate "C",
    customer_id       bigint not null,
    alert_type        text collate "C" not null,
    preference_no     integer not null,
    timer_key         text collate "C" not null default '',
    event_time        timestamptz not null,
    starts            boolean not null default false,
    time_zone         text not null,
    routed_account    text not null,
    routed_customer   bigint not null,
    state_version     bigint not null,
    catalogue_version bigint not null,
    inserted_at       timestamptz not null,
    transaction_id    bigint not null,
    seen_below        bigint not null,
    primary key (timer_id, due_on)
) partition by range (due_on);
comment on table bank.timer_event is 'One timer that was due, or one schedule that starts. Written by the timekeeper and by triggers alone; insert-only.';
comment on column bank.timer_event.timer_id is 'From its identity: preference, key and due time; so it is here once, however often it is rung.';
comment on column bank.timer_event.event_time is 'When it was due; of one that starts: when the preference or its type was written.';
comment on column bank.timer_event.starts is 'Nothing was due: the engine arms the first time of the preference''s schedule.';
comment on column bank.timer_event.time_zone is 'Stamp: the customer''s time zone; the next time of a schedule is worked out in it.';
comment on column bank.timer_event.routed_account is 'Capture routes by this and routed_customer: the account, or nothing where there is none. Neither is ever NULL.';
comment on column bank.timer_event.routed_customer is 'The customer where there is no account, else 0.';
comment on column bank.timer_event.state_version is 'Stamp: the state_version of the account, or of the customer where there is none.';
create table bank.timer_event_default partition of bank.timer_event default;
create index timer_event_of_customer on bank.timer_event (customer_id, event_time);

create function bank.stamp_timer_event() returns trigger
    language plpgsql as
$$
begin
    select coalesce(a.state_version, s.state_version), s.time_zone, c.catalogue_version,
           pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      into new.state_version, new.time_zone, new.catalogue_version, new.transaction_id, new.seen_below
      from bank.catalogue c, bank.customer s left join bank.account a on a.account_id = new.account_id
     where s.customer_id = new.customer_id and (new.account_id is null or a.account_id is not null);
    if not found then
        perform bank.refuse('bank.timer_event.customer_id', new.customer_id::text, 'there is no such customer or no such account', 'Leave this table to triggers and the timekeeper.');
    end if;
    perform bank.check_time('bank.timer_event.event_time', new.event_time);
    if new.due_on is distinct from (new.event_time at time zone 'UTC')::date then
        perform bank.refuse('bank.timer_event.due_on', new.due_on::text, 'it is not the UTC date of event_time', 'Leave this table to triggers and the timekeeper.');
    end if;
    new.routed_account := coalesce(new.account_id, '');
    new.routed_customer := case when new.account_id is null then new.customer_id else 0 end;
    new.inserted_at := clock_timestamp();
    return new;
end
$$;
create trigger stamp before insert on bank.timer_event for each row execute function bank.stamp_timer_event();
create trigger refuse_change before update or delete on bank.timer_event for each row execute function
    bank.refuse_statement('an event is immutable', 'Leave it alone; old ones leave with their partition.');
create trigger refuse_truncate before truncate on bank.timer_event for each statement execute function
    bank.refuse_statement('capture does not see it', 'Drop a partition.');

-- A schedule starts with its preference, and anew when preference or type change: the engine then arms its first time. These come after
-- the triggers that raise the versions (their names do), so that the stamp has the new ones.
create function bank.start_timers() returns trigger
    language plpgsql as
$$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := (v_now at time zone 'UTC')::date;
begin
    if tg_table_name = 'alert_preference' then
        insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, n.account_id, n.customer_id, n.alert_type, n.preference_no, v_now, true
          from new_rows n join bank.alert_type t using (alert_type) where n.enabled and t.timer_schedule is not null;
    elsif tg_table_name = 'customer_preference' then
        insert into bank.timer_event (timer_id, due_on, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, n.customer_id, n.alert_type, n.preference_no, v_now, true
          from new_rows n join bank.alert_type t using (alert_type) where n.enabled and t.timer_schedule is not null;
    else
        insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time, starts)
        select gen_random_uuid()::text, v_today, p.account_id, p.customer_id, p.alert_type, p.preference_no, v_now, true
          from new_rows n join old_rows o using (alert_type)
          join (select account_id, customer_id, alert_type, preference_no, enabled from bank.alert_preference
                 union all
                select null, customer_id, alert_type, preference_no, enabled from bank.customer_preference) p using (alert_type)
         where n.timer_schedule is not null and p.enabled
           and to_jsonb(n) - '{title,category,catalogue_version}'::text[] <> to_jsonb(o) - '{title,category,catalogue_version}'::text[];
    end if;
    return null;
end
$$;
create trigger start_timers_1 after insert on bank.alert_preference referencing new table as new_rows
    for each statement execute function bank.start_timers();
create trigger start_timers_2 after update on bank.alert_preference referencing new table as new_rows
    for each statement execute function bank.start_timers();
create trigger start_timers_1 after insert on bank.customer_preference referencing new table as new_rows
    for each statement execute function bank.start_timers();
create trigger start_timers_2 after update on bank.customer_preference referencing new table as new_rows
    for each statement execute function bank.start_timers();
create trigger start_timers_2 after update on bank.alert_type referencing old table as old_rows new table as new_rows
    for each statement execute function bank.start_timers();

-- Armed timers --------------------------------------------------------------------------------------------------------------------

create table alerting.timer (
    timer_id      text collate "C" primary key,
    series_id     text collate "C" not null,
    account_id    text collate "C",
    customer_id   bigint not null,
    alert_type    text collate "C" not null,
    preference_no integer not null,
    timer_key     text collate "C" not null,
    due_at        timestamptz not null,
    state         text collate "C" not null default 'ARMED',
    reason        text,
    armed_at      timestamptz not null,
    event_kind    text collate "C" not null,
    event_id      text collate "C" not null,
    event_date    date not null,
    written_at    timestamptz not null default clock_timestamp(),
    rung_at       timestamptz,
    judged_at     timestamptz,
    constraint state_is_known check (state in ('ARMED', 'RUNG', 'FIRED', 'NOT_MET', 'CANCELLED')),
    constraint judged_when_fired_or_not_met check (state not in ('FIRED', 'NOT_MET') or judged_at is not null),
    constraint not_armed_when_judged check (state not in ('ARMED', 'RUNG') or judged_at is null)
);
comment on table alerting.timer is
    'One row per timer: ARMED, then RUNG (a row of bank.timer_event), then FIRED (an alert) or NOT_MET; or CANCELLED by a later event of its series.';
comment on column alerting.timer.series_id is 'The timers of one preference and one key.';
comment on column alerting.timer.armed_at is 'Event time of the event that armed it: event_kind, event_id, event_date. The newest, where several did.';
comment on column alerting.timer.reason is 'Why it was cancelled, or did not lead to an alert.';
create index timer_due on alerting.timer (due_at) where state = 'ARMED';
create index timer_of_series on alerting.timer (series_id, armed_at);

create table alerting.timer_cancel (
    series_id    text collate "C" not null,
    cancelled_at timestamptz not null,
    event_kind   text collate "C" not null,
    event_id     text collate "C" not null,
    event_date   date not null,
    written_at   timestamptz not null default clock_timestamp(),
    constraint cancelled_once_at_a_time primary key (series_id, cancelled_at)
);
comment on table alerting.timer_cancel is 'Event times at which a series of timers was cancelled: an event that arms it may come after the one that cancels it.';

-- Schedules in SQL, for the reference: engine/schedule.py is the same in Python ----------------------------------------------------

create function audit.schedule_part(p_schedule jsonb, p_parameters jsonb, p_name text, p_least integer, p_most integer) returns integer
    language sql stable as
$$
    select case when part::text ~ '^[0-9]{1,9}$' and part::text::integer between p_least and p_most then part::text::integer end
      from (select case jsonb_typeof(p_schedule -> p_name) when 'string' then p_parameters -> substr(p_schedule ->> p_name, 2) else p_schedule -> p_name end) t (part)
$$;
comment on function audit.schedule_part is 'A number of a schedule, written out or a parameter''s; NULL where it is missing or out of bounds.';

create function audit.wall_time(p_local timestamp, p_time_zone text) returns timestamptz
    language sql stable as
$$
    -- PostgreSQL moves a skipped time forward, as is wanted; of one that comes twice it takes the second
    select case when first < second and first at time zone p_time_zone = p_local then first else second end
      from (select p_local at time zone p_time_zone) s (second),
           lateral (select (p_local - ((second - interval '24 hours') at time zone p_time_zone - (second - interval '24 hours') at time zone 'UTC')) at time zone 'UTC') f (first)
$$;
comment on function audit.wall_time is 'When clocks of a time zone show a time: later by what is skipped where they never do, the first where they do twice.';

create function audit.next_due(p_schedule jsonb, p_parameters jsonb, p_time_zone text, p_after timestamptz) returns timestamptz
    language sql stable as
$$
    select min(due)
      from (select (p_after at time zone p_time_zone)::date) l (today),
           (select audit.schedule_part(p_schedule, p_parameters, 'hour', 0, 23),
                   audit.schedule_part('{"minute": 0}' || p_schedule, p_parameters, 'minute', 0, 59),
                   audit.schedule_part(p_schedule, p_parameters, 'weekday', 1, 7),
                   audit.schedule_part(p_schedule, p_parameters, 'day', 1, 31)) n (hour, minute, weekday, day),
           lateral (
               select today + days from generate_series(-1, 15) days
                where p_schedule ->> 'every' = 'day' or p_schedule ->> 'every' = 'week' and extract(isodow from today + days) = weekday
                union all
               select least((month + interval '1 month' - interval '1 day')::date, month::date + day - 1)
                 from generate_series(date_trunc('month', today::timestamp), today::timestamp + interval '13 months', interval '1 month') month
                where p_schedule ->> 'every' = 'month' and day is not null) d (day_due),
           lateral (select audit.wall_time(day_due + make_time(hour, minute, 0), p_time_zone)) t (due)
     where hour is not null and minute is not null and due > p_after and p_after < '9998-01-01 00:00+00'
$$;
comment on function audit.next_due is
    'The first time after p_after that a schedule (bank.alert_type.timer_schedule) names in a time zone, by a preference''s parameters, defaults included.';

alter publication bankalerts add table
    bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, timer_key, event_time, starts, time_zone,
        routed_account, routed_customer, state_version, catalogue_version, inserted_at, transaction_id, seen_below);
