-- The reference: what the alerts should be, from the rows alone. Slow and obviously right; the engine is measured against it.

create function audit.expected_alerts(p_from date default '-infinity', p_until date default 'infinity')
    returns table (event_kind text, event_id text, event_date date, account_id text, customer_id bigint, alert_type text, preference_no integer)
    language plpgsql stable as
$$
declare
    v_type audit.alert_type_history;
begin
    -- each version of each alert type judges the events stamped with a catalogue version it was valid for
    for v_type in select * from audit.alert_type_history h where h.event_kind = 'ACCOUNT_ENTRY' order by h.alert_type, h.from_version loop
        return query execute format($query$
            select 'ACCOUNT_ENTRY', event.entry_id, event.booking_date, event.account_id, preference.customer_id, preference.alert_type, preference.preference_no
              from bank.account_entry event
              join audit.alert_preference_history preference
                on preference.account_id = event.account_id
               and preference.from_version <= event.state_version
               and (preference.until_version is null or event.state_version < preference.until_version)
              join audit.account_permission_history permission
                on permission.account_id = event.account_id
               and permission.customer_id = preference.customer_id
               and permission.from_version <= event.state_version
               and (permission.until_version is null or event.state_version < permission.until_version)
             where event.booking_date between $1 and $2
               and $3 <= event.catalogue_version and ($4 is null or event.catalogue_version < $4)
               and event.status = any ($5)
               and preference.alert_type = $6
               and preference.enabled
               and preference.currency = event.currency
               and permission.valid_from <= event.inserted_at
               and (permission.valid_until is null or event.inserted_at < permission.valid_until)
               and (permission.may_see_balance or not $7)
               and (%s)
            $query$, bank.condition_sql(v_type.condition, v_type.parameters))
        using p_from, p_until, v_type.from_version, v_type.until_version, v_type.statuses, v_type.alert_type, v_type.uses_balance;
    end loop;
end
$$;
comment on function audit.expected_alerts is
    'The alerts that the events booked from p_from to p_until should have led to, by the state and catalogue versions stamped on them (design 4).';

create view audit.outbox_history as
select o.message_id, a.alert_id, a.event_kind, a.event_id, a.event_date, a.account_id, a.customer_id, a.alert_type, a.preference_no,
       o.channel, o.state, o.reason, a.event_time, a.inserted_at, a.committed_at, a.on_kafka_at, a.decided_at, o.written_at,
       o.claimed_at, o.handed_at, o.finished_at,
       (select count(*) from alerting.delivery_attempt d where d.message_id = o.message_id and d.event_date = o.event_date) as attempts,
       a.evidence
  from alerting.outbox o
  join alerting.alert a on a.alert_id = o.alert_id and a.event_date = o.event_date;
comment on view audit.outbox_history is 'One row per message with the alert behind it, its times, its attempts and the evidence.';
