"""Hostile names, descriptions and addresses, one in twenty of long-hostile's."""

from __future__ import annotations

from tests.long import hostile
from tests.long.frame import Options, Report
from tests.shared_data import FOLDER


def test_what_is_hostile_comes_out_literally_and_nowhere_else(database: str) -> None:
    report = Report("hostile")
    hostile.play(database, Options(small=True, seed=1, data=FOLDER), report)
    assert report.holds, [what for holds, what in report.lines if not holds]
