"""Lanes: the order of each account is kept, nothing is lost or judged twice, and no position is beyond what waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from engine.judged import Portion, Record
from engine.lanes import Helping, Lanes, Limits

PARTITIONS = (0, 1, 2)
LIMITS = Limits(many=3, crowd=2, waiting=12, small=Helping(0.0, 1))


def record(partition: int, offset: int, entity: str | None) -> Record:
    event = None if entity is None else SimpleNamespace(entity=entity)
    return Record(partition, offset, cast("Any", None), cast("Any", event))


class Judge:
    """What an engine does with lanes, and what was judged and written: by partition and by lane."""

    def __init__(self, limits: Limits) -> None:
        self.lanes = Lanes(limits)
        self.positions = dict.fromkeys(PARTITIONS, 0)
        self.came: list[Record] = []
        self.judged: list[Record] = []
        self.in_hand: list[Record] = []

    def turn(self, entities: list[tuple[int, str | None]]) -> None:
        """These come, each at the next offset of its partition."""
        new = []
        for partition, entity in entities[: self.lanes.room]:
            new.append(record(partition, sum(each.partition == partition for each in self.came), entity))
            self.came.append(new[-1])
        now = self.lanes.sort(new)
        self.judged += now
        after = {each.partition: each.offset + 1 for each in now}
        self.positions.update(self.lanes.marks(after))
        crowds = {index: [1, 2] for index, each in enumerate(now) if each.event is not None and each.event.entity == "crowd"}
        self.lanes.note_crowds(Portion(now, cast("Any", crowds), {}, []))

    def take(self, most: int) -> None:
        """A helping, which is not written yet."""
        if not self.in_hand:
            for each in self.lanes.next(most):
                self.lanes.take(each)
                self.in_hand.append(each)

    def finish(self) -> None:
        if self.in_hand:
            self.judged += self.in_hand
            self.positions.update(self.lanes.marks_when_done())
            self.lanes.done()
            self.in_hand = []

    def give_up(self, partition: int) -> None:
        """Another engine goes on with it; it comes back, and everything from its position comes again."""
        self.lanes.give_up([partition])
        self.in_hand = []
        position = self.positions[partition]
        self.came = [each for each in self.came if each.partition != partition or each.offset < position]
        self.judged = [each for each in self.judged if each.partition != partition or each.offset < position]

    def check(self) -> None:
        for partition in PARTITIONS:
            judged = {each.offset for each in self.judged if each.partition == partition}
            came = [each.offset for each in self.came if each.partition == partition]
            left = [offset for offset in came if offset not in judged]
            assert self.positions[partition] <= (left[0] if left else len(came))
            if not self.lanes:
                assert self.positions[partition] == len(came)
        assert len(self.judged) == len({(each.partition, each.offset) for each in self.judged})
        assert len(self.lanes) <= LIMITS.waiting + 1
        lanes: dict[Any, int] = {}
        for each in self.judged:
            if each.event is not None:
                lane = (each.partition, each.event.entity)
                assert each.offset > lanes.get(lane, -1), "the order of an account is kept"
                lanes[lane] = each.offset


entities = st.tuples(st.sampled_from(PARTITIONS), st.sampled_from(["a", "b", "c", "d", "crowd", None]))
steps = st.one_of(
    st.tuples(st.just("turn"), st.lists(entities, max_size=9)),
    st.tuples(st.just("take"), st.integers(1, 4)),
    st.tuples(st.just("finish")),
    st.tuples(st.just("give_up"), st.sampled_from(PARTITIONS)),
)


@given(st.lists(steps, max_size=40))
def test_order_and_marks_are_kept_whatever_happens(history: list[tuple[Any, ...]]) -> None:
    judge = Judge(LIMITS)
    for name, *arguments in history:
        getattr(judge, name)(*arguments)
        judge.check()
    judge.finish()
    while judge.lanes:
        judge.take(3)
        judge.finish()
        judge.check()
    assert len(judge.judged) == len(judge.came)


def turn_of(counts: dict[str, int], start: int = 0) -> list[Record]:
    """So many records of each, spread evenly."""
    names = sorted(
        ((number / count, name) for name, count in counts.items() for number in range(count)), key=lambda each: each[0]
    )
    return [record(0, offset, name) for offset, (_, name) in enumerate(names, start)]


def test_who_has_many_waits_and_the_others_do_not() -> None:
    lanes = Lanes()
    records = turn_of({"heavy": 60, "b": 3, "c": 1})
    assert {each.event.entity for each in lanes.sort(records) if each.event is not None} == {"b", "c"}
    assert len(lanes) == 60
    assert lanes.marks({0: 64}) == {0: records[0].offset}


def test_of_a_large_turn_some_are_looked_at() -> None:
    lanes = Lanes()
    records = turn_of({"heavy": 100, **{f"a-{number}": 1 for number in range(400)}})
    assert len(lanes.sort(records)) == 400
    assert len(Lanes().sort(turn_of({f"a-{number}": 1 for number in range(500)}))) == 500


def test_a_crowd_waits_from_its_second_event_on_unless_there_is_a_backlog() -> None:
    lanes = Lanes()
    first, second, third = (record(0, offset, "crowd") for offset in range(3))
    assert lanes.sort([first]) == [first]
    lanes.note_crowds(Portion([first], {0: cast("Any", [None]) * 100}, {}, []))
    assert lanes.sort([second], live=False) == [second]
    assert lanes.sort([third]) == []


def test_lanes_take_turns() -> None:
    lanes = Lanes()
    lanes.sort(turn_of({"a": 40, "b": 40}))
    order = []
    for _ in range(4):
        some = lanes.next(20)
        order.append({each.event.entity for each in some if each.event is not None})
        for each in some:
            lanes.take(each)
    assert order in ([{"a"}, {"b"}] * 2, [{"b"}, {"a"}] * 2)


def test_a_helping_is_due_when_nothing_came_or_after_a_while_or_when_many_wait() -> None:
    lanes = Lanes(Limits(many=2, waiting=10, quiet_s=0.005, pause_s=0.1))
    assert not lanes.is_due(1.0, came=False), "nothing waits"
    lanes.sort([record(0, 0, "a"), record(0, 1, "a")])
    assert [lanes.is_due(at, came=True) for at in (1.05, 1.08, 1.149, 1.151)] == [True, False, False, True]
    assert [lanes.is_due(at, came=False) for at in (1.155, 1.157)] == [False, True]
    assert lanes.helping == Limits().small
    lanes.sort([record(0, offset, "a") for offset in range(2, 6)])
    assert lanes.helping == Limits().large
    assert lanes.is_due(1.158, came=True)
    assert lanes.room == 4
