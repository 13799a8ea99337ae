"""Quiet hours, minute by minute over both nights on which clocks change, in three time zones. No clock is read."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from notifier.quiet import quiet_until

MINUTE = timedelta(minutes=1)
# An hour, an hour on the other side of the world, and half an hour.
NIGHTS = [
    ("Europe/Amsterdam", "2026-03-29", "spring"),
    ("Europe/Amsterdam", "2026-10-25", "autumn"),
    ("America/New_York", "2026-03-08", "spring"),
    ("America/New_York", "2026-11-01", "autumn"),
    ("Australia/Lord_Howe", "2026-10-04", "spring"),
    ("Australia/Lord_Howe", "2026-04-05", "autumn"),
]
HOURS = [
    ("22:00", "07:00"),  # the change lies inside
    ("22:00", "02:10"),  # it ends in the gap, or in what comes twice
    ("02:10", "09:00"),  # it begins there
    ("01:40", "02:20"),  # both on one day, around it
    ("02:05", "02:25"),  # all of it in the gap or in what comes twice
    ("09:00", "17:00"),  # by day: nothing changes
]


def minutes_around(day: str) -> list[datetime]:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    return [noon + n * MINUTE for n in range(-48 * 60, 48 * 60)]


@functools.cache
def clock_of(zone: str, day: str) -> list[tuple[datetime, str, str]]:
    """Each minute, with the day and the time of day that the clock shows."""
    there = ZoneInfo(zone)
    shown = [(now, now.astimezone(there).isoformat()) for now in minutes_around(day)]
    return [(now, text[:10], text[11:16]) for now, text in shown]


def expected(clock: list[tuple[datetime, str, str]], begins: str, ends: str) -> dict[datetime, datetime]:
    """What somebody would note who looks at the clock each minute: quiet from the first time that it shows `begins`, or has
    jumped over it, to the last time that it shows `ends`, or has jumped over it."""
    quiet: dict[datetime, datetime] = {}
    days = sorted({day for _, day, _ in clock})
    for day, tomorrow in pairwise(days):
        last_day = day if begins < ends else tomorrow
        starts = next((now for now, on, at in clock if on == day and at >= begins), None)
        # the clock may go back behind `ends`: what counts is the last time that it comes up to it
        stops = [
            now for (_, on, at), (now, on_now, at_now) in pairwise(clock) if (on, at) < (last_day, ends) <= (on_now, at_now)
        ]
        if starts is not None and stops:
            quiet |= {now: stops[-1] for now, _, _ in clock if starts <= now < stops[-1]}
    return quiet


@pytest.mark.parametrize(("begins", "ends"), HOURS)
@pytest.mark.parametrize(("zone", "day", "season"), NIGHTS)
def test_each_minute_of_the_nights_on_which_clocks_change(zone: str, day: str, season: str, begins: str, ends: str) -> None:
    minutes = minutes_around(day)
    there = ZoneInfo(zone)
    offsets = {now.astimezone(there).utcoffset() for now in minutes}
    assert len(offsets) == 2, f"the clock does not change there in {season}"
    oracle = expected(clock_of(zone, day), begins, ends)
    # the first and the last night of the minutes may be cut off
    for now in minutes[24 * 60 : -24 * 60]:
        said = quiet_until(now, time.fromisoformat(begins), time.fromisoformat(ends), there)
        assert said == oracle.get(now), f"at {now.astimezone(there)}"


@pytest.mark.parametrize(
    ("zone", "now", "ends", "until"),
    [
        # a night of nine hours, of eight and of ten
        ("Europe/Amsterdam", "2026-01-10T22:00+01:00", "07:00", "2026-01-11T07:00+01:00"),
        ("Europe/Amsterdam", "2026-03-28T22:00+01:00", "07:00", "2026-03-29T07:00+02:00"),
        ("Europe/Amsterdam", "2026-10-24T22:00+02:00", "07:00", "2026-10-25T07:00+01:00"),
        ("America/New_York", "2026-03-07T22:00-05:00", "07:00", "2026-03-08T07:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-03T22:00+10:30", "07:00", "2026-10-04T07:00+11:00"),
        # an end that spring skips is the end of the gap; one that comes twice is the second
        ("Europe/Amsterdam", "2026-03-28T23:00+01:00", "02:30", "2026-03-29T03:00+02:00"),
        ("Australia/Lord_Howe", "2026-10-03T23:00+10:30", "02:15", "2026-10-04T02:30+11:00"),
        ("Europe/Amsterdam", "2026-10-24T23:00+02:00", "02:30", "2026-10-25T02:30+01:00"),
        ("Europe/Amsterdam", "2026-10-25T02:45+02:00", "02:30", "2026-10-25T02:30+01:00"),
        # outside
        ("Europe/Amsterdam", "2026-01-10T21:59+01:00", "07:00", None),
        ("Europe/Amsterdam", "2026-01-11T07:00+01:00", "07:00", None),
    ],
)
def test_when_the_night_is_over(zone: str, now: str, ends: str, until: str | None) -> None:
    said = quiet_until(datetime.fromisoformat(now), time(22), time.fromisoformat(ends), ZoneInfo(zone))
    assert said == (until and datetime.fromisoformat(until))
