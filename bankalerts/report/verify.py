"""Compares what the engine wrote with what the SQL reference says it should have: alerts and messages, both ways."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from bankalerts.database import Connection, connected
from sql import queries

POLL_S_MIN = 0.1
IDENTITY = (
    "event_kind",
    "event_id",
    "event_date",
    "account_id",
    "customer_id",
    "alert_type",
    "preference_no",
    "channel",
)
_report = queries("report", "psycopg")


@dataclass(frozen=True)
class Comparison:
    """Counts, and the identities of the first ten that are missing and extra."""

    expected: int
    found: int
    missing: int
    extra: int
    missing_first: list[dict[str, Any]]
    extra_first: list[dict[str, Any]]

    @property
    def is_equal(self) -> bool:
        return self.missing == self.extra == 0


@dataclass(frozen=True)
class Verdict:
    """What `bankalerts verify` found, of one state of the database.

    `parked`: alert types that the engine cannot compile, with the reason. `timers_missing`: how many events should have armed,
    and are not there.
    """

    events: int
    quarantined: int
    parked: dict[str, str]
    alerts: Comparison
    messages: Comparison
    timers_missing: int

    @property
    def is_equal(self) -> bool:
        return self.alerts.is_equal and self.messages.is_equal and not self.timers_missing


def run(database_url: str, *, wait_s: float = 0.0, as_json: bool = False) -> bool:
    """The command `bankalerts verify`: True when no alert and no message is missing or extra, and no timer missing."""
    verdict = verify(database_url, wait_s)
    if as_json:
        sys.stdout.write(json.dumps(as_dict(verdict)) + "\n")
    else:
        show(verdict, Console())
    return verdict.is_equal


def verify(database_url: str, wait_s: float = 0.0) -> Verdict:
    """Compare; as long as alerts are missing, again for up to `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    with connected(database_url, "verify") as connection:
        connection.row_factory = dict_row
        connection.read_only = True
        while True:
            began = time.monotonic()
            verdict = _compare(connection)
            now = time.monotonic()
            if not (verdict.alerts.missing or verdict.timers_missing) or now >= deadline:
                return verdict
            # Looking takes as much of the machine as the engine needs: leave it half of the time.
            threading.Event().wait(min(max(POLL_S_MIN, now - began), deadline - now))


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON has it: the alerts' figures at the top, those of the messages below `messages`."""
    return {
        "events": verdict.events,
        **asdict(verdict.alerts),
        "quarantined": verdict.quarantined,
        "parked": verdict.parked,
        "messages": asdict(verdict.messages),
        "timers_missing": verdict.timers_missing,
        "equal": verdict.is_equal,
    }


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict as a table, then the first identities of what is wrong."""
    table = Table(title=f"{verdict.events:,} events, {verdict.quarantined:,} quarantined", title_justify="left")
    table.add_column("")
    for column in ("expected", "found", "missing", "extra"):
        table.add_column(column, justify="right")
    for name, found in (("alerts", verdict.alerts), ("messages", verdict.messages)):
        counts = (found.expected, found.found, found.missing, found.extra)
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    if verdict.timers_missing:
        console.print(f"{verdict.timers_missing:,} timers are missing: events should have armed them")
    for alert_type, reason in sorted(verdict.parked.items()):
        console.print(f"alert type {alert_type} is parked, nothing is judged by it: {reason}", soft_wrap=True, highlight=False)
    for name, found in (("alert", verdict.alerts), ("message", verdict.messages)):
        for kind, identities in (("missing", found.missing_first), ("extra", found.extra_first)):
            for identity in identities:
                console.print(f"{kind} {name}: {_text(identity)}", soft_wrap=True, highlight=False)


def _compare(connection: Connection) -> Verdict:
    found = dict(_report.compare(connection))
    return Verdict(
        found["events"],
        found["quarantined"],
        found["parked"],
        Comparison(**found["alerts"]),
        Comparison(**found["messages"]),
        int(_report.count_missing_timers(connection) or 0),
    )


def _text(identity: dict[str, Any]) -> str:
    return " ".join(f"{name}={identity[name]}" for name in IDENTITY if name in identity)
