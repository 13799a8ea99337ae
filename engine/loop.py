"""The engine's loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from confluent_kafka import Message

from bankalerts import faults
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from bankalerts.topics import Topics
from engine import decode, outbox, recall, timer_rows
from engine.catalogue import Catalogue
from engine.checkpoint import Checkpoints
from engine.database import Database, Stopped
from engine.judged import Judged, Portion, Record, batch_of, decide, in_portions, keys_of, needs_of, timers_of
from engine.lanes import Lanes
from engine.memory import EventKey, Memory, key_of
from engine.outbox import Batch, Move, PositionLost, Refused
from engine.positions import Positions, read_position
from engine.readers import EventReader, Stalled, admin_client, describe, kafka_config, source, watermarks
from engine.state_follower import STALLED_AFTER_S, Lookup, StateFollower
from engine.timer import Standing

log = logging.getLogger(__name__)

GROUP = "bankalerts-engine"
AT_ONCE = 500  # events that are decoded before they are matched
BACKLOG = 1_000  # so many events at once are a backlog
STATE_S, STATE_BEHIND_S = 0.005, 0.05  # for so long state is applied in a turn; behind a backlog
MOST_EVENTS = 10_000  # at once, when there is a backlog; live, a turn takes what is there
IDLE_S = 0.05
FROM_A_LANE = 20  # records at once
PAUSE_S = 0.002  # between helpings: whoever comes goes first
STORE_POSITIONS_EVERY_S = 1.0
KEEP_CHECKPOINTS_EVERY_S = 600.0
UNKNOWN_VERSION = "the versions stamped on it are not known here: is it from another database?"

Stalls = set[tuple[int, int]]
T = TypeVar("T")


@dataclass
class Write:
    """What is written in one transaction, and where that is under way in a thread of its own."""

    found: Sequence[Judged]
    after: Mapping[int, int]
    moves: Sequence[Move]
    batch: Batch
    done: Future[None] | None = None


class Engine:
    """One member of the group: from joining to leaving, or to the moment another engine moved its positions."""

    def __init__(self, settings: Settings, database: Database, stalls: Stalls, on_ready: Callable[[], None]) -> None:
        """`stalls` are the positions at which an engine of this process has stalled before."""
        topics = Topics(settings.topic_prefix)
        self._admin = admin_client(settings.kafka, settings.name)
        found = describe(self._admin, [topics.event, topics.state, topics.catalogue])
        self._topic = found[topics.event][0]
        check_partitions(database, {name: count for name, (_, count) in found.items() if name != topics.catalogue})
        self._name = settings.name
        self._database = database
        self._stalls = stalls
        self._on_ready = on_ready
        self._positions = Positions()
        self._memory = Memory()
        self._under_way: Write | None = None
        self._lanes = Lanes()
        self._writer = ThreadPoolExecutor(1, "writer")
        self._parked: set[int] = set()  # catalogue versions whose parked types were told
        self._stored_at = self._came_at = self._kept_at = time.monotonic()
        config = kafka_config(settings.kafka, settings.name)
        states, partitions = found[topics.state]
        self._state = StateFollower(
            *(config, GROUP, self._admin, states, found[topics.catalogue][0]),
            Checkpoints(settings.checkpoints, source(self._admin, states, partitions)),
            self._quarantine_now,
        )
        self._events = EventReader(
            config, f"{GROUP}-{topics.prefix}", self._topic.name, self._assigned, self._revoked, self._lost
        )

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. Raises PositionLost when another engine judged our events, BankalertsError when it cannot go on.

        1. take the events that are there
        2. apply the state that is there
        3. decode; what cannot be decoded goes to the quarantine; what would hold up the others waits in a lane
        4. find the state and the catalogue each event was stamped with; none: quarantine
        5. match; for a portion of the events at a time:
        6. load what has to be known of the past, and judge on it
        7. write alerts, messages, what is remembered, quarantine and positions, in one transaction; behind a backlog, while the
           next events are read and matched: whatever asks PostgreSQL, or writes, waits for that transaction first
        8. a helping of what waits in lanes: the same with it
        """
        untidy = True
        while not stop.is_set():
            wait_s = PAUSE_S if self._lanes else 0 if untidy else IDLE_S
            messages = self._events.read(min(MOST_EVENTS, self._lanes.room), wait_s)
            untidy = bool(messages) or self._state.tidy()
            self._check_progress(bool(messages or self._lanes))
            ahead = len(messages) >= BACKLOG
            untidy |= self._state.catch_up(STATE_BEHIND_S if ahead else STATE_S)
            for portion in in_portions(self._records(messages)):
                self._write(portion, self._judge(portion), ahead)
                self._memory.prune()
            if self._lanes.is_due(time.monotonic(), came=bool(messages)):
                self._help()
            if not ahead:
                self._finish_write()
            self._store_positions(STORE_POSITIONS_EVERY_S)
            self._keep_checkpoints()

    def close(self) -> None:
        try:
            self._finish_write()
        except (PositionLost, Stopped, psycopg.Error) as error:
            log.warning("the last write was not done (%s): these events are judged again", faults.told(error))
        self._writer.shutdown()
        self._events.close()
        self._state.close()

    def _check_progress(self, came: bool) -> None:
        """Raises Stalled when nothing came for ten seconds and Kafka has more: seen after a broker was killed.

        Once for a position only: what Kafka has more may be the end of a transaction, which is no record.
        """
        now = time.monotonic()
        if came:
            self._came_at = now
        elif now - self._came_at > STALLED_AFTER_S:
            self._came_at = now
            for partition, position in self._positions.all().items():
                _, newest = watermarks(self._admin, self._topic.name, partition)
                if newest > position and (partition, position) not in self._stalls:
                    self._stalls.add((partition, position))
                    raise Stalled(f"{self._topic.name}, partition {partition}: {newest - position} events do not come")

    def _records(self, messages: Sequence[Message]) -> Iterator[Record]:
        """The records to judge now, each with its event and what that is judged on, or a reason for the quarantine.

        Lazy, some at a time: what was just decoded and found is still in the processor's cache when it is matched.
        """
        due = self._positions.all()
        for start in range(0, len(messages), AT_ONCE):
            some = decoded_ones(messages[start : start + AT_ONCE], due)
            records = self._lanes.sort(some, live=len(messages) < AT_ONCE)
            self._find(records)
            yield from records

    def _find(self, records: list[Record]) -> None:
        """What each is judged on, or why it cannot be judged."""
        lookup = self._state.find(records)
        if lookup.missing:
            self._find_elsewhere(lookup)
        self._park(lookup.parked)

    def _find_elsewhere(self, lookup: Lookup) -> None:
        """The states that memory does not have: by reading on, or from the history tables."""
        events = [(record.partition, record.event) for record in lookup.missing]
        stamped = self._reading(lambda connection: self._state.stamped(connection, events))
        for record in lookup.missing:
            event = record.event
            record.found = found = stamped.get((event.entity, event.state_version, event.catalogue_version))
            if found is None:
                record.reason = UNKNOWN_VERSION
            elif found.catalogue.broken:
                lookup.parked[event.catalogue_version] = found.catalogue

    def _judge(self, portion: Portion) -> list[Judged]:
        """What each record led to, on the past as PostgreSQL has it: everything before this portion is written."""
        recorded: set[EventKey] = set()
        standing = Standing()
        if portion.remembering:
            keys = keys_of(portion)
            recorded = self._reading(lambda connection: recall.read_recorded(connection, keys))
            needs = needs_of(portion, self._memory)
            self._reading(lambda connection: recall.load(connection, self._memory, needs))
            if timers := timers_of(portion):
                standing = self._reading(lambda connection: timer_rows.load(connection, timers))
        self._lanes.note_crowds(portion)
        return list(decide(portion, self._memory, recorded, datetime.now(UTC), standing))

    def _write(self, portion: Portion, found: Sequence[Judged], ahead: bool) -> None:
        """Write what these records led to; `ahead`: go on while it is written."""
        self._finish_write()
        after = self._lanes.marks({record.partition: record.offset + 1 for record in portion.records})
        if not found:
            self._positions.judged(after)
            return
        batch, moves = batch_of(self._topic, found), self._positions.moves(after)
        write = Write(found, after, moves, batch)
        if ahead:
            write.done = self._writer.submit(self._transact, moves, batch)
        self._under_way = write
        if not ahead:
            self._finish_write()

    def _help(self) -> None:
        """Judge a helping of what waits in lanes; or write a part of what the one before led to.

        The last part says that the events were judged: if it is not written, all of them are judged again, to no effect.
        """
        helping = self._lanes.helping
        if not self._lanes.parts:
            portion = next(in_portions(self._waiting(helping.judging_s), helping.alerts))
            self._lanes.found = self._judge(portion)
            self._memory.prune()
            self._lanes.parts.extend(batch_of(self._topic, self._lanes.found).parts(helping.alerts))
            if len(self._lanes.parts) > 1:
                return
        self._finish_write()
        self._write_part(self._lanes.parts.popleft())
        if not self._lanes.parts:
            self._positions.judged(self._lanes.marks_when_done())
            self._lanes.done()

    def _waiting(self, most_s: float) -> Iterator[Record]:
        """Of what waits in lanes some, for about so long."""
        until = time.monotonic() + most_s
        while records := self._lanes.next(FROM_A_LANE):
            self._find(records)
            for record in records:
                self._lanes.take(record)
                yield record
            if time.monotonic() > until:
                return

    def _write_part(self, batch: Batch) -> None:
        if batch.empty:
            return
        after = self._lanes.marks_when_done()
        if self._lanes.parts:
            after = {partition: position for partition, position in self._positions.all().items() if partition in after}
        self._under_way = Write(self._lanes.found, after, self._positions.moves(after), batch)
        self._finish_write()

    def _finish_write(self) -> None:
        """Have what is under way written. Where PostgreSQL refuses a value of it, one by one: the others flow on."""
        write, self._under_way = self._under_way, None
        if write is None:
            return
        try:
            if write.done is None:
                self._transact(write.moves, write.batch)
            else:
                write.done.result()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            log.warning("PostgreSQL refuses a value of %d decisions (%s): one by one", len(write.found), faults.told(error))
            # memory has seen what is not written now, and so have those that were judged after it
            self._memory.clear()
            if write.found is self._lanes.found:
                self._lanes.parts.clear()
            for judged in write.found:
                self._judge_alone(judged.record)
            self._positions.judged(write.after)
        else:
            self._stored(write.moves, write.batch)

    def _judge_alone(self, record: Record) -> None:
        """Judge and write a record once more, the position stays. What PostgreSQL refuses goes to the quarantine, forgotten."""
        now = self._positions.all()
        after = {partition: position for partition, position in now.items() if partition == record.partition}
        again = decoded_ones([record.message], {record.partition: record.offset})
        self._find(again)
        keys = [key_of(each.event) for each in again if each.event is not None]
        for judged in [judged for portion in in_portions(again) for judged in self._judge(portion)]:
            try:
                self._store(after, batch_of(self._topic, [judged]))
            except (psycopg.DataError, psycopg.IntegrityError) as refusal:
                if not judged.decisions and judged.seen is None:
                    raise
                self._memory.clear()
                if judged.seen is not None and self._reading(lambda connection: recall.read_recorded(connection, keys)):
                    continue  # it was written, and only the answer was lost
                reason = f"PostgreSQL refuses its alert: {type(refusal).__name__}"
                self._store(after, batch_of(self._topic, [Judged(judged.record, [], reason=reason)]))

    def _park(self, catalogues: Mapping[int, Catalogue]) -> None:
        """Tell operators of alert types that do not compile, once for each version of the catalogue."""
        for version in [version for version in catalogues if version not in self._parked]:
            rows = catalogues[version].broken
            self._reading(
                lambda connection, version=version, rows=rows: outbox.park(connection, version, rows)  # type: ignore[misc]
            )
            self._parked.add(version)

    def _keep_checkpoints(self) -> None:
        if time.monotonic() - self._kept_at >= KEEP_CHECKPOINTS_EVERY_S:
            self._kept_at = time.monotonic()
            self._state.keep_checkpoints()

    def _store_positions(self, every_s: float) -> None:
        if time.monotonic() - self._stored_at >= every_s:
            self._store({}, Batch())

    def _store(self, after: Mapping[int, int], batch: Batch) -> None:
        self._finish_write()
        moves = self._positions.moves(after)
        if moves:
            self._transact(moves, batch)
        self._stored(moves, batch)

    def _transact(self, moves: Sequence[Move], batch: Batch) -> None:
        self._database.writing(
            self._topic, moves, lambda connection: outbox.write(connection, self._name, self._topic, moves, batch)
        )

    def _stored(self, moves: Sequence[Move], batch: Batch) -> None:
        self._positions.stored(moves)
        self._stored_at = time.monotonic()
        for refused in batch.refused:
            place = (refused.topic.name, refused.partition, refused.position)
            log.error("%s, partition %d, position %d: quarantined: %s", *place, refused.reason)

    def _reading(self, work: Callable[[outbox.Connection], T]) -> T:
        """Ask PostgreSQL, on the same connection: after what is being written."""
        self._finish_write()
        return self._database.reading(work)

    def _assigned(self, partitions: list[int]) -> dict[int, int]:
        """The snapshot first, the position after: nothing is judged before its state is here."""
        self._state.add(partitions)
        for partition in partitions:
            beginning, _ = watermarks(self._admin, self._topic.name, partition)
            self._positions.take(
                partition,
                self._reading(
                    lambda connection, part=partition, first=beginning: read_position(  # type: ignore[misc]
                        connection, self._name, self._topic, part, first
                    )
                ),
            )
        log.info("judging partitions %s", sorted(partitions))
        self._on_ready()
        return {partition: self._positions.next(partition) or 0 for partition in partitions}

    def _revoked(self, partitions: list[int]) -> None:
        try:
            self._store_positions(every_s=0)
        except (PositionLost, Stopped) as error:
            log.warning("positions not stored on leaving (%s): these events are judged again, to no effect", error)
        self._lost(partitions)

    def _lost(self, partitions: list[int]) -> None:
        self._positions.give_up(partitions)
        self._lanes.give_up(partitions)
        self._memory.clear()  # another engine goes on with these: what is remembered here would be old when they come back
        self._state.remove(partitions)
        log.info("gave up partitions %s; states so far: %s", sorted(partitions), self._state.told())

    def _quarantine_now(self, refused: Refused) -> None:
        self._reading(lambda connection: outbox.quarantine(connection, self._name, refused))


def decoded_ones(messages: Iterable[Message], due: Mapping[int, int]) -> list[Record]:
    """Those of the messages that are due, as records."""
    records = []
    for message in messages:
        partition: Any = message.partition()  # a record that came from Kafka has both
        offset: Any = message.offset()
        if offset >= due.get(partition, offset + 1):
            records.append(decoded(partition, offset, message))
    return records


def decoded(partition: int, offset: int, message: Message) -> Record:
    """A record with its event, or with why it is none; with neither where retention deleted the row."""
    value = message.value()
    if value is None:
        return Record(partition, offset, message)
    try:
        return Record(partition, offset, message, decode.event(message.key(), value))
    except decode.Undecodable as error:
        return Record(partition, offset, message, reason=str(error))


def check_partitions(database: Database, counts: dict[str, int]) -> None:
    """Raises BankalertsError when a topic has another number of partitions than the layout: accounts would be missed."""
    wanted = database.partitions()
    for name, count in counts.items():
        if count != wanted:
            raise BankalertsError(
                f"topic {name} has {count} partitions, alerting.topic_layout says {wanted}: the engine halts; "
                "set the row back, or make new topics and a new snapshot"
            )
