"""The outbox: leasing messages and recording what became of them. The only module that touches the schema alerting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from notifier.due_window import EVER
from notifier.message import Attempt, Claimed, Conclusion, Drop, Sent, Tried
from notifier.retry import RELEASED_FOR_S
from sql import queries

# A send is bounded by SEND_WITHIN_S in send.py. Three times that leaves room for reading, recording and a restart of
# PostgreSQL in between; a notifier that died is rescued after this long.
LEASE_S = 30.0

SQL = queries("notifier", "asyncpg")


@dataclass(frozen=True, slots=True)
class Record:
    """What to write for one message: its conclusion and the attempts that led to it."""

    message: Claimed
    conclusion: Conclusion
    attempts: Sequence[Attempt] = ()


async def claim(
    connection: Any, channel: str, most: int, due_from: datetime = EVER, lease_token: UUID | None = None
) -> list[Claimed]:
    """Lease up to `most` due messages of the channel for LEASE_S seconds, in the order in which they were written.

    Nothing that was due before `due_from` is looked at. Without a `lease_token` they get one of their own.
    """
    token = lease_token or uuid4()
    rows = SQL.claim_messages(connection, channel=channel, most=most, due_from=due_from, lease_token=token, lease_s=LEASE_S)
    return sorted([claimed_of(row) async for row in rows], key=lambda message: message.written_at)


async def give_back(connection: Any, channel: str, lease_tokens: Sequence[UUID]) -> set[UUID]:
    """Make due again what is leased by these tokens and was not begun, a little later; returns the tokens that were found."""
    rows = SQL.give_back_messages(
        connection,
        channel=channel,
        lease_tokens=lease_tokens,
        lease_s=LEASE_S,
        after_s=RELEASED_FOR_S,
        reason="the answer to its claim was lost: it was not begun",
    )
    return {row["lease_token"] async for row in rows}


async def undrained(connection: Any, drained: Sequence[str]) -> dict[str, int]:
    """How many messages are due on each channel that is not among `drained`."""
    return {row["channel"]: row["messages"] async for row in SQL.count_undrained(connection, drained=drained)}


async def oldest_due(connection: Any, channels: Sequence[str]) -> dict[str, float]:
    """For how many seconds the oldest message of each channel has been due; 0 where none is."""
    return {row["channel"]: row["seconds"] async for row in SQL.read_oldest_due(connection, channels=channels)}


async def tried(connection: Any, messages: Sequence[Claimed]) -> dict[UUID, Tried]:
    """What earlier attempts led to, of the messages that were tried before."""
    again = [message for message in messages if message.attempt_no > 1 or message.rescued]
    found: dict[UUID, list[Mapping[str, Any]]] = {}
    if again:
        rows = SQL.read_tried_targets(
            connection,
            message_ids=[message.message_id for message in again],
            event_dates=[message.event_date for message in again],
        )
        async for row in rows:
            found.setdefault(row["message_id"], []).append(row)
    return {message_id: _tried(rows) for message_id, rows in found.items()}


async def dead_targets(connection: Any, channel: str, keys: Sequence[str]) -> frozenset[str]:
    """Those of these targets that a provider has called dead. Asked at each batch: what bounced a moment ago is not sent to."""
    return frozenset([row["target"] async for row in SQL.read_suppressed_targets(connection, channel=channel, targets=keys)])


async def suppress(connection: Any, channel: str, dead: Sequence[tuple[Claimed, Attempt]]) -> None:
    """Send nothing more on the channel to the targets of these attempts."""
    await SQL.suppress_targets(
        connection,
        channel=channel,
        targets=[attempt.target.key for _, attempt in dead],
        reasons=[attempt.result.reason for _, attempt in dead if isinstance(attempt.result, Drop)],
        message_ids=[message.message_id for message, _ in dead],
    )


async def record(connection: Any, records: Sequence[Record]) -> set[UUID]:
    """Write conclusions and attempts in one statement; returns the messages whose lease was still ours.

    Attempts are written whoever holds the lease: they happened. Safe to repeat.
    """
    counted = [record for record in records if not record.conclusion.uncounted]
    attempts = [(record.message, attempt) for record in counted for attempt in record.attempts]
    rows = SQL.record_messages(connection, **_conclusion_columns(records), **_attempt_columns(attempts))
    return {row["message_id"] async for row in rows}


def claimed_of(row: Mapping[str, Any]) -> Claimed:
    return Claimed(
        message_id=row["message_id"],
        event_date=row["event_date"],
        lease_token=row["lease_token"],
        attempt_no=row["attempts"],
        leased_at=row["leased_at"],
        written_at=row["written_at"],
        age=row["age"],
        last_reason=row["last_reason"],
        claimed_at=row["claimed_at"],
        event_id=row["event_id"],
        event_time=row["event_time"],
        account_id=row["account_id"],
        customer_id=row["customer_id"],
        alert_type=row["alert_type"],
        evidence=msgspec.json.decode(row["evidence"]),
        alert_id=row["alert_id"],
        channel=row["channel"],
        rescued=row["rescued"],
        held_for=row["held_for"],
        has_place=row["has_place"],
    )


def _tried(rows: Sequence[Mapping[str, Any]]) -> Tried:
    return Tried(
        sent={row["target"]: row["sent_at"] for row in rows if row["sent_at"] is not None},
        unknown={row["target"]: row["unknown"] for row in rows if row["unknown"]},
        dropped=frozenset(row["target"] for row in rows if row["is_dropped"]),
    )


def _conclusion_columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    return {
        "message_ids": [record.message.message_id for record in records],
        "event_dates": [record.message.event_date for record in records],
        "lease_tokens": [record.message.lease_token for record in records],
        "states": [record.conclusion.state for record in records],
        "reasons": [record.conclusion.reason for record in records],
        "claimed_at": [record.message.claimed_at for record in records],
        "handed_at": [record.conclusion.handed_at for record in records],
        "retry_in_s": [record.conclusion.retry_in_s for record in records],
        "due_at": [record.conclusion.due_at for record in records],
        "held_for": [record.conclusion.held_for for record in records],
        "uncounted": [record.conclusion.uncounted for record in records],
        "may_be_twice": [record.conclusion.may_be_twice for record in records],
        "falls_back": [record.conclusion.falls_back for record in records],
    }


def _attempt_columns(attempts: Sequence[tuple[Claimed, Attempt]]) -> dict[str, list[Any]]:
    return {
        "attempt_message_ids": [message.message_id for message, _ in attempts],
        "attempt_event_dates": [message.event_date for message, _ in attempts],
        "attempt_nos": [message.attempt_no for message, _ in attempts],
        "targets": [attempt.target.key for _, attempt in attempts],
        "started_at": [attempt.started_at for _, attempt in attempts],
        "finished_at": [attempt.finished_at for _, attempt in attempts],
        "outcomes": [type(attempt.result).__name__.upper() for _, attempt in attempts],
        "attempt_reasons": [None if isinstance(attempt.result, Sent) else attempt.result.reason for _, attempt in attempts],
        "provider_refs": [attempt.result.provider_ref if isinstance(attempt.result, Sent) else None for _, attempt in attempts],
        "providers": [attempt.provider or None for _, attempt in attempts],
    }
