"""Throttled alert types: how many messages of one a customer gets on a channel in a window. What is more waits for its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from notifier.gate import DIGEST, Hold, in_words, is_digested
from notifier.message import Claimed, Recipient
from sql import queries

SQL = queries("controls", "asyncpg")


async def admit(connection: Any, channel: str, messages: Sequence[tuple[Claimed, Recipient]]) -> dict[UUID, Hold]:
    """Which of these messages, about to be sent, wait for their digest instead. One statement; none where no type is throttled.

    A message that got a place keeps it, and what was held for a digest needs none: safe to repeat.
    """
    asking = {
        message.message_id: (message, recipient)
        for message, recipient in messages
        if recipient.throttle_messages is not None and not message.has_place and not is_digested(message)
    }
    if not asking:
        return {}
    rows = SQL.take_places(
        connection,
        channel=channel,
        message_ids=list(asking),
        customer_ids=[message.customer_id for message, _ in asking.values()],
        alert_types=[message.alert_type for message, _ in asking.values()],
        most=[recipient.throttle_messages for _, recipient in asking.values()],
        windows=[recipient.throttle_window for _, recipient in asking.values()],
    )
    held: dict[UUID, Hold] = {}
    async for row in rows:
        message, recipient = asking[row["message_id"]]
        held[message.message_id] = Hold(row["window_ends_at"], held_for(message), _reason(recipient))
    return held


def held_for(message: Claimed) -> str:
    """What messages of one digest have in common."""
    return f"{DIGEST}{message.customer_id}:{message.alert_type}"


def _reason(recipient: Recipient) -> str:
    window = in_words(recipient.throttle_window) if recipient.throttle_window else ""
    return f"more than {recipient.throttle_messages} in {window}: told in a digest at its end"
