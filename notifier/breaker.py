"""Whether a provider is worth calling now: closed after a failure, ajar for one message, open after a success."""

from __future__ import annotations

from notifier import retry

# One answer that nobody understands may be an accident of one message; this many in a row are the provider's state.
UNKNOWNS_IN_A_ROW_MAX = 3


class Breaker:
    """Keeps a dead provider from burning attempts: while it is down, one message at a time finds out.

    Times are seconds of any clock that only goes forward, given by the caller.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._unknowns = 0
        self._closed_until = 0.0
        self._spared_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the provider's last answer was an answer."""
        return self._failures == 0

    @property
    def unknowns_in_a_row(self) -> int:
        """How often nobody knows what it did, since its last answer."""
        return self._unknowns

    def closed_for_s(self, now: float, is_spared: bool = False) -> float:
        """Seconds until a message may try; 0 when one may now. `is_spared`: another provider works, which takes them all."""
        return max(0.0, (self._spared_until if is_spared else self._closed_until) - now)

    def worked(self) -> None:
        """The provider answered."""
        self._failures = 0
        self._unknowns = 0
        self._closed_until = self._spared_until = 0.0

    def failed(self, now: float, chance: float, at_least_s: float = 0.0) -> None:
        """The provider did not answer, or asked to be left alone for `at_least_s`.

        Messages that were in flight together count once.
        """
        if now < self._closed_until:
            return
        self._failures += 1
        self._closed_until = now + max(at_least_s, retry.provider_pause_s(self._failures, chance))
        self._spared_until = now + max(at_least_s, retry.provider_pause_s(self._failures, chance, retry.SPARED_CAP_S))

    def is_unknown(self, now: float, chance: float) -> None:
        """Nobody knows what the provider did with a message. It has failed at the third in a row, or when it was on trial."""
        self._unknowns += 1
        if not self.is_open or self._unknowns >= UNKNOWNS_IN_A_ROW_MAX:
            self.failed(now, chance)
