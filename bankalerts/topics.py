"""The names of the topics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topics:
    """The names of the topics under one prefix."""

    prefix: str

    @property
    def event(self) -> str:
        """Events of every kind: by account, or by customer where they have none."""
        return f"{self.prefix}.event"

    @property
    def state(self) -> str:
        """Compacted, and partitioned like the events: what accounts and customers have at each version."""
        return f"{self.prefix}.state"

    @property
    def catalogue(self) -> str:
        return f"{self.prefix}.state.catalogue"

    @property
    def heartbeat_row(self) -> str:
        """The heartbeat's table, come back through capture."""
        return f"{self.prefix}.capture.heartbeat"

    @property
    def heartbeat(self) -> str:
        """Debezium's own; where it is missing, capture stalls while its status says RUNNING."""
        return f"__debezium-heartbeat.{self.prefix}"
