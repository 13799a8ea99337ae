"""The floor of the notifier: its own statements that claim and finish messages, bare: in batches, on one connection, one
attempt each, without a decision, a text, or a send in between.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from notifier.database import Database
from notifier.due_window import EVER
from notifier.outbox import LEASE_S
from sql import queries

BATCH = 500
SQL = queries("notifier", "asyncpg")


async def claim_and_finish(database: Database, channel: str) -> int:
    """One batch; how many messages it had."""

    async def claim(connection: Any) -> list[Any]:
        rows = SQL.claim_messages(connection, channel=channel, most=BATCH, due_from=EVER, lease_token=uuid4(), lease_s=LEASE_S)
        return [row async for row in rows]

    claimed = await database.run(claim)
    if claimed:
        columns = finished(claimed)
        await database.run(lambda connection: _all(SQL.record_messages(connection, **columns)))
    return len(claimed)


async def _all(rows: Any) -> list[Any]:
    return [row async for row in rows]


def finished(claimed: Sequence[Any]) -> dict[str, list[Any]]:
    """What record_messages takes to write that all of these were accepted at the first attempt."""
    count, now = len(claimed), datetime.now(UTC)
    ids = [row["message_id"] for row in claimed]
    dates = [row["event_date"] for row in claimed]
    return {
        "message_ids": ids,
        "event_dates": dates,
        "lease_tokens": [row["lease_token"] for row in claimed],
        "states": ["ACCEPTED"] * count,
        "reasons": [None] * count,
        "claimed_at": [row["claimed_at"] for row in claimed],
        "handed_at": [now] * count,
        "retry_in_s": [None] * count,
        "due_at": [None] * count,
        "held_for": [None] * count,
        "uncounted": [False] * count,
        "may_be_twice": [False] * count,
        "falls_back": [False] * count,
        "attempt_message_ids": ids,
        "attempt_event_dates": dates,
        "attempt_nos": [1] * count,
        "targets": ["target"] * count,
        "started_at": [now] * count,
        "finished_at": [now] * count,
        "outcomes": ["SENT"] * count,
        "attempt_reasons": [None] * count,
        "provider_refs": ["noop"] * count,
        "providers": ["noop"] * count,
    }


async def drain(url: str, channel: str) -> tuple[int, float]:
    """Claim and finish all that is due; how many, and the seconds that it took."""
    database = await Database.connect(url, "claim-floor", 1)
    try:
        # The first batch makes the connection and prepares the statements.
        await claim_and_finish(database, channel)
        started, found = time.perf_counter(), 0
        while batch := await claim_and_finish(database, channel):
            found += batch
        return found, time.perf_counter() - started
    finally:
        await database.close()


def main() -> None:
    """python -m bench.claim_floor URL CHANNEL: messages and seconds, as JSON."""
    found, seconds = asyncio.run(drain(*sys.argv[1:3]))
    print(json.dumps({"messages": found, "seconds": seconds}))


if __name__ == "__main__":
    main()
