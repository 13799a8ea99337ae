"""Between look-up and record: a channel's prepared messages wait their turn, and senders take them, one each at a time.

There is no task and no timer for a message: at some thousand messages a second they would cost more than the sending.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from bankalerts import faults
from notifier.message import Attempt, Outgoing, Result, Target
from notifier.outbox import LEASE_S
from notifier.providers import Providers
from notifier.send import SEND_WITHIN_S, given_up, send_to_all

log = logging.getLogger(__name__)

# Messages claimed and not landed: what was sent in the last second, up to this many. More would not be sent any faster.
HELD_MAX = 1_500
# What waited longer since its look-up goes back: permission, consent and addresses count as they are at sending.
BEGIN_WITHIN_S = 2.0
# A send that began later could outlive its lease before its end is recorded.
BEGIN_BEFORE_S = LEASE_S - SEND_WITHIN_S - 5.0
SWEEP_S = 0.25
# A channel that never waits for anything must let the others run.
WITHOUT_PAUSE = 16


Judged = TypeVar("Judged")


@dataclass(frozen=True, slots=True)
class Job(Generic[Judged]):
    """A message that is to be sent. `judged` is what its end is concluded from; times are of time.monotonic."""

    judged: Judged
    outgoing: Outgoing
    targets: Sequence[Target]
    claimed_at: float
    looked_up_at: float


class Desk(Protocol[Judged]):
    """Who gives messages to the pipeline and takes their ends."""

    def may_leave(self, job: Job[Judged]) -> bool:
        """Asked right before it is sent. One that may not is concluded by whom was asked."""

    def landed(self, job: Job[Judged], attempts: Sequence[Attempt]) -> None:
        """It was sent, with this outcome."""

    def given_back(self, job: Job[Judged]) -> None:
        """It was not sent, and is not going to be."""


class Pipeline(Generic[Judged]):
    """Sends the messages of one channel, at most `most` at once."""

    def __init__(self, providers: Providers, most: int, desk: Desk[Judged]) -> None:
        self._most = most
        self._providers = providers
        self._desk = desk
        self._waiting: asyncio.Queue[Job[Judged]] = asyncio.Queue()
        self._senders = [Sender(self) for _ in range(most)]
        self._busy = 0
        self._landed = 0  # since the start
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._wanted_at = -1  # has_room is set when so few are held
        self._expected = 0  # claimed, and not prepared yet
        self.has_room = asyncio.Event()

    def expect(self, count: int) -> None:
        """So many more were claimed and are being prepared; so many fewer where it is negative."""
        self._expected += count
        if count < 0:
            self._wake()

    def add(self, job: Job[Judged]) -> None:
        """Have it sent as soon as a sender is free."""
        self._waiting.put_nowait(job)

    def room(self, most: int) -> int:
        """How many messages may be claimed now, when the providers take `most` at once.

        0 until half of those that are held have landed; `has_room` is then set.
        """
        held_max = most if most < self._most else max(most, min(HELD_MAX, self._landed_in_a_second()))
        held = self._held
        if held > held_max // 2:
            self._wanted_at = held_max // 2
            self.has_room.clear()
            return 0
        return held_max - held

    @property
    def _held(self) -> int:
        return self._expected + self._waiting.qsize() + self._busy

    def _landed_in_a_second(self) -> int:
        now = time.monotonic()
        self._marks.append((now, self._landed))
        while self._marks[0][0] < now - 1.0:
            self._marks.popleft()
        return self._landed - self._marks[0][1]

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sender in self._senders:
                sender.task = group.create_task(sender.run())
            while True:
                await asyncio.sleep(SWEEP_S)
                self._sweep(time.monotonic())

    async def finish(self) -> None:
        """Give back what was not begun, and wait for what was: each send is bounded."""
        while not self._waiting.empty():
            self._desk.given_back(self._waiting.get_nowait())
        while self._busy:
            self._wanted_at = 0
            self.has_room.clear()
            await self.has_room.wait()

    def _sweep(self, now: float) -> None:
        for sender in self._senders:
            if sender.began_at is not None and now - sender.began_at > SEND_WITHIN_S and sender.task is not None:
                sender.is_late = True
                sender.task.cancel()

    async def next_job(self) -> Job[Judged]:
        """The next one that may be sent now; of those before it the desk was told."""
        while True:
            job = await self._waiting.get()
            now = time.monotonic()
            if now - job.looked_up_at > BEGIN_WITHIN_S or now - job.claimed_at > BEGIN_BEFORE_S:
                self._desk.given_back(job)
            elif self._desk.may_leave(job):
                self._busy += 1
                return job
            self._wake()

    async def send(self, job: Job[Judged]) -> list[Attempt]:
        """To all its targets."""
        return await send_to_all(self._providers, job.outgoing, job.targets)

    def given_up(self, job: Job[Judged], target: Target) -> tuple[str, Result]:
        """What a send that took too long comes to, with the name of the provider that had it."""
        return given_up(self._providers, job.outgoing, target)

    def landed(self, job: Job[Judged], attempts: Sequence[Attempt]) -> None:
        """Tell how it ended."""
        self._desk.landed(job, attempts)

    def is_free(self) -> None:
        """A sender has done with a message."""
        self._busy -= 1
        self._landed += 1
        self._wake()

    def _wake(self) -> None:
        if self._held <= self._wanted_at:
            self._wanted_at = -1
            self.has_room.set()


class Sender(Generic[Judged]):
    """Takes one message after the other."""

    def __init__(self, pipeline: Pipeline[Judged]) -> None:
        self._pipeline = pipeline
        self.task: asyncio.Task[None] | None = None
        self.began_at: float | None = None
        self.is_late = False

    async def run(self) -> None:
        """Until cancelled."""
        count = 0
        while True:
            job = await self._pipeline.next_job()
            try:
                self._pipeline.landed(job, await self._send(job))
            except Exception as error:  # one message must not stop the others: its lease runs out
                log.error("a message could not be concluded: %s", faults.where(error))  # noqa: TRY400  its text may be personal
            finally:
                self._pipeline.is_free()
            count += 1
            if count % WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)

    async def _send(self, job: Job[Judged]) -> list[Attempt]:
        started_at = datetime.now(UTC)
        self.began_at = time.monotonic()
        try:
            return await self._pipeline.send(job)
        except asyncio.CancelledError:
            if not self.is_late or self.task is None:
                raise
            self.task.uncancel()
            ended = [(target, self._pipeline.given_up(job, target)) for target in job.targets]
            return [Attempt(target, started_at, datetime.now(UTC), result, name) for target, (name, result) in ended]
        finally:
            self.began_at = None
            self.is_late = False
