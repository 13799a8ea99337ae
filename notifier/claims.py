"""A channel's claims: which messages this process has leased, also where PostgreSQL went away before it could say so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from notifier import digest, outbox
from notifier.database import Database, DatabaseAwayError
from notifier.due_window import DueWindow
from notifier.message import Claimed
from notifier.outcome import release
from notifier.recorder import Recorder
from notifier.retry import RELEASED_FOR_S

# A claim that was not answered may be committed later: a server that was cut off goes on for a while.
ASK_UNANSWERED_EACH_S = 1.0


class Batch(NamedTuple):
    """Messages that were claimed together; `claimed_at` is of time.monotonic, right before."""

    messages: Sequence[Claimed]
    claimed_at: float


NOTHING = Batch((), 0.0)


class Claims:
    """Leases messages. What a claim leased whose answer was lost was certainly not sent: it is given back, not unknown."""

    def __init__(self, channel: str, database: Database, recorder: Recorder) -> None:
        self._channel = channel
        self._database = database
        self._recorder = recorder
        self._due_window = DueWindow()
        self._unanswered: dict[UUID, float] = {}  # when they were asked for, by lease token
        self._ask_unanswered_at = 0.0

    async def take(self, most: int, unless: asyncio.Event) -> Batch:
        """Up to `most` messages that are due, and those that are told with them; nothing when `unless` is set meanwhile."""
        try:
            return await self._database.run(lambda connection: self._take(connection, most), unless=unless)
        except DatabaseAwayError:
            return NOTHING

    async def _take(self, connection: Any, most: int) -> Batch:
        # Asked at the last moment: this call and the recorder may have waited for PostgreSQL side by side for minutes.
        # What the recorder still has to write was sent, and its lease may have run out: claimed now, it would be sent again.
        if self._recorder.is_late:
            return NOTHING
        await self._give_back(connection, time.monotonic())
        began = time.monotonic()
        token = uuid4()
        self._unanswered[token] = began
        claimed = await outbox.claim(connection, self._channel, most, self._due_window.due_from(began), token)
        ended = time.monotonic()
        told = await digest.siblings(connection, self._channel, claimed)
        del self._unanswered[token]
        self._due_window.claimed(claimed, began, ended)
        return Batch(self._without_left_out(claimed, told), began)

    def _without_left_out(self, claimed: list[Claimed], told: list[Claimed]) -> list[Claimed]:
        """Both, but for digests that are not whole: what there is of those would be sent now, and the rest after it."""
        left_out = digest.left_out(claimed, told)
        if not left_out:
            return claimed + told
        for message in claimed + told:
            if message.held_for in left_out:
                released = release(message, "more digests were due than are told at once", RELEASED_FOR_S)
                self._recorder.add(outbox.Record(message, released))
        return [message for message in claimed + told if message.held_for not in left_out]

    async def _give_back(self, connection: Any, now: float) -> None:
        """What earlier claims leased without our knowing, for as long as those leases run."""
        if not self._unanswered or now < self._ask_unanswered_at:
            return
        self._ask_unanswered_at = now + ASK_UNANSWERED_EACH_S
        for token in await outbox.give_back(connection, self._channel, list(self._unanswered)):
            self._unanswered.pop(token, None)
        self._unanswered = {token: at for token, at in self._unanswered.items() if now - at < outbox.LEASE_S}
