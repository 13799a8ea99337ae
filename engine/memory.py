"""What the engine remembers of accounts and customers, in memory: a cache of PostgreSQL. Pure.

Everything in it can be dropped at any moment and loaded again (engine/recall.py). It is dropped when partitions are given up,
and where a decision was not written: only what is in PostgreSQL counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from engine.catalogue import Window
from engine.window import FOREVER, SECOND_US, History, Moment, Ring, history

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_KEPT = 500_000  # members of rings, of all accounts together: about 150 MB
EARLIEST_US = -62_135_596_800_000_000  # the year 1
PreferenceKey = tuple[int, str, int]  # customer, alert type, number
EventKey = tuple[str, str, date]  # kind, id, date
LateKey = tuple[str, EventKey]  # the definition of a window, and the late event that it was loaded for


class PreferenceState(NamedTuple):
    """What is remembered of a preference: whether it is armed, and when its newest alert under a cool-down was."""

    armed: bool = True
    last_alert_us: int | None = None


NEVER_ALERTED = PreferenceState()


@dataclass
class Remembered:
    """Of one account or customer: its rings by the definition of their window; its preferences, None: not loaded.

    For the portion under way, `late`: rings that hold what a late event needs, as it was before the portion; `recent`: what
    came in it, by the definition of those rings' window.
    """

    rings: dict[str, tuple[Window, Ring]] = field(default_factory=dict)
    late: dict[LateKey, Ring] = field(default_factory=dict)
    recent: dict[str, tuple[Window, Ring]] = field(default_factory=dict)
    preferences: dict[PreferenceKey, PreferenceState] | None = None

    @property
    def size(self) -> int:
        return sum(ring.size for _, ring in self.rings.values()) + len(self.preferences or ()) + 1


class Memory:
    """Remembered by entity (account or customer), the one used last at the end. Bounded by `prune`."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._entities: dict[str, Remembered] = {}
        self._touched: dict[str, None] = {}
        self._size = 0
        self._sizes: dict[str, int] = {}

    def __contains__(self, entity: str) -> bool:
        return entity in self._entities

    def __len__(self) -> int:
        return len(self._entities)

    def of(self, entity: str) -> Remembered:
        """What is remembered of it; nothing yet where it is new. It is the one used last now."""
        found = self._entities.pop(entity, None)
        self._entities[entity] = found = found or Remembered()
        self._touched[entity] = None
        return found

    def clear(self) -> None:
        self._entities.clear()
        self._touched.clear()
        self._sizes.clear()
        self._size = 0

    def pass_by(self, event: Any) -> None:
        """An event that nothing remembered was judged on: it is not recorded."""
        for ring, group, moment in self._memberships(event):
            ring.leave_open(group, moment)

    def settle(self, event: Any) -> None:
        """An event that is recorded: it was seen before every event to come."""
        for ring, group, moment in self._memberships(event):
            ring.settle(group, moment._replace(transaction_id=0))

    def _memberships(self, event: Any) -> Iterator[tuple[Ring, Hashable, Moment]]:
        found = self._entities.get(event.entity)
        if found is None:
            return
        self._touched[event.entity] = None
        for window, ring in (*found.rings.values(), *found.recent.values()):
            if window.kind == event.kind and window.counts(event):
                group = window.group_of(event)
                if group is not None:
                    yield ring, group, moment_of(window, event)

    def prune(self) -> None:
        """After a portion: forget what no window reaches, and the accounts that were not used for the longest time."""
        for entity in self._touched:
            found = self._entities.get(entity)
            if found is not None:
                found.late.clear()
                found.recent.clear()
                for _, ring in found.rings.values():
                    ring.prune()
                size = found.size
                self._size += size - self._sizes.get(entity, 0)
                self._sizes[entity] = size
        self._touched.clear()
        while self._size > self._most_kept and self._entities:
            oldest = next(iter(self._entities))
            del self._entities[oldest]
            self._size -= self._sizes.pop(oldest, 0)


def moment_of(window: Window, event: Any) -> Moment:
    """`event`: an event of a topic, or a row of its table with event_id and event_date."""
    key = (
        microseconds(event.event_time),
        microseconds(event.inserted_at),
        event.event_id,
        event.event_date.toordinal(),
    )
    return Moment(key, window.value_of(event), event.transaction_id or 0)


def length_us(window: Window, parameters: dict[str, Any]) -> int | None:
    """How far a window reaches back, in microseconds; None: NULL; FOREVER: without a beginning."""
    if window.length is None:
        return FOREVER
    length = window.length(parameters)
    return None if length is None else length * SECOND_US


def after_us(window: Window, parameters: dict[str, Any], at_us: int) -> int | None:
    """The event time after which a window's members lie; None: it has none."""
    length = length_us(window, parameters)
    if length == FOREVER:
        return FOREVER
    if length is None or length <= 0:
        return None
    return max(at_us - length, EARLIEST_US)


def history_of(memory: Memory, window: Window, event: Any, parameters: dict[str, Any]) -> History:
    """What a condition reads as history.* for this event (design 4.4); its ring must have been loaded."""
    group = window.group_asked_by(event)
    if group is None:
        return History()
    counts = event.kind == window.kind and window.counts(event)
    remembered, at_us = memory.of(event.entity), microseconds(event.event_time)
    ring = remembered.late.get(late_key(window, event))
    if ring is None:
        _, ring = remembered.rings[window.definition]
    else:
        ring.absorb(remembered.recent[window.definition][1], group, at_us)
    return history(
        window.aggregate,
        ring,
        group,
        at_us,
        length_us(window, parameters),
        event.seen_below,
        (window.value_of(event),) if counts else None,
    )


def key_of(event: Any) -> EventKey:
    """The identity of an event."""
    return (event.kind, event.event_id, event.event_date)


def late_key(window: Window, event: Any) -> LateKey:
    return (window.definition, key_of(event))


def microseconds(time: datetime) -> int:
    """Since 1970, exact."""
    return (time - EPOCH) // MICROSECOND
