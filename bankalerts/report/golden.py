"""Compares alerts with an independent golden: the 12,555 alerts of expected_alerts.csv of the Berka data."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import NamedTuple

from bankalerts.bank.berka import HELLERS_IN_CROWN
from bankalerts.database import Connection
from sql import queries

# The dates of its entries: other banks in the same database are left aside.
EVENT_FROM, EVENT_UNTIL = date(1993, 1, 1), date(1994, 3, 31)
_report = queries("report", "psycopg")


class GoldenAlert(NamedTuple):
    """One row of the file. The threshold is in crowns."""

    trans_id: str
    account_id: str
    client_id: int
    alert_type: str
    threshold: int


def compare_with_golden(
    connection: Connection, golden: Path, *, of_reference: bool = False
) -> tuple[list[GoldenAlert], list[GoldenAlert]]:
    """The rows of the golden that are missing, and the ones that are extra, row by row, both sorted.

    What is compared is alerting.alert, or what audit.expected_alerts() says when `of_reference`.
    """
    listed = _report.list_expected_with_threshold if of_reference else _report.list_found_with_threshold
    found = Counter(map(_of_row, listed(connection, event_from=EVENT_FROM, event_until=EVENT_UNTIL)))
    wanted = Counter(read_golden(golden))
    return sorted((wanted - found).elements()), sorted((found - wanted).elements())


def read_golden(golden: Path) -> list[GoldenAlert]:
    """The rows of expected_alerts.csv."""
    with golden.open(encoding="ascii", newline="") as text:
        return [
            GoldenAlert(row["trans_id"], row["account_id"], int(row["client_id"]), row["alert_type"], int(row["threshold"]))
            for row in csv.DictReader(text)
        ]


def _of_row(row: tuple[str, str, int, str, int]) -> GoldenAlert:
    event_id, account_id, customer_id, alert_type, threshold_minor = row
    return GoldenAlert(event_id, account_id, customer_id, alert_type, threshold_minor // HELLERS_IN_CROWN)
