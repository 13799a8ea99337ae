"""What is captured and where it goes: the tables, their columns, their topics.

The publication (made and altered by migrations/versions/) holds the same list; `connectors.health` compares the two.
"""

_STAMP = ("event_time", "state_version", "catalogue_version", "inserted_at", "transaction_id", "seen_below")

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
STATE_BY_CUSTOMER = {
    "bank.customer_preference": (
        *("customer_id", "alert_type", "preference_no", "parameters", "channels", "enabled", "state_version"),
    ),
    # Last as well: the customer's marker.
    "bank.customer": ("customer_id", "state_version"),
}
CATALOGUE = {
    "bank.alert_type": (
        *("alert_type", "event_kind", "statuses", "condition", "parameters", "uses_balance", "mandatory", "default_channels"),
        *("purpose", "window_aggregate", "window_value", "window_group", "window_condition", "window_length"),
        *("window_lateness", "cool_down", "rearm_margin", "rearm_condition"),
        *("timer_arm", "timer_cancel", "timer_key", "timer_after", "timer_schedule"),
    ),
    "bank.catalogue": ("only_row", "catalogue_version"),
}
EVENTS_BY_ACCOUNT = {
    "bank.account_entry": (
        *("entry_id", "booking_date", "account_id", "amount_minor", "currency", "balance_after_minor", "status"),
        *("entry_type", "original_amount_minor", "original_currency", "counterparty_account", "description", *_STAMP),
    ),
    "bank.card_authorisation": (
        *("authorisation_id", "authorised_on", "account_id", "card_token", "amount_minor", "currency"),
        *("original_amount_minor", "original_currency", "merchant_id", "merchant_category", "country", "card_present"),
        *("outcome", "decline_reason", *_STAMP),
    ),
    "bank.payment_order": (
        *("status_change_id", "changed_on", "order_id", "account_id", "status", "disclosable_reason", "amount_minor"),
        *("currency", *_STAMP),
    ),
}
EVENTS_BY_CUSTOMER = {
    "bank.customer_activity": (*("activity_id", "occurred_on", "customer_id", "activity_type", "properties", *_STAMP),),
}
EVENTS_OF_TIMERS = {
    "bank.timer_event": (
        *("timer_id", "due_on", "account_id", "customer_id", "alert_type", "preference_no", "timer_key", "starts", "time_zone"),
        *("routed_account", "routed_customer", *_STAMP),
    ),
}
HEARTBEAT = {"alerting.capture_heartbeat": ("only_row", "beat_at")}

# table -> the fields whose hashes, added up, choose its partition
PARTITIONED_BY = {
    **dict.fromkeys((*STATE_BY_ACCOUNT, *EVENTS_BY_ACCOUNT), ("account_id",)),
    **dict.fromkeys((*STATE_BY_CUSTOMER, *EVENTS_BY_CUSTOMER), ("customer_id",)),
    # of the account, or of the customer where there is none: the other of the two has the hash 0
    **dict.fromkeys(EVENTS_OF_TIMERS, ("routed_account", "routed_customer")),
}
STATE = {**STATE_BY_ACCOUNT, **STATE_BY_CUSTOMER}
EVENTS = {**EVENTS_BY_ACCOUNT, **EVENTS_BY_CUSTOMER, **EVENTS_OF_TIMERS}
SNAPSHOT = {**STATE, **CATALOGUE}
CAPTURED = {**SNAPSHOT, **EVENTS, **HEARTBEAT}
PUBLICATION = "bankalerts"
