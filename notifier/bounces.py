"""Bounces that come as mail: found back by the ids that the mail went out with, and applied as receipts are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifier import bounce_mail, receipt_book
from notifier.bounce_mail import Bounce, MalformedBounceError, Outcome, Recipient
from notifier.database import Database
from notifier.receipt_book import ANSWER_WITHIN_S, ASK_AGAIN_S, SQL, ReceiptBook, UnknownMessageError
from notifier.receipt_payload import Receipt

NOBODY = "?"  # who sent a bounce is not known: mail is not signed


async def take(database: Database, mail: bytes) -> tuple[UUID, Outcome, str]:
    """Apply one notification; the message, what became of it, the code. Safe to repeat.

    Raises MalformedBounceError, UnknownMessageError (neither changed anything, both are counted), DatabaseAwayError.
    """
    book = ReceiptBook(database)
    try:
        bounce = bounce_mail.parse(mail)
        takers = await _takers(database, bounce.message_id)
        found = _one_for_each_target(bounce, takers)
        for target, recipient in found.items():
            await _apply(book, database, bounce.message_id, target, takers[target], recipient)
    except MalformedBounceError:
        await _count(book, "BOUNCE_MALFORMED")
        raise
    except UnknownMessageError:
        await _count(book, "BOUNCE_UNKNOWN_MESSAGE")
        raise
    first = next(iter(found.values()))
    return bounce.message_id, first.outcome, first.code


async def _apply(
    book: ReceiptBook, database: Database, message_id: UUID, target: str, provider: str, recipient: Recipient
) -> None:
    now = datetime.now(UTC)
    if recipient.outcome == "DELAYED":
        await database.run(
            lambda connection: SQL.keep_delay(
                connection, message_id=message_id, target=target, reason=recipient.code, said_at=now
            ),
            within_s=ANSWER_WITHIN_S,
        )
        return
    # as a receipt that goes by the idempotency key: its digest of the address is how the key of the target begins
    await book.take(provider, [Receipt(f"{message_id}.{target[:16]}", recipient.outcome, recipient.code, now)])


async def _takers(database: Database, message_id: UUID) -> Mapping[str, str]:
    """Who took the message, or may have: target -> provider. A bounce may be here before the message is recorded as sent."""
    give_up_at = asyncio.get_running_loop().time() + receipt_book.WAIT_FOR_MESSAGE_S

    async def read(connection: Any) -> dict[str, str]:
        return {row["target"]: row["provider"] async for row in SQL.read_takers(connection, message_id=message_id)}

    while True:
        takers = await database.run(read, within_s=ANSWER_WITHIN_S)
        if takers:
            return takers
        if asyncio.get_running_loop().time() + ASK_AGAIN_S > give_up_at:
            raise UnknownMessageError(0)
        await asyncio.sleep(ASK_AGAIN_S)


def _one_for_each_target(bounce: Bounce, takers: Mapping[str, str]) -> dict[str, Recipient]:
    """The recipients by target. The address of a mail that was forwarded is not ours: of one that took it alone, it is that."""
    found: dict[str, Recipient] = {}
    for recipient in bounce.recipients:
        ours = recipient.keys & takers.keys() or (set(takers) if len(takers) == 1 else set())
        for target in ours:
            found.setdefault(target, recipient)
    if not found:
        raise UnknownMessageError(0)
    return found


async def _count(book: ReceiptBook, reason: str) -> None:
    book.refuse(NOBODY, reason)
    await book.flush()
