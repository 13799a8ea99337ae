"""A provider's rate limit: pure, the time comes in as an argument."""

from __future__ import annotations

# Of a second's messages, what may go at once after a pause. In any second then go at most 1.1 times the rate, and one more.
BURST_S = 0.1


class Bucket:
    """Tokens that drip at a steady rate. One may be taken ahead of its time: the caller then waits for it.

    Times are seconds of any clock that only goes forward.
    """

    def __init__(self, rate_per_s: float) -> None:
        self._interval_s = 1.0 / rate_per_s
        self._slack_s = max(0.0, BURST_S - self._interval_s)
        self._next_at = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until the next token may be used; 0 when it may now."""
        return max(0.0, self._next_at - self._slack_s - now)

    def take(self, now: float) -> float:
        """Take the next token; returns the seconds to wait before it is used."""
        wait_s = self.wait_s(now)
        self._next_at = max(self._next_at, now) + self._interval_s
        return wait_s
