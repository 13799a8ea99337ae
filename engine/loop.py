"""The engine's loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import psycopg
from confluent_kafka import KafkaException, Message

from bankalerts.errors import BankalertsError
from bankalerts.kafka import answering
from bankalerts.settings import Settings
from bankalerts.topics import Topics
from engine import decode, outbox
from engine.checkpoint import Checkpoints
from engine.database import Database, Stopped
from engine.judged import Judged, decide, in_portions
from engine.match import Unjudgeable
from engine.outbox import Batch, PositionLost, Refused
from engine.positions import Positions, read_position
from engine.readers import EventReader, Stalled, admin_client, describe, kafka_config, source, watermarks
from engine.state_follower import STALLED_AFTER_S, Stamped, StateFollower

log = logging.getLogger(__name__)

GROUP = "bankalerts-engine"
MOST_EVENTS = 1_000
IDLE_S = 0.05
STORE_POSITIONS_EVERY_S = 1.0
REJOIN_AFTER_S = 1.0
UNKNOWN_VERSION = "the versions stamped on it are not known here: is it from another database?"

Event = tuple[Message, decode.AccountEntry]
Stalls = set[tuple[int, int]]


class Engine:
    """One member of the group: from joining to leaving, or to the moment another engine moved its positions."""

    def __init__(self, settings: Settings, database: Database, stalls: Stalls, on_ready: Callable[[], None]) -> None:
        """`stalls` are the positions at which an engine of this process has stalled before."""
        topics = Topics(settings.topic_prefix)
        self._admin = admin_client(settings.kafka, settings.name)
        found = describe(self._admin, [topics.account_entry, topics.account_state, topics.catalogue])
        self._topic = found[topics.account_entry][0]
        check_partitions(database, {name: count for name, (_, count) in found.items() if name != topics.catalogue})
        self._name = settings.name
        self._database = database
        self._stalls = stalls
        self._on_ready = on_ready
        self._positions = Positions()
        self._stored_at = self._came_at = time.monotonic()
        config = kafka_config(settings.kafka, settings.name)
        states, partitions = found[topics.account_state]
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
        3. decode; what cannot be decoded goes to the quarantine
        4. find the state and the catalogue each event was stamped with; none: quarantine
        5. match
        6. write alerts, messages, quarantine and positions, in one transaction
        """
        while not stop.is_set():
            messages = self._events.read(MOST_EVENTS, IDLE_S)
            self._check_progress(bool(messages))
            self._state.read_on()
            for portion in in_portions(self._judge(messages)):
                self._write(portion)
            self._store_positions(STORE_POSITIONS_EVERY_S)

    def close(self) -> None:
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

    def _judge(self, messages: Iterable[Message]) -> Iterator[Judged]:
        """What becomes of each record, in their order; lazy, for one event may lead to thousands of alerts."""
        records = [(message, self._decode(message)) for message in messages if self._is_due(message)]
        stamped = self._stamped([(message, event) for message, event in records if isinstance(event, decode.AccountEntry)])
        now = datetime.now(UTC)
        for message, event in records:
            if not isinstance(event, decode.AccountEntry):
                yield Judged(message, reason=event)
                continue
            found = stamped.get((event.account_id, event.state_version, event.catalogue_version))
            try:
                yield Judged(message, reason=UNKNOWN_VERSION) if found is None else decide(message, event, found, now)
            except Unjudgeable as error:
                yield Judged(message, reason=str(error))

    def _is_due(self, message: Message) -> bool:
        due = self._positions.next(int(message.partition() or 0))
        return due is not None and int(message.offset() or 0) >= due

    def _decode(self, message: Message) -> decode.AccountEntry | str | None:
        """The event; or why it is none; or None for a row that retention deleted."""
        value = message.value()
        if value is None:
            return None
        try:
            return decode.account_entry(value)
        except decode.Undecodable as error:
            return str(error)

    def _stamped(self, events: list[Event]) -> dict[tuple[str, int, int], Stamped]:
        if not events:
            return {}
        pairs = [(int(message.partition() or 0), event) for message, event in events]
        return self._database.reading(lambda connection: self._state.stamped(connection, pairs))

    def _write(self, portion: Sequence[Judged]) -> None:
        """Write what these records decided. Where PostgreSQL refuses a value of it, one by one: the others flow on."""
        after = {judged.partition: judged.offset + 1 for judged in portion}
        batch = Batch(
            [decision for judged in portion for decision in judged.decisions],
            [judged.refused(self._topic) for judged in portion if judged.reason is not None],
        )
        if batch.empty:
            self._positions.judged(after)
            return
        try:
            self._store(after, batch)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(portion) > 1:
                for judged in portion:
                    self._write([judged])
            elif portion[0].decisions:
                self._write([Judged(portion[0].message, reason=f"PostgreSQL refuses its alert: {type(error).__name__}")])
            else:
                raise

    def _store_positions(self, every_s: float) -> None:
        if time.monotonic() - self._stored_at >= every_s:
            self._store({}, Batch())

    def _store(self, after: Mapping[int, int], batch: Batch) -> None:
        moves = self._positions.moves(after)
        if moves:
            self._database.writing(
                self._topic, moves, lambda connection: outbox.write(connection, self._name, self._topic, moves, batch)
            )
            self._positions.stored(moves)
        self._stored_at = time.monotonic()
        for refused in batch.refused:
            log.error(
                *("%s, partition %d, position %d: quarantined: %s", refused.topic.name),
                *(refused.partition, refused.position, refused.reason),
            )

    def _assigned(self, partitions: list[int]) -> dict[int, int]:
        """The snapshot first, the position after: nothing is judged before its state is here."""
        self._state.add(partitions)
        for partition in partitions:
            beginning, _ = watermarks(self._admin, self._topic.name, partition)
            self._positions.take(
                partition,
                self._database.reading(
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
        self._state.remove(partitions)
        log.info("gave up partitions %s; states so far: %s", sorted(partitions), self._state.told())

    def _quarantine_now(self, refused: Refused) -> None:
        self._database.reading(lambda connection: outbox.quarantine(connection, self._name, refused))


def check_partitions(database: Database, counts: dict[str, int]) -> None:
    """Raises BankalertsError when a topic has another number of partitions than the layout: accounts would be missed."""
    wanted = database.partitions()
    for name, count in counts.items():
        if count != wanted:
            raise BankalertsError(
                f"topic {name} has {count} partitions, alerting.topic_layout says {wanted}: the engine halts; "
                "set the row back, or make new topics and a new snapshot"
            )


def run(settings: Settings, stop: threading.Event, on_ready: Callable[[], None]) -> None:
    """Judge until `stop`. Raises BankalertsError when that is impossible."""
    with answering(settings.kafka, settings.name):
        pass  # asked once: later on, an outage is waited for
    with Database(settings.database_url, settings.name, stop) as database:
        stalls: Stalls = set()
        while not stop.is_set():
            try:
                run_as_member(Engine(settings, database, stalls, on_ready), stop)
            except PositionLost as lost:
                log.warning("%s: joining the group anew", lost)
            except (KafkaException, Stalled) as error:
                log.warning("Kafka: %s: joining the group anew in %.0f s", error, REJOIN_AFTER_S)
                stop.wait(REJOIN_AFTER_S)


def run_as_member(engine: Engine, stop: threading.Event) -> None:
    try:
        engine.run(stop)
    finally:
        engine.close()
