"""The Kafka Streams peer: its topics and state, the process, when it is ready, what came out of it."""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition

from bankalerts.errors import BankalertsError
from bench import java
from bench.workload import CHANNELS, Record, Workload, account_id, customers, partition_of, wishes
from bench.world import PRODUCER, Process, World, end_offsets, flush, put

PREFIX = "streams"
HEAP_MB = 2_048
COMMIT_MS = 100  # Kafka Streams' own, for exactly once
READY_WITHIN_S = 300.0


class Peer:
    """Kafka Streams in a process of its own; `state` is where RocksDB keeps the tables."""

    def __init__(self, world: World, prefix: str = PREFIX) -> None:
        self.world = world
        self.prefix = prefix
        self.state = world.settings.home / "data" / prefix

    def make_topics(self) -> None:
        for name in ("entry", *(f"outbound.{channel}" for channel in CHANNELS)):
            self.world.make_topic(f"{self.prefix}.{name}", self.world.partitions)
        for name in ("permission", "settings"):
            self.world.make_topic(f"{self.prefix}.{name}", self.world.partitions, cleanup_policy="compact")

    def put_state(self, workload: Workload) -> int:
        """The same permissions and preferences as the engine has, by account and by customer; returns the records."""
        # the settings go where Kafka Streams will look for a customer: by the Java clients' own hash of the key
        producer = Producer({**PRODUCER, "bootstrap.servers": self.world.kafka, "partitioner": "murmur2_random"})
        count = put(producer, f"{self.prefix}.permission", permissions(workload))
        count += put(producer, f"{self.prefix}.settings", settings(workload))
        flush(producer)
        return count

    @contextmanager
    def running(self, commit_ms: int = COMMIT_MS) -> Iterator[Process]:
        """Started, and ended with the block."""
        arguments = (self.world.kafka, self.prefix, str(self.state), str(self.world.partitions), str(commit_ms))
        log = self.world.settings.home / "logs" / f"{self.prefix}.log"
        with Process(java.streams_command(HEAP_MB, *arguments), log) as process:
            yield process

    def wait_until_loaded(self, process: Process) -> None:
        """Until it runs and has read all of its tables' topics."""
        ends = {name: end_offsets(self.world, f"{self.prefix}.{name}") for name in ("permission", "settings")}
        process.wait_for(lambda: "STATE RUNNING" in process.log.read_text(), "Kafka Streams runs", READY_WITHIN_S)
        process.wait_for(
            lambda: all(self.committed(name) >= end for name, end in ends.items()), "its tables are filled", READY_WITHIN_S, 0.2
        )

    def committed(self, name: str) -> int:
        """How far its group has come in a topic of its own, over all partitions."""
        topic = f"{self.prefix}.{name}"
        wanted = [TopicPartition(topic, partition) for partition in range(self.world.partitions)]
        request = ConsumerGroupTopicPartitions(f"{self.prefix}-alerts", wanted)
        (future,) = self.world.admin.list_consumer_group_offsets([request], request_timeout=30).values()
        return sum(max(0, where.offset) for where in future.result().topic_partitions or [])

    def forget_state(self) -> None:
        """So that the next start restores it from Kafka."""
        shutil.rmtree(self.state, ignore_errors=True)

    def outbound(self) -> list[str]:
        return [f"{self.prefix}.outbound.{channel}" for channel in CHANNELS]


class Outbound:
    """What others see of the messages: a read_committed consumer of the topics, at their ends when made."""

    def __init__(self, world: World, topics: Iterable[str]) -> None:
        config: dict[str, Any] = {"bootstrap.servers": world.kafka, "group.id": "bench-outbound", "enable.auto.commit": False}
        fast = {"isolation.level": "read_committed", "fetch.wait.max.ms": 20, "fetch.queue.backoff.ms": 5}
        self._consumer = Consumer({**config, **fast})
        ends = []
        for topic in topics:
            for partition in range(world.partitions):
                _, end = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
                ends.append(TopicPartition(topic, partition, end))
        self._consumer.assign(ends)

    def wait_for(self, count: int, process: Process, within_s: float) -> float:
        """Until so many messages are committed; returns when the last was seen, on time.time()'s clock."""
        found, deadline, at = 0, time.monotonic() + within_s, 0.0
        while found < count:
            came = self._consumer.consume(5_000, 0.1)
            found += sum(message.error() is None for message in came)
            at = time.time() if came else at
            if process.child.poll() is not None or time.monotonic() > deadline:
                raise BankalertsError(f"{found:,} of {count:,} messages came: {process.tail()}")
        extra = [message for message in self._consumer.consume(1, 2.0) if message.error() is None]
        if extra:
            raise BankalertsError(f"more than the {count:,} messages that the entries lead to came")
        return at

    def take(self, timeout_s: float) -> list[tuple[float, bytes]]:
        """What is there: (when it was seen, value)."""
        came = self._consumer.consume(1_000, timeout_s) if timeout_s == 0 else [self._consumer.poll(timeout_s)]
        now = time.time()
        return [(now, message.value() or b"") for message in came if message is not None and message.error() is None]

    def close(self) -> None:
        self._consumer.close()


def by_account(records: Iterable[Record], run: str, workload: Workload) -> Iterator[Record]:
    """The same entries, keyed as the peers want them: by account. The partition stays."""
    import random

    chance = random.Random(run)  # noqa: S311
    for record in records:
        yield record._replace(key=account_id(int(chance.random() * workload.accounts)).encode())


def permissions(workload: Workload) -> Iterator[Record]:
    for number in range(workload.accounts):
        account = account_id(number)
        who = customers(number)
        value = struct.pack(">h", len(who)) + b"".join(struct.pack(">qb", customer, 1) for customer in who)
        yield Record(partition_of(account, workload.partitions), account.encode(), value)


def settings(workload: Workload) -> Iterator[Record]:
    for number in range(workload.accounts):
        account = account_id(number)
        found = wishes(number)
        for customer in customers(number):
            theirs = [wish for wish in found if wish.customer_id == customer]
            value = struct.pack(">h", len(theirs))
            for wish in theirs:
                value += text(account) + text(wish.alert_type) + struct.pack(">h", 1) + text("EUR")
                value += struct.pack(">qb", wish.threshold_minor, 1) + text(",".join(CHANNELS))
            yield Record(-1, struct.pack(">q", customer), value)


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()
