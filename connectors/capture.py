"""What is captured and where it goes: the tables, their columns, their topics.

The publication (migrations/versions/0005_capture.sql) holds the same list; `connectors.health` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Topics:
    """The names of the topics under one prefix."""

    prefix: str

    @property
    def account_state(self) -> str:
        return f"{self.prefix}.state.account"

    @property
    def catalogue(self) -> str:
        return f"{self.prefix}.state.catalogue"

    @property
    def account_entry(self) -> str:
        return f"{self.prefix}.event.account_entry"

    @property
    def heartbeat_row(self) -> str:
        """The heartbeat's table, come back through capture."""
        return f"{self.prefix}.capture.heartbeat"

    @property
    def heartbeat(self) -> str:
        """Debezium's own; where it is missing, capture stalls while its status says RUNNING."""
        return f"__debezium-heartbeat.{self.prefix}"
