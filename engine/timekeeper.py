"""Rings timers that are due: each becomes a row of bank.timer_event, once.

Every engine process has a timekeeper; two that ring the same timer make one event. A timekeeper decides nothing: whether the
timer still stands is judged when its event comes, after everything that was committed before it.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import psycopg

from bankalerts import faults
from bankalerts.settings import Settings
from sql import queries

log = logging.getLogger(__name__)

EVERY_S = 1.0
AGAIN_AFTER_S = 5.0
MOST_AT_ONCE = 1_000

Connection = psycopg.Connection[tuple[Any, ...]]


def ring(connection: Connection, now: datetime | None = None) -> int:
    """Ring all armed timers that are due by `now`, or by PostgreSQL's clock. How many; the connection is in autocommit mode.

    What is interrupted is done again: an event that is there already stays as it is.
    """
    rung = 0
    while timers := _ring_some(connection, now):
        rung += timers
        if timers < MOST_AT_ONCE:
            break
    return rung


def _ring_some(connection: Connection, now: datetime | None) -> int:
    sql = queries("timers", "psycopg")
    due = list(sql.read_due(connection, now=now, most=MOST_AT_ONCE))
    if not due:
        return 0
    timers, accounts, customers, types, numbers, keys, times, days = (list(column) for column in zip(*due, strict=True))
    sql.ring(
        connection,
        timers=timers,
        days=days,
        accounts=accounts,
        customers=customers,
        types=types,
        numbers=numbers,
        keys=keys,
        due=times,
    )
    events = {timer_id for (timer_id,) in sql.read_rung(connection, timers=timers, days=days)}
    sql.set_rung(connection, timers=timers, rung=[timer_id in events for timer_id in timers])
    return len(due)


class Timekeeper:
    """Rings each second, on a thread and a connection of its own, for the block."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._name = f"{settings.name}-timekeeper"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_on, name="timekeeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(AGAIN_AFTER_S)

    def _keep_on(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._url,
                    autocommit=True,
                    application_name=self._name,
                    connect_timeout=5,
                    options="-c statement_timeout=20s",
                ) as connection:
                    self._ring_each_second(connection)
            except psycopg.Error as error:
                log.warning("timers are not rung (%s), again in %.0f s", faults.told(error), AGAIN_AFTER_S)
                self._stop.wait(AGAIN_AFTER_S)

    def _ring_each_second(self, connection: Connection) -> None:
        while not self._stop.wait(EVERY_S):
            rung = ring(connection)
            if rung:
                log.info("rang %d timers", rung)
