"""Writing receipts to the database: all of a batch or none."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from notifier.database import Database, DatabaseAwayError
from notifier.receipt_payload import Receipt
from notifier.waiting import is_set_within
from sql import queries

log = logging.getLogger(__name__)

SQL = queries("receipts", "asyncpg")

# A receipt may be here before the message is recorded as sent: so long it is asked for again.
WAIT_FOR_MESSAGE_S = 2.0
ASK_AGAIN_S = 0.1
# A provider that waits longer than this for our answer repeats its receipts anyway.
ANSWER_WITHIN_S = 5.0
FLUSH_S = 1.0


class UnknownMessageError(Exception):
    """No message was taken under one of these names; `index` says which receipt of the batch. Nothing was changed."""

    def __init__(self, index: int) -> None:
        super().__init__("no message of this provider has that provider_ref")
        self.index = index


class ReceiptBook:
    """Takes receipts of all providers, and counts those that were refused."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._refused: Counter[tuple[str, str]] = Counter()

    async def take(self, provider: str, receipts: Sequence[Receipt]) -> None:
        """Apply receipts, which have a time, in their order. Safe to repeat.

        Raises UnknownMessageError when one is of no message, DatabaseAwayError when PostgreSQL is away for too long.
        """
        give_up_at = asyncio.get_running_loop().time() + WAIT_FOR_MESSAGE_S
        while True:
            try:
                await self.take_now(provider, receipts)
            except UnknownMessageError:
                if asyncio.get_running_loop().time() + ASK_AGAIN_S > give_up_at:
                    raise
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                return

    async def take_now(self, provider: str, receipts: Sequence[Receipt]) -> None:
        """As `take`, without waiting for messages to be recorded."""
        # In the order of their names: two batches that share messages then never wait for each other.
        places = sorted(range(len(receipts)), key=lambda place: receipts[place].provider_ref)
        ordered = [receipts[place] for place in places]
        try:
            await self._database.run(lambda connection: _apply(connection, provider, ordered), within_s=ANSWER_WITHIN_S)
        except UnknownMessageError as error:
            raise UnknownMessageError(places[error.index]) from None

    def refuse(self, provider: str, reason: str, receipts: int = 1) -> None:
        """Count refused receipts, or refused requests whose receipts are not known. `reason` is one of a few words."""
        self._refused[provider, reason] += receipts

    async def run(self, stop: asyncio.Event) -> None:
        """Write the counts every FLUSH_S seconds until `stop` is set, and then once more."""
        while not stop.is_set():
            await is_set_within(stop, FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write the counts. What cannot be written now is kept for the next time."""
        counted, self._refused = self._refused, Counter()
        if not counted:
            return
        try:
            await self._database.run(lambda connection: _count(connection, counted), within_s=ANSWER_WITHIN_S)
        except DatabaseAwayError:
            self._refused.update(counted)
        else:
            for (provider, reason), receipts in counted.items():
                log.warning("%d receipts of provider %s were refused: %s", receipts, provider, reason)


async def _apply(connection: Any, provider: str, receipts: Sequence[Receipt]) -> None:
    """One transaction. Raises UnknownMessageError with the place of the first receipt that is of no message."""
    without_fallback: list[str] = []
    if any(receipt.status != "DELIVERED" for receipt in receipts):
        without_fallback = [row["alert_type"] async for row in SQL.read_types_without_fallback(connection)]
    async with connection.transaction():
        rows = SQL.apply_receipts(
            connection,
            provider=provider,
            without_fallback=without_fallback,
            provider_refs=[receipt.provider_ref for receipt in receipts],
            statuses=[receipt.status for receipt in receipts],
            reasons=[receipt.reason for receipt in receipts],
            said_at=[receipt.at for receipt in receipts],
        )
        outcomes = [row["outcome"] async for row in rows]
        if "UNKNOWN_MESSAGE" in outcomes:
            raise UnknownMessageError(outcomes.index("UNKNOWN_MESSAGE"))


async def _count(connection: Any, counted: Counter[tuple[str, str]]) -> None:
    await SQL.count_refused(
        connection,
        providers=[provider for provider, _ in counted],
        reasons=[reason for _, reason in counted],
        receipts=list(counted.values()),
    )
