"""The oracle is tried: an engine with a known fault judges what the races leave, and the comparison must find it out."""

from __future__ import annotations

import dataclasses
import itertools
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest

from bankalerts import settings
from tests.aimed import AFTER_POSITIONS, LOCKS, held_in_write, wait_until_held
from tests.chain import Chain, behind
from tests.long.berka import ALONE, without
from tests.long.interleave import race
from tests.races import Races, racers
from tests.running_stack import running_stack
from tests.unguarded import unguarded
from tests.waiting import wait_until

ROUNDS = 150
RECORDED_DAY, FIRST_LIVE_DAY = 1, 2  # of April 2003
PROJECT = Path(__file__).parents[2]
WRONG = """
with expected as (
    select event_id, account_id, customer_id, alert_type, preference_no from audit.expected_alerts(%(day)s, %(day)s)
), found as (
    select event_id, account_id, customer_id, alert_type, preference_no from alerting.alert where event_date = %(day)s
)
select (select count(*) from expected),
       (select count(*) from (table expected except table found) missing),
       (select count(*) from (table found except table expected) extra)
"""


TOO_LATE = """
insert into bank.customer (customer_id, full_name) values (990001, 'Somebody Gone');
insert into bank.account (account_id, currency) values ('too-late', 'EUR');
insert into bank.account_permission (account_id, customer_id, role, valid_from, valid_until)
values ('too-late', 990001, 'OWNER', now() - interval '2 days', now() - interval '1 day');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('too-late', 990001, 'DEBITED_ABOVE', 'EUR', '{"threshold_minor": 1}', '{PUSH}');
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor)
values ('too-late', %(day)s, 'too-late', -100, 'EUR', 0);
"""


@dataclass(frozen=True)
class Engine:
    """A running engine and its log."""

    process: subprocess.Popen[bytes]
    log: Path
    ready_file: Path

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(30)

    def wait_until_ready(self) -> None:
        wait_until(self.ready_file.exists, 30, f"the engine judges ({self.log})")


@dataclass
class Bench:
    """A stack without an engine, and what the races left in its database and on its topics while there was none."""

    chain: Chain
    seed: int
    folder: Path
    ends: dict[int, int] = field(default_factory=dict)
    _engines: Iterator[int] = field(default_factory=itertools.count)

    def race(self, day: int) -> None:
        """Rounds of races whose entries are booked on this day."""
        with racers(self.chain) as crew:
            race(self.chain, Races(f"bug{day}", self.seed, f"2003-04-{day:02}"), crew, ROUNDS, pauses=0)

    def enter_too_late(self, day: int) -> None:
        """An entry on an account that its only customer may see no more: the races may have none that tells."""
        with self.chain.database() as connection:
            psycopg.ClientCursor(connection).execute(TOO_LATE, {"day": f"2003-04-{day:02}"})

    def wrong(self, day: int) -> tuple[int, int]:
        """How many alerts of this day are missing, how many extra."""
        with self.chain.database() as connection:
            row = connection.execute(WRONG, {"day": f"2003-04-{day:02}"}).fetchone()
        assert row is not None
        assert row[0] > ROUNDS, "the races lead to alerts"
        return row[1], row[2]

    def forget_alerts(self) -> None:
        with self.chain.database() as connection, unguarded(connection):
            connection.execute("truncate alerting.alert, alerting.outbox, alerting.outbox_due, alerting.quarantine")

    def go_back(self, divisor: int | None = None) -> None:
        """Judge again from the start of each partition; or from its length divided by `divisor`."""
        with self.chain.database() as connection:
            for partition, end in self.ends.items():
                connection.execute(
                    "update alerting.engine_position set position = %s where topic = %s and partition = %s",
                    [end // divisor if divisor else 0, self.chain.topics.event, partition],
                )

    def judge(self, *faults: str) -> None:
        """Judge everything that was recorded with an engine of these faults."""
        with self.engine(*faults):
            self.chain.wait_until_judged(self.ends, 30)

    @contextmanager
    def engine(self, *faults: str) -> Iterator[Engine]:
        """An engine with faults, for the block."""
        name = f"engine-{next(self._engines)}"
        ready = self.folder / f"{name}.ready"
        ours = dataclasses.replace(self.chain.settings, ready_file=ready)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                (sys.executable, "-m", "tests.seeded_bugs", *faults),
                env=settings.environment(settings.variables(ours)),
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
        running = Engine(process, self.folder / f"{name}.log", ready)
        try:
            yield running
        finally:
            running.kill()

    def went_back(self) -> bool:
        """Whether a position is before the end that was judged."""
        with self.chain.database() as connection:
            return bool(behind(self.chain.positions(connection), self.ends))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A stack of its own: what faulty engines write is no company for other tests."""
    folder = tmp_path_factory.mktemp("seeded")
    with running_stack(folder / "home", *without(ALONE)) as stack:
        found = Bench(Chain(stack), random.SystemRandom().randrange(10**6), folder)
        found.race(RECORDED_DAY)
        found.enter_too_late(RECORDED_DAY)
        found.chain.wait_until_captured()
        found.ends = found.chain.end_offsets()
        yield found


def test_a_sound_engine_judges_what_was_recorded_as_the_reference_does(bench: Bench) -> None:
    bench.judge()
    assert bench.wrong(RECORDED_DAY) == (0, 0), bench.seed


@pytest.mark.parametrize(
    "fault",
    [
        "judges_on_the_newest_state",
        "takes_the_newest_for_what_memory_has_lost",
        "ignores_the_catalogue_version",
        "ignores_validity",
        "shows_every_balance",
        "has_a_wrong_edge",
    ],
)
def test_a_fault_in_judging_what_was_recorded_is_found(bench: Bench, fault: str) -> None:
    bench.forget_alerts()
    bench.go_back()
    bench.judge(fault)
    assert bench.wrong(RECORDED_DAY) != (0, 0), (fault, bench.seed)


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_sound_engine_killed_in_its_write_loses_nothing(bench: Bench, lock: str) -> None:
    judge_with_a_kill(bench, lock)
    assert bench.wrong(RECORDED_DAY) == (0, 0), bench.seed


def test_alerts_lost_by_a_kill_in_the_middle_of_a_write_are_found(bench: Bench) -> None:
    judge_with_a_kill(bench, AFTER_POSITIONS, "saves_positions_before_effects", "lets_nothing_wait")
    missing, extra = bench.wrong(RECORDED_DAY)
    assert (missing > 0, extra) == (True, 0), bench.seed


def judge_with_a_kill(bench: Bench, lock: str, *faults: str) -> None:
    """An engine with faults is killed where the lock holds its first write; a sound one goes on."""
    bench.forget_alerts()
    bench.go_back()
    with held_in_write(bench.chain, lock), bench.engine(*faults) as engine:
        wait_until_held(bench.chain, bench.chain.settings.name)
        engine.kill()
    bench.judge()


def test_an_engine_stopped_in_its_write_does_not_hold_up_its_successor(bench: Bench) -> None:
    bench.forget_alerts()
    bench.go_back()
    with bench.engine() as stopped:
        with held_in_write(bench.chain, AFTER_POSITIONS):
            wait_until_held(bench.chain, bench.chain.settings.name)
            stopped.process.send_signal(signal.SIGSTOP)
        bench.judge("ends_stopped_sessions_soon")
        stopped.process.send_signal(signal.SIGCONT)
        wait_until(lambda: b"connected to PostgreSQL again" in stopped.log.read_bytes(), 30, "it lost its session and goes on")
    assert bench.wrong(RECORDED_DAY) == (0, 0), bench.seed


@pytest.mark.parametrize(("fault", "loses"), [((), False), (("drops_a_batch_with_an_old_alert",), True)])
def test_new_alerts_lost_beside_old_ones_are_found(bench: Bench, fault: tuple[str, ...], loses: bool) -> None:
    bench.forget_alerts()
    bench.go_back(divisor=2)
    bench.judge()
    bench.go_back()
    bench.judge(*fault)
    missing, extra = bench.wrong(RECORDED_DAY)
    assert (missing > 0, extra) == (loses, 0), bench.seed


@pytest.mark.parametrize(("fault", "writes"), [((), False), (("sets_positions_without_comparing",), True)])
def test_a_stalled_twin_that_writes_is_found(bench: Bench, fault: tuple[str, ...], writes: bool) -> None:
    bench.forget_alerts()
    bench.go_back()
    with bench.engine("stops_before_its_first_alerts", *fault) as stalled:
        process = psutil.Process(stalled.process.pid)
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, 30, "the engine holds its first alerts")
        bench.judge()
        process.resume()
        wait_until(lambda: bench.went_back() or b"joining the group anew" in stalled.log.read_bytes(), 30, "it wrote, or not")
        assert bench.went_back() == writes
        assert stalled.process.poll() is None, stalled.log.read_text()


@pytest.mark.parametrize("day", [FIRST_LIVE_DAY])
def test_a_sound_engine_judges_the_races_while_they_run_as_the_reference_does(bench: Bench, day: int) -> None:
    race_with(bench, day)
    assert bench.wrong(day) == (0, 0), bench.seed


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        (FIRST_LIVE_DAY + 1, "judges_on_the_newest_state"),
        (FIRST_LIVE_DAY + 2, "ignores_deletes"),
        (FIRST_LIVE_DAY + 3, "does_not_wait_for_the_marker"),
    ],
)
def test_a_fault_in_following_the_state_is_found(bench: Bench, day: int, fault: str) -> None:
    race_with(bench, day, fault)
    assert bench.wrong(day) != (0, 0), (fault, bench.seed)


def race_with(bench: Bench, day: int, *faults: str) -> None:
    """Race while an engine with these faults judges."""
    with bench.engine(*faults) as engine:
        engine.wait_until_ready()
        bench.race(day)
        bench.chain.settle(30)
