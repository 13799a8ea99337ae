"""Windows: the events of a group over a sliding interval, and what is computed from them. Pure.

A ring holds the members of one window of one account (or customer), complete for the event times after `since_us`. What is in
it was loaded from PostgreSQL or came through the topic since; a ring can be dropped at any moment and loaded again. All times
are microseconds since 1970.

An event f counts for e when it was seen before e (alerting.seen_event): recorded, and so judged before e; or not recorded, and
committed before e was inserted: f.transaction_id < e.seen_below. So members are of two sorts: settled ones, recorded, which
count for every event to come, and open ones, which count where their transaction says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

FOREVER = -(2**63)  # since_us of a ring without a beginning
SECOND_US = 1_000_000
KEPT_UNPRUNED = 64
Key = tuple[int, int, str, int]  # event time, insertion time, event id, event date: the order of members, and their identity


class History(NamedTuple):
    """What a condition reads as history.*; None is NULL."""

    value: int | None = None
    previous: int | None = None
    last: int | None = None
    since: int | None = None


class Moment(NamedTuple):
    """An event as the window of another sees it, or is asked by it."""

    key: Key
    value: int | None  # of the window's column
    transaction_id: int


UNKNOWN = History()
_EMPTY: Sequence[Any] = ()


class _Track:
    """Members in the order of their keys, their values beside them; of open ones their transactions as well."""

    __slots__ = ("keys", "transactions", "values")

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.values: list[int | None] = []
        self.transactions: list[int] = []

    def put(self, moment: Moment) -> bool:
        keys = self.keys
        at = len(keys) if not keys or keys[-1] < moment.key else bisect_left(keys, moment.key)
        if at < len(keys) and keys[at] == moment.key:
            return False
        keys.insert(at, moment.key)
        self.values.insert(at, moment.value)
        self.transactions.insert(at, moment.transaction_id)
        return True

    def has(self, key: Key) -> bool:
        at = bisect_left(self.keys, key)
        return at < len(self.keys) and self.keys[at] == key

    def remove(self, key: Key) -> bool:
        at = bisect_left(self.keys, key)
        if at == len(self.keys) or self.keys[at] != key:
            return False
        del self.keys[at], self.values[at], self.transactions[at]
        return True

    def between(self, after_us: int, until_us: int) -> tuple[int, int]:
        """Where the members in (after, until] begin and end."""
        keys = self.keys
        end = bisect_left(keys, (until_us + 1,)) if keys and keys[-1][0] > until_us else len(keys)
        return (0 if after_us == FOREVER else bisect_left(keys, (after_us + 1,), 0, end)), end

    def cut(self, end: int) -> None:
        """Forget the first `end` members."""
        del self.keys[:end], self.values[:end], self.transactions[:end]


class _Group:
    """The members with the same values in the columns that the window groups by; complete after `since_us`."""

    __slots__ = ("open", "settled", "since_us")

    def __init__(self) -> None:
        self.settled = _Track()
        self.open: _Track | None = None
        self.since_us = FOREVER

    def earlier(self, after_us: int, until_us: int, seen_below: int) -> tuple[list[int | None], Key | None, int | None]:
        """Values of the members in (after, until] seen before; the greatest key among them, and its value."""
        start, end = self.settled.between(after_us, until_us)
        values = self.settled.values[start:end]
        newest, last = (self.settled.keys[end - 1], values[-1]) if values else (None, None)
        if self.open is not None:
            start, end = self.open.between(after_us, until_us)
            transactions = self.open.transactions
            for at in range(start, end):
                if transactions[at] < seen_below:
                    values.append(self.open.values[at])
                    if newest is None or self.open.keys[at] > newest:
                        newest, last = self.open.keys[at], self.open.values[at]
        return values, newest, last


class Ring:
    """The members of one window of one account or customer. `since_us`: complete for the event times after it.

    `latest_only`: of each group only the latest member is asked for, however old (SINCE without a length).
    """

    def __init__(self, since_us: int, latest_only: bool = False) -> None:
        self.since_us = since_us
        self._latest_only = latest_only
        self.size = 0
        self._groups: dict[Hashable, _Group] = {}
        self.newest_us = FOREVER
        self._reach_us = 0  # the longest interval that was asked for, its lateness included
        self._size_pruned = 0

    def settle(self, group: Hashable, moment: Moment) -> None:
        """A member that was recorded: it counts for every event after it."""
        found = self._group(group)
        if found.open is not None and found.open.remove(moment.key):
            self.size -= 1
        self.size += found.settled.put(moment)

    def leave_open(self, group: Hashable, moment: Moment) -> None:
        """A member that is not recorded (yet). Nothing changes where it is here already."""
        found = self._group(group)
        if found.settled.has(moment.key):
            return
        if found.open is None:
            found.open = _Track()
        self.size += found.open.put(moment)

    def absorb(self, other: Ring, group: Hashable, until_us: int) -> None:
        """Take over the members of a group of another ring, after `since_us` and until then."""
        found = other._groups.get(group)
        if found is None:
            return
        for track, put in ((found.settled, self.settle), (found.open, self.leave_open)):
            if track is not None:
                start, end = track.between(self.since_us, until_us)
                for at in range(start, end):
                    put(group, Moment(track.keys[at], track.values[at], track.transactions[at]))

    def covers(self, group: Hashable, after_us: int, until_us: int) -> bool:
        """Whether all members of (after, until] are here; where the latest is enough, whether that is."""
        if not self._latest_only:
            return after_us >= self.since_us
        found = self._groups.get(group)
        return found is None or found.since_us == FOREVER or until_us >= found.since_us

    def earlier(
        self, group: Hashable, after_us: int, until_us: int, seen_below: int
    ) -> tuple[list[int | None], Key | None, int | None]:
        """As _Group.earlier, of a group that may be empty."""
        found = self._groups.get(group)
        return found.earlier(after_us, until_us, seen_below) if found is not None else ([], None, None)

    def reach(self, interval_us: int, at_us: int) -> bool:
        """Keep what an interval of this length needs, from the newest event back that was judged: this is one.

        Returns whether that is further than before.
        """
        self.newest_us = max(self.newest_us, at_us)
        is_longer = interval_us > self._reach_us
        self._reach_us = max(self._reach_us, interval_us)
        return is_longer

    def prune(self) -> None:
        """Forget what no interval reaches; never in the middle of events that were prepared for together."""
        if self.size <= 2 * self._size_pruned + KEPT_UNPRUNED:
            return
        if self._latest_only:
            self._keep_latest()
        else:
            self._forget_until(self.newest_us - self._reach_us)
        self._size_pruned = self.size

    def _forget_until(self, until_us: int) -> None:
        if until_us <= self.since_us:
            return
        self.since_us = until_us
        for name in [*self._groups]:
            group = self._groups[name]
            for track in (group.settled, group.open):
                if track is not None:
                    _, end = track.between(FOREVER, until_us)
                    track.cut(end)
                    self.size -= end
            if not group.settled.keys and not (group.open and group.open.keys):
                del self._groups[name]

    def _keep_latest(self) -> None:
        """Of each group the latest settled member, and the open ones after it."""
        for group in self._groups.values():
            if not group.settled.keys:
                continue
            end = len(group.settled.keys) - 1
            since = group.settled.keys[end]
            group.since_us = max(group.since_us, since[0])
            group.settled.cut(end)
            self.size -= end
            if group.open is not None:
                end = bisect_left(group.open.keys, since)
                group.open.cut(end)
                self.size -= end

    def _group(self, name: Hashable) -> _Group:
        found = self._groups.get(name)
        if found is None:
            found = self._groups[name] = _Group()
        return found


def history(
    aggregate: str,
    ring: Ring,
    group: Hashable,
    at_us: int,
    length_us: int | None,
    seen_below: int,
    own: tuple[int | None] | None,
) -> History:
    """The history of an event at `at_us` (design 4.4). length_us None: NULL; FOREVER: without a beginning.

    `own` is the event's own value where it is a member itself.
    """
    if length_us is None or (length_us <= 0 and length_us != FOREVER):
        return History(0, 0) if aggregate == "COUNT" else UNKNOWN
    after_us = FOREVER if length_us == FOREVER else at_us - length_us
    values, newest, last = ring.earlier(group, after_us, at_us, seen_below)
    since = None if newest is None else (at_us - newest[0]) // SECOND_US
    if aggregate == "SINCE":
        return History(since=since)
    compute = AGGREGATES[aggregate]
    previous = compute(values)
    value = previous if own is None else compute([*values, *own])
    return History(value, previous, None if aggregate == "COUNT" else last, since)


def _average(values: Sequence[int]) -> int:
    """Toward zero, as PostgreSQL divides integers."""
    total, count = sum(values), len(values)
    return total // count if total >= 0 else -(-total // count)


def _of_known(function: Callable[[Sequence[int]], int]) -> Callable[[Sequence[int | None]], int | None]:
    """NULL values do not count; of none it is NULL."""

    def compute(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return function(known) if known else None

    return compute


AGGREGATES: dict[str, Callable[[Sequence[int | None]], int | None]] = {
    "COUNT": len,
    "SUM": _of_known(sum),
    "MIN": _of_known(min),
    "MAX": _of_known(max),
    "AVERAGE": _of_known(_average),
}
