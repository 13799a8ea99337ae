"""Quiet hours by a customer's clock: pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def quiet_until(now: datetime, begins: time, ends: time, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that `now` lies in end; None outside of them.

    They last from the first time that the clock shows `begins` to the last time that it shows `ends`, on the same day or the
    next. A time of day that the clock skips in spring counts as the end of the gap; one that it shows twice in autumn keeps the
    customer quiet both times.
    """
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        began = _instant(day, begins, zone, last=False)
        ended = _instant(day if begins < ends else day + timedelta(days=1), ends, zone, last=True)
        if began <= now < ended:
            return ended
    return None


def _instant(day: date, at: time, zone: ZoneInfo, *, last: bool) -> datetime:
    """When the clock shows this, the first or the last time; where it never does, when it jumps over it."""
    # fold 0 reads a time by the offset before a change of the clock, fold 1 by the one after it
    by_before, by_after = (datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if by_before <= by_after:  # once, or twice in autumn
        return by_after if last else by_before
    return _jump(by_after, by_before, zone)


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The whole second between these at which the clock is put forward."""
    offset = high.astimezone(zone).utcoffset()
    low = low.replace(microsecond=0)
    while high - low > SECOND:
        middle = low + (high - low) // 2 // SECOND * SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return low + SECOND
