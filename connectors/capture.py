"""What is captured and where it goes: the tables, their columns, their topics.

The publication (migrations/versions/0007_capture.sql) holds the same list; `connectors.health` compares the two.
"""

STATE_BY_ACCOUNT = {
    "bank.account_permission": (
        *("account_id", "customer_id", "may_see_balance", "valid_from", "valid_until", "state_version"),
    ),
    "bank.alert_preference": (
        *("account_id", "customer_id", "alert_type", "preference_no"),
        *("currency", "parameters", "channels", "enabled", "state_version"),
    ),
    # Last, here and in the initial snapshot: the account's row is the marker "everything up to this version is here".
    "bank.account": ("account_id", "state_version"),
}
CATALOGUE = {
    "bank.alert_type": ("alert_type", "event_kind", "statuses", "condition", "parameters", "uses_balance"),
    "bank.catalogue": ("only_row", "catalogue_version"),
}
EVENTS = {
    "bank.account_entry": (
        *("entry_id", "booking_date", "account_id", "amount_minor", "currency", "balance_after_minor", "status"),
        *("entry_type", "event_time", "state_version", "catalogue_version", "inserted_at"),
    ),
}
HEARTBEAT = {"alerting.capture_heartbeat": ("only_row", "beat_at")}
STATE = {**STATE_BY_ACCOUNT, **CATALOGUE}
CAPTURED = {**STATE, **EVENTS, **HEARTBEAT}
PUBLICATION = "bankalerts"
