"""Throttled alert types: how many messages of one a customer gets on a channel in a window. What is more waits for its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from notifier.gate import DIGEST, Hold, in_words, is_digested
from notifier.message import Claimed, Recipient
from sql import queries

SQL = queries("controls", "asyncpg")

Key = tuple[int, str]  # customer and alert type


async def admit(connection: Any, channel: str, messages: Sequence[tuple[Claimed, Recipient]]) -> dict[UUID, Hold]:
    """Which of these messages, about to be sent, wait for their digest instead. One statement; none where no type is throttled.

    A place is asked for once, at the first attempt; what was held for a digest needs none.
    """
    asking: dict[Key, list[tuple[Claimed, Recipient]]] = {}
    for message, recipient in messages:
        if recipient.throttle_messages is not None and message.attempt_no == 1 and not is_digested(message):
            asking.setdefault((message.customer_id, message.alert_type), []).append((message, recipient))
    if not asking:
        return {}
    rows = SQL.take_places(
        connection,
        channel=channel,
        customer_ids=[customer_id for customer_id, _ in asking],
        alert_types=[alert_type for _, alert_type in asking],
        messages=[len(group) for group in asking.values()],
        most=[group[0][1].throttle_messages for group in asking.values()],
        windows=[group[0][1].throttle_window for group in asking.values()],
    )
    held: dict[UUID, Hold] = {}
    async for row in rows:
        group = asking[(row["customer_id"], row["alert_type"])]
        places = places_of(len(group), row["asked"], group[0][1].throttle_messages or 0)
        for message, recipient in group[places:]:
            held[message.message_id] = Hold(row["window_ends_at"], held_for(message), _reason(recipient))
    return held


def places_of(messages: int, asked: int, most: int) -> int:
    """How many of `messages` have a place when with them `asked` were asked for in the window, of `most` that it has."""
    return min(messages, max(0, most - (asked - messages)))


def held_for(message: Claimed) -> str:
    """What messages of one digest have in common."""
    return f"{DIGEST}{message.customer_id}:{message.alert_type}"


def _reason(recipient: Recipient) -> str:
    window = in_words(recipient.throttle_window) if recipient.throttle_window else ""
    return f"more than {recipient.throttle_messages} in {window}: told in a digest at its end"
