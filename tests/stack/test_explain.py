"""audit.explain says of each event and customer what the engine did, after races of events of every kind."""

import random

from tests.chain import Chain
from tests.kind_races import KindRaces
from tests.long import explain
from tests.long.frame import Report
from tests.running_stack import RunningStack

ROUNDS, PAUSES = 150, 1


def test_the_explanation_agrees_with_the_engine(stack: RunningStack) -> None:
    races = KindRaces("kinds", random.SystemRandom().randrange(10**6), "2004-05-06")
    report = Report("explain")
    explain.prove(Chain(stack), races, ROUNDS, PAUSES, report)
    assert report.holds, (report.lines, report.figures)
