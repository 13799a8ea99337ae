-- What the banking apps of tests/kind_races.py write while they race, beside what races.sql has.

-- name: put_type(alert_type, event_kind, condition, statuses, parameters, mandatory, default_channels, window_aggregate, window_value, window_group, window_condition, window_length, cool_down, rearm_margin, rearm_condition, timer_arm, timer_cancel, timer_key, timer_after)$
-- An alert type comes, or becomes another.
select bank.put_alert_type(
    alert_type => :alert_type, event_kind => :event_kind, condition => :condition, category => 'race', title => 'Race',
    statuses => :statuses::text[], parameters => :parameters::jsonb, mandatory => :mandatory, default_channels => :default_channels::text[],
    window_aggregate => :window_aggregate, window_value => :window_value, window_group => :window_group::text[],
    window_condition => :window_condition, window_length => :window_length, cool_down => :cool_down, rearm_margin => :rearm_margin,
    rearm_condition => :rearm_condition, timer_arm => :timer_arm, timer_cancel => :timer_cancel, timer_key => :timer_key,
    timer_after => :timer_after)::text;

-- name: add_customer_preferences(first, last, alert_types, threshold_minor, channels)!
-- For each customer one of each of these alert types.
insert into bank.customer_preference (customer_id, alert_type, parameters, channels)
select n, alert_type, jsonb_build_object('threshold_minor', :threshold_minor::bigint), :channels::text[]
  from generate_series(:first, :last) n cross join unnest(:alert_types::text[]) alert_type;

-- name: put_customer_preference(customer_id, alert_type, preference_no, channels)!
insert into bank.customer_preference (customer_id, alert_type, preference_no, channels)
values (:customer_id, :alert_type, :preference_no, :channels::text[])
    on conflict (customer_id, alert_type, preference_no) do update set (channels, enabled) = (excluded.channels, true);

-- name: remove_customer_preferences(customer_id, alert_type)!
delete from bank.customer_preference where (customer_id, alert_type) = (:customer_id, :alert_type);

-- name: switch_customer_preferences(customer_id)!
update bank.customer_preference set enabled = not enabled where customer_id = :customer_id;

-- name: add_timed_entry(event_id, day, at, account_id, amount_minor, balance_minor, status, entry_type)!
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, entry_type, occurred_at)
values (:event_id, :day, :account_id, :amount_minor, 'EUR', :balance_minor, :status, :entry_type, :at::timestamptz);

-- name: add_authorisation(event_id, day, at, account_id, amount_minor, card_token, outcome)!
insert into bank.card_authorisation (authorisation_id, authorised_on, account_id, card_token, amount_minor, currency, card_present, outcome,
    authorised_at)
values (:event_id, :day, :account_id, :card_token, :amount_minor, 'EUR', true, :outcome, :at::timestamptz);

-- name: add_order(event_id, day, at, account_id, amount_minor, order_id, status)!
insert into bank.payment_order (status_change_id, changed_on, order_id, account_id, status, amount_minor, currency, changed_at)
values (:event_id, :day, :order_id, :account_id, :status, :amount_minor, 'EUR', :at::timestamptz);

-- name: add_activity(event_id, day, at, customer_id, activity_type, properties)!
insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, occurred_at)
values (:event_id, :day, :customer_id, :activity_type, :properties::jsonb, :at::timestamptz);
