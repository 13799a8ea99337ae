"""INBOX: the list of messages in the bank's own app (bank.inbox_message). No settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from bankalerts.settings import Settings
from notifier.database import Database, DatabaseAwayError
from notifier.message import Drop, Outgoing, Reach, Result, Retry, Sent
from sql import queries

SQL = queries("inbox", "asyncpg")

BATCH_MAX = 500
CUSTOMER = re.compile(r"-?[0-9]{1,18}")
# PostgreSQL restarts in about a second; what it is away for longer goes back to the outbox. Writing again what is there changes
# nothing, so no outcome is unknown.
WRITE_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message to be written, and where its result goes."""

    customer_id: int
    outgoing: Outgoing
    written: asyncio.Future[Result]


class Channel:
    """One row per message, which the customer's app shows and marks as read."""

    reach = Reach.CUSTOMER
    most_in_flight = 200

    def __init__(self, settings: Settings) -> None:  # noqa: ARG002  a channel is made from the settings
        self._database: Database | None = None
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def open(self, database: Database) -> None:
        """Take the database that messages are written to."""
        self._database = database

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """`address` is the customer's number; a repetition is known by the message's id."""
        if not CUSTOMER.fullmatch(address):
            return Drop("it is no customer's inbox")
        if not all(is_kept(text) for text in (outgoing.text.subject or "", outgoing.text.body)):
            return Drop("its text has a character that PostgreSQL does not keep")
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(int(address), outgoing, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def close(self) -> None:
        """Nothing is left to write: whoever sends waits for it."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])

    async def _write_all(self) -> None:
        """Write what waits. While one batch is written, the next one gathers."""
        try:
            # What is sent in the same turn of the event loop goes along.
            await asyncio.sleep(0)
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                result = await self._write(batch)
                for each in batch:
                    if not each.written.done():
                        each.written.set_result(result)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[_Waiting]) -> Result:
        if self._database is None:
            return Retry("the inbox is not open", provider_down=True)
        try:
            await self._database.run(lambda connection: _insert(connection, batch), within_s=WRITE_WITHIN_S)
        except DatabaseAwayError:
            return Retry("PostgreSQL is away", provider_down=True)
        except asyncpg.PostgresError as error:
            return Retry(f"PostgreSQL refuses it with {type(error).__name__}", provider_down=True)
        return Sent()


def is_kept(text: str) -> bool:
    """Whether PostgreSQL can hold it."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


async def _insert(connection: Any, batch: Sequence[_Waiting]) -> None:
    await SQL.write_messages(
        connection,
        message_ids=[each.outgoing.message_id for each in batch],
        customer_ids=[each.customer_id for each in batch],
        alert_types=[each.outgoing.alert_type for each in batch],
        subjects=[each.outgoing.text.subject for each in batch],
        bodies=[each.outgoing.text.body for each in batch],
    )
