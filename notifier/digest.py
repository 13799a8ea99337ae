"""Digests: what a throttle held back is told in one message. The first of the messages carries it, the others end with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from notifier import outbox
from notifier.gate import FOREVER, is_digested
from notifier.message import REASON_CHARACTERS_MAX, Attempt, Claimed, Conclusion, Sent, Target, Text
from sql import queries

SQL = queries("controls", "asyncpg")

# So many in one digest: a customer with more gets another.
SIBLINGS_MAX = 500
# So many in all digests of a claim: it must not bring more than can be looked up while its leases run.
SIBLINGS_OF_A_CLAIM_MAX = 2_000
# What the digest quotes, in messages and in characters; the others are counted.
QUOTED_MAX = 10
CHARACTERS_MAX = 1_000
# The others are due a little after the one that carries them, so that they are still there when it is claimed.
BEHIND = timedelta(seconds=5)
# In place of a provider, and of a target, where a digest told the message (alerting.apply_receipt knows it).
TOLD_BY = "digest"
ENDS_WITH_ITS_CARRIER = frozenset({"FAILED", "UNKNOWN", "EXPIRED", "SUPPRESSED"})


async def siblings(connection: Any, channel: str, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Lease the messages that are told together with those just claimed. Nothing is asked where none was held for a digest."""
    keys = _keys(claimed)
    if not keys:
        return []
    rows = SQL.claim_digest(
        connection,
        channel=channel,
        held_for=keys,
        most_of_each=SIBLINGS_MAX,
        most=SIBLINGS_OF_A_CLAIM_MAX,
        lease_token=claimed[0].lease_token,
        lease_s=outbox.LEASE_S,
    )
    return sorted([outbox.claimed_of(row) async for row in rows], key=lambda message: message.written_at)


def left_out(claimed: Sequence[Claimed], told: Sequence[Claimed]) -> set[str]:
    """What those messages are held for whose digests `siblings` had no room left for, or for a part of it only."""
    if len(told) < SIBLINGS_OF_A_CLAIM_MAX:
        return set()
    keys, served = _keys(claimed), {message.held_for for message in told}
    return set(keys[max(n for n, key in enumerate(keys) if key in served) :])


def carriers(messages: Sequence[Claimed]) -> Mapping[UUID, list[Claimed]]:
    """Of messages that may be sent now: those that carry a digest, by id, with the others of it. One alone is sent as it is."""
    digests: dict[str, list[Claimed]] = {}
    for message in messages:
        if message.held_for is not None and is_digested(message):
            digests.setdefault(message.held_for, []).append(message)
    return {first.message_id: others for first, *others in digests.values() if others}


def fold(line: str, texts: Sequence[Text]) -> Text:
    """One text for several: the line that says how many, then as many of them as fit, the oldest first."""
    told, length = [line], len(line)
    for text in texts[:QUOTED_MAX]:
        length += len(text.body) + 1
        if length > CHARACTERS_MAX and len(told) > 1:
            break
        told.append(text.body)
    return Text(line if texts[0].subject is not None else None, "\n".join(told))


def conclude_other(carrier: Claimed, conclusion: Conclusion) -> Conclusion:
    """The end of a message that is told in another's digest, once that one's is known."""
    if conclusion.state == "PENDING":  # to be gathered again
        due_at, retry_in_s = conclusion.due_at, conclusion.retry_in_s
        return Conclusion(
            "PENDING",
            conclusion.reason,
            due_at=due_at if due_at in (None, FOREVER) else due_at + BEHIND,
            retry_in_s=None if retry_in_s is None else retry_in_s + BEHIND.total_seconds(),
            held_for=conclusion.held_for,
            uncounted=True,
        )
    if conclusion.state in ENDS_WITH_ITS_CARRIER:
        # The customer got none of them: each is brought by the next channel, or by none, as the one that was to tell it.
        reason = f"as its digest {carrier.message_id}: {conclusion.reason}"[:REASON_CHARACTERS_MAX]
        return Conclusion(conclusion.state, reason, falls_back=conclusion.falls_back)
    return Conclusion("SUPPRESSED", f"told in the digest {carrier.message_id}")


def telling(carrier: Claimed, conclusion: Conclusion) -> list[Attempt]:
    """What stands for another message's way in the digest that told it: a receipt for that one finds it by this."""
    if conclusion.handed_at is None or conclusion.state != "ACCEPTED":
        return []
    sent = Sent(str(carrier.message_id))
    return [Attempt(Target(TOLD_BY, TOLD_BY), conclusion.handed_at, conclusion.handed_at, sent, TOLD_BY)]


def _keys(claimed: Sequence[Claimed]) -> list[str]:
    return list(dict.fromkeys(message.held_for for message in claimed if message.held_for and is_digested(message)))
