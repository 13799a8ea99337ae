"""What is in the outbox: messages by channel, state and reason, and those that no notifier here would send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bankalerts import settings
from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from bankalerts.statements import rows
from notifier.channels import discover

STATES = ("PENDING", "LEASED", "ACCEPTED", "DELIVERED", "FAILED", "SUPPRESSED", "EXPIRED", "UNKNOWN")


def show(channel: str | None, state: str | None, as_json: bool, out: Console) -> None:
    """Print it as a table, or as JSON. Raises BankalertsError for a state that there is not."""
    if state is not None and state not in STATES:
        raise BankalertsError(f"state {state} is not known; known: {', '.join(STATES)}")
    rows = counted(settings.database_url(), channel, state)
    waiting = {row["channel"] for row in rows if row["state"] == "PENDING"}
    parked = sorted(waiting - set(discover()))
    if as_json:
        print(json.dumps({"messages": rows, "parked": parked}, indent=2, default=_text))
        return
    if not rows:
        out.print("no messages wait, and none ended within a day")
        return
    columns = ("channel", "state", "messages", "may_be_twice", "reason", "held_for")
    table = Table(*(column.replace("_", " ") for column in columns), "oldest due")
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns), _age(row))
    out.print(table)
    for name in parked:
        out.print(f"{name} is parked: no notifier here has notifier/channels/{name.lower()}.py", highlight=False)


def counted(url: str, channel: str | None, state: str | None) -> list[dict[str, Any]]:
    """A row for each channel, state, reason and hold. Raises BankalertsError."""
    with connected(url, "outbox") as connection:
        return rows(connection, "report", "count_outbox", channel=channel, state=state)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def _age(row: dict[str, Any]) -> str:
    due_at = row["oldest_due_at"]
    if due_at is None:
        return ""
    seconds = (datetime.now(UTC) - due_at).total_seconds()
    return f"{seconds:,.0f} s ago" if seconds >= 0 else f"in {-seconds:,.0f} s"
