"""Notifiers killed under load, a few times: what the ledger of the providers says is what the outbox says."""

from __future__ import annotations

from tests.long import ledger
from tests.long.frame import Options, Report
from tests.shared_data import FOLDER


def test_no_message_is_lost_and_what_came_twice_is_marked(database: str) -> None:
    report = Report("ledger")
    ledger.play(database, Options(small=True, seed=1, data=FOLDER), report)
    assert report.holds, [what for holds, what in report.lines if not holds]
