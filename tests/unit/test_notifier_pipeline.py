"""The senders of a channel: how many at once, what may not leave any more, what takes too long; where claims begin to look."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from notifier import pipeline as pipelines
from notifier.due_window import EVER, FULL_LOOK_AT_LEAST_EACH_S, FULL_LOOK_EACH_S, MARGIN, DueWindow
from notifier.message import Attempt, Claimed, Outgoing, Result, Sent, Target, Text, Unknown
from notifier.pipeline import BEGIN_WITHIN_S, Job, Pipeline
from notifier.providers import Providers
from tests.claimed import claimed

TARGET = Target("key", "address")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DEADLINE_S = 10.0


class Door:
    """A provider that lets messages through when it is told to."""

    name = "door"
    rate_per_s: float | None = None

    def __init__(self, *, is_open: bool = True) -> None:
        self.opened = asyncio.Event()
        if is_open:
            self.opened.set()
        self.inside = 0
        self.most_inside = 0

    def serves(self, _target: Target) -> bool:
        return True

    async def send(self, _target: Target, _outgoing: Outgoing) -> Result:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.opened.wait()
        finally:
            self.inside -= 1
        return Sent("door-1")

    async def close(self) -> None:
        pass


class Desk:
    """Keeps what the pipeline tells."""

    def __init__(self, paused: Sequence[int] = ()) -> None:
        self.paused = paused
        self.ended: dict[int, Sequence[Attempt]] = {}
        self.returned: list[int] = []

    def may_leave(self, job: Job[int]) -> bool:
        return job.judged not in self.paused

    def landed(self, job: Job[int], attempts: Sequence[Attempt]) -> None:
        if job.judged < 0:
            raise ValueError("it cannot be concluded")
        self.ended[job.judged] = attempts

    def given_back(self, job: Job[int]) -> None:
        self.returned.append(job.judged)


def job(number: int, age_s: float = 0.0) -> Job[int]:
    """Claimed and looked up so many seconds ago."""
    then = time.monotonic() - age_s
    return Job(number, Outgoing(UUID(int=abs(number)), Text(None, "text")), (TARGET,), then, then)


def play(scenario: Callable[[Pipeline[int], Door, Desk], Awaitable[None]], desk: Desk, *, is_open: bool = True) -> None:
    """Run a scenario on a pipeline of four senders."""

    async def run() -> None:
        door = Door(is_open=is_open)
        pipeline: Pipeline[int] = Pipeline(Providers("DOOR", [door], 4), 4, desk)
        running = asyncio.create_task(pipeline.run())
        async with asyncio.timeout(DEADLINE_S):
            await scenario(pipeline, door, desk)
            await pipeline.finish()
        running.cancel()

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    """Let the others run until it holds; the scenario's deadline bounds it."""
    for _ in iter(holds, True):
        await asyncio.sleep(0)


def test_as_many_as_there_are_senders_are_sent_at_once() -> None:
    async def scenario(pipeline: Pipeline[int], door: Door, desk: Desk) -> None:
        for number in range(10):
            pipeline.add(job(number))
        await until(lambda: door.inside == 4)
        assert pipeline.room(4) == 0
        door.opened.set()
        await pipeline.has_room.wait()
        await until(lambda: len(desk.ended) == 10)
        assert door.most_inside == 4
        assert pipeline.room(4) > 0

    play(scenario, Desk(), is_open=False)


def test_what_is_being_prepared_takes_room() -> None:
    async def scenario(pipeline: Pipeline[int], _door: Door, _desk: Desk) -> None:
        assert pipeline.room(4) == 4
        pipeline.expect(3)
        assert pipeline.room(4) == 0
        pipeline.expect(-3)
        await pipeline.has_room.wait()
        assert pipeline.room(1) == 1

    play(scenario, Desk())


def test_what_may_not_leave_any_more_is_not_sent() -> None:
    async def scenario(pipeline: Pipeline[int], _door: Door, desk: Desk) -> None:
        for each in (job(1), job(2), job(3, age_s=BEGIN_WITHIN_S + 1), job(4)):
            pipeline.add(each)
        await until(lambda: set(desk.ended) == {1, 4})
        assert desk.returned == [3]

    play(scenario, Desk(paused=[2]))


def test_at_the_end_what_was_not_begun_is_given_back_and_what_was_is_waited_for() -> None:
    desk = Desk()

    async def scenario(pipeline: Pipeline[int], door: Door, _desk: Desk) -> None:
        for number in range(6):
            pipeline.add(job(number))
        await until(lambda: door.inside == 4)
        asyncio.get_running_loop().call_later(0.05, door.opened.set)

    play(scenario, desk, is_open=False)
    assert (sorted(desk.ended), desk.returned) == ([0, 1, 2, 3], [4, 5])


def test_a_send_that_takes_too_long_is_unknown_and_its_sender_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "SEND_WITHIN_S", 0.05)
    monkeypatch.setattr(pipelines, "SWEEP_S", 0.01)

    async def scenario(pipeline: Pipeline[int], door: Door, desk: Desk) -> None:
        for number in range(2):
            pipeline.add(job(number))
        await until(lambda: len(desk.ended) == 2)
        assert {type(attempt.result) for attempts in desk.ended.values() for attempt in attempts} == {Unknown}
        door.opened.set()
        pipeline.add(job(4))
        await until(lambda: 4 in desk.ended)
        assert isinstance(desk.ended[4][0].result, Sent)

    play(scenario, Desk(), is_open=False)


def test_a_message_that_cannot_be_concluded_stops_no_other() -> None:
    async def scenario(pipeline: Pipeline[int], _door: Door, desk: Desk) -> None:
        for number in (-1, -2, -3, -4, -5, 6):
            pipeline.add(job(number))
        await until(lambda: 6 in desk.ended)

    play(scenario, Desk())


CLAIMED = claimed(NOW, written_at=NOW, age=timedelta(0))


def written(*seconds: float) -> list[Claimed]:
    """Messages written so long after NOW."""
    return [dataclasses.replace(CLAIMED, written_at=NOW + timedelta(seconds=each)) for each in seconds]


def test_a_claim_looks_back_from_the_newest_message_found() -> None:
    window = DueWindow()
    assert window.due_from(100.0) == EVER
    window.claimed(written(5, 9, 7), 100.0, 100.001)
    assert window.due_from(100.5) == NOW + timedelta(seconds=9) - MARGIN
    window.claimed(written(-60), 100.5, 100.501)  # a retry of an older one
    assert window.due_from(100.6) == NOW + timedelta(seconds=9) - MARGIN


@pytest.mark.parametrize(("took_s", "pause_s"), [(0.0001, FULL_LOOK_EACH_S), (0.002, 4.0), (1.0, FULL_LOOK_AT_LEAST_EACH_S)])
def test_everything_is_looked_at_now_and_then(took_s: float, pause_s: float) -> None:
    window = DueWindow()
    ended = 100.0 + took_s
    window.claimed(written(0), 100.0, ended)
    assert window.due_from(ended + pause_s - 0.01) != EVER
    assert window.due_from(ended + pause_s + 0.01) == EVER
