"""What became of the records of an event topic: alerts, or nothing, or a reason for the quarantine; and what is remembered.

A turn's records are judged in portions: what a portion needs to know of the past is loaded before it, what it leaves behind is
written before the next one (engine/loop.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from engine import match
from engine.catalogue import Window
from engine.decode import Event, Timer
from engine.match import Alert, Candidate, Unjudgeable
from engine.memory import (
    EPOCH,
    MICROSECOND,
    NEVER_ALERTED,
    EventKey,
    Memory,
    PreferenceState,
    after_us,
    history_of,
    key_of,
    microseconds,
)
from engine.outbox import Batch, Decision, Refused, Topic
from engine.parameters import complete
from engine.recall import Needs
from engine.remembered import LastSeen, PreferenceMemory, SeenEvent
from engine.state_follower import Stamped
from engine.timer import CANCELLED, FIRED, NOT_MET, Operation, Outcome, Standing
from engine.window import FOREVER, SECOND_US

# A transaction holds about so many: some 100 ms of PostgreSQL's time, whatever the number of customers of an account.
MOST_ALERTS = 5_000


class Record(msgspec.Struct, gc=False):
    """A record of the event topic with what it is judged by. `reason`: why it goes to the quarantine."""

    partition: int
    offset: int
    message: Message
    event: Event | None = None
    found: Stamped | None = None
    reason: str | None = None


class Portion(msgspec.Struct):
    """Records that are written together. `alerts` and `remembering` are those of the records, by their index.

    `noted`: the indexes of all that may lead to something; of the others only what is remembered has to know.
    """

    records: list[Record]
    alerts: dict[int, list[Alert]]
    remembering: dict[int, list[Candidate]]
    noted: list[int]


class Judged(msgspec.Struct):
    """What one record led to."""

    record: Record
    decisions: list[Decision]
    seen: SeenEvent | None = None
    preferences: list[PreferenceMemory] = []
    last_seen: list[LastSeen] = []
    timers: Sequence[Operation | Outcome] = ()
    reason: str | None = None

    def refused(self, topic: Topic) -> Refused:
        record, message = self.record, self.record.message
        return Refused(topic, record.partition, record.offset, message.key(), message.value(), self.reason or "")


def in_portions(records: Iterable[Record], most: int | None = None) -> Iterator[Portion]:
    """Portions of whole records, each with about so many alerts and candidates (MOST_ALERTS), or one record.

    What an event leads to by itself is judged here already; what depends on the past is not.
    """
    most = MOST_ALERTS if most is None else most
    portion, weight = Portion([], {}, {}, []), 0
    for record in records:
        portion.records.append(record)
        event, found = record.event, record.found
        if event is None or found is None:
            if record.reason is not None:
                portion.noted.append(len(portion.records) - 1)
            continue
        index = len(portion.records) - 1
        portion.noted.append(index)
        record.found = None  # not needed any more, and its memory is warm
        try:
            alerts, remembering = match.judge(event, found.state, found.catalogue)
        except Unjudgeable as error:
            record.reason = str(error)
            continue
        if alerts:
            portion.alerts[index] = alerts
        if remembering or isinstance(event, Timer):
            portion.remembering[index] = remembering
        weight += len(alerts) + len(remembering)
        if weight >= most:
            yield portion
            portion, weight = Portion([], {}, {}, []), 0
    if portion.records:
        yield portion


def needs_of(portion: Portion, memory: Memory) -> Needs:
    """What has to be loaded before this portion is judged."""
    needs = Needs()
    for index, remembering in portion.remembering.items():
        event = event_of(portion.records[index])
        at_us = microseconds(event.event_time)
        for candidate in remembering:
            alert_type = candidate.alert_type
            parameters = complete(alert_type.declared, candidate.preference.parameters)
            is_timers = alert_type.timer is not None
            if alert_type.window is not None and (not is_timers or isinstance(event, Timer)):
                start_us = after_us(alert_type.window, parameters, at_us)
                start_us = at_us if start_us is None else start_us
                interval_us = 0 if start_us == FOREVER else at_us - start_us
                needs.window(memory, event, alert_type.window, start_us, interval_us)
            if not is_timers and any(alert_type.quiet(parameters)):
                needs.preference(memory, event)
    return needs


def timers_of(portion: Portion) -> list[Timer]:
    """The TIMER events of a portion."""
    events = [portion.records[index].event for index in portion.remembering]
    return [event for event in events if isinstance(event, Timer)]


def keys_of(portion: Portion) -> list[EventKey]:
    """The identities of the events that are judged on the past: each once only."""
    return [key_of(portion.records[index].event) for index in portion.remembering]


def decide(
    portion: Portion, memory: Memory, recorded: set[EventKey], now: datetime, standing: Standing | None = None
) -> Iterator[Judged]:
    """What each record led to, in their order; those that led to nothing are left out.

    `recorded`: events that were judged on the past before; it grows by those of this portion. `standing`: of the timers that
    are due in it.
    """
    standing = standing or Standing()
    for index in range(len(portion.records)) if memory or portion.remembering else portion.noted:
        record = portion.records[index]
        event = record.event
        if record.reason is not None:
            yield Judged(record, [], reason=record.reason)
            continue
        if event is None:
            continue
        remembering = portion.remembering.get(index)
        alerts = portion.alerts.get(index)
        if remembering is None or key_of(event) in recorded:
            if memory and event.entity in memory:
                memory.pass_by(event)
            if alerts:
                yield Judged(record, decisions(record, alerts, now))
            continue
        try:
            if isinstance(event, Timer):
                judged = _due(record, event, remembering, memory, standing, now)
            else:
                judged = _remember(record, event, remembering, alerts or [], memory, now)
        except Unjudgeable as error:
            memory.pass_by(event)
            yield Judged(record, [], reason=str(error))
            continue
        recorded.add(key_of(event))
        memory.settle(event)
        standing.note(each for each in judged.timers if isinstance(each, Operation))
        yield judged


def _remember(
    record: Record, event: Event, remembering: Sequence[Candidate], alerts: Sequence[Alert], memory: Memory, now: datetime
) -> Judged:
    """Judge on the past. Raises Unjudgeable; nothing is remembered of the event then."""
    found = [*alerts]
    last_seen: list[LastSeen] = []
    timers: list[Operation | Outcome] = []
    changed: dict[tuple[int, str, int], PreferenceState] = {}
    for candidate in remembering:
        alert_type, preference, _ = candidate
        parameters = complete(alert_type.declared, preference.parameters)
        window = alert_type.window
        if window is not None and window.latest_only:
            last_seen += _last_seen(event, alert_type.alert_type, window)
        if alert_type.timer is not None:
            timers += match.operations_of(candidate, event, parameters)
            continue
        history = None if window is None else history_of(memory, window, event, parameters)
        met = match.is_met(alert_type, preference, event, parameters, history)
        key = (preference.customer_id, alert_type.alert_type, preference.preference_no)
        before = (memory.of(event.entity).preferences or {}).get(key, NEVER_ALERTED)
        allowed, after = _quieted(candidate, event, parameters, met, before)
        if after != before:
            changed[key] = after
        if allowed:
            found.append(match.alert(event, candidate, history))
    _note(memory, event, changed)
    return Judged(
        record,
        decisions(record, found, now),
        SeenEvent(event.kind, event.event_id, event.event_date, *owner_of(event)),
        [_preference_row(event, key, state) for key, state in changed.items()],
        last_seen,
        timers,
    )


def _due(
    record: Record, timer: Timer, remembering: Sequence[Candidate], memory: Memory, standing: Standing, now: datetime
) -> Judged:
    """Judge a timer that is due, or that starts a schedule; a schedule goes on in any case. Raises Unjudgeable."""
    timers: list[Operation | Outcome] = []
    alerts: list[Alert] = []
    outcome = Outcome(timer.timer_id, NOT_MET, "the preference is gone or disabled, or its type has no timer")
    for candidate in remembering:
        declared = candidate.alert_type.declared
        timers += match.operations_of(candidate, timer, complete(declared, candidate.preference.parameters))
        if not timer.starts:
            outcome, alerts = _outcome(timer, candidate, memory)
    if not standing.holds(timer):
        outcome, alerts = Outcome(timer.timer_id, CANCELLED, "cancelled or armed anew before it was due"), []
    if not timer.starts:
        timers.append(outcome)
    seen = SeenEvent(timer.kind, timer.event_id, timer.event_date, *owner_of(timer))
    return Judged(record, decisions(record, alerts, now), seen, timers=timers)


def _outcome(timer: Timer, candidate: Candidate, memory: Memory) -> tuple[Outcome, list[Alert]]:
    """Of a timer that stands. Raises Unjudgeable."""
    if timer.account_id is not None and candidate.permission is None:
        return Outcome(timer.timer_id, NOT_MET, "no permission that is valid and reaches as far"), []
    window = candidate.alert_type.window
    parameters = complete(candidate.alert_type.declared, candidate.preference.parameters)
    history = None if window is None else history_of(memory, window, timer, parameters)
    if not match.is_met(candidate.alert_type, candidate.preference, timer, parameters, history):
        return Outcome(timer.timer_id, NOT_MET, "the condition is not true"), []
    return Outcome(timer.timer_id, FIRED, None), [match.alert(timer, candidate, history)]


def _quieted(
    candidate: Candidate, event: Event, parameters: dict[str, Any], met: bool, state: PreferenceState
) -> tuple[bool, PreferenceState]:
    """Whether the alert may go out, and what is remembered of the preference after it: re-arm is looked at first."""
    alert_type = candidate.alert_type
    cool_down_s, margin = alert_type.quiet(parameters)
    rearm = alert_type.rearm_condition
    if margin and rearm is not None and not state.armed and rearm.holds(event, parameters) is True:
        state = state._replace(armed=True)
    if not met or (margin and not state.armed):
        return False, state
    at_us = microseconds(event.event_time)
    if cool_down_s and state.last_alert_us is not None and abs(at_us - state.last_alert_us) < cool_down_s * SECOND_US:
        return False, state
    newest_us = at_us if state.last_alert_us is None else max(at_us, state.last_alert_us)
    return True, PreferenceState(state.armed and not margin, newest_us if cool_down_s else state.last_alert_us)


def _note(memory: Memory, event: Event, changed: dict[tuple[int, str, int], PreferenceState]) -> None:
    preferences = memory.of(event.entity).preferences
    if preferences is not None:
        preferences.update(changed)


def _preference_row(event: Event, key: tuple[int, str, int], state: PreferenceState) -> PreferenceMemory:
    last_us = state.last_alert_us
    last = None if last_us is None else EPOCH + last_us * MICROSECOND
    return PreferenceMemory(event.account_id, *key, state.armed, last)


def _last_seen(event: Event, alert_type: str, window: Window) -> list[LastSeen]:
    group = window.group_of(event) if event.kind == window.kind and window.counts(event) else None
    if group is None:
        return []
    return [LastSeen(alert_type, window.definition, *owner_of(event), str(group), event.event_time)]


def batch_of(topic: Topic, found: Iterable[Judged]) -> Batch:
    """What these write, in their order."""
    batch = Batch()
    for judged in found:
        batch.decisions += judged.decisions
        if judged.reason is not None:
            batch.refused.append(judged.refused(topic))
        if judged.seen is not None:
            batch.seen.append(judged.seen)
            batch.preferences += judged.preferences
            batch.last_seen += judged.last_seen
            batch.timers += judged.timers
    return batch


def event_of(record: Record) -> Event:
    """Of a record that was judged."""
    return cast("Event", record.event)


def owner_of(event: Any) -> tuple[str | None, int | None]:
    """The account of the event, or the customer where it has none."""
    return (event.account_id, None) if event.account_id is not None else (None, event.customer_id)


def decisions(record: Record, alerts: Iterable[Alert], now: datetime) -> list[Decision]:
    """The alerts of an event, with its times."""
    event = event_of(record)
    times = (event.event_time, event.inserted_at, from_microseconds(event.committed_us), kafka_time(record.message), now)
    return [Decision(alert, event.kind, event.event_id, event.account_id, *times) for alert in alerts]


def kafka_time(message: Message) -> datetime | None:
    kind, timestamp_ms = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else from_microseconds(timestamp_ms * 1000)


def from_microseconds(epoch_us: int | None) -> datetime | None:
    """None for no time, and for one that no calendar has."""
    try:
        return None if epoch_us is None else EPOCH + timedelta(microseconds=epoch_us)
    except OverflowError:
        return None
