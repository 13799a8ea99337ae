"""Timers: what arms and cancels them, and whether one that is due still stands. Pure.

An *operation* is what an event does to the timers of one preference and one key: ARM at the event's time, due later; or CANCEL.
A timer stands when it is due unless a later operation came: of the operations seen before it whose time is not after its due
time, those with the greatest time count. So the order in which events come plays no part beyond that: an application that was
finished before its start was noted is finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from engine.condition import BadCondition, Column, Condition, Text, compile_condition, compile_integer, compile_text
from engine.schedule import Schedule, compile_schedule, next_due

LONGEST_S = 315_360_000  # ten years; the reference has the same bound
FIRED, NOT_MET, CANCELLED = "FIRED", "NOT_MET", "CANCELLED"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Given = Mapping[str, Any]


class Owner(NamedTuple):
    """The preference that a timer belongs to."""

    account_id: str | None
    customer_id: int
    alert_type: str
    preference_no: int


class EventOfTimer(NamedTuple):
    """Which event it was."""

    kind: str
    event_id: str
    event_date: date


class Operation(NamedTuple):
    """What an event does to the timers of a preference and key. `due_at`: an ARM; None: a CANCEL."""

    owner: Owner
    timer_key: str
    at: datetime
    due_at: datetime | None
    by: EventOfTimer


class Outcome(NamedTuple):
    """What became of a timer that was due: FIRED, NOT_MET or CANCELLED."""

    timer_id: str
    state: str
    reason: str | None


@dataclass(frozen=True)
class TimerRule:
    """How a type's timers come and go: by a schedule, or by `arm` and `after` (seconds), `cancel` and `key`."""

    schedule: Schedule | None = None
    arm: Condition | None = None
    cancel: Condition | None = None
    key: Text | None = None
    after: Any = None  # parameters -> seconds or None


def compile_timer(row: Any, columns: Mapping[str, Column], kinds: Mapping[str, str]) -> TimerRule | None:
    """The rule of an engine.rows.AlertTypeRow; `columns` of its event kind, `kinds` of its parameters. None: no timer.

    Raises BadCondition.
    """
    events = (row.timer_arm, row.timer_cancel, row.timer_key, row.timer_after)
    if row.timer_schedule is not None:
        if any(text is not None for text in events):
            raise BadCondition("a type has a timer_schedule or timer_arm, timer_cancel, timer_key, timer_after, not both")
        return TimerRule(schedule=compile_schedule(row.timer_schedule, kinds))
    if all(text is None for text in events):
        return None
    if row.timer_arm is None or row.timer_after is None:
        raise BadCondition("a timer needs both timer_arm and timer_after")
    return TimerRule(
        arm=compile_condition(row.timer_arm, columns, kinds),
        cancel=None if row.timer_cancel is None else compile_condition(row.timer_cancel, columns, kinds),
        key=None if row.timer_key is None else compile_text(row.timer_key, columns),
        after=compile_integer(row.timer_after, kinds),
    )


def operations(event: Any, owner: Owner, rule: TimerRule, parameters: Given) -> tuple[Operation, ...]:
    """What an event other than a TIMER does to the timers of a preference whose other checks it has passed."""
    if rule.arm is None:
        return ()
    due_at = due_after(event.event_time, rule.after(parameters)) if rule.arm.holds(event, parameters) is True else None
    if due_at is None and (rule.cancel is None or rule.cancel.holds(event, parameters) is not True):
        return ()
    key = "" if rule.key is None else rule.key.value(event)
    if key is None:
        return ()
    return (Operation(owner, key, event.event_time, due_at, EventOfTimer(event.kind, event.event_id, event.event_date)),)


def operations_of_timer(timer: Any, rule: TimerRule, parameters: Given) -> tuple[Operation, ...]:
    """The next time of a schedule, armed by a TIMER event (one that was due, or one that starts). Nothing by other rules."""
    if rule.schedule is None:
        return ()
    due_at = next_due(rule.schedule, parameters, timer.time_zone, timer.event_time)
    if due_at is None:
        return ()
    by = EventOfTimer(timer.kind, timer.event_id, timer.event_date)
    return (Operation(owner_of(timer), timer.timer_key, timer.event_time, due_at, by),)


def owner_of(timer: Any) -> Owner:
    """The preference of a TIMER event."""
    return Owner(timer.account_id, timer.customer_id, timer.alert_type, timer.preference_no)


def due_after(start: datetime, seconds: int | None) -> datetime | None:
    """None where there is no such time."""
    if seconds is None or not 0 <= seconds <= LONGEST_S:
        return None
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return None


def series_id(owner: Owner, timer_key: str) -> str:
    """32 hexadecimal digits: the timers of one preference and one key."""
    return _digest(owner.account_id, owner.customer_id, owner.alert_type, owner.preference_no, timer_key)


def timer_id(owner: Owner, timer_key: str, due_at: datetime) -> str:
    """32 hexadecimal digits, from the identity: TIMER, preference and key, due time."""
    due_us = (due_at - EPOCH) // timedelta(microseconds=1)
    return _digest(owner.account_id, owner.customer_id, owner.alert_type, owner.preference_no, timer_key, due_us)


def _digest(*parts: str | int | None) -> str:
    return hashlib.sha256(msgspec.json.encode(("TIMER", *parts))).hexdigest()[:32]


class Kept(NamedTuple):
    """What is stored of a timer that is due, and of its series up to its due time. None: nothing."""

    armed_at: datetime | None  # the newest arming for this due time
    last_armed_at: datetime | None  # of the series
    last_cancelled_at: datetime | None


class Standing:
    """Which of the timers that are due in a turn still stand: what is stored, and what the turn's events did before them."""

    def __init__(self, kept: Mapping[str, Kept] | None = None) -> None:
        """`kept`: by timer_id, of the TIMER events of the turn."""
        self._kept = kept or {}
        self._done: dict[tuple[Owner, str], list[Operation]] = {}

    def note(self, done: Iterable[Operation]) -> None:
        """Operations of an event of this turn, in the order of events."""
        for operation in done:
            self._done.setdefault((operation.owner, operation.timer_key), []).append(operation)

    def holds(self, timer: Any) -> bool:
        """Whether a TIMER event's timer stands."""
        due_at = timer.event_time
        kept = self._kept.get(timer.timer_id, Kept(None, None, None))
        done = [each for each in self._done.get((owner_of(timer), timer.timer_key), ()) if each.at <= due_at]
        ours = [each.at for each in done if each.due_at == due_at]
        armed_at = max(filter(None, (kept.armed_at, *ours)), default=None)
        if armed_at is None:
            return False
        armings = [each.at for each in done if each.due_at is not None]
        cancels = [each.at for each in done if each.due_at is None]
        last_armed_at = max(filter(None, (kept.last_armed_at, *armings)), default=armed_at)
        last_cancelled_at = max(filter(None, (kept.last_cancelled_at, *cancels)), default=None)
        return last_armed_at <= armed_at and (last_cancelled_at is None or last_cancelled_at < armed_at)
