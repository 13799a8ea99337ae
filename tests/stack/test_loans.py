"""The small form of the loans part of `make long-windows`."""

from pathlib import Path

from tests.long import loans
from tests.long.frame import Options, Report


def test_silent_applications_equal_brute_force() -> None:
    report = Report("loans")
    loans.run(Options(small=True, seed=7, data=Path()), report)
    assert report.holds, (report.figures, report.lines)
