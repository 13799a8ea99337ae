"""Random schedules and times for them, near changes of clocks more often than not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = ("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC")
FIRST, LAST = datetime(2005, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


def schedules() -> st.SearchStrategy[dict[str, Any]]:
    """Valid ones, all numbers written out; the small hours, in which clocks change, more often."""
    hour = st.one_of(st.integers(0, 3), st.integers(0, 23))
    clock = {"hour": hour, "minute": st.sampled_from((0, 15, 30, 59))}
    return st.one_of(
        st.fixed_dictionaries({"every": st.just("day"), **clock}),
        st.fixed_dictionaries({"every": st.just("week"), "weekday": st.integers(1, 7), **clock}),
        st.fixed_dictionaries({"every": st.just("month"), "day": st.integers(1, 31), **clock}),
    )


def times() -> st.SearchStrategy[datetime]:
    """Times of a quarter of a century, in UTC."""
    anywhere = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)).map(lambda found: found.replace(tzinfo=UTC))
    around = st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-3000, 3000)
    )
    return st.one_of(anywhere, around)


def _changes() -> list[datetime]:
    """The hours in which a zone's distance to UTC changes."""
    found = []
    for name in ZONES:
        zone, hour = ZoneInfo(name), FIRST
        while hour < LAST:
            day_later = hour + timedelta(days=1)
            if hour.astimezone(zone).utcoffset() != day_later.astimezone(zone).utcoffset():
                found.append(hour)
            hour = day_later
    return found


CHANGES = _changes()
