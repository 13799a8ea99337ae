-- What Debezium captures: these tables and columns, nothing else. Personal data (names, addresses, IBANs, descriptions) stays here.

create publication bankalerts for table
    bank.account (account_id, state_version),
    bank.account_permission (account_id, customer_id, may_see_balance, valid_from, valid_until, state_version),
    bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels, enabled, state_version),
    bank.catalogue (only_row, catalogue_version),
    bank.alert_type (alert_type, event_kind, statuses, condition, parameters, uses_balance),
    bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, status, entry_type,
        event_time, state_version, catalogue_version, inserted_at),
    alerting.capture_heartbeat (only_row, beat_at)
    with (publish_via_partition_root = true);
