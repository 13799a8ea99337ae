"""What becomes of a message after its attempts: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from notifier import retry
from notifier.gate import Hold, is_digested
from notifier.message import (
    REASON_CHARACTERS_MAX,
    WHOLE,
    Attempt,
    Claimed,
    Conclusion,
    Policy,
    Retry,
    Sent,
    Target,
    Tried,
    Unknown,
)
from notifier.providers import NOBODY


def left_to_send(targets: Sequence[Target], tried: Tried, policy: Policy) -> list[Target]:
    """The targets that are sent to now: not those that took the message, refused it, or may have it and get it no more."""
    return [
        target
        for target in targets
        if target.key not in tried.sent
        and target.key not in tried.dropped
        and (not tried.may_have_got(target.key) or _is_sent_again(target.key, tried, policy))
    ]


def conclude(message: Claimed, attempts: Sequence[Attempt], tried: Tried, policy: Policy, chance: float) -> Conclusion:
    """The message's state after these attempts.

    It is tried again while a target is left to retry. Else it is accepted when one target took it; unknown when one may have;
    failed when all refused it.
    """
    handed_at = _first_handed_at(attempts, tried)
    now_sent = [each.target.key for each in attempts if isinstance(each.result, Sent)]
    twice = _may_be_twice(tried, now_sent)
    again = [each for each in attempts if isinstance(each.result, Retry) or _is_retried(each, tried, policy)]
    if again:
        asked_s = max((each.result.after_s or 0.0 for each in again if isinstance(each.result, Retry)), default=0.0)
        return Conclusion(
            "PENDING",
            _reasons(again),
            handed_at=handed_at,
            retry_in_s=max(retry.message_delay_s(message.attempt_no, chance), asked_s),
            uncounted=all(each.provider == NOBODY and isinstance(each.result, Retry) for each in attempts),
            may_be_twice=twice,
        )
    if handed_at is not None:
        return Conclusion("ACCEPTED", handed_at=handed_at, may_be_twice=twice)
    unknown = [each for each in attempts if isinstance(each.result, Unknown)]
    if unknown:
        return Conclusion("UNKNOWN", _reasons(unknown))
    if tried.unknown:
        # What refuses it for good now has hardly taken it before: better twice than never.
        return Conclusion("UNKNOWN", "an earlier attempt may have sent it", falls_back=bool(attempts))
    return Conclusion("FAILED", f"refused for good: {_reasons(attempts)}"[:REASON_CHARACTERS_MAX], falls_back=True)


def end_unsent(state: str, reason: str, tried: Tried, falls_back: bool = False) -> Conclusion:
    """The end of a message that is not sent now: as `state` says, unless a target took it earlier or may have."""
    handed_at = _first_handed_at((), tried)
    if handed_at is not None:
        return Conclusion("ACCEPTED", handed_at=handed_at, may_be_twice=_may_be_twice(tried))
    if tried.unknown and state != "UNKNOWN":
        reason = f"it may have been sent, and is not sent again: {reason}"[:REASON_CHARACTERS_MAX]
        return Conclusion("UNKNOWN", reason, falls_back=falls_back)
    return Conclusion(state, reason[:REASON_CHARACTERS_MAX], falls_back=falls_back)


def hold(decision: Hold, tried: Tried) -> Conclusion:
    """Of a message that waits although nothing failed: this was no attempt."""
    return Conclusion(
        "PENDING",
        decision.reason,
        handed_at=_first_handed_at((), tried),
        due_at=decision.until,
        held_for=decision.held_for,
        uncounted=True,
    )


def release(message: Claimed, reason: str, after_s: float = 0.0) -> Conclusion:
    """Of a message that was claimed and not begun: it is due after that, and this was no attempt.

    A digest stays one, and why an earlier attempt failed stays to be read.
    """
    held_for = message.held_for if is_digested(message) else None
    return Conclusion("PENDING", message.last_reason or reason, retry_in_s=after_s, held_for=held_for, uncounted=True)


def _may_be_twice(tried: Tried, now_sent: Sequence[str] = ()) -> bool:
    """Whether a target took it, now or at an attempt whose end was recorded too late, that may have got it before."""
    return any(tried.may_have_got(key) for key in (*now_sent, *tried.sent))


def _is_retried(attempt: Attempt, tried: Tried, policy: Policy) -> bool:
    if not isinstance(attempt.result, Unknown):
        return False
    return policy.retries_unknown and _unknown_tries(attempt.target.key, tried) + 1 < policy.unknown_tries_max


def _is_sent_again(key: str, tried: Tried, policy: Policy) -> bool:
    return policy.retries_unknown and _unknown_tries(key, tried) < policy.unknown_tries_max


def _unknown_tries(key: str, tried: Tried) -> int:
    return tried.unknown.get(key, 0) + tried.unknown.get(WHOLE, 0)


def _first_handed_at(attempts: Sequence[Attempt], tried: Tried) -> datetime | None:
    now_sent = (attempt.finished_at for attempt in attempts if isinstance(attempt.result, Sent))
    return min((*tried.sent.values(), *now_sent), default=None)


def _reasons(attempts: Sequence[Attempt]) -> str:
    reasons = {attempt.result.reason for attempt in attempts if not isinstance(attempt.result, Sent)}
    return "; ".join(sorted(reasons))[:REASON_CHARACTERS_MAX]
