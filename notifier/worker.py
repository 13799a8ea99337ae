"""One channel's worker: from a due row of the outbox to a recorded conclusion."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from notifier import address_book, outbox, retry
from notifier.breaker import Breaker
from notifier.channels import Channel
from notifier.database import Database, DatabaseAwayError
from notifier.message import Attempt, Claimed, Conclusion, Outgoing, Recipient, Retry, Unknown
from notifier.outbox import Record
from notifier.outcome import conclude, end_unsent, give_up
from notifier.recorder import Recorder
from notifier.render import RenderError
from notifier.send import SEND_WITHIN_S, send
from notifier.suppress import reason_to_suppress
from notifier.templates import Templates
from notifier.waiting import is_set_within

log = logging.getLogger(__name__)

# When no notice comes (the listener is away, a retry falls due, a lease ran out), the outbox is asked this often.
POLL_S = 1.0
# From claim to send: what is sent later than this could outlive its lease.
PREPARE_WITHIN_S = outbox.LEASE_S - 2 * SEND_WITHIN_S


class Worker:
    """Drains one channel. It shares nothing with other channels but the pool and the processor."""

    def __init__(self, name: str, channel: Channel, database: Database) -> None:
        self._name = name
        self._channel = channel
        self._database = database
        self._templates = Templates(name)
        self._recorder = Recorder(name, database)
        self._breaker = Breaker(channel.most_in_flight)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._notice = asyncio.Event()  # something may be due
        self._landed = asyncio.Event()  # enough messages are no longer in flight
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Drain the channel until stopped.

        1. Wait until the provider is worth a try and half of the places are free.
        2. Claim what is due: a lease on each message, committed before anything is sent.
        3. Look up customers, permissions and addresses of all of them in one query.
        4. Give up what is too old, suppress what may not be sent; render the rest; what cannot be rendered has failed.
        5. Send each message in a task of its own to all its targets, each within SEND_WITHIN_S.
        6. Conclude it: accepted, failed, or tried again later. Recorded in batches, by compare-and-set on the lease.
        7. When fewer were due than there was room for, wait for a notice, POLL_S at most.
        """
        async with asyncio.TaskGroup() as group:
            recording = group.create_task(self._recorder.run())
            while not self._stopping.is_set():
                room = await self._room()
                self._notice.clear()
                claimed = await self._claim_and_start(room)
                if claimed < room:
                    await is_set_within(self._notice, POLL_S)
            # All that is claimed is in flight, and each send is bounded: there is nothing to give back.
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            await self._recorder.finish(recording)
            await self._channel.close()

    def wake(self) -> None:
        """Something was written to the outbox for this channel."""
        self._notice.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in flight has landed and is recorded."""
        self._stopping.set()
        self._notice.set()
        self._landed.set()

    async def _room(self) -> int:
        while not self._stopping.is_set():
            closed_for_s = self._breaker.closed_for_s(time.monotonic())
            if closed_for_s > 0:
                await is_set_within(self._stopping, closed_for_s)
            elif len(self._in_flight) > self._breaker.most // 2:
                self._landed.clear()
                await self._landed.wait()
            else:
                return self._breaker.most - len(self._in_flight)
        return 0

    async def _claim_and_start(self, room: int) -> int:
        claim_began = time.monotonic()
        claimed: list[Claimed] = []
        try:
            if room:
                claimed = await self._database.run(lambda connection: self._claim(connection, room), unless=self._stopping)
            if claimed:
                within_s = PREPARE_WITHIN_S - (time.monotonic() - claim_began)
                recipients, sent = await self._database.run(
                    lambda connection: self._look_up(connection, claimed), within_s=within_s, unless=self._stopping
                )
                for message, recipient in zip(claimed, recipients, strict=True):
                    self._start(message, recipient, sent.get(message.message_id, {}))
                    # Rendering a whole batch at once would hold up the other channels, and this message's own send.
                    await asyncio.sleep(0)
        except DatabaseAwayError:
            if claimed:
                log.warning("%s: %d messages wait for their lease to run out", self._name, len(claimed))
        return len(claimed)

    async def _claim(self, connection: Any, room: int) -> list[Claimed]:
        # Asked at the last moment: this call and the recorder may have waited for PostgreSQL side by side for minutes.
        # What the recorder still has to write was sent, and its lease may have run out: claimed now, it would be sent again.
        if self._recorder.is_late:
            return []
        return await outbox.claim(connection, self._name, room)

    async def _look_up(
        self, connection: Any, claimed: Sequence[Claimed]
    ) -> tuple[list[Recipient], dict[UUID, dict[str, datetime]]]:
        await self._templates.refresh(connection)
        recipients = await address_book.recipients(connection, self._name, self._channel.reach, claimed)
        return recipients, await outbox.sent_targets(connection, claimed)

    def _start(self, message: Claimed, recipient: Recipient, sent_before: Mapping[str, datetime]) -> None:
        if retry.is_given_up(message.age):
            self._record(message, give_up(message, sent_before))
            return
        reason = reason_to_suppress(recipient, self._channel.reach)
        if reason is not None:
            self._record(message, end_unsent("SUPPRESSED", reason, sent_before))
            return
        try:
            outgoing = Outgoing(message.message_id, self._templates.text(message, recipient))
        except RenderError as error:
            self._record(message, end_unsent("FAILED", str(error), sent_before))
            return
        task = asyncio.create_task(self._deliver(message, outgoing, recipient, sent_before))
        self._in_flight.add(task)
        task.add_done_callback(self._on_landed)

    async def _deliver(
        self, message: Claimed, outgoing: Outgoing, recipient: Recipient, sent_before: Mapping[str, datetime]
    ) -> None:
        targets = [target for target in recipient.targets if target.key not in sent_before]
        attempts = await send(self._channel, outgoing, targets)
        self._judge_provider(attempts)
        self._record(message, conclude(message, attempts, sent_before, random.random()), attempts)  # noqa: S311

    def _judge_provider(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            if isinstance(attempt.result, Unknown) or (isinstance(attempt.result, Retry) and attempt.result.provider_down):
                if self._breaker.is_open:
                    log.warning(
                        "%s: the provider is down (%s): trying one message at a time", self._name, attempt.result.reason
                    )
                self._breaker.failed(time.monotonic(), random.random())  # noqa: S311
            else:
                if not self._breaker.is_open:
                    log.info("%s: the provider is back", self._name)
                self._breaker.worked()

    def _record(self, message: Claimed, conclusion: Conclusion, attempts: Sequence[Attempt] = ()) -> None:
        self._recorder.add(Record(message, conclusion, attempts))

    def _on_landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if len(self._in_flight) <= self._breaker.most // 2:
            self._landed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: a message could not be concluded", self._name, exc_info=task.exception())
