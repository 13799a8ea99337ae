"""What customers outside of a pilot would have got, rendered from what was kept of their alerts."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import asyncpg

from bankalerts.errors import BankalertsError
from notifier import address_book, outbox
from notifier.channels import Channel, discover, traits_of
from notifier.message import Claimed, Recipient
from notifier.render import RenderError
from notifier.templates import Templates
from sql import queries

SQL = queries("operate", "asyncpg")

# An hour, a day, a week, a year: a common type has enough in the last hour, and what is looked at stays little.
HOURS = (1, 24, 7 * 24, 366 * 24)


def would_have_got(url: str, alert_type: str, most: int) -> list[dict[str, Any]]:
    """The newest messages suppressed for the pilot: when, to whom, on which channel, the text. Raises BankalertsError."""
    try:
        return asyncio.run(_read(url, alert_type, most))
    except (OSError, asyncpg.PostgresError) as error:
        raise BankalertsError(f"PostgreSQL cannot be used ({type(error).__name__}): start it with `bankalerts up`") from error


async def _read(url: str, alert_type: str, most: int) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url, server_settings={"application_name": "bankalerts-pilot"})
    try:
        messages: list[Claimed] = []
        for hours in HOURS:
            rows = SQL.read_outside_pilot(connection, alert_type=alert_type, most=most, hours=hours)
            messages = [outbox.claimed_of(row) async for row in rows]
            if len(messages) == most:
                break
        told = [await _of_channel(connection, name, messages) for name in sorted({each.channel for each in messages})]
        return sorted((row for rows in told for row in rows), key=lambda row: row["written_at"], reverse=True)
    finally:
        await connection.close()


async def _of_channel(connection: Any, name: str, messages: list[Claimed]) -> list[dict[str, Any]]:
    known = discover()
    if name not in known:
        return []
    # what is asked for here stands in the class; nothing is sent
    traits = traits_of(name, cast("Channel", known[name]))
    templates = Templates(name, traits.balance_is_private, traits.plain_spaces)
    await templates.refresh(connection)
    mine = [message for message in messages if message.channel == name]
    found = await address_book.recipients(connection, name, traits.reach, mine)
    return [
        {
            "written_at": message.written_at,
            "customer_id": message.customer_id,
            "channel": name,
            "body": _body(templates, message, recipient),
        }
        for message, recipient in zip(mine, found, strict=True)
    ]


def _body(templates: Templates, message: Claimed, recipient: Recipient) -> str:
    try:
        return templates.text(message, recipient).body
    except RenderError as error:
        return f"cannot be rendered: {error}"
