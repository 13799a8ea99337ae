"""The Berka bank while engine, Connect and Kafka are killed: at random moments, and aimed at each step of a write."""

from __future__ import annotations

import random

from bankalerts.report.golden import EVENT_FROM, EVENT_UNTIL
from tests.aimed import LOCKS, held_in_write, lost_answer_to_commit, wait_until_held
from tests.berka_bank import ENTRIES, BerkaBank, played
from tests.long.berka import DEADLINE_S, bank, prove
from tests.long.frame import Options, Report, say
from tests.waiting import wait_until

ENTRIES_PER_AIM = 400


def run(options: Options, report: Report) -> None:
    """Random kills while most of the bank is played, then aimed ones, then the proof on all of it."""
    limit, kills, rate = (3_000, 2, None) if options.small else (ENTRIES, 5, 1_500.0)
    last = limit - ENTRIES_PER_AIM * (len(LOCKS) + 1)
    with bank(options) as berka:
        moments = choose_moments(options.seed, last, kills)
        kill_while_playing(berka, last, moments, rate)
        report.figure("killed_at_entries", [f"{part} at {at:,}" for at, part in moments])
        report.figure("faults_aimed_at_a_write", aimed_kills(berka, last))
        prove(berka, limit, report)


def choose_moments(seed: int, entries: int, kills: int) -> list[tuple[int, str]]:
    """When to kill what: the engine `kills` times, Connect and Kafka once, after random numbers of judged entries."""
    chance = random.Random(seed)
    parts = ["engine-1"] * kills + ["connect", "kafka"]
    return sorted((chance.randrange(1, entries), part) for part in parts)


def kill_while_playing(berka: BerkaBank, limit: int, moments: list[tuple[int, str]], rate: float | None) -> None:
    """Play the first `limit` entries; kill -9 each part once so many more entries are judged, and let `up` bring it back."""
    chain = berka.chain
    with chain.database() as connection:
        began = chain.judged(connection)
        playing = berka.start(limit, rate)
        for at, part in moments:
            wait_until(lambda at=at: chain.judged(connection) - began >= at, DEADLINE_S, f"{at} entries are judged")  # type: ignore[misc]
            chain.kill(part)
            say(f"killed {part} after {at:,} entries")
            chain.stack.cli("up")
    played(playing)


def aimed_kills(berka: BerkaBank, there: int) -> int:
    """Kill the engine between each two steps of a write, and take the answer to a COMMIT from it; returns how often."""
    chain = berka.chain
    with chain.database() as connection:  # making partitions would wait for the very locks
        connection.execute("select alerting.add_partitions(%s, %s)", [EVENT_FROM, EVENT_UNTIL])
    for number, (where, lock) in enumerate(LOCKS.items(), start=1):
        with held_in_write(chain, lock):
            berka.play(there + number * ENTRIES_PER_AIM)
            wait_until_held(chain)
            chain.kill("engine-1")
            say(f"killed engine-1 {where}")
        chain.stack.cli("up")
    with lost_answer_to_commit(chain):
        berka.play(there + (len(LOCKS) + 1) * ENTRIES_PER_AIM)
    say("engine-1 lost the answer to its COMMIT")
    return len(LOCKS) + 1
