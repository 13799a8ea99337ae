"""A new alert type while the stack runs under load, at a small size."""

from tests.long import new_type
from tests.long.frame import Options, Report
from tests.shared_data import shared_data


def test_one_file_and_no_restart() -> None:
    report = Report("new-type")
    new_type.run(Options(small=True, seed=1, data=shared_data("berka")), report)
    assert report.holds, report.lines
