"""Whether a channel's provider is worth calling now: closed after a failure, ajar for one message, open after a success."""

from __future__ import annotations

from notifier import retry


class Breaker:
    """Keeps a dead provider from burning attempts: while it is down, one message at a time finds out.

    Times are seconds of any clock that only goes forward, given by the caller.
    """

    def __init__(self, most: int) -> None:
        """`most` messages may be in flight while the provider works."""
        self._most = most
        self._failures = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the provider's last answer was an answer."""
        return self._failures == 0

    @property
    def most(self) -> int:
        """How many messages may be in flight."""
        return self._most if self.is_open else 1

    def closed_for_s(self, now: float) -> float:
        """Seconds until a message may try; 0 when one may now."""
        return max(0.0, self._closed_until - now)

    def worked(self) -> None:
        """The provider answered."""
        self._failures = 0
        self._closed_until = 0.0

    def failed(self, now: float, chance: float) -> None:
        """The provider did not answer. Messages that were in flight together count once."""
        if now < self._closed_until:
            return
        self._failures += 1
        self._closed_until = now + retry.provider_pause_s(self._failures, chance)
