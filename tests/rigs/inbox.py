"""INBOX: PostgreSQL with the bank's tables, behind a relay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from notifier.channels import inbox
from notifier.channels.inbox import WRITE_WITHIN_S, Channel
from notifier.database import Database
from notifier.message import Target
from tests import relay
from tests.rigs import DATABASE_URL, Stage, UnsupportedError, settings
from tests.running_stack import ALL_BUT_POSTGRES, running_stack

NAME = "INBOX"
CHANNEL = "INBOX"
TARGET = Target("customer", "7165392041")
IS_IDEMPOTENT = True
HAS_REF = False
NEEDS_DATABASE = True

DOWN_WITHIN_S = 0.5
RELAY = {"accept": relay.PASS, "down": relay.DOWN, "hang": relay.SILENT}


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """The database that the test gives, else one of its own."""
    given = folder / DATABASE_URL
    if given.exists():
        yield given.read_text(encoding="utf-8")
        return
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with running_stack(folder / "home", *without) as running:
        yield running.settings.database_url


async def _run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """PostgreSQL and INBOX."""
    with _database(folder) as url:
        await _run(url, "truncate bank.inbox_message")
        parts = urlsplit(url)
        async with relay.relay(parts.port or 5432) as front:
            relayed = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{front.port}").geturl()
            database = await Database.connect(relayed, "inbox-test", 2)
            channel = Channel(settings(folder))
            await channel.open(database)

            async def behave(mode: str) -> None:
                if mode not in RELAY:
                    raise UnsupportedError(f"a table has no {mode}: to write again what is there changes nothing")
                # Nobody waits five seconds for what is known to be down.
                inbox.WRITE_WITHIN_S = DOWN_WITHIN_S if mode == "down" else WRITE_WITHIN_S
                await front.behave(RELAY[mode])

            async def received() -> list[dict[str, Any]]:
                rows = await _run(url, "select * from bank.inbox_message order by written_at, ctid")
                return [
                    {"to": str(row["customer_id"]), "key": str(row["message_id"]), **{n: row[n] for n in ("subject", "body")}}
                    for row in rows
                ]

            try:
                yield Stage(channel, behave, received)
            finally:
                inbox.WRITE_WITHIN_S = WRITE_WITHIN_S
                await channel.close()
                await database.close()
