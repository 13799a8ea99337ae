"""When a schedule is due next: wall time across both changes of clocks, months of any length."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.condition_form import BadCondition
from engine.schedule import Schedule, compile_schedule, next_due
from tests.schedules import ZONES, schedules, times

KINDS = {"hour": "integer", "name": "text"}


def due(written: dict[str, Any], zone: str, after: str) -> str | None:
    """The next due time, as that zone's clocks show it; `after` likewise."""
    start = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = next_due(compile_schedule(written, KINDS), {"hour": 8}, zone, start)
    return None if found is None else found.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


DAILY = {"every": "day", "hour": 2, "minute": 30}


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        # clocks go from 02:00 to 03:00: half past two is half past three
        ("Europe/Amsterdam", "2026-03-28T12:00", "2026-03-29T03:30+02:00"),
        ("Europe/Amsterdam", "2026-03-29T03:30", "2026-03-30T02:30+02:00"),
        ("America/New_York", "2026-03-07T12:00", "2026-03-08T03:30-04:00"),
        # and back, half past two comes twice: the first
        ("Europe/Amsterdam", "2026-10-24T12:00", "2026-10-25T02:30+02:00"),
        ("Europe/Amsterdam", "2026-10-25T02:30", "2026-10-26T02:30+01:00"),
        # by half an hour, and in the southern spring
        ("Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-04T02:30+11:00"),
        ("Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-05T02:30+10:30"),
        ("Asia/Kolkata", "2026-03-29T02:30", "2026-03-30T02:30+05:30"),
    ],
)
def test_a_day_has_one_half_past_two(zone: str, after: str, expected: str) -> None:
    assert due(DAILY, zone, after) == expected


def test_what_comes_twice_in_new_york_is_due_once() -> None:
    written = {"every": "day", "hour": 1, "minute": 30}
    assert due(written, "America/New_York", "2026-10-31T12:00") == "2026-11-01T01:30-04:00"
    assert due(written, "America/New_York", "2026-11-01T01:30") == "2026-11-02T01:30-05:00"


@pytest.mark.parametrize(
    ("day", "after", "expected"),
    [
        (31, "2026-01-31T08:00", "2026-02-28T08:00+01:00"),
        (31, "2028-01-31T08:00", "2028-02-29T08:00+01:00"),
        (31, "2026-03-31T07:59", "2026-03-31T08:00+02:00"),
        (31, "2026-03-31T08:00", "2026-04-30T08:00+02:00"),
        (30, "2026-02-28T08:00", "2026-03-30T08:00+02:00"),
        (1, "2026-12-01T08:00", "2027-01-01T08:00+01:00"),
    ],
)
def test_a_day_that_a_month_lacks_is_its_last(day: int, after: str, expected: str) -> None:
    assert due({"every": "month", "hour": ":hour", "minute": 0, "day": day}, "Europe/Amsterdam", after) == expected


def test_a_week_has_one_weekday() -> None:
    written = {"every": "week", "hour": 8, "minute": 15, "weekday": 1}
    assert due(written, "Europe/Amsterdam", "2026-11-22T12:00") == "2026-11-23T08:15+01:00"
    assert due(written, "Europe/Amsterdam", "2026-11-23T08:15") == "2026-11-30T08:15+01:00"


@pytest.mark.parametrize("parameters", [{}, {"hour": None}, {"hour": 24}, {"hour": -1}, {"hour": "8"}, {"hour": True}])
def test_a_parameter_that_names_no_time_is_never_due(parameters: dict[str, Any]) -> None:
    schedule = compile_schedule({"every": "day", "hour": ":hour"}, KINDS)
    assert next_due(schedule, parameters, "UTC", datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "written",
    [
        *(None, [], {}, {"every": "year", "hour": 1}, {"every": "day"}, {"every": "week", "hour": 1}),
        *({"every": "day", "hour": 24}, {"every": "day", "hour": "8"}, {"every": "day", "hour": ":other"}),
        *({"every": "day", "hour": ":name"}, {"every": "day", "hour": 8, "day": 1}, {"every": "day", "hour": True}),
    ],
)
def test_what_is_no_schedule_is_refused(written: Any) -> None:
    with pytest.raises(BadCondition, match="timer_schedule"):
        compile_schedule(written, KINDS)


def test_a_zone_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        next_due(compile_schedule(DAILY, {}), {}, "Europe/Atlantis", datetime(2026, 1, 1, tzinfo=UTC))


@given(schedules(), st.sampled_from(ZONES), times())
def test_the_next_is_after_now_shows_its_wall_time_and_none_lies_between(
    written: dict[str, Any], zone: str, after: datetime
) -> None:
    schedule = compile_schedule(written, {})
    found = next_due(schedule, {}, zone, after)
    assert found is not None
    assert found > after
    local = found.astimezone(ZoneInfo(zone))
    wall = (written["hour"], written["minute"])
    if (local.hour, local.minute) != wall:
        meant = local.replace(hour=wall[0], minute=wall[1], fold=0, tzinfo=None)
        assert not clocks_show(meant, zone), "another time is shown only for one that is skipped"
    if written["every"] == "week":
        assert local.isoweekday() == written["weekday"]
    if written["every"] == "month":
        assert local.day == written["day"] or (local + timedelta(days=1)).day == 1
    assert next_due(schedule, {}, zone, found - timedelta(microseconds=1)) == found
    assert no_earlier(schedule, zone, after, found)


def clocks_show(local: datetime, zone: str) -> bool:
    there = local.replace(tzinfo=ZoneInfo(zone))
    return there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local


def no_earlier(schedule: Schedule, zone: str, after: datetime, found: datetime) -> bool:
    """Whether going there in steps finds no other."""
    step = (found - after) / 7
    return all(next_due(schedule, {}, zone, after + step * number) == found for number in range(7))


def test_the_time_zones_are_those_of_the_locked_package_whatever_the_machine_has() -> None:
    code = "import bankalerts, zoneinfo; zoneinfo.ZoneInfo('Europe/Amsterdam'); print(zoneinfo.TZPATH)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "()\n"
