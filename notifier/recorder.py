"""Recording conclusions in batches: while one is being written, the next ones gather."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from notifier import address_book, measures, outbox
from notifier.database import Database
from notifier.message import Drop, Reach
from notifier.outbox import Record
from notifier.send import SEND_WITHIN_S

log = logging.getLogger(__name__)

BATCH_MAX = 500
# At a stop PostgreSQL may be away. What cannot be recorded within this long is sent again when its lease has run out.
FINISH_WITHIN_S = 3.0
# A conclusion comes with SEND_WITHIN_S or more of its lease left. After half of that it counts as late.
LATE_AFTER_S = SEND_WITHIN_S / 2


class Recorder:
    """Writes what became of the messages of one channel. One connection at a time, one statement per batch."""

    def __init__(self, channel: str, reach: Reach, database: Database) -> None:
        self._channel = channel
        self._reach = reach
        self._database = database
        self._queue: asyncio.Queue[tuple[float, Record] | None] = asyncio.Queue()
        self._oldest_at: float | None = None  # when the first one of the batch at hand was added

    @property
    def is_late(self) -> bool:
        """Whether a message may lose its lease, or has lost it, before its conclusion is written."""
        return self._oldest_at is not None and time.monotonic() - self._oldest_at > LATE_AFTER_S

    def add(self, record: Record) -> None:
        """Have this written as soon as possible."""
        self._queue.put_nowait((time.monotonic(), record))

    async def run(self) -> None:
        """Write until `finish` is called. While PostgreSQL is away it waits: what was sent must be recorded."""
        while True:
            batch, last = await self._gather()
            if batch:
                await self._write(batch)
                self._oldest_at = None
            if last:
                return

    async def finish(self, running: asyncio.Task[None]) -> None:
        """Write the rest, then end `running`, the task of `run`."""
        self._queue.put_nowait(None)
        done, _ = await asyncio.wait([running], timeout=FINISH_WITHIN_S)
        if not done:
            running.cancel()
            log.error("%s: stopped before all conclusions were recorded; these messages are sent again", self._channel)

    async def _gather(self) -> tuple[list[Record], bool]:
        batch: list[Record] = []
        item = await self._queue.get()
        while item is not None:
            added_at, record = item
            if not batch:
                self._oldest_at = added_at
            batch.append(record)
            if self._queue.empty() or len(batch) == BATCH_MAX:
                return batch, False
            item = self._queue.get_nowait()
        return batch, True

    async def _write(self, batch: Sequence[Record]) -> None:
        began_at = time.monotonic()
        recorded = await self._database.run(lambda connection: self._record(connection, batch))
        self._count(batch, time.monotonic() - began_at)
        lost = sum(record.message.message_id not in recorded for record in batch)
        if lost:
            measures.LOST.labels(self._channel).inc(lost)
            log.warning("%s: %d messages were no longer leased to us when their end was recorded", self._channel, lost)

    def _count(self, batch: Sequence[Record], took_s: float) -> None:
        measures.RECORDING.labels(self._channel).observe(took_s)
        for state, messages in Counter(record.conclusion.state for record in batch).items():
            measures.CONCLUDED.labels(self._channel, state).inc(messages)

    async def _record(self, connection: Any, batch: Sequence[Record]) -> set[UUID]:
        """What was learned of addresses first: a message that goes out meanwhile need not meet a dead one."""
        dead = [
            (record.message, attempt)
            for record in batch
            for attempt in record.attempts
            if isinstance(attempt.result, Drop) and attempt.result.address_is_dead
        ]
        if dead and self._reach is Reach.DEVICES:
            await address_book.retire_devices(connection, dead)
        elif dead:
            await outbox.suppress(connection, self._channel, dead)
        return await outbox.record(connection, batch)
