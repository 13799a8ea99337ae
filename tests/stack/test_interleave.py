"""Preferences, permissions and alert types change while entries are inserted, with capture paused in between."""

import random

from tests.chain import Chain
from tests.long import interleave
from tests.long.frame import Report
from tests.races import Races
from tests.running_stack import RunningStack

ROUNDS, PAUSES = 250, 1


def test_each_entry_is_judged_on_the_state_that_its_insert_saw(stack: RunningStack) -> None:
    races = Races("test", random.SystemRandom().randrange(10**6), "2002-03-04")
    report = Report("interleave")
    interleave.prove(Chain(stack), races, ROUNDS, PAUSES, report)
    assert report.holds, (report.lines, report.figures)
