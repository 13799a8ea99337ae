"""An engine goes on from its checkpoint, whatever changed meanwhile; one that cannot be trusted costs time and nothing else."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

from bankalerts.report.verify import verify
from tests.chain import Chain
from tests.long.interleave import race
from tests.races import Racers, Races, racers
from tests.running_stack import RunningStack

ROUNDS = 60
REBUILT = re.compile(r"rebuilt: (\d+) accounts and customers, (\d+) of them from checkpoints")


def test_what_changed_between_a_checkpoint_and_a_start_is_judged_on(stack: RunningStack) -> None:
    chain, seed = Chain(stack), random.SystemRandom().randrange(10**6)
    races = Races(f"checkpoint{seed}", seed, "2002-05-06")
    with racers(chain) as crew:
        race(chain, races, crew, ROUNDS, pauses=0)
        chain.settle()
        stack.cli("up", "--without", "engine")
        files = checkpoints(stack)
        assert len(files) == chain.partitions, "a stop leaves a checkpoint of each partition"
        go_on(races, crew, ROUNDS)
        logged = log_of(stack)
        stack.cli("up")
        assert_equal(chain, seed)
        held, kept = rebuilt(logged)
        assert held >= kept > 0

        chain.kill("engine-1")
        go_on(races, crew, 2 * ROUNDS)
        cut_off, of_another = files[0], files[1]
        cut_off.write_bytes(cut_off.read_bytes()[:-3])
        shutil.copy(files[2], of_another)
        logged = log_of(stack)
        stack.cli("up")
        assert_equal(chain, seed)
        held, kept = rebuilt(logged)
        assert held > kept > 0
        log = new_lines(logged)
        assert f"{cut_off} is discarded" in log
        assert f"{of_another} is discarded" in log


def go_on(races: Races, crew: Racers, first: int) -> None:
    for number in range(first, first + ROUNDS):
        crew.run(races.round(number))


def checkpoints(stack: RunningStack) -> list[Path]:
    return sorted(stack.settings.checkpoints.rglob("*.checkpoint"))


def assert_equal(chain: Chain, seed: int) -> None:
    chain.settle()
    found = verify(chain.settings.database_url)
    assert found.is_equal, (seed, found)


def log_of(stack: RunningStack) -> tuple[Path, int]:
    """The engine's log, and how long it is now."""
    path = stack.path / "logs" / "engine-1.log"
    return path, path.stat().st_size if path.exists() else 0


def new_lines(logged: tuple[Path, int]) -> str:
    path, length = logged
    return path.read_bytes()[length:].decode()


def rebuilt(logged: tuple[Path, int]) -> tuple[int, int]:
    """How many accounts and customers an engine has begun with, and how many of them came from checkpoints."""
    found = REBUILT.findall(new_lines(logged))
    assert found, new_lines(logged)
    return sum(int(held) for held, _ in found), sum(int(kept) for _, kept in found)
