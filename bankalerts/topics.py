"""The names of the topics."""

from __future__ import annotations

from dataclasses import dataclass


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
