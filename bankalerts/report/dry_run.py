"""What an alert type would have sent on past events: `bankalerts dry-run`, on audit.dry_run. Nothing is changed by it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError
from bankalerts.report.explain import values
from sql import queries

_explain = queries("explain", "psycopg")

Row = Mapping[str, Any]
Advance = Callable[[int], None]  # is told how many events were judged since it was told last
LOCK_TIMEOUT = "5s"
SAMPLE = 10
BAR_WIDTH = 40
MOST_BARS = 62
PORTION = 20_000  # events between two signs of progress
MEMORY = ("cool_down", "rearm_margin", "timer_arm", "timer_schedule")


@dataclass(frozen=True)
class DryRun:
    """Events judged, by day, and the alerts that they would have led to, in the order of their times."""

    alert_type: str
    since: date
    events: dict[date, int]
    alerts: list[Row]

    @property
    def customers(self) -> int:
        return len({row["customer_id"] for row in self.alerts})

    @property
    def per_day(self) -> dict[date, int]:
        """Alerts by day of the event; days with events and no alert are there with 0."""
        found = Counter(row["event_date"] for row in self.alerts)
        return {day: found[day] for day in sorted({*self.events, *found})}


@dataclass(frozen=True)
class Question:
    """What is asked: the file that changes the type first, the parameters that every permitted customer is taken to have."""

    alert_type: str
    since: date
    file: Path | None = None
    assumed: str | None = None
    customer_id: int | None = None


def run(database_url: str, question: Question, *, as_json: bool = False) -> None:
    """The command `bankalerts dry-run`. Raises BankalertsError where the file, the type or the parameters are at fault."""
    statements = _read(question.file)
    screen = Console(stderr=True)
    bar = Progress(
        *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn()),
        *(TextColumn("{task.completed:,} of {task.total:,} events"), TimeElapsedColumn()),
        console=screen, transient=True, disable=not screen.is_terminal,
    )  # fmt: skip
    with connected(database_url, "dry-run") as connection, bar:
        task = bar.add_task(question.alert_type, total=0)
        found = dry_run(
            connection, question, statements,
            begin=lambda events: bar.update(task, total=events), advance=lambda events: bar.advance(task, events),
        )  # fmt: skip
    if as_json:
        sys.stdout.write(json.dumps(as_dict(found), default=str) + "\n")
    else:
        show(found, Console())


def dry_run(connection: Connection, question: Question, statements: str | None, begin: Advance, advance: Advance) -> DryRun:
    """Run the file, read the type, undo the file, judge. The file stays in force (and its locks are held) only where it writes
    preferences or permissions: those have to be there while events are judged. `connection` is in autocommit mode."""
    with connection.transaction(force_rollback=True):
        _explain.limit_waiting(connection, lock_timeout=LOCK_TIMEOUT)
        if statements is not None:
            _run_statements(connection, question.file, statements)
        alert_type = _present_type(connection, question)
        if statements is not None and _explain.count_changed_preferences(connection):
            return _judge(connection, question, alert_type, begin, advance)
    return _judge(connection, question, alert_type, begin, advance)


def as_dict(found: DryRun) -> dict[str, Any]:
    """The answer as JSON has it."""
    return {
        "alert_type": found.alert_type,
        "since": found.since,
        "events": sum(found.events.values()),
        "alerts": len(found.alerts),
        "customers": found.customers,
        "per_day": {str(day): count for day, count in found.per_day.items()},
        "sample": found.alerts[:SAMPLE],
    }


def show(found: DryRun, console: Console) -> None:
    """Print the counts, a bar for each day, and the first alerts."""
    console.print(
        f"{found.alert_type} since {found.since}: {sum(found.events.values()):,} events judged,"
        f" {len(found.alerts):,} alerts to {found.customers:,} customers",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
    if not found.alerts:
        return
    console.print("\n".join(bars(found.per_day)), highlight=False)
    table = Table(title=f"the first {min(SAMPLE, len(found.alerts))}", title_justify="left")
    for column in ("event", "time", "customer", "compared"):
        table.add_column(column)
    for row in found.alerts[:SAMPLE]:
        compared = "\n".join(f"{name}: {values(of_it)}" for name, of_it in row["compared"].items() if of_it)
        event, at = f"{row['event_kind']} {row['event_id']}", f"{row['event_time']:%Y-%m-%d %H:%M:%S}"
        table.add_row(event, at, str(row["customer_id"]), compared)
    console.print(table)


def bars(per_day: Mapping[date, int]) -> list[str]:
    """A line for each day, or for each month where there are many days."""
    counts: Counter[str] = Counter()
    length = len("2026-11-22") if len(per_day) <= MOST_BARS else len("2026-11")
    for day, count in per_day.items():
        counts[day.isoformat()[:length]] += count
    most = max(counts.values())
    return [f"{day} {'█' * -(-count * BAR_WIDTH // most):{BAR_WIDTH}} {count:,}" for day, count in counts.items()]


def _judge(connection: Connection, question: Question, alert_type: Row, begin: Advance, advance: Advance) -> DryRun:
    days = dict(_explain.list_days(connection, since=question.since, event_kind=alert_type["event_kind"]))
    begin(sum(days.values()))
    remembers = any(alert_type[column] for column in MEMORY)
    spans = [(question.since, date.max)] if remembers else portions(days)  # a second piece would begin anew
    alerts: list[Row] = []
    with connection.cursor(row_factory=dict_row) as cursor:
        for since, until in spans:
            asked = {"alert_type": json.dumps(alert_type), "since": since, "until": until}
            cursor.execute(_explain.dry_run.sql, {**asked, "assumed": question.assumed, "customer_id": question.customer_id})
            alerts += cursor.fetchall()
            advance(sum(count for day, count in days.items() if since <= day <= until))
    return DryRun(question.alert_type, question.since, days, alerts)


def portions(days: Mapping[date, int]) -> list[tuple[date, date]]:
    """First and last day of spans of about PORTION events, in order."""
    found: list[tuple[date, date]] = []
    events = PORTION
    for day in sorted(days):
        if events >= PORTION:
            found.append((day, day))
            events = 0
        found[-1] = (found[-1][0], day)
        events += days[day]
    return found


def _present_type(connection: Connection, question: Question) -> Row:
    alert_type: Row | None = _explain.read_present_type(connection, alert_type=question.alert_type)
    if alert_type is None:
        there: Sequence[str] = _explain.list_present_types(connection)
        where = f" after {question.file}" if question.file else ""
        raise BankalertsError(
            f"there is no alert type {question.alert_type}{where}; there are {', '.join(there) or 'none'}: "
            "name one of them, or the file that makes it with --file"
        )
    if question.assumed is not None:
        _explain.check_assumed(connection, declared=json.dumps(alert_type["parameters"]), assumed=_object(question.assumed))
    return alert_type


def _run_statements(connection: Connection, file: Path | None, statements: str) -> None:
    try:
        _explain.run_statements(connection, statements=statements)
    except psycopg.Error as error:
        said = error.diag
        text = "; ".join(part for part in (said.message_primary, said.message_detail, said.message_hint) if part)
        line = ""
        if said.internal_position and said.internal_query == statements:
            line = f", line {statements.count(chr(10), 0, int(said.internal_position)) + 1}"
        raise BankalertsError(f"{file}{line}: {text or error}") from error


def _read(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BankalertsError(f"{file} cannot be read ({reason}): name a file of SQL statements") from error


def _object(text: str) -> str:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise BankalertsError(f"--parameters is not JSON ({error}): write '{{\"threshold_minor\": 10000}}'") from error
    if not isinstance(found, dict):
        raise BankalertsError("--parameters is not a JSON object: write '{\"threshold_minor\": 10000}'")
    return text
