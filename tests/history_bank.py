"""A bank with years of history in every table that auditors read, written by set-based SQL and without triggers.

Two years in monthly partitions. The month that is asked about is as busy at every size, the other months and the number of
customers grow: that is what ten times the history means to one who asks about a customer, a message or a day.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

ROWS_EACH = 41  # of a customer: 9 versions of preferences, 2 of a permission, 8 changes, 6 events with all that follows: 22
EVENTS_EACH = 6


def write(connection: psycopg.Connection[Any], rows: int, asked_events: int) -> int:
    """So many rows of history, `asked_events` of the events in June 2026; autocommit. Returns the number of customers."""
    customers = rows // ROWS_EACH
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    given = {"customers": customers, "events": customers * EVENTS_EACH, "asked": asked_events}
    for name, value in given.items():
        script = script.replace(f":{name}", str(value))
    connection.execute(script.encode())
    connection.execute("vacuum analyze")
    return customers
