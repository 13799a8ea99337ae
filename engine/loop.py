"""The engine's loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaException, Message

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from bankalerts.topics import Topics
from engine import decode, outbox
from engine.database import Database, Stopped
from engine.match import Alert, Unjudgeable, judge
from engine.outbox import Batch, Decision, PositionLost, Refused, Topic
from engine.positions import Positions, read_position
from engine.readers import EventReader, Stalled, admin_client, ask_for_kafka, describe, kafka_config, watermarks
from engine.state_follower import STALLED_AFTER_S, Stamped, StateFollower

log = logging.getLogger(__name__)

GROUP = "bankalerts-engine"
MOST_EVENTS = 1_000
IDLE_S = 0.05
STORE_POSITIONS_EVERY_S = 1.0
REJOIN_AFTER_S = 1.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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
        self._state = StateFollower(
            config, GROUP, self._admin, found[topics.account_state][0], found[topics.catalogue][0], self._quarantine_now
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
            batch = Batch()
            events = self._decode(messages, batch)
            stamped = self._stamped(events)
            self._match(events, stamped, batch)
            self._write(batch)

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

    def _decode(self, messages: Iterable[Message], batch: Batch) -> list[Event]:
        events = []
        for message in messages:
            partition, offset, value = int(message.partition() or 0), int(message.offset() or 0), message.value()
            due = self._positions.next(partition)
            if due is None or offset < due:
                continue
            self._positions.judged(partition, offset)
            if value is None:  # a row deleted by retention: no event
                continue
            try:
                events.append((message, decode.account_entry(value)))
            except decode.Undecodable as error:
                batch.refused.append(refuse(self._topic, message, str(error)))
        return events

    def _stamped(self, events: list[Event]) -> dict[tuple[str, int, int], Stamped]:
        if not events:
            return {}
        pairs = [(int(message.partition() or 0), event) for message, event in events]
        return self._database.reading(lambda connection: self._state.stamped(connection, pairs))

    def _match(self, events: list[Event], stamped: dict[tuple[str, int, int], Stamped], batch: Batch) -> None:
        now = datetime.now(UTC)
        for message, event in events:
            found = stamped.get((event.account_id, event.state_version, event.catalogue_version))
            if found is None:
                reason = f"state version {event.state_version} of its account is not known here: from another database?"
                batch.refused.append(refuse(self._topic, message, reason))
                continue
            try:
                alerts = list(judge(event, found.state, found.catalogue))
            except Unjudgeable as error:
                batch.refused.append(refuse(self._topic, message, str(error)))
                continue
            batch.decisions += [decide(message, event, alert, now) for alert in alerts]

    def _write(self, batch: Batch) -> None:
        """Nothing decided: positions alone, once a second."""
        if batch.empty and time.monotonic() - self._stored_at < STORE_POSITIONS_EVERY_S:
            return
        moves = self._positions.moves()
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
        self._stored_at = 0.0
        try:
            self._write(Batch())
        except (PositionLost, Stopped) as error:
            log.warning("positions not stored on leaving (%s): these events are judged again, to no effect", error)
        self._lost(partitions)

    def _lost(self, partitions: list[int]) -> None:
        self._positions.give_up(partitions)
        self._state.remove(partitions)
        log.info("gave up partitions %s; states so far: %s", sorted(partitions), self._state.told())

    def _quarantine_now(self, refused: Refused) -> None:
        self._database.reading(lambda connection: outbox.quarantine(connection, self._name, refused))


def refuse(topic: Topic, message: Message, reason: str) -> Refused:
    position = int(message.offset() or 0)
    return Refused(topic, int(message.partition() or 0), position, message.key(), message.value(), reason)


def decide(message: Message, event: decode.AccountEntry, alert: Alert, now: datetime) -> Decision:
    return Decision(
        *(alert, event.kind, event.event_id, event.account_id, event.event_time, event.inserted_at),
        committed_at=from_microseconds(event.committed_us),
        on_kafka_at=kafka_time(message),
        decided_at=now,
    )


def kafka_time(message: Message) -> datetime | None:
    kind, timestamp_ms = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else EPOCH + timedelta(milliseconds=timestamp_ms)


def from_microseconds(epoch_us: int | None) -> datetime | None:
    return None if epoch_us is None else EPOCH + timedelta(microseconds=epoch_us)


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
    ask_for_kafka(settings.kafka, settings.name)
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
