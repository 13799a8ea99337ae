"""When something scheduled is due next. Pure. audit.next_due is the same in SQL.

A schedule is the column bank.alert_type.timer_schedule: {"every": "day" | "week" | "month", "hour": ..., "minute": ...,
"weekday": 1 to 7 (Monday is 1), "day": 1 to 31}, each number written out or as ":parameter". It is wall time of the customer's
time zone: a time that a change to summer time skips is later by what was skipped, of one that comes twice the first is taken;
day 31 of a shorter month is its last day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.condition_form import BadCondition

BOUNDS = {"hour": (0, 23), "minute": (0, 59), "weekday": (1, 7), "day": (1, 31)}
PARTS = {"day": ("hour", "minute"), "week": ("hour", "minute", "weekday"), "month": ("hour", "minute", "day")}
LAST = datetime(9998, 1, 1, tzinfo=UTC)  # calendars end soon after
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Schedule:
    """`parts`: hour, minute and, by `every`, weekday or day -> a number, or the name of the parameter that says it."""

    every: str
    parts: Mapping[str, int | str]

    def numbers(self, parameters: Given) -> dict[str, int] | None:
        """The parts as numbers; None where a parameter is missing or no such number exists."""
        found = {}
        for name, part in self.parts.items():
            number = parameters.get(part) if isinstance(part, str) else part
            least, most = BOUNDS[name]
            if type(number) is not int or not least <= number <= most:
                return None
            found[name] = number
        return found


def compile_schedule(written: Any, kinds: Mapping[str, str]) -> Schedule:
    """A schedule from its JSON; `kinds`: the alert type's parameters and their kinds. Raises BadCondition."""
    every = written.get("every") if isinstance(written, dict) else None
    if every not in PARTS:
        raise BadCondition('timer_schedule needs "every": "day", "week" or "month"')
    given = {"minute": 0, **written}
    if set(given) != {"every", *PARTS[every]}:
        raise BadCondition(f"timer_schedule of every {every} has: every, {', '.join(PARTS[every])}")
    return Schedule(every, {name: _part(name, given[name], kinds) for name in PARTS[every]})


def _part(name: str, written: Any, kinds: Mapping[str, str]) -> int | str:
    least, most = BOUNDS[name]
    if type(written) is int and least <= written <= most:
        return written
    if isinstance(written, str) and written.startswith(":") and kinds.get(written[1:]) == "integer":
        return written[1:]
    raise BadCondition(
        f"timer_schedule.{name} is a number from {least} to {most} or the name of an integer parameter, as ':{name}'"
    )


def next_due(schedule: Schedule, parameters: Given, time_zone: str, after: datetime) -> datetime | None:
    """The first time after `after` (aware) that the schedule names, in UTC; None where its parameters name none.

    Raises KeyError (ZoneInfoNotFoundError) for a time zone that is not known.
    """
    numbers = schedule.numbers(parameters)
    if numbers is None or not after < LAST:
        return None
    zone = _zone(time_zone)
    wall = time(numbers["hour"], numbers["minute"])
    for day in _days(schedule.every, numbers, after.astimezone(zone).date()):
        due = datetime.combine(day, wall, zone).astimezone(UTC)
        if due > after:
            return due
    raise AssertionError("a year has every day of a schedule")


def _days(every: str, numbers: Mapping[str, int], today: date) -> Iterator[date]:
    """The days of a schedule in their order, from about `today` on."""
    if every == "month":
        for month in range(14):
            years, index = divmod(today.month - 1 + month, 12)
            year = today.year + years
            yield date(year, index + 1, min(numbers["day"], monthrange(year, index + 1)[1]))
        return
    for days in range(-1, 16):
        day = today + timedelta(days=days)
        if every == "day" or day.isoweekday() == numbers["weekday"]:
            yield day


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
