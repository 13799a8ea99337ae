"""The small form of `make long-windows`, of its cards."""

from pathlib import Path

from tests.long import windows
from tests.long.frame import Options, Report


def test_counts_over_real_cards_are_the_authors_and_brute_forces() -> None:
    report = Report("windows")
    windows.run(Options(small=True, seed=7, data=Path()), report)
    assert report.holds, (report.figures, report.lines)
