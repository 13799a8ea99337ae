"""Windows against brute force over arrival order: boundary, late events, ties, groups, NULL, loading, pruning (design 4.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import event as noted
from hypothesis import given
from hypothesis import strategies as st

from engine.window import FOREVER, KEPT_UNPRUNED, SECOND_US, UNKNOWN, History, Moment, Ring, history

START = datetime(2026, 1, 2, tzinfo=UTC)
DAY_ORDINAL = START.toordinal()
VALUES = st.one_of(st.none(), st.integers(-3, 3))


class Came(NamedTuple):
    """An event in the order of its partition: `number` is its place, and its transaction."""

    number: int
    at_us: int
    group: str | None
    value: int | None
    recorded: bool
    overlap: int  # how many transactions before its own had not ended when it was inserted

    @property
    def moment(self) -> Moment:
        return Moment((self.at_us, self.number, f"e{self.number}", DAY_ORDINAL), self.value, self.number)

    @property
    def seen_below(self) -> int:
        return self.number - self.overlap


@st.composite
def arrivals(draw: st.DrawFn, most: int = 40) -> list[Came]:
    """Times of a few seconds around each other, so that ties, edges and late events are frequent."""
    count = draw(st.integers(1, most))
    times = st.tuples(st.integers(0, 12), st.sampled_from((0, 0, 0, 1, 999_999)))
    rows = st.tuples(times, st.sampled_from(("a", "a", "b", None)), VALUES, st.booleans(), st.sampled_from((0, 0, 1, 3)))
    return [
        Came(number, second * SECOND_US + part, group, value, recorded, overlap)
        for number, ((second, part), group, value, recorded, overlap) in enumerate(
            draw(st.lists(rows, min_size=count, max_size=count)), start=1
        )
    ]


def brute_force(aggregate: str, came: list[Came], at: int, length_us: int | None) -> History:
    """The definition, word by word."""
    event = came[at]
    if event.group is None:
        return UNKNOWN
    if length_us is None or (length_us <= 0 and length_us != FOREVER):
        return History(0, 0) if aggregate == "COUNT" else UNKNOWN
    members = [
        other
        for other in came[:at]
        if other.group == event.group
        and (other.recorded or other.number < event.seen_below)
        and (length_us == FOREVER or other.at_us > event.at_us - length_us)
        and other.at_us <= event.at_us
    ]
    latest = max(members, key=lambda other: (other.at_us, other.number), default=None)
    since = None if latest is None else (event.at_us - latest.at_us) // SECOND_US
    if aggregate == "SINCE":
        return History(since=since)
    previous, value = (compute(aggregate, [one.value for one in some]) for some in (members, [*members, event]))
    return History(value, previous, None if aggregate == "COUNT" or latest is None else latest.value, since)


def compute(aggregate: str, values: list[int | None]) -> int | None:
    if aggregate == "COUNT":
        return len(values)
    known = [value for value in values if value is not None]
    if not known:
        return None
    if aggregate == "AVERAGE":
        return int(sum(known) / len(known))
    if aggregate == "SUM":
        return sum(known)
    return min(known) if aggregate == "MIN" else max(known)


def loaded(came: list[Came], done: int, since_us: int, latest_only: bool) -> Ring:
    """As from PostgreSQL: all rows that are there, recorded or not; the first `done` were judged."""
    ring = Ring(since_us, latest_only)
    for number, other in enumerate(came):
        if other.group is None or other.at_us <= since_us:
            continue
        if number < done and other.recorded:
            ring.settle(other.group, other.moment._replace(transaction_id=0))
        else:
            ring.leave_open(other.group, other.moment)
    return ring


@pytest.mark.parametrize("aggregate", ["COUNT", "SUM", "MIN", "MAX", "AVERAGE", "SINCE"])
@given(data=st.data())
def test_a_ring_is_the_definition(aggregate: str, data: st.DataObject) -> None:
    came = data.draw(arrivals())
    lengths = st.sampled_from((None, -1, 0, 1, SECOND_US, 3 * SECOND_US, 3 * SECOND_US - 1, 10**30))
    latest_only = aggregate == "SINCE" and data.draw(st.booleans())
    ring: Ring | None = None
    for at, event in enumerate(came):
        there = data.draw(st.integers(at + 1, len(came)), label="rows in PostgreSQL")
        if event.recorded and event.group is not None:
            length_us = FOREVER if latest_only else data.draw(lengths)
            after_us = event.at_us if length_us is None else FOREVER if latest_only else event.at_us - max(length_us, 0)
            if ring is None or not ring.covers(event.group, after_us, event.at_us):
                noted("loaded" if ring is None else "loaded again")
                ring = loaded(came[:there], at, after_us, latest_only)
            ring.reach(0 if latest_only else event.at_us - after_us, event.at_us)
            found = history(aggregate, ring, event.group, event.at_us, length_us, event.seen_below, (event.value,))
            assert found == brute_force(aggregate, came, at, length_us)
        if ring is not None and event.group is not None:
            if event.recorded:
                ring.settle(event.group, event.moment._replace(transaction_id=0))
            else:
                ring.leave_open(event.group, event.moment)
            if data.draw(st.booleans(), label="prune"):
                ring._size_pruned = -KEPT_UNPRUNED  # as if it had grown
                ring.prune()


def filled(*seconds: float, latest_only: bool = False) -> Ring:
    ring = Ring(FOREVER, latest_only)
    for number, second in enumerate(seconds):
        ring.settle("g", Moment((int(second * SECOND_US), number, f"e{number}", DAY_ORDINAL), number, 0))
    return ring


def count(ring: Ring, at_s: float, length_s: int) -> Any:
    return history("COUNT", ring, "g", int(at_s * SECOND_US), length_s * SECOND_US, 0, (None,)).value


def test_an_event_exactly_as_old_as_the_window_is_long_is_out() -> None:
    ring = filled(100)
    assert count(ring, 160, 60) == 1
    assert count(ring, 160 - 0.000001, 60) == 2


def test_an_event_of_the_same_time_is_in_and_a_later_one_is_not() -> None:
    ring = filled(100, 100, 101)
    assert count(ring, 100, 60) == 3


def test_an_average_divides_toward_zero() -> None:
    ring = Ring(FOREVER)
    for number, value in enumerate((-3, -4)):
        ring.settle("g", Moment((number, 0, f"e{number}", 1), value, 0))
    assert history("AVERAGE", ring, "g", 5, SECOND_US, 0, None).value == -3
    assert history("AVERAGE", ring, "g", 5, SECOND_US, 0, (9,)).value == 0


def test_seconds_since_are_whole() -> None:
    ring = filled(100)
    assert history("SINCE", ring, "g", int(101.999999 * SECOND_US), FOREVER, 0, None).since == 1


def test_an_open_member_counts_for_whom_it_had_committed_before() -> None:
    ring = Ring(FOREVER)
    ring.leave_open("g", Moment((0, 0, "e", 1), None, 500))
    assert [history("COUNT", ring, "g", 5, SECOND_US, below, None).value for below in (499, 500, 501)] == [0, 0, 1]
    ring.settle("g", Moment((0, 0, "e", 1), None, 0))
    assert history("COUNT", ring, "g", 5, SECOND_US, 0, None).value == 1
    assert ring.size == 1


def test_an_event_that_comes_twice_counts_once() -> None:
    ring = filled(100)
    moment = Moment((100 * SECOND_US, 0, "e0", DAY_ORDINAL), 0, 0)
    ring.settle("g", moment)
    ring.leave_open("g", moment)
    assert (count(ring, 101, 60), ring.size) == (2, 1)


def test_a_ring_stays_bounded_by_what_its_windows_reach() -> None:
    ring = Ring(-1)
    for number in range(10_000):
        ring.reach(60 * SECOND_US, number * SECOND_US)
        ring.settle("g", Moment((number * SECOND_US, 0, f"e{number}", 1), None, 0))
        ring.prune()
    assert ring.size <= 2 * 60 + KEPT_UNPRUNED + 1
    assert ring.covers("g", 9_950 * SECOND_US, 9_999 * SECOND_US)
    assert not ring.covers("g", 100 * SECOND_US, 160 * SECOND_US), "a late event finds what was forgotten in PostgreSQL"
    assert count(ring, 9_999, 60) == 61


def test_a_ring_of_latest_members_keeps_one_of_each_group() -> None:
    ring = filled(*range(1_000), latest_only=True)
    ring.prune()
    assert ring.size == 1
    assert history("SINCE", ring, "g", 1_009 * SECOND_US, FOREVER, 0, None).since == 10
    assert ring.covers("g", FOREVER, 999 * SECOND_US)
    assert not ring.covers("g", FOREVER, 998 * SECOND_US)
    assert ring.covers("another", FOREVER, 0), "a group that was never seen"


def test_times_are_exact_to_the_microsecond_and_far_from_now() -> None:
    assert (START + timedelta(microseconds=1) - START) // timedelta(microseconds=1) == 1
    ring = filled(-62_135_596_000)
    assert count(ring, 253_402_300_799, 10**12) == 2
