"""Preferences, permissions and alert types change while entries are inserted: each is judged on what its INSERT saw."""

from __future__ import annotations

import random
import time
from pathlib import Path

from bankalerts.report.verify import verify
from tests.chain import Chain
from tests.long.frame import Options, Report, fresh_stack, say
from tests.races import Racers, Races, racers, run_transaction
from tests.running_stack import RunningStack

DAY = "2001-02-03"


def run(options: Options, report: Report) -> None:
    """All rounds, capture paused and resumed in between; then every alert and message by the stamps."""
    rounds, pauses = (300, 1) if options.small else (2_000, 8)
    with fresh_stack() as stack:
        prove(Chain(stack), Races("long", options.seed, DAY), rounds, pauses, report)
        stack.cli("up", "--without", "engine")
        report.figure("states_found", states_found(stack))


def states_found(stack: RunningStack) -> str:
    """Where the engine found the states it judged on, from what it logs when it leaves."""
    lines = Path(stack.parts()["engine-1"]["log"]).read_text(encoding="utf-8").splitlines()
    return next((line.rpartition("states so far: ")[2] for line in reversed(lines) if "states so far: " in line), "not logged")


def prove(chain: Chain, races: Races, rounds: int, pauses: int, report: Report) -> None:
    """Race, wait until all is judged, compare."""
    began = time.monotonic()
    with racers(chain) as crew:
        race(chain, races, crew, rounds, pauses)
        report.figure("transactions", dict(sorted(crew.counts.items())))
    report.figure("seconds", round(time.monotonic() - began, 1))
    chain.settle()
    found = verify(chain.settings.database_url)
    report.figure("rounds", rounds)
    report.figure("capture_paused", pauses)
    report.figure("events", found.events)
    report.figure("alerts_expected", found.alerts.expected)
    report.figure("quarantined", found.quarantined)
    report.figure("first_wrong", [*found.alerts.missing_first, *found.alerts.extra_first][:3])
    alerts, messages = found.alerts, found.messages
    report.line(
        found.is_equal,
        f"{rounds:,} interleavings, seed {races.seed}: {alerts.expected:,} alerts expected, {alerts.missing} missing,"
        f" {alerts.extra} extra; messages {messages.missing} missing, {messages.extra} extra",
    )
    report.line(found.alerts.expected > rounds // 4, "the races lead to alerts")
    report.line(found.quarantined == 0, "nothing is quarantined")


def race(chain: Chain, races: Races, crew: Racers, rounds: int, pauses: int) -> None:
    """Run the rounds; `pauses` times capture is paused for a tenth of its share of them."""
    chance = random.Random(f"{races.seed}/pauses")
    share = rounds // (pauses + 1)
    pause_at = {share * number + chance.randrange(share // 2) for number in range(1, pauses + 1)}
    resume_at = {at + share // 10 for at in pause_at}
    outcome = run_transaction(crew.connections[0], races.setup())
    assert outcome == "committed", f"the racers' accounts: {outcome}"
    for number in range(rounds):
        if number in pause_at:
            say(f"round {number}: capture is paused")
            chain.pause_capture()
        if number in resume_at:
            chain.resume_capture()
        crew.run(races.round(number))
    if max(resume_at, default=0) >= rounds:
        chain.resume_capture()
