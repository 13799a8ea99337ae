"""Whether a message is sent at all: a flat list of reasons not to, each read at sending time, never cached."""

from __future__ import annotations

from notifier.message import Reach, Recipient


def reason_to_suppress(recipient: Recipient, reach: Reach) -> str | None:
    """Why nothing may be sent to this recipient, or None. Revoked after the event stops the message (design 4.5)."""
    if not recipient.known:
        return "the customer is no longer there"
    if not recipient.permitted:
        return "the permission on the account was revoked"
    if not recipient.balance_permitted:
        return "the permission to see the balance was revoked"
    if not recipient.targets:
        return "the customer has no device" if reach is Reach.DEVICES else "the customer has no verified address"
    return None
