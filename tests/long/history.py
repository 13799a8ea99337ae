"""The ten questions of an auditor: each served by an index, and as quick at ten times the history.

Every growing table has its part of the rows: preferences, permissions, changes, events, alerts, messages, attempts. Both sizes
are asked in turn, so that what else the machine does is shared by both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests import audit_questions, history_bank
from tests.long.frame import Options, Report, fresh_stack, say
from tests.running_stack import ALL_BUT_POSTGRES

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Form:
    """Rows at both sizes; how often each is asked and which of the times counts; below `least_ms` the clock is what differs."""

    sizes: tuple[int, int]
    turns: int
    typical: Callable[[list[float]], float]
    most: float
    least_ms: float


FULL = Form((1_000_000, 10_000_000), 20, statistics.median, 1.5, 2.0)
# in `make test` other tests run beside it: the plans tell, the times only rule out what is absurd
SMALL = Form((6_000, 60_000), 2, min, 3.0, 20.0)


def run(options: Options, report: Report) -> None:
    """1 and 10 million rows; small: 6 and 60 thousand."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with fresh_stack(*without) as stack:
        compare(stack.settings.database_url, SMALL if options.small else FULL, report)


def compare(url: str, form: Form, report: Report) -> None:
    """A database of each size beside the one of `url`, filled, asked, and its plans read."""
    asked = form.sizes[0] // history_bank.ROWS_EACH * history_bank.EVENTS_EACH // 24
    with _filled(url, form.sizes[0], asked, report) as few, _filled(url, form.sizes[1], asked, report) as many:
        values = [_values(connection) for connection in (few, many)]
        for number, statement in audit_questions.questions().items():
            times: tuple[list[float], list[float]] = ([], [])
            rows: list[int] = []
            for turn in range(form.turns + 1):
                rows = []
                for connection, given, kept in zip((few, many), values, times, strict=True):
                    began = time.perf_counter()
                    rows.append(len(audit_questions.ask(connection, statement, given)))
                    if turn:
                        kept.append((time.perf_counter() - began) * 1e3)
            small, large = (form.typical(kept) for kept in times)
            report.figure(f"question_{number}_ms", [round(small, 2), round(large, 2)])
            ratio = max(large, form.least_ms) / max(small, form.least_ms)
            report.line(min(rows) > 0, f"question {number} has an answer: {rows[0]} and {rows[1]} rows")
            report.line(
                ratio <= form.most,
                f"question {number}: {ratio:.2f} times as long at ten times the history, at most {form.most}",
            )
            with audit_questions.explained(many) as plans:
                audit_questions.ask(many, statement, values[1])
            sequential, indexes = audit_questions.scans(many, plans)
            report.line(
                bool(indexes) and not sequential,
                f"question {number} goes by {', '.join(sorted(indexes)[:3]) or 'no index'},"
                f" reads {', '.join(sorted(sequential)) or 'no growing table'} from its start",
            )


@contextmanager
def _filled(url: str, rows: int, asked: int, report: Report) -> Iterator[Connection]:
    name = f"history_{rows}"
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
        server.execute(f"create database {name} template bank".encode())
        try:
            with psycopg.connect(url.rpartition("/")[0] + f"/{name}", autocommit=True) as connection:
                began = time.monotonic()
                history_bank.write(connection, rows, asked)
                (size,) = connection.execute("select pg_database_size(current_database()) / 1e6").fetchone() or (0,)
                say(f"{rows:,} rows of history in {time.monotonic() - began:.0f} s")
                report.figure(f"history_{rows}_mb", int(size))
                yield connection
        finally:
            server.execute(f"drop database {name} with (force)".encode())


def _values(connection: Connection) -> dict[str, Any]:
    """What is asked about: the first message of the month that is as busy at both sizes, its customer, and that month."""
    row = connection.execute(
        "select a.customer_id, a.account_id, a.alert_id, a.event_id, a.event_date, o.message_id from alerting.alert a"
        " join alerting.outbox o on o.alert_id = a.alert_id and o.event_date = a.event_date"
        " where a.event_date between '2026-06-01' and '2026-06-30' and o.state = 'ACCEPTED' order by a.event_time limit 1"
    ).fetchone()
    assert row is not None
    return {
        **dict(zip(("customer", "account", "alert", "event", "day", "message"), row, strict=True)),
        "kind": "ACCOUNT_ENTRY",
        "type": "BALANCE_BELOW",
        "preference": 1,
        "at": "2026-06-20 12:00Z",
        "from": "2026-06-01",
        "until": "2026-07-01",
    }
