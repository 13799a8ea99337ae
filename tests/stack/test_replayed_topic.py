"""The event topic is posted again from its start while new entries come: the new ones alert, the old ones do not again."""

from tests.berka_bank import BerkaBank
from tests.chain import Chain
from tests.long import berka
from tests.long.frame import Report
from tests.running_stack import RunningStack
from tests.shared_data import shared_data

ENTRIES, RATE = 1_000, 500.0


def test_old_events_among_new_ones_add_nothing(stack: RunningStack) -> None:
    bank = BerkaBank(Chain(stack), shared_data("berka"))
    limit = bank.there() + ENTRIES
    playing = bank.start_paced(limit, RATE)
    posted = berka.post_again(bank.chain)
    assert posted > 0
    playing.result()
    bank.chain.settle()
    report = Report("replayed topic")
    berka.prove_equal(bank, limit, report)
    assert report.holds, report.lines
