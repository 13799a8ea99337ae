"""INBOX: the list that the bank's app shows, written by the notifier, marked by the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

import sql
from notifier.channels.inbox import Channel
from notifier.database import Database
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Text
from tests.rigs import settings

SQL = sql.queries("inbox", "psycopg")


@asynccontextmanager
async def inbox(url: str, folder: Path) -> AsyncIterator[Channel]:
    """The channel, open."""
    database = await Database.connect(url, "inbox-test", 2)
    channel = Channel(settings(folder))
    await channel.open(database)
    try:
        yield channel
    finally:
        await channel.close()
        await database.close()


def outgoing(body: str = "body", message_id: UUID | None = None, subject: str | None = "subject") -> Outgoing:
    """A message."""
    return Outgoing(message_id or uuid4(), Text(subject, body), "BALANCE_BELOW")


def send(url: str, folder: Path, *messages: tuple[str, Outgoing]) -> list[Result]:
    """Send all of them at once."""

    async def scenario() -> list[Result]:
        async with asyncio.timeout(20), inbox(url, folder) as channel:
            return await asyncio.gather(*(channel.send(to, message) for to, message in messages))

    return asyncio.run(scenario())


def listed(connection: psycopg.Connection[Any], customer_id: int) -> list[tuple[str | None, str, bool]]:
    """A customer's list as the app reads it: subject, body, whether it was read."""
    rows = SQL.read_messages(connection, customer_id=customer_id, most=1000)
    return [(subject, body, read_at is not None) for _, _, subject, body, _, read_at in rows]


def test_a_message_is_in_its_customers_list_and_in_no_others(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    assert send(database, tmp_path, ("1", outgoing("one")), ("2", outgoing("two", subject=None))) == [Sent(), Sent()]
    assert listed(connection, 1) == [("subject", "one", False)]
    assert listed(connection, 2) == [(None, "two", False)]
    assert listed(connection, 3) == []


def test_what_is_sent_again_is_there_once_and_stays_read(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    message = outgoing("first")
    assert send(database, tmp_path, ("1", message), ("1", message)) == [Sent(), Sent()]
    assert SQL.mark_read(connection, customer_id=2, message_ids=[message.message_id]) == 0, "it is not this customer's"
    assert SQL.mark_read(connection, customer_id=1, message_ids=[message.message_id, uuid4()]) == 1
    assert SQL.mark_read(connection, customer_id=1, message_ids=[message.message_id]) == 0, "the first time counts"
    connection.commit()
    assert send(database, tmp_path, ("1", outgoing("changed", message.message_id))) == [Sent()]
    assert listed(connection, 1) == [("subject", "first", True)]


def test_many_at_once_are_few_statements(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    connection.execute("create table written (rows bigint)")
    connection.execute(
        "create function note() returns trigger language plpgsql as"
        " $$ begin insert into written select count(*) from fresh; return null; end $$"
    )
    connection.execute(
        "create trigger note after insert on bank.inbox_message referencing new table as fresh for each statement"
        " execute function note()"
    )
    connection.commit()
    assert set(send(database, tmp_path, *[("1", outgoing(str(number))) for number in range(1200)])) == {Sent()}
    written = [rows for (rows,) in connection.execute("select rows from written order by rows").fetchall()]
    assert sum(written) == 1200
    assert len(written) == 3


def test_what_is_no_customer_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        channel = Channel(settings(tmp_path))
        for address in ("", "x", "1; drop table bank.customer", "1e3", "\u0661", "9" * 19, "1\n"):
            assert await channel.send(address, outgoing()) == Drop("it is no customer's inbox"), address

    asyncio.run(scenario())


def test_what_postgresql_cannot_keep_spoils_no_other(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    texts = ["a\x00b", "\ud800", "fine \u202e<b>{{ 7 }}"]
    results = send(database, tmp_path, *[("1", outgoing(text)) for text in texts])
    assert [type(result) for result in results] == [Drop, Drop, Sent]
    assert listed(connection, 1) == [("subject", texts[2], False)]


def test_a_table_that_refuses_is_tried_again(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    connection.execute("alter table bank.inbox_message add constraint nothing_more check (body <> 'no')")
    connection.commit()
    (result,) = send(database, tmp_path, ("1", outgoing("no")))
    assert result == Retry("PostgreSQL refuses it with CheckViolationError", provider_down=True)


def test_a_channel_that_was_not_opened_says_so(tmp_path: Path) -> None:
    async def scenario() -> Result:
        return await Channel(settings(tmp_path)).send("1", outgoing())

    assert asyncio.run(scenario()) == Retry("the inbox is not open", provider_down=True)


def test_nothing_but_the_read_mark_can_be_changed(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    send(database, tmp_path, ("1", outgoing()))
    for column in ("body = 'changed'", "customer_id = 2", "written_at = now()", "message_id = gen_random_uuid()"):
        with pytest.raises(psycopg.Error) as refused, connection.transaction():
            connection.execute(f"update bank.inbox_message set {column}")
        assert refused.value.sqlstate == "BA002", column
