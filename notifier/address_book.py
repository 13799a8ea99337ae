"""What the bank knows: customers, permissions, addresses, devices, templates. The only module that reads the schema bank."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.message import Attempt, Claimed, Drop, Reach, Recipient, Target
from sql import queries

SQL = queries("notifier", "asyncpg")


@dataclass(frozen=True, slots=True)
class Template:
    """The newest version of a row of bank.message_template."""

    alert_type: str
    locale: str
    version: int
    subject: str | None
    body: str


async def recipients(connection: Any, channel: str, reach: Reach, messages: Sequence[Claimed]) -> list[Recipient]:
    """Who the messages go to, in their order, as the bank has it at this moment. One query, never cached."""
    rows = SQL.read_recipients(
        connection,
        channel=channel,
        devices=reach is Reach.DEVICES,
        customer_ids=[message.customer_id for message in messages],
        account_ids=[message.account_id for message in messages],
        alert_types=[message.alert_type for message in messages],
    )
    found = [row async for row in rows]
    return [_recipient(row, message, reach) for row, message in zip(found, messages, strict=True)]


async def retire_devices(connection: Any, refused: Sequence[Attempt]) -> None:
    """Send nothing more to devices that a provider no longer knows, unless they were registered anew since the attempt."""
    await SQL.retire_devices(
        connection,
        push_ids=[attempt.target.key for attempt in refused],
        tried_at=[attempt.started_at for attempt in refused],
        reasons=[attempt.result.reason for attempt in refused if isinstance(attempt.result, Drop)],
    )


async def templates(connection: Any, channel: str) -> dict[tuple[str, str], Template]:
    """All templates of a channel by (alert type, locale)."""
    rows = SQL.read_templates(connection, channel=channel)
    return {(row["alert_type"], row["locale"]): Template(**row) async for row in rows}


async def minor_digits(connection: Any) -> dict[str, int]:
    """How many digits the minor unit of each currency has."""
    return {row["currency"]: row["minor_digits"] async for row in SQL.read_currencies(connection)}


def _recipient(row: Mapping[str, Any], message: Claimed, reach: Reach) -> Recipient:
    return Recipient(
        known=row["known"],
        full_name=row["full_name"] or "",
        locale=row["locale"] or "en",
        time_zone=row["time_zone"] or "UTC",
        account_id=message.account_id,
        iban=row["iban"],
        product=row["product"],
        currency=row["currency"],
        permitted=row["permitted"],
        balance_permitted=bool(row["balance_permitted"]),
        targets=tuple(Target(_key(address, reach), address) for address in row["addresses"]),
    )


def _key(address: str, reach: Reach) -> str:
    return address if reach is Reach.DEVICES else hashlib.sha256(address.encode()).hexdigest()
