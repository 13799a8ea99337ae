"""Why an event led to an alert or not: `bankalerts explain`, on audit.explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError
from sql import queries

_explain = queries("explain", "psycopg")

Row = Mapping[str, Any]
EVENT_KINDS = ("ACCOUNT_ENTRY", "CARD_AUTHORISATION", "PAYMENT_ORDER", "CUSTOMER_ACTIVITY", "TIMER")
BY_CONDITION = ("ALERTED", "SUPPRESSED", "CONDITION_FALSE", "CONDITION_UNKNOWN", "COOL_DOWN", "DISARMED", "TYPE_PARKED")
OUTCOMES: dict[str, str] = {
    "ALERTED": "the condition is true",
    "SUPPRESSED": "alerted; every message was stopped before it was sent",
    "CONDITION_FALSE": "the condition is false",
    "CONDITION_UNKNOWN": "the condition is neither true nor false: a value it needs is missing",
    "NO_PERMISSION": "the customer had no permission on the account",
    "PERMISSION_NOT_VALID": "the permission was not valid when the event was inserted",
    "MAY_NOT_SEE_BALANCE": "the alert type shows the balance, and the customer may not see it",
    "NO_PREFERENCE": "the preference was gone when the timer rang",
    "DISABLED": "the preference was switched off",
    "OTHER_CURRENCY": "the preference is for another currency",
    "OTHER_STATUS": "the alert type does not judge events of this status",
    "COOL_DOWN": "the condition is true, and the last alert is too near in time",
    "DISARMED": "the condition is true, and the preference is not armed again since its last alert",
    "TYPE_PARKED": "the alert type is parked: its condition could not be compiled",
    "TIMER_CANCELLED": "the timer was cancelled, or set anew, before it rang",
    "ARMS_TIMER": "the event set a timer",
    "CANCELS_TIMER": "the event cancelled the timers of its key",
    "LEAVES_TIMER": "the event neither set nor cancelled a timer",
}


def run(database_url: str, event_kind: str, event_id: str, *, customer_id: int | None = None, as_json: bool = False) -> bool:
    """The command `bankalerts explain`: False when an alert is expected and not there (yet), or there and not expected.

    Raises BankalertsError where there is no such kind or no such event.
    """
    kind = event_kind.upper().replace("-", "_")
    if kind not in EVENT_KINDS:
        raise BankalertsError(f"there is no event kind {event_kind}: use one of {', '.join(EVENT_KINDS)}")
    with connected(database_url, "explain") as connection:
        connection.row_factory = dict_row
        connection.read_only = True
        events, rows = explain(connection, kind, event_id, customer_id)
    if not events:
        raise BankalertsError(f"there is no event {event_id} of kind {kind}: use the id that it was inserted with")
    if as_json:
        sys.stdout.write(json.dumps({"events": events, "preferences": rows}, default=str) + "\n")
    else:
        show(events, rows, customer_id, Console())
    return all(agrees(row) for row in rows)


def explain(connection: Connection, kind: str, event_id: str, customer_id: int | None = None) -> tuple[list[Row], list[Row]]:
    """The events of this id (one, unless the id was used on several dates) and a row of audit.explain for each preference."""
    events = list(_explain.find_events(connection, event_kind=kind, event_id=event_id))
    rows = (
        list(_explain.explain_event(connection, event_kind=kind, event_id=event_id, customer_id=customer_id)) if events else []
    )
    return events, rows


def agrees(row: Row) -> bool:
    """Whether the engine did what the reference says: an alert is there where one is due, and nowhere else."""
    return (row["outcome"] in ("ALERTED", "SUPPRESSED")) == (row["alert_id"] is not None)


def show(events: Sequence[Row], rows: Sequence[Row], customer_id: int | None, console: Console) -> None:
    """Print each event, then its preferences as a table."""
    for event in events:
        _say(console, heading(event))
        of_event = [row for row in rows if row["event_date"] == event["event_date"]]
        if not of_event:
            who = "nobody had a" if customer_id is None else f"customer {customer_id} had no"
            _say(console, f"no alert is due: {who} preference that it meets, and no mandatory alert type applied")
            continue
        table = Table("customer", "alert type", "outcome", "why")
        for row in of_event:
            type_and_no = f"{row['alert_type']} {row['preference_no']}"
            table.add_row(str(row["customer_id"]), type_and_no, row["outcome"], "\n".join(why(row)))
        console.print(table)


def heading(event: Row) -> str:
    """One line that says which event it is and at which versions it is judged."""
    whose = f"on account {event['account_id']}" if event["account_id"] else f"of customer {event['customer_id']}"
    return (
        f"{event['event_kind']} {event['event_id']} {whose}, {event['event_time']:%Y-%m-%d %H:%M:%S %Z},"
        f" inserted {event['inserted_at']:%Y-%m-%d %H:%M:%S}, at state version {event['state_version']}"
        f" and catalogue version {event['catalogue_version']}"
    )


def why(row: Row) -> list[str]:
    """The reason, the values compared, who wrote what counted, and what became of the messages: one line each."""
    lines = [OUTCOMES[row["outcome"]]]
    if not agrees(row):
        lines.append("no such alert is there (yet)" if row["alert_id"] is None else "but the alert is there")
    if row["outcome"] in BY_CONDITION:
        lines.append(f"condition: {row['condition']}")
    lines += [f"{name}: {values(found)}" for name, found in row["compared"].items() if found]
    for what in ("type", "preference", "permission"):
        if row[f"{what}_version"] is not None:
            lines.append(
                f"{what}: version {row[f'{what}_version']}, by {row[f'{what}_by']} at {row[f'{what}_at']:%Y-%m-%d %H:%M:%S}"
            )
    if row["messages"]:
        lines.append(f"messages: {values(row['messages'])}")
    return lines


def values(found: Mapping[str, Any]) -> str:
    """`threshold_minor 500, currency EUR`; a missing value is NULL."""
    return ", ".join(f"{name} {'NULL' if value is None else _plain(value)}" for name, value in sorted(found.items()))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
