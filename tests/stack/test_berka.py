"""Real entries through the whole chain: the alerts are those of the golden, however often the entries come."""

from tests.berka_bank import BerkaBank
from tests.chain import Chain
from tests.long import berka as scenario
from tests.long.frame import Report
from tests.running_stack import RunningStack
from tests.shared_data import shared_data

ENTRIES = 2_000


def test_the_alerts_of_the_next_entries_are_those_of_the_golden_and_stay_so(stack: RunningStack) -> None:
    bank = BerkaBank(Chain(stack), shared_data("berka"))
    limit = bank.there() + ENTRIES
    assert bank.play(limit)["added"] == ENTRIES
    report = Report("berka")
    scenario.prove(bank, limit, report)
    assert report.holds, report.lines
