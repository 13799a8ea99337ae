"""A claimed message for tests of what is decided about one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from notifier.message import Claimed


def claimed(at: datetime, **changes: Any) -> Claimed:
    """Customer 1's BALANCE_BELOW on account a-1, claimed at `at` for the first time, a second after it was written."""
    values: dict[str, Any] = {
        "message_id": UUID(int=1),
        "event_date": at.date(),
        "lease_token": UUID(int=2),
        "attempt_no": 1,
        "leased_at": at,
        "written_at": at - timedelta(seconds=1),
        "age": timedelta(seconds=1),
        "last_reason": None,
        "claimed_at": at,
        "event_id": "e-1",
        "event_time": at,
        "account_id": "a-1",
        "customer_id": 1,
        "alert_type": "BALANCE_BELOW",
        "evidence": {},
    }
    return Claimed(**{**values, **changes})
