"""Where a claim begins to look: while an old transaction is open, the index keeps every entry that was claimed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from notifier.message import Claimed

EVER = datetime(1, 1, 1, tzinfo=UTC)
# A transaction that wrote messages may commit a little after another one that wrote later.
MARGIN = timedelta(seconds=1)
# Now and then all of the index is looked at: a transaction may have committed much later, a clock may have been set back.
# While that is slow it is done seldom, so that it is not what the slowest hundredth of the claims is made of.
SHARE_OF_FULL_LOOKS = 0.0005
FULL_LOOK_EACH_S = 1.0
FULL_LOOK_AT_LEAST_EACH_S = 10.0


class DueWindow:
    """The due time from which a channel's next claim looks. Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._from = EVER
        self._next_full_at = 0.0

    def is_full(self, now: float) -> bool:
        """Whether it is time to look at everything."""
        return now >= self._next_full_at

    def due_from(self, now: float) -> datetime:
        """What was due before this is not looked at."""
        return EVER if self.is_full(now) else self._from

    def claimed(self, messages: Sequence[Claimed], began: float, ended: float) -> None:
        """What a claim that began and ended then found: a message is due when it is written or later, and the oldest come
        first."""
        if self.is_full(began):
            pause_s = max(FULL_LOOK_EACH_S, (ended - began) / SHARE_OF_FULL_LOOKS)
            self._next_full_at = ended + min(FULL_LOOK_AT_LEAST_EACH_S, pause_s)
        if messages:
            self._from = max(self._from, max(message.written_at for message in messages) - MARGIN)
