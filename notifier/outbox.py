"""The outbox: leasing messages and recording what became of them. The only module that touches the schema alerting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from notifier.message import Attempt, Claimed, Conclusion, Drop, Retry, Sent, Unknown
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


async def claim(connection: Any, channel: str, most: int) -> list[Claimed]:
    """Lease up to `most` due messages of the channel for LEASE_S seconds, in the order in which they were written."""
    rows = SQL.claim_messages(connection, channel=channel, most=most, lease_token=uuid4(), lease_s=LEASE_S)
    return sorted([_claimed(row) async for row in rows], key=lambda message: message.written_at)


async def undrained(connection: Any, drained: Sequence[str]) -> dict[str, int]:
    """How many messages are due on each channel that is not among `drained`."""
    return {row["channel"]: row["messages"] async for row in SQL.count_undrained(connection, drained=drained)}


async def sent_targets(connection: Any, messages: Sequence[Claimed]) -> dict[UUID, dict[str, datetime]]:
    """Per message that was tried before: the target keys that took it already, and when."""
    tried = [message for message in messages if message.attempt_no > 1]
    found: dict[UUID, dict[str, datetime]] = {}
    if tried:
        rows = SQL.read_sent_targets(
            connection,
            message_ids=[message.message_id for message in tried],
            event_dates=[message.event_date for message in tried],
        )
        async for row in rows:
            found.setdefault(row["message_id"], {})[row["target"]] = row["sent_at"]
    return found


async def record(connection: Any, records: Sequence[Record]) -> set[UUID]:
    """Write conclusions and attempts in one statement; returns the messages whose lease was still ours.

    Attempts are written whoever holds the lease: they happened. Safe to repeat.
    """
    attempts = [(record.message, attempt) for record in records for attempt in record.attempts]
    rows = SQL.record_messages(connection, **_conclusion_columns(records), **_attempt_columns(attempts))
    return {row["message_id"] async for row in rows}


def _claimed(row: Mapping[str, Any]) -> Claimed:
    return Claimed(
        message_id=row["message_id"],
        event_date=row["event_date"],
        lease_token=row["lease_token"],
        attempt_no=row["attempts"],
        written_at=row["written_at"],
        age=row["age"],
        last_reason=row["last_reason"],
        claimed_at=row["claimed_at"],
        event_id=row["event_id"],
        event_time=row["event_time"],
        account_id=row["account_id"],
        customer_id=row["customer_id"],
        alert_type=row["alert_type"],
        evidence=json.loads(row["evidence"]),
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
    }


def _attempt_columns(attempts: Sequence[tuple[Claimed, Attempt]]) -> dict[str, list[Any]]:
    return {
        "attempt_message_ids": [message.message_id for message, _ in attempts],
        "attempt_event_dates": [message.event_date for message, _ in attempts],
        "attempt_nos": [message.attempt_no for message, _ in attempts],
        "targets": [attempt.target.key for _, attempt in attempts],
        "started_at": [attempt.started_at for _, attempt in attempts],
        "finished_at": [attempt.finished_at for _, attempt in attempts],
        "outcomes": [_outcome(attempt) for _, attempt in attempts],
        "attempt_reasons": [
            attempt.result.reason if isinstance(attempt.result, Retry | Drop | Unknown) else None for _, attempt in attempts
        ],
        "provider_refs": [attempt.result.provider_ref if isinstance(attempt.result, Sent) else None for _, attempt in attempts],
    }


def _outcome(attempt: Attempt) -> str:
    # The database knows no UNKNOWN before migration 0015.
    return "RETRY" if isinstance(attempt.result, Unknown) else type(attempt.result).__name__.upper()
