"""Timers in PostgreSQL: what is kept of those that are due, and what a batch does to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from engine.timer import Kept, Operation, Outcome, Standing, owner_of, series_id, timer_id
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]


def load(connection: Connection, timers: Iterable[Any]) -> Standing:
    """What is stored of the timers behind these TIMER events. One query, none where there is no such event."""
    due = [timer for timer in timers if not timer.starts]
    if not due:
        return Standing()
    rows = queries("timers", "psycopg").read_kept(
        connection,
        timers=[timer.timer_id for timer in due],
        series=[series_id(owner_of(timer), timer.timer_key) for timer in due],
        due=[timer.event_time for timer in due],
    )
    return Standing({name: Kept(*times) for name, *times in rows})


def write(connection: Connection, changes: Sequence[Operation | Outcome]) -> None:
    """Write what a batch did to timers, in its transaction. Doing it again changes nothing."""
    operations = [change for change in changes if isinstance(change, Operation)]
    outcomes = [change for change in changes if isinstance(change, Outcome)]
    sql = queries("timers", "psycopg")
    if operations:
        _put_cancels(connection, sql, [each for each in operations if each.due_at is None])
        _arm(connection, sql, operations)
        series = {series_id(each.owner, each.timer_key): None for each in operations}
        sql.cancel_superseded(connection, series=list(series))
    if outcomes:
        # after the operations: a timer that was judged is no longer cancelled by what came after it
        sql.put_outcomes(
            connection,
            timers=[each.timer_id for each in outcomes],
            states=[each.state for each in outcomes],
            reasons=[each.reason for each in outcomes],
        )


def _arm(connection: Connection, sql: Any, operations: Sequence[Operation]) -> None:
    newest: dict[str, Operation] = {}
    times: dict[str, set[datetime]] = {}
    for each in operations:
        if each.due_at is None:
            continue
        name = timer_id(each.owner, each.timer_key, each.due_at)
        times.setdefault(name, set()).add(each.at)
        if name not in newest or newest[name].at < each.at:
            newest[name] = each
    if newest:
        armed = newest.values()
        sql.arm_timers(
            connection,
            timers=list(newest),
            series=[series_id(each.owner, each.timer_key) for each in armed],
            accounts=[each.owner.account_id for each in armed],
            customers=[each.owner.customer_id for each in armed],
            types=[each.owner.alert_type for each in armed],
            numbers=[each.owner.preference_no for each in armed],
            keys=[each.timer_key for each in armed],
            due=[each.due_at for each in armed],
            armed=[each.at for each in armed],
            kinds=[each.by.kind for each in armed],
            events=[each.by.event_id for each in armed],
            dates=[each.by.event_date for each in armed],
            earlier=[_array(times[name] - {each.at}) for name, each in newest.items()],
        )


def _array(times: Iterable[datetime]) -> str:
    """As PostgreSQL writes an array of times: arrays of different lengths are no column for unnest."""
    return "{" + ",".join(f'"{time.isoformat()}"' for time in sorted(times)) + "}"


def _put_cancels(connection: Connection, sql: Any, operations: Sequence[Operation]) -> None:
    if operations:
        sql.put_cancels(
            connection,
            series=[series_id(each.owner, each.timer_key) for each in operations],
            cancelled=[each.at for each in operations],
            kinds=[each.by.kind for each in operations],
            events=[each.by.event_id for each in operations],
            dates=[each.by.event_date for each in operations],
        )
