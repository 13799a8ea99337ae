"""Engine, Connect and Kafka are killed while entries come: at random moments, and at each step of the engine's write."""

from __future__ import annotations

import random

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


def test_nothing_is_missing_or_extra_after_kills_in_the_middle_of_a_write(stack: RunningStack) -> None:
    bank = BerkaBank(Chain(stack), shared_data("berka"))
    there = bank.there()
    faults = berka_kill.aimed_kills(bank, there)
    assert_equal(bank, there + faults * berka_kill.ENTRIES_PER_AIM, f"{faults} faults")


def assert_equal(bank: BerkaBank, limit: int, how: str) -> None:
    bank.chain.settle()
    report = Report(how)
    berka.prove_equal(bank, limit, report)
    assert report.holds, (how, report.lines)
