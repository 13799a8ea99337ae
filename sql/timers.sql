-- Timers: what the engine arms and cancels with a batch, and what the timekeeper rings.
-- A row of alerting.timer becomes a row of bank.timer_event when it is due. No statement joins the two schemas.

-- name: read_kept
-- What is stored of timers that are due, and of their series up to then: newest arming for that time, newest arming, newest cancel.
select w.timer_id,
       (select t.armed_at from alerting.timer t where t.timer_id = w.timer_id),
       greatest((select max(t.armed_at) from alerting.timer t where t.series_id = w.series_id and t.armed_at <= w.due_at),
                (select max(e.at) from alerting.timer t, unnest(t.earlier_armed_at) e (at)
                  where t.series_id = w.series_id and t.earlier_armed_at <> '{}' and e.at <= w.due_at)),
       (select max(c.cancelled_at) from alerting.timer_cancel c where c.series_id = w.series_id and c.cancelled_at <= w.due_at)
  from unnest(:timers::text[], :series::text[], :due::timestamptz[]) w (timer_id, series_id, due_at);

-- name: arm_timers!
-- Arms timers. One that is there already is armed anew by a newer event, unless it was judged; the other times are kept beside: by
-- each of them other timers of the series were cancelled.
insert into alerting.timer as t (timer_id, series_id, account_id, customer_id, alert_type, preference_no, timer_key,
    due_at, armed_at, event_kind, event_id, event_date, earlier_armed_at)
select timer_id, series_id, account_id, customer_id, alert_type, preference_no, timer_key, due_at, armed_at, event_kind, event_id, event_date,
       earlier::timestamptz[]
  from unnest(:timers::text[], :series::text[], :accounts::text[], :customers::bigint[], :types::text[], :numbers::integer[],
    :keys::text[], :due::timestamptz[], :armed::timestamptz[], :kinds::text[], :events::text[], :dates::date[], :earlier::text[])
       a (timer_id, series_id, account_id, customer_id, alert_type, preference_no, timer_key, due_at, armed_at, event_kind, event_id, event_date, earlier)
on conflict (timer_id) do update
   set (armed_at, event_kind, event_id, event_date, state, reason, written_at, earlier_armed_at) = (
       select n.armed_at, n.event_kind, n.event_id, n.event_date, n.state, n.reason, n.written_at,
              array(select distinct at from unnest(t.earlier_armed_at || excluded.earlier_armed_at || t.armed_at || excluded.armed_at) e (at)
                     where at <> n.armed_at order by at)
         from (select excluded.armed_at, excluded.event_kind, excluded.event_id, excluded.event_date, 'ARMED', null, clock_timestamp()
                where t.judged_at is null and t.armed_at < excluded.armed_at
                union all
               select t.armed_at, t.event_kind, t.event_id, t.event_date, t.state, t.reason, t.written_at
                where t.judged_at is not null or t.armed_at >= excluded.armed_at)
              n (armed_at, event_kind, event_id, event_date, state, reason, written_at))
 where not excluded.earlier_armed_at || excluded.armed_at <@ (t.earlier_armed_at || t.armed_at);

-- name: put_cancels!
-- The times at which series were cancelled.
insert into alerting.timer_cancel (series_id, cancelled_at, event_kind, event_id, event_date)
select * from unnest(:series::text[], :cancelled::timestamptz[], :kinds::text[], :events::text[], :dates::date[])
on conflict (series_id, cancelled_at) do nothing;

-- name: cancel_superseded!
-- Of these series, the timers that a later operation before they are due has cancelled.
update alerting.timer t
   set state = 'CANCELLED', reason = case when c.cancelled_at is null then 'armed anew' else 'cancelled' end
  from alerting.timer s
  left join lateral (select x.cancelled_at from alerting.timer_cancel x
                      where x.series_id = s.series_id and x.cancelled_at between s.armed_at and s.due_at limit 1) c on true
 where t.series_id = any (:series::text[]) and t.state in ('ARMED', 'RUNG') and s.timer_id = t.timer_id
   and (c.cancelled_at is not null
        or exists (select from alerting.timer later
                    where later.series_id = s.series_id and later.armed_at > s.armed_at and later.armed_at <= s.due_at)
        or exists (select from alerting.timer later, unnest(later.earlier_armed_at) e (at)
                    where later.series_id = s.series_id and later.earlier_armed_at <> '{}' and e.at > s.armed_at and e.at <= s.due_at));

-- name: put_outcomes!
-- What became of timers that were judged.
update alerting.timer t
   set state = o.state, reason = o.reason, judged_at = clock_timestamp()
  from unnest(:timers::text[], :states::text[], :reasons::text[]) o (timer_id, state, reason)
 where t.timer_id = o.timer_id and t.judged_at is null;

-- name: read_due
-- Armed timers that are due, the oldest first.
select timer_id, account_id, customer_id, alert_type, preference_no, timer_key, due_at, (due_at at time zone 'UTC')::date
  from alerting.timer
 where state = 'ARMED' and due_at <= coalesce(:now::timestamptz, clock_timestamp())
 order by due_at limit :most;

-- name: ring!
-- Makes timers that are due events, once; not those whose customer or account is gone.
insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, timer_key, event_time)
select d.timer_id, d.due_on, d.account_id, d.customer_id, d.alert_type, d.preference_no, d.timer_key, d.due_at
  from unnest(:timers::text[], :days::date[], :accounts::text[], :customers::bigint[], :types::text[], :numbers::integer[],
       :keys::text[], :due::timestamptz[]) d (timer_id, due_on, account_id, customer_id, alert_type, preference_no, timer_key, due_at)
 where exists (select from bank.customer s where s.customer_id = d.customer_id)
   and (d.account_id is null or exists (select from bank.account a where a.account_id = d.account_id))
on conflict (timer_id, due_on) do nothing;

-- name: read_rung
-- Which of these timers are events.
select e.timer_id
  from unnest(:timers::text[], :days::date[]) d (timer_id, due_on)
  join bank.timer_event e on e.timer_id = d.timer_id and e.due_on = d.due_on;

-- name: set_rung!
-- Timers that are events now; those that are none (no customer, no account) are cancelled.
update alerting.timer t
   set state = case when r.rung then 'RUNG' else 'CANCELLED' end, rung_at = case when r.rung then clock_timestamp() end,
       reason = case when not r.rung then 'its customer or account is gone' end
  from unnest(:timers::text[], :rung::boolean[]) r (timer_id, rung)
 where t.timer_id = r.timer_id and t.state = 'ARMED';
