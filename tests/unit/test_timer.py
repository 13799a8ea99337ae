"""Which operations an event makes, and which of the timers that are due still stand: against a definition read word by word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.condition import BadCondition, Column
from engine.timer import (
    EventOfTimer,
    Kept,
    Operation,
    Owner,
    Standing,
    TimerRule,
    compile_timer,
    due_after,
    operations,
    operations_of_timer,
    series_id,
    timer_id,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = START.date()
OWNER = Owner(None, 42, "UNFINISHED", 1)
COLUMNS = {"activity_type": Column("text", False), "properties": Column("json", False)}


class Row(NamedTuple):
    timer_arm: str | None = None
    timer_cancel: str | None = None
    timer_key: str | None = None
    timer_after: str | None = None
    timer_schedule: Any = None


class Activity(NamedTuple):
    activity_type: str
    event_time: datetime
    properties: dict[str, Any]
    kind: str = "CUSTOMER_ACTIVITY"
    event_id: str = "x"
    event_date: date = DAY


@dataclass(frozen=True)
class Due:
    """A TIMER event, as far as it matters."""

    event_time: datetime
    timer_key: str = ""
    account_id: str | None = None
    customer_id: int = 42
    alert_type: str = "UNFINISHED"
    preference_no: int = 1
    kind: str = "TIMER"
    time_zone: str = "Europe/Amsterdam"
    starts: bool = False
    event_date: date = DAY

    @property
    def timer_id(self) -> str:
        return timer_id(OWNER, self.timer_key, self.event_time)

    event_id = timer_id


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def unfinished() -> TimerRule:
    rule = compile_timer(
        Row(
            "event.activity_type = 'STARTED' or event.activity_type = 'BOTH'",
            "event.activity_type in ('FINISHED', 'BOTH')",
            "event.properties ->> 'application_id'",
            ":minutes * 60",
        ),
        COLUMNS,
        {"minutes": "integer"},
    )
    assert rule is not None
    return rule


def made(activity_type: str, properties: dict[str, Any] | None = None, minutes: int | None = 10) -> list[tuple[str, Any]]:
    event = Activity(activity_type, START, {"application_id": "a"} if properties is None else properties)
    parameters = {} if minutes is None else {"minutes": minutes}
    return [(each.timer_key, each.due_at) for each in operations(event, OWNER, unfinished(), parameters)]


def test_an_event_arms_cancels_or_does_nothing() -> None:
    assert made("STARTED") == [("a", at(10))]
    assert made("FINISHED") == [("a", None)]
    assert made("LOOKED_AT") == []
    assert made("BOTH") == [("a", at(10))], "what it stopped begins anew"


def test_a_timer_that_has_no_time_or_no_key_is_none() -> None:
    assert made("STARTED", minutes=None) == []
    assert made("STARTED", minutes=-1) == []
    assert made("STARTED", minutes=10**9) == []
    assert made("STARTED", {}) == []
    assert made("FINISHED", {}) == []
    assert made("BOTH", minutes=None) == [("a", None)]
    assert due_after(datetime(9999, 12, 31, tzinfo=UTC), 86_400) is None


def test_a_type_without_timer_columns_has_no_timer() -> None:
    assert compile_timer(Row(), COLUMNS, {}) is None


@pytest.mark.parametrize(
    "row",
    [
        Row(timer_arm="true"),
        Row(timer_after="60"),
        Row(timer_cancel="true"),
        Row(timer_arm="true", timer_after="60", timer_schedule={"every": "day", "hour": 8}),
        Row(timer_arm="event.no_such_column = 1", timer_after="60"),
        Row(timer_schedule={"every": "day"}),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(row: Row) -> None:
    with pytest.raises(BadCondition):
        compile_timer(row, COLUMNS, {})


def test_a_schedule_is_armed_by_what_starts_it_and_by_each_time() -> None:
    rule = compile_timer(Row(timer_schedule={"every": "day", "hour": ":hour", "minute": 0}), COLUMNS, {"hour": "integer"})
    assert rule is not None
    timer = Due(datetime(2026, 3, 28, 12, tzinfo=UTC))
    (armed,) = operations_of_timer(timer, rule, {"hour": 2})
    assert (armed.at, armed.due_at) == (timer.event_time, datetime(2026, 3, 29, 1, tzinfo=UTC))
    assert operations_of_timer(timer, rule, {}) == ()
    assert operations_of_timer(timer, unfinished(), {"minutes": 1}) == ()
    assert operations(Activity("STARTED", START, {}), OWNER, rule, {"hour": 2}) == ()


def test_identities_differ_by_each_part() -> None:
    owners = [OWNER, Owner("a", 42, "UNFINISHED", 1), OWNER._replace(preference_no=2), OWNER._replace(customer_id=4)]
    assert len({series_id(owner, key) for owner in owners for key in ("", "a", "42")}) == 12
    amsterdam = at(1).astimezone()
    assert timer_id(OWNER, "", at(1)) == timer_id(OWNER, "", amsterdam)
    assert len(timer_id(OWNER, "", at(1))) == 32


def arm(minutes: int, after: int = 10, key: str = "") -> Operation:
    return Operation(OWNER, key, at(minutes), at(minutes + after), EventOfTimer("K", str(minutes), DAY))


def cancel(minutes: int, key: str = "") -> Operation:
    return Operation(OWNER, key, at(minutes), None, EventOfTimer("K", str(minutes), DAY))


@pytest.mark.parametrize(
    ("done", "stands"),
    [
        ([], False),
        ([arm(0)], True),
        ([arm(0), cancel(0)], False),
        ([cancel(0), arm(0)], False),
        ([arm(0), cancel(10)], False),
        ([arm(0), cancel(11)], True),
        ([cancel(5), arm(0)], False),
        ([arm(5), arm(0)], False),
        ([arm(0), arm(0)], True),
        ([arm(0), arm(10)], False),
        ([arm(0), arm(11)], True),
        ([arm(-5), arm(0)], True),
        ([cancel(-1), arm(0)], True),
        ([arm(0), cancel(5, "other"), arm(6, key="other")], True),
        ([arm(0, after=9)], False),
    ],
)
def test_what_is_due_after_ten_minutes_stands_unless_something_came(done: list[Operation], stands: bool) -> None:
    standing = Standing()
    standing.note(done)
    assert standing.holds(Due(at(10))) is stands


OPERATIONS = st.lists(
    st.one_of(st.builds(arm, st.integers(0, 12), st.sampled_from((3, 5))), st.builds(cancel, st.integers(0, 12)))
)


def by_the_book(done: list[Operation], due_at: datetime) -> bool:
    """Of the operations up to the due time, those with the greatest time count: no CANCEL, and an ARM for this due time."""
    earlier = [each for each in done if each.at <= due_at]
    newest = [each for each in earlier if each.at == max(every.at for every in earlier)]
    return any(each.due_at == due_at for each in newest) and all(each.due_at is not None for each in newest)


def kept(done: list[Operation], due_at: datetime) -> Kept:
    """What PostgreSQL keeps of operations of earlier turns."""
    earlier = [each for each in done if each.at <= due_at]
    return Kept(
        max((each.at for each in earlier if each.due_at == due_at), default=None),
        max((each.at for each in earlier if each.due_at is not None), default=None),
        max((each.at for each in earlier if each.due_at is None), default=None),
    )


@given(OPERATIONS, OPERATIONS, st.integers(0, 20))
def test_timers_stand_by_the_book_whatever_is_stored_and_whatever_came_in_this_turn(
    stored: list[Operation], of_this_turn: list[Operation], minutes: int
) -> None:
    due = Due(at(minutes))
    standing = Standing({due.timer_id: kept(stored, due.event_time)})
    standing.note(of_this_turn)
    assert standing.holds(due) is by_the_book([*stored, *of_this_turn], due.event_time)
