"""The Berka bank while engine processes join, leave, are killed, and come back from a pause longer than their session."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from confluent_kafka.admin import AdminClient

from bankalerts.report.golden import EVENT_FROM, EVENT_UNTIL
from tests.aimed import AFTER_POSITIONS, held_in_write, wait_until_held
from tests.berka_bank import ENTRIES, BerkaBank
from tests.chain import Chain
from tests.long.berka import DEADLINE_S, bank, prove
from tests.long.frame import Options, Report, say
from tests.waiting import wait_until


@dataclass(frozen=True)
class Step:
    """Something that moves partitions between engines."""

    what: str
    act: Callable[[Chain], object]


def run(options: Options, report: Report) -> None:
    """Start with two engines, take all steps while the bank is played, then prove."""
    limit, rate = (1_200, 100.0) if options.small else (ENTRIES, 900.0)
    with bank(options, "--engines", "2") as berka:
        began = take_steps(berka, limit, rate, STEPS)
        berka.chain.settle()
        for name, pause_s in pauses(berka.chain, began).items():
            report.figure(f"longest_wait_s: {name}", pause_s)
        prove(berka, limit, report)


def take_steps(berka: BerkaBank, limit: int, rate: float, steps: tuple[Step, ...]) -> list[tuple[str, datetime]]:
    """Take each step after an equal share of entries was judged; returns when each one began, by the database's clock."""
    chain = berka.chain
    began = []
    with chain.database() as connection:
        playing = berka.start_paced(limit, rate)
        before = chain.judged(connection)
        new = limit - berka.there()
        began.append(("before the first step", now(chain)))
        for number, step in enumerate(steps, start=1):
            due = before + new * number // (len(steps) + 1)
            wait_until(lambda due=due: chain.judged(connection) >= due, DEADLINE_S, f"{due} events are judged")  # type: ignore[misc]
            say(f"after {due:,} events: {step.what}")
            began.append((step.what, now(chain)))
            step.act(chain)
    playing.result()
    return began


def pauses(chain: Chain, began: list[tuple[str, datetime]]) -> dict[str, float]:
    """For each step the longest that an event which led to an alert lay on Kafka, from the step to the next one."""
    ends = [time for _, time in began[1:]] + [now(chain)]
    with chain.database() as connection:
        found = {}
        for (what, start), end in zip(began, ends, strict=True):
            row = connection.execute(
                "select extract(epoch from max(written_at - on_kafka_at)) from alerting.alert"
                " where event_date between %s and %s and on_kafka_at >= %s and on_kafka_at < %s",
                [EVENT_FROM, EVENT_UNTIL, start, end],
            ).fetchone()
            found[what] = round(float(row[0]), 2) if row and row[0] is not None else 0.0
    return found


def now(chain: Chain) -> datetime:
    """The database's clock."""
    with chain.database() as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    time: datetime = row[0]
    return time


def engines(count: int) -> Callable[[Chain], object]:
    """Have so many engines."""

    def act(chain: Chain) -> None:
        chain.stack.cli("up", "--engines", str(count))
        wait_until_members(chain, count)

    return act


def kill_one(chain: Chain) -> None:
    """kill -9 of the second engine; `up` starts it anew."""
    chain.kill("engine-2")
    chain.stack.cli("up")
    wait_until_members(chain, 2)


def stop_past_session(chain: Chain) -> None:
    """The second engine is paused until the group has given it up, then goes on with what it had in its hands."""
    chain.signal("engine-2", signal.SIGSTOP)
    try:
        wait_until_members(chain, 1)
    finally:
        chain.signal("engine-2", signal.SIGCONT)
    wait_until_members(chain, 2)


def stop_in_write(chain: Chain) -> None:
    """The same in the middle of a write: the positions are moved and locked, the alerts are not there yet."""
    with held_in_write(chain, AFTER_POSITIONS):
        wait_until_held(chain, "engine-2")
        chain.signal("engine-2", signal.SIGSTOP)
    try:
        wait_until_members(chain, 1)
        chain.wait_until_judged(chain.end_offsets())
    finally:
        chain.signal("engine-2", signal.SIGCONT)
    wait_until_members(chain, 2)


def wait_until_members(chain: Chain, count: int) -> None:
    """Until the group of the engines has so many members, and none is joining or leaving."""
    admin = AdminClient({"bootstrap.servers": chain.settings.kafka, "log_level": 0})
    wait_until(lambda: members(admin, chain) == count, 60, f"the group has {count} members")


def members(admin: AdminClient, chain: Chain) -> int:
    """How many members have partitions in a stable group; -1 while it is not stable."""
    group = f"bankalerts-engine-{chain.topics.prefix}"
    found = admin.describe_consumer_groups([group], request_timeout=10)[group].result()
    if found.state.name != "STABLE":
        return -1
    return sum(bool(member.assignment.topic_partitions) for member in found.members)


JOIN = Step("a third engine joins", engines(3))
LEAVE = Step("it leaves", engines(2))
KILL = Step("one is killed and started", kill_one)
PAUSE = Step("one is paused past its session and goes on", stop_past_session)
PAUSE_IN_WRITE = Step("one is paused in the middle of a write and goes on", stop_in_write)
STEPS = (JOIN, LEAVE, KILL, PAUSE, PAUSE_IN_WRITE)
