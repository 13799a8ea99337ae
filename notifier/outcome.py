"""What becomes of a message after its attempts: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from notifier import retry
from notifier.message import Attempt, Claimed, Conclusion, Drop, Retry, Sent, Unknown

REASON_CHARACTERS_MAX = 200


def conclude(
    message: Claimed,
    attempts: Sequence[Attempt],
    sent_before: Mapping[str, datetime],
    chance: float,
) -> Conclusion:
    """The message's state after these attempts. `sent_before`: target keys that took it earlier, and when.

    It is tried again while a target is left to retry; it is accepted when one target took it and none is left.
    """
    handed_at = _first_handed_at(attempts, sent_before)
    to_retry = _reasons(attempts, Retry, Unknown)
    if to_retry:
        delay_s = retry.message_delay_s(message.attempt_no, chance)
        return Conclusion("PENDING", to_retry, handed_at=handed_at, retry_in_s=delay_s)
    if handed_at is not None:
        return Conclusion("ACCEPTED", handed_at=handed_at)
    return Conclusion("FAILED", f"refused for good: {_reasons(attempts, Drop)}")


def end_unsent(state: str, reason: str, sent_before: Mapping[str, datetime]) -> Conclusion:
    """The end of a message that is not sent now: SUPPRESSED or FAILED, unless a target took it at an earlier attempt."""
    handed_at = _first_handed_at((), sent_before)
    if handed_at is not None:
        return Conclusion("ACCEPTED", handed_at=handed_at)
    return Conclusion(state, reason[:REASON_CHARACTERS_MAX])


def give_up(message: Claimed, sent_before: Mapping[str, datetime]) -> Conclusion:
    """The end of a message that is too old to be sent, however often it was tried."""
    last = f": {message.last_reason}" if message.last_reason else ""
    return end_unsent("FAILED", f"given up after {message.attempt_no - 1} attempts{last}", sent_before)


def _first_handed_at(attempts: Sequence[Attempt], sent_before: Mapping[str, datetime]) -> datetime | None:
    now_sent = (attempt.finished_at for attempt in attempts if isinstance(attempt.result, Sent))
    return min((*sent_before.values(), *now_sent), default=None)


def _reasons(attempts: Sequence[Attempt], *kinds: type[Retry | Drop | Unknown]) -> str:
    reasons = {attempt.result.reason for attempt in attempts if isinstance(attempt.result, kinds)}
    return "; ".join(sorted(reasons))[:REASON_CHARACTERS_MAX]
