"""How long each stage took, from the times that every alert and message carries."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bankalerts.database import Connection, connected
from sql import queries

_report = queries("report", "psycopg")

# Kafka's timestamps have milliseconds only: so have the stages that begin or end there.
IN_MILLISECONDS_ONLY = frozenset({"on Kafka", "decided"})
NOTE = (
    "End to end is from the commit to the provider. Kafka's clock has whole milliseconds, cut off: the stages to and from\n"
    "it may be 1 ms off, even below 0. The other clocks have microseconds. An alert counts once, a message once it was\n"
    "handed over."
)


@dataclass(frozen=True)
class Stage:
    """One stage's percentiles in milliseconds, by nearest rank: each is a value that was measured.

    `channel` is None for all messages together, and where messages play no part.
    """

    stage: str
    channel: str | None
    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


def run(database_url: str, *, since: datetime | None = None, as_json: bool = False) -> None:
    """The command `bankalerts latency`, for events inserted from `since` (aware) on."""
    with connected(database_url, "latency") as connection:
        stages = measure(connection, since)
    if as_json:
        sys.stdout.write(json.dumps({"stages": [asdict(stage) for stage in stages]}) + "\n")
        return
    show(stages, Console())


def measure(connection: Connection, since: datetime | None = None) -> list[Stage]:
    """The stages in the order in which an event meets them; one that nothing passed is left out."""
    return [
        Stage(stage, channel, n, *(_milliseconds(stage, value) for value in percentiles_us))
        for stage, channel, n, percentiles_us in _report.measure_stages(connection, since=since)
    ]


def show(stages: list[Stage], console: Console) -> None:
    """Print the stages as a table, and how exact they are."""
    if not stages:
        console.print("no alerts yet: insert entries, for example with `bankalerts demo`")
        return
    table = Table(title="latency in ms", title_justify="left")
    table.add_column("stage")
    table.add_column("channel")
    for column in ("n", "p50", "p95", "p99"):
        table.add_column(column, justify="right")
    for stage in stages:
        values = (_text(stage, value) for value in (stage.p50_ms, stage.p95_ms, stage.p99_ms))
        table.add_row(stage.stage, stage.channel or "", f"{stage.n:,}", *values)
    console.print(table)
    console.print(NOTE, soft_wrap=True, highlight=False)


def _milliseconds(stage: str, microseconds: int) -> float:
    return round(microseconds / 1000) if stage in IN_MILLISECONDS_ONLY else microseconds / 1000


def _text(stage: Stage, value_ms: float) -> str:
    return f"{value_ms:.0f}" if stage.stage in IN_MILLISECONDS_ONLY else f"{value_ms:.3f}"
