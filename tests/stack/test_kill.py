"""Engine, Connect and Kafka are killed while entries come, and the answer to a COMMIT is lost."""

from __future__ import annotations

import random

from tests.aimed import lost_answer_to_commit
from tests.berka_bank import BerkaBank
from tests.chain import Chain
from tests.long import berka, berka_kill
from tests.long.frame import Report
from tests.running_stack import RunningStack
from tests.shared_data import shared_data

ENTRIES = 2_000


def test_nothing_is_missing_or_extra_after_kills_at_random_moments(stack: RunningStack) -> None:
    bank = BerkaBank(Chain(stack), shared_data("berka"))
    limit = bank.there() + ENTRIES
    seed = random.SystemRandom().randrange(10**6)
    berka_kill.kill_while_playing(bank, limit, berka_kill.choose_moments(seed, ENTRIES, kills=1), rate=None)
    assert_equal(bank, limit, f"seed {seed}")


def test_nothing_is_missing_or_extra_when_the_answer_to_a_commit_is_lost(stack: RunningStack) -> None:
    bank = BerkaBank(Chain(stack), shared_data("berka"))
    limit = bank.there() + ENTRIES
    before = bank.chain.pid("engine-1")
    with lost_answer_to_commit(bank.chain):
        bank.play(limit)
    assert_equal(bank, limit, "answer lost")
    assert bank.chain.pid("engine-1") == before
    assert stack.parts()["engine-1"]["state"] == "running"


def assert_equal(bank: BerkaBank, limit: int, how: str) -> None:
    bank.chain.settle()
    report = Report(how)
    berka.prove_equal(bank, limit, report)
    assert report.holds, (how, report.lines)
