"""A large transaction, a reload of permissions and a burst on one account beside live entries: the small form of long-bulk."""

import pytest

from tests.long import bulk
from tests.long.frame import Options, Report
from tests.shared_data import FOLDER


@pytest.mark.timeout(600)
def test_bulk_beside_live_entries() -> None:
    report = Report("bulk")
    bulk.run(Options(True, 1, FOLDER / "berka"), report)
    assert report.holds, report.lines
