"""Engine processes join, leave and come back from a pause: nothing missing, nothing extra."""

from tests.berka_bank import BerkaBank
from tests.chain import Chain
from tests.long import berka, rebalance
from tests.long.frame import Report
from tests.running_stack import RunningStack
from tests.shared_data import shared_data

STEPS = (rebalance.JOIN, rebalance.LEAVE, rebalance.PAUSE)
ENTRIES, RATE = 1_200, 100.0


def test_nothing_is_missing_or_extra_while_engines_come_and_go(stack: RunningStack) -> None:
    chain = Chain(stack)
    bank = BerkaBank(chain, shared_data("berka"))
    limit = bank.there() + ENTRIES
    stack.cli("up", "--engines", "2")
    try:
        rebalance.take_steps(bank, limit, RATE, STEPS)
        chain.settle()
    finally:
        stack.cli("up", "--engines", "1")
    report = Report("rebalance")
    berka.prove_equal(bank, limit, report)
    assert report.holds, report.lines
