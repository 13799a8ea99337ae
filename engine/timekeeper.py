"""Rings timers that are due: each becomes a row of bank.timer_event, once.

Every engine process has a timekeeper; two that ring the same timer make one event. A timekeeper decides nothing: whether the
timer still stands is judged when its event comes, after everything that was committed before it.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from bankalerts.settings import Settings
from engine.beside import Beside, Connection
from sql import queries

log = logging.getLogger(__name__)

EVERY_S = 1.0
AGAIN_AFTER_S = 5.0
MOST_AT_ONCE = 1_000


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


class Timekeeper(Beside):
    """Rings each second, for the block."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "timekeeper", "timers are not rung", statement_timeout_s=20, again_after_s=AGAIN_AFTER_S)

    def work(self, connection: Connection, stop: threading.Event) -> None:
        while not stop.wait(EVERY_S):
            rung = ring(connection)
            if rung:
                log.info("rang %d timers", rung)
