"""Preferences, permissions and alert types change while entries are inserted: each is judged on what its INSERT saw."""

from __future__ import annotations

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from bankalerts.report.verify import verify
from tests.chain import Chain
from tests.long.frame import Options, Report, fresh_stack, say
from tests.races import Racers, Races, racers, run_transaction
from tests.running_stack import RunningStack

DAY = "2001-02-03"
PAUSE, RESUME = "capture is paused", "capture goes on"


def run(options: Options, report: Report) -> None:
    """All rounds, capture paused and resumed in between; then every alert and message by the stamps. Again, with kills."""
    rounds, pauses, kills = (300, 1, ()) if options.small else (2_000, 8, ("engine-1", "connect", "engine-1", "connect"))
    with fresh_stack() as stack:
        chain = Chain(stack)
        prove(chain, Races("long", options.seed, DAY), rounds, pauses, report)
        stack.cli("up", "--without", "engine")
        report.figure("states_found", states_found(stack))
        if kills:
            stack.cli("up")
            prove(chain, Races("killed", options.seed, DAY), rounds, pauses, report, kills)


def states_found(stack: RunningStack) -> str:
    """Where the engine found the states it judged on, from what it logs when it leaves."""
    lines = Path(stack.parts()["engine-1"]["log"]).read_text(encoding="utf-8").splitlines()
    return next((line.rpartition("states so far: ")[2] for line in reversed(lines) if "states so far: " in line), "not logged")


def prove(chain: Chain, races: Races, rounds: int, pauses: int, report: Report, kills: tuple[str, ...] = ()) -> None:
    """Race, wait until all is judged, compare everything that is in the database."""
    began = time.monotonic()
    with racers(chain) as crew:
        race(chain, races, crew, rounds, pauses, kills)
        report.figure("transactions", dict(sorted(crew.counts.items())))
    report.figure("seconds", round(time.monotonic() - began, 1))
    chain.settle()
    found = verify(chain.settings.database_url)
    report.figure("rounds", rounds)
    report.figure("events", found.events)
    report.figure("alerts_expected", found.alerts.expected)
    report.figure("quarantined", found.quarantined)
    report.figure("first_wrong", [*found.alerts.missing_first, *found.alerts.extra_first][:3])
    alerts, messages = found.alerts, found.messages
    report.line(
        found.is_equal,
        f"{rounds:,} interleavings, seed {races.seed}, capture paused {pauses} times, killed: {', '.join(kills) or 'nothing'}:"
        f" {alerts.expected:,} alerts expected, {alerts.missing} missing,"
        f" {alerts.extra} extra; messages {messages.missing} missing, {messages.extra} extra",
    )
    report.line(found.alerts.expected > rounds // 4, "the races lead to alerts")
    report.line(found.quarantined == 0, "nothing is quarantined")


def race(chain: Chain, races: Races, crew: Racers, rounds: int, pauses: int, kills: tuple[str, ...] = ()) -> None:
    """Run the rounds; `pauses` times capture is paused for a tenth of its share of them, and each part of `kills` is killed.

    The races go on while `bankalerts up` brings a killed part back; the next pause or kill waits for that.
    """
    outcome = run_transaction(crew.connections[0], races.setup())
    assert outcome == "committed", f"the racers' accounts: {outcome}"
    due = plan(races.seed, rounds, pauses, kills)
    coming_back: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as helper:
        for number in range(rounds):
            if number in due:
                wait(coming_back)
                say(f"round {number}: {due[number]}")
                if due[number] == PAUSE:
                    chain.pause_capture()
                elif due[number] == RESUME:
                    chain.resume_capture()
                else:
                    chain.kill(due[number])
                    coming_back.append(helper.submit(chain.stack.cli, "up"))
            crew.run(races.round(number))
    for each in coming_back:
        each.result()


def plan(seed: int, rounds: int, pauses: int, kills: tuple[str, ...]) -> dict[int, str]:
    """Round -> what happens before it: capture is paused or resumed, or a part is killed."""
    chance = random.Random(f"{seed}/plan")
    events = [PAUSE] * pauses + list(kills)
    chance.shuffle(events)
    share = rounds // (len(events) + 1)
    due = {}
    for number, event in enumerate(events, start=1):
        at = share * number + chance.randrange(share // 2)
        due[at] = event
        if event == PAUSE:
            due[at + max(1, share // 4)] = RESUME
    return due
