"""Makes monthly partitions ahead of time, and lets go of those that are due by their policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from bankalerts.database import Connection
from bankalerts.maintain.step import Step
from bankalerts.statements import one, rows

# Each try waits 100 ms at most for its lock: writers that come meanwhile wait no longer.
TRIES = 30
BETWEEN_TRIES_S = 0.2
REFUSED = "BA002"
IN_DEFAULT = "rows of that month are in the default partition: they are whole there, leave them"


def make_ahead(connection: Connection, *, dry_run: bool) -> Iterator[Step]:
    """Make each partition that is missing, one by one."""
    for row in rows(connection, "maintain", "read_missing"):
        name = row["partition"]
        if dry_run:
            yield Step("WOULD_MAKE", name)
            continue
        result = _tried(lambda name=name: one(connection, "maintain", "make_partition", partition=name))  # type: ignore[misc]
        yield Step(result, name, IN_DEFAULT if result == "IN_DEFAULT" else _note(result))


def let_go(connection: Connection, *, dry_run: bool) -> Iterator[Step]:
    """Detach or drop each partition that is due, the oldest first, until no more become due by it."""
    seen: set[str] = set()
    while fresh := [row for row in rows(connection, "maintain", "read_due_partitions") if row["partition"] not in seen]:
        for row in fresh:
            seen.add(row["partition"])
            yield Step(f"WOULD_{row['action']}", row["partition"]) if dry_run else _let_go(connection, row)


def _let_go(connection: Connection, row: dict[str, Any]) -> Step:
    name, drops = row["partition"], row["action"] == "DROP"
    try:
        asked = {"parent": row["parent"], "partition": name, "drops": drops}
        result = _tried(lambda: one(connection, "maintain", "detach_partition", **asked))
    except psycopg.Error as error:
        if error.sqlstate != REFUSED:
            raise
        return Step("REFUSED", name, "; ".join(filter(None, (error.diag.message_primary, error.diag.message_hint))))
    return Step(result, name, _note(result))


def _note(result: str) -> str:
    return f"it was locked at each of {TRIES} tries: run it again" if result == "LOCKED" else ""


def _tried(ask: Callable[[], str]) -> str:
    for left in reversed(range(TRIES)):
        try:
            result = ask()
        except psycopg.errors.LockNotAvailable:
            result = "LOCKED"
        if result != "LOCKED":
            break
        if left:
            time.sleep(BETWEEN_TRIES_S)
    return result
