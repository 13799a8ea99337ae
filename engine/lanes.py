"""Which records are judged at once, and which wait, so that one account does not hold up the others. Pure.

What is promised is the order of the events of one account (of one customer, where there is no account). So the others' events
may be judged before those of an account that has very many, or whose events lead to very many alerts. These wait in their
order, in a *lane*, and a helping of them is judged now and then. A partition's position is the *low-water mark*: the first
record that waits or is in hand. After a kill what came behind it is judged again, to no effect (design 4.6).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.judged import Judged, Portion, Record
    from engine.outbox import Batch

LOOKED_AT = 128  # of the records that came together: enough to see who has many of them
MOST_CROWDS = 1_000

Lane = tuple[int, str]  # partition, account or customer


class Helping(NamedTuple):
    """How long what waits is judged at once, about; and how many alerts of it are written at once, at most."""

    judging_s: float
    alerts: int


class Limits(NamedTuple):
    """From when on events wait, how many may, and how large their helpings are.

    An account gets a lane when `many` of its events come at once, or after an event with `crowd` alerts and candidates. So many
    records may be `waiting`: about 40 MB. While more than half as many are, helpings are `large`; else `small`: the others
    hardly notice those. A helping is due when nothing came for `quiet_s`; while more comes, `pause_s` after the one before:
    what brings the events may need the same processor and the same disk.
    """

    many: int = 32
    crowd: int = 100
    waiting: int = 20_000
    small: Helping = Helping(0.003, 100)
    large: Helping = Helping(0.02, 1_000)
    quiet_s: float = 0.005
    pause_s: float = 0.1


class Lanes:
    """The records that wait, and those in hand: taken from a lane, judged, and not yet written.

    `found`: what those in hand led to. `parts`: what is to be written of it, one after the other.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.found: Sequence[Judged] = ()
        self.parts: deque[Batch] = deque()
        self._limits = limits or Limits()
        self._lanes: dict[Lane, deque[Record]] = {}  # in turn; an empty one has all of its records in hand
        self._in_hand: list[Record] = []
        self._waiting = 0
        self._ends: dict[int, int] = {}  # partition -> the offset after all that was sorted since there is a lane
        self._crowds: dict[str, None] = {}
        self._came_at = self._helped_at = 0.0

    def __bool__(self) -> bool:
        """Whether a record waits or is in hand."""
        return bool(self._lanes)

    def __len__(self) -> int:
        """How many records wait or are in hand."""
        return self._waiting + len(self._in_hand)

    @property
    def room(self) -> int:
        """So many records may come before too many wait; at least 1."""
        return max(1, self._limits.waiting - self._waiting)

    @property
    def helping(self) -> Helping:
        return self._limits.large if self._many_wait else self._limits.small

    @property
    def _many_wait(self) -> bool:
        return self._waiting > self._limits.waiting // 2

    def is_due(self, now_s: float, came: bool) -> bool:
        """Whether a helping is due: where nothing `came` for a moment, or the one before is a while ago, or too many wait."""
        if came:
            self._came_at = now_s
        waited = now_s - self._came_at >= self._limits.quiet_s or now_s - self._helped_at >= self._limits.pause_s
        if not self._lanes or not (waited or self._many_wait):
            return False
        self._helped_at = now_s
        return True

    def sort(self, records: list[Record], live: bool = True) -> list[Record]:
        """Those that are judged now, in their order; the others wait. `live`: few came, and accounts known as crowds wait."""
        crowds: Collection[str] = self._crowds if live else ()
        many = self._with_many(records)
        if not (self._lanes or crowds or many):
            return records
        now = []
        for record in records:
            entity = _entity(record)
            lane = (record.partition, entity)
            if lane in self._lanes or entity in many or entity in crowds:
                self._lanes.setdefault(lane, deque()).append(record)
                self._waiting += 1
            else:
                now.append(record)
            if self._lanes:
                self._ends[record.partition] = record.offset + 1
        return now

    def _with_many(self, records: Sequence[Record]) -> set[str]:
        """The accounts and customers with many of these records. It looks at some of them only: that costs next to nothing."""
        many = self._limits.many
        if len(records) < many:
            return set()
        step = max(1, len(records) // LOOKED_AT)
        counts = Counter([record.event.entity for record in records[::step] if record.event is not None])
        if not counts or max(counts.values()) * step < many:
            return set()
        return {entity for entity, count in counts.items() if count * step >= many}

    def note_crowds(self, portion: Portion) -> None:
        """Remember whose events lead to very many alerts: their next ones wait."""
        for judged in (portion.alerts, portion.remembering):
            for index, found in judged.items():
                if len(found) >= self._limits.crowd:
                    if len(self._crowds) >= MOST_CROWDS:
                        self._crowds.clear()
                    self._crowds[_entity(portion.records[index])] = None

    def next(self, most: int) -> list[Record]:
        """Up to so many records of the lane whose turn it is. They wait on, until they are taken one by one."""
        for lane, records in self._lanes.items():
            if records:
                self._lanes[lane] = self._lanes.pop(lane)
                return list(islice(records, most))
        return []

    def take(self, record: Record) -> None:
        """Have the first record of its lane in hand: it is judged now."""
        self._in_hand.append(self._lanes[record.partition, _entity(record)].popleft())
        self._waiting -= 1

    def marks(self, after: Mapping[int, int]) -> dict[int, int]:
        """The low-water marks once everything before `after` is written that neither waits nor is in hand."""
        if not self._lanes:
            return dict(after)
        return _lowest(after, [*self._in_hand, *self._first_ones()])

    def marks_when_done(self) -> dict[int, int]:
        """The low-water marks once what is in hand is written, too: of its partitions."""
        after = {record.partition: self._ends[record.partition] for record in self._in_hand}
        return _lowest(after, self._first_ones())

    def done(self) -> None:
        """What is in hand was written."""
        for record in self._in_hand:
            lane = (record.partition, _entity(record))
            if not self._lanes.get(lane, True):
                del self._lanes[lane]
        self._put_down()
        if not self._lanes:
            self._ends.clear()

    def give_up(self, partitions: Collection[int]) -> None:
        """Forget the records of these partitions. What is in hand of others waits again, to be judged anew."""
        for record in reversed(self._in_hand):
            self._lanes[record.partition, _entity(record)].appendleft(record)
            self._waiting += 1
        self._put_down()
        for lane in [lane for lane in self._lanes if lane[0] in partitions]:
            self._waiting -= len(self._lanes.pop(lane))
        for partition in partitions:
            self._ends.pop(partition, None)

    def _put_down(self) -> None:
        self._in_hand.clear()
        self.parts.clear()
        self.found = ()

    def _first_ones(self) -> list[Record]:
        return [records[0] for records in self._lanes.values() if records]


def _lowest(after: Mapping[int, int], records: Iterable[Record]) -> dict[int, int]:
    """These offsets, by partition; that of a record where it is lower."""
    found = dict(after)
    for record in records:
        if record.offset < found.get(record.partition, 0):
            found[record.partition] = record.offset
    return found


def _entity(record: Record) -> str:
    """Whose event it is; of a record without one nobody's: such never wait."""
    return "" if record.event is None else record.event.entity
