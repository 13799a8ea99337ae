"""The two Kafka consumers of an engine: events by consumer group, state by hand.

Consumer groups only share out the partitions: what was judged is known by the positions in PostgreSQL.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from bankalerts.errors import BankalertsError
from engine import measures
from engine.checkpoint import Source
from engine.outbox import Topic

log = logging.getLogger(__name__)

LOOK_AT_LAGS_EVERY_S = 1.0
TIMEOUT_S = 30
Partitions = list[int]


class Stalled(Exception):
    """Kafka has what a consumer of ours does not get: it has to begin anew."""


def kafka_config(kafka: str, name: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": kafka,
        "client.id": name,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "error_cb": log_kafka_error,
        "reconnect.backoff.max.ms": 1_000,
        "fetch.queue.backoff.ms": 5,
        # a partition newly assigned waits for the fetch under way to come back, empty or not
        "fetch.wait.max.ms": 50,
        "log_level": 3,
    }


def admin_client(kafka: str, name: str) -> AdminClient:
    config: dict[str, Any] = {"bootstrap.servers": kafka, "client.id": name, "error_cb": log_kafka_error}
    return AdminClient({**config, "log_level": 3})


def log_kafka_error(error: KafkaError) -> None:
    log.warning("Kafka: %s", error.str())


def describe(admin: AdminClient, names: Iterable[str]) -> dict[str, tuple[Topic, int]]:
    """Topic name -> (topic with its identity, number of partitions).

    Raises BankalertsError for one that is missing, KafkaException when Kafka does not answer.
    """
    found = {}
    for name, future in admin.describe_topics(TopicCollection(list(names)), request_timeout=TIMEOUT_S).items():
        try:
            description = future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
            raise BankalertsError(f"topic {name} does not exist: 'bankalerts connectors ensure' makes the topics") from error
        found[name] = (Topic(name, str(description.topic_id)), len(description.partitions))
    return found


def source(admin: AdminClient, states: Topic, partitions: int) -> Source:
    """What checkpoints of this state topic are checked against."""
    cluster = admin.describe_cluster(request_timeout=TIMEOUT_S).result()
    (settings,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, states.name)], request_timeout=TIMEOUT_S).values()
    kept_ms = int(settings.result()["delete.retention.ms"].value)
    return Source(str(cluster.cluster_id), states, partitions, timedelta(milliseconds=kept_ms))


class EventReader:
    """Events of the partitions that the consumer group gives this engine.

    `on_assigned(partitions)` returns where to begin each one, after everything needed to judge it was loaded;
    `on_revoked(partitions)` is called while they are still ours, `on_lost` when they are no longer.
    """

    def __init__(
        self,
        config: dict[str, Any],
        group: str,
        topic: str,
        on_assigned: Callable[[Partitions], dict[int, int]],
        on_revoked: Callable[[Partitions], None],
        on_lost: Callable[[Partitions], None],
    ) -> None:
        self._consumer = Consumer(
            {
                **config,
                "group.id": group,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 1_000,
            }
        )

        def assign(consumer: Consumer, given: list[TopicPartition]) -> None:
            begin = on_assigned([each.partition for each in given])
            consumer.incremental_assign([TopicPartition(topic, part, offset) for part, offset in begin.items()])
            self._ours.update(begin)

        def revoke(consumer: Consumer, given: list[TopicPartition]) -> None:
            on_revoked([each.partition for each in given])
            for each in given:
                self._ours.pop(each.partition, None)
            consumer.incremental_unassign(given)

        def lose(_: Consumer, given: list[TopicPartition]) -> None:
            on_lost([each.partition for each in given])
            for each in given:
                self._ours.pop(each.partition, None)

        self._topic = topic
        self._ours: dict[int, int] = {}  # partition -> where reading began
        self._lags: dict[int, int] = {}
        self._looked_at = float("-inf")
        measures.LAGS.watch(self)
        self._consumer.subscribe([topic], on_assign=assign, on_revoke=revoke, on_lost=lose)

    def read(self, most: int, timeout_s: float) -> list[Message]:
        """Up to `most` events: waits for the first, then takes what is there."""
        self._look_at_lags()
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        more = self._consumer.consume(most - 1, 0)
        return [message for message in (first, *more) if message.error() is None or is_record(message)]

    def lags(self) -> dict[int, int]:
        """Partition -> records not read yet, as it was a second ago at most while this one is read."""
        return self._lags

    def _look_at_lags(self) -> None:
        """In the thread that reads: a consumer that is asked from another one may wait for it, and hold Python's lock."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AT_LAGS_EVERY_S:
            return
        self._looked_at = now
        lags = {}
        for at in self._consumer.position([TopicPartition(self._topic, partition) for partition in sorted(self._ours)]):
            _, newest = self._consumer.get_watermark_offsets(at, cached=True)
            if newest >= 0:  # negative: nothing was fetched yet, as an offset is while nothing was read
                lags[at.partition] = max(0, newest - max(at.offset, self._ours[at.partition]))
        self._lags = lags

    def close(self) -> None:
        self._consumer.close()


class StateReader:
    """Records of the state partitions that belong to this engine's event partitions, and of the catalogue."""

    def __init__(self, config: dict[str, Any], group: str, admin: AdminClient, on_end: Callable[[str, int], None]) -> None:
        """`on_end(topic, partition)` is called when all that a partition held when the end was asked for has been read."""
        # Kafka tells the end of a partition only after a fetch has come back empty, a wait of fetch.wait.max.ms for each;
        # so the end is where it was when the partition was added, and Kafka's word counts where compaction took the last one.
        self._consumer = Consumer({**config, "group.id": f"{group}-state", "enable.partition.eof": True})
        self._admin = admin
        self._on_end = on_end
        self._began: dict[tuple[str, int], int | None] = {}  # where reading began; None: at the beginning
        self._last: dict[tuple[str, int], int] = {}
        self._end_seen_at: dict[tuple[str, int], float] = {}

    def add(self, topic: str, partition: int, position: int | None = None) -> None:
        """Read this one from a position, from its beginning without one."""
        self._consumer.incremental_assign(
            [TopicPartition(topic, partition, OFFSET_BEGINNING if position is None else position)]
        )
        self._began[topic, partition] = position
        self.expect_end(topic, partition)

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """The oldest offset of a partition and the one after its newest."""
        return watermarks(self._admin, topic, partition)

    def expect_end(self, topic: str, partition: int) -> None:
        """Call `on_end` when all that the partition holds now has been read."""
        low, high = watermarks(self._admin, topic, partition)
        self._end_seen_at[topic, partition] = time.monotonic()
        if max(low, self._began[topic, partition] or 0) >= high:
            self._on_end(topic, partition)
        else:
            self._last[topic, partition] = high - 1

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset to read; None where nothing was read yet."""
        (found,) = self._consumer.position([TopicPartition(topic, partition)])
        return int(found.offset) if found.offset >= 0 else self._began[topic, partition]

    def remove(self, topic: str, partition: int) -> None:
        """Stop reading it, where it is being read."""
        where = topic, partition
        if where in self._began:
            del self._began[where]
            self._last.pop(where, None)
            self._consumer.incremental_unassign([TopicPartition(*where)])

    def since_end_s(self, topic: str, partition: int) -> float:
        """Seconds since nothing was left to read, or since the end was asked for. No clock that can be set plays a part."""
        return time.monotonic() - self._end_seen_at[topic, partition]

    def read(self, most: int, timeout_s: float) -> Iterator[tuple[tuple[str, int], Message]]:
        """Up to `most` records, each with its topic and partition: waits for the first, then takes what is there.

        Lazy: an end is told in its place.
        """
        first = self._consumer.poll(timeout_s) if timeout_s else None
        messages = [] if first is None else [first]
        messages += self._consumer.consume(most, 0)
        last = self._last
        for message in messages:
            where: tuple[Any, Any] = message.topic(), message.partition()
            error = message.error()
            if error is None:
                yield where, message
                if where in last and int(message.offset() or 0) >= last[where]:
                    del last[where]
                    self._on_end(*where)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._end_seen_at[where] = time.monotonic()
                if last.pop(where, None) is not None:
                    self._on_end(*where)
            else:
                is_record(message)

    def close(self) -> None:
        self._consumer.close()


def watermarks(admin: AdminClient, topic: str, partition: int) -> tuple[int, int]:
    """The oldest offset of a partition and the one after its newest.

    Asked on the admin client's connection: on a consumer's, the answer waits behind a fetch that waits for records.
    """
    where = TopicPartition(topic, partition)
    (oldest,) = admin.list_offsets({where: OffsetSpec.earliest()}, request_timeout=TIMEOUT_S).values()  # type: ignore[no-untyped-call]
    (newest,) = admin.list_offsets({where: OffsetSpec.latest()}, request_timeout=TIMEOUT_S).values()  # type: ignore[no-untyped-call]
    return int(oldest.result().offset), int(newest.result().offset)


def is_record(message: Message) -> bool:
    """Whether it is a record. Raises BankalertsError for what cannot pass by itself; the rest is logged and comes again."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        raise BankalertsError(
            f"{message.topic()}, partition {message.partition()}: the position that was stored is not in the topic "
            f"({error.str()}): it was recreated or cut; see docs/operations.md before going on"
        )
    if error.fatal():
        raise BankalertsError(f"Kafka: {error.str()}")
    log.warning("Kafka, %s, partition %s: %s", message.topic(), message.partition(), error.str())
    return False
