"""How many alerts and messages there are, for a person to watch and to read at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bankalerts.database import Connection
from sql import queries

_report = queries("report", "psycopg")


@dataclass(frozen=True)
class Figures:
    """Alerts by alert type, and messages by channel and state."""

    alerts: dict[str, int]
    messages: dict[tuple[str, str], int]

    def in_state(self, state: str) -> int:
        """Messages of all channels in this state."""
        return sum(count for (_, found), count in self.messages.items() if found == state)


def read_figures(connection: Connection, since: datetime) -> Figures:
    """The figures for events inserted from `since` (aware) on."""
    return Figures(
        alerts=dict(_report.count_alerts(connection, since=since)),
        messages={(channel, state): count for channel, state, count in _report.count_messages(connection, since=since)},
    )
