"""PostgreSQL and Kafka of a benchmark, real and its own, and the ways data gets into their topics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings, environment, variables
from bankalerts.stack.home import Home, remembered, settings_of
from bankalerts.topics import Topics
from bench.workload import Record, Stamps
from connectors.capture import CATALOGUE
from connectors.topics import ensure_topics

PRODUCER: dict[str, Any] = {
    "linger.ms": 20,
    "batch.size": 262_144,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 512_000,
}
TRANSACTION_S = 600
OTHER_PARTS = ("connect", "connectors", "mail-server", "provider", "notifier", "engine")


@dataclass
class World:
    """A running PostgreSQL and Kafka; `partitions` of the topics by account."""

    settings: Settings
    partitions: int

    @property
    def kafka(self) -> str:
        return self.settings.kafka

    @property
    def topics(self) -> Topics:
        return Topics(self.settings.topic_prefix)

    @cached_property
    def admin(self) -> AdminClient:
        """Kept, for its answers die with it."""
        return AdminClient({"bootstrap.servers": self.kafka, "log_level": 3})

    def with_prefix(self, prefix: str) -> World:
        """The same servers with other topics of ours, made now."""
        world = replace(self, settings=replace(self.settings, topic_prefix=prefix))
        ensure_topics(world.admin, world.topics, self.partitions, lambda _: None)
        world.produce(world.topics.catalogue, catalogue_records(self.settings.database_url))
        return world

    def database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.settings.database_url, autocommit=True)

    def one(self, query: str, *values: object) -> Any:
        """The first value that a query gives."""
        row = self._connection.execute(query, values or None).fetchone()
        return None if row is None else row[0]

    @cached_property
    def _connection(self) -> psycopg.Connection[Any]:
        """Kept: a new one for each question takes the processor from what is measured."""
        return self.database()

    def stamps(self) -> Stamps:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return Stamps(int(self.one("select catalogue_version from bank.catalogue")), today)

    def make_topic(self, name: str, partitions: int, **config: str) -> None:
        new = NewTopic(name, num_partitions=partitions, config={key.replace("_", "."): value for key, value in config.items()})
        self.admin.create_topics([new], operation_timeout=30)[name].result()

    def produce(self, topic: str, records: Iterable[Record]) -> int:
        """All of it, acknowledged; returns how many there were."""
        producer = Producer({**PRODUCER, "bootstrap.servers": self.kafka})
        count = put(producer, topic, records)
        flush(producer)
        return count

    def produce_at_once(self, records: dict[str, Iterable[Record]]) -> float:
        """By topic, in one transaction: they are seen all together. Returns the moment, on time.time()'s clock."""
        config = {"bootstrap.servers": self.kafka, "transactional.id": "bench", "transaction.timeout.ms": TRANSACTION_S * 1000}
        producer = Producer({**PRODUCER, **config})
        producer.init_transactions(60)
        producer.begin_transaction()
        for topic, some in records.items():
            put(producer, topic, some)
        flush(producer)
        producer.commit_transaction(60)
        return time.time()


def put(producer: Producer, topic: str, records: Iterable[Record]) -> int:
    """Hand records to a producer, as fast as it takes them; returns how many."""
    produce, poll, count = producer.produce, producer.poll, 0
    for partition, key, value in records:
        while True:
            try:
                produce(topic, value, key, partition)
            except BufferError:
                poll(0.1)
            else:
                break
        count += 1
        if count % 10_000 == 0:
            poll(0)
    return count


def flush(producer: Producer) -> None:
    left = producer.flush(120)
    if left:
        raise BankalertsError(f"Kafka did not take {left} records within 120 s")


def catalogue_records(database_url: str) -> list[Record]:
    """The alert types and their marker as Debezium's snapshot gives them, read from the tables."""
    records = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table, columns in CATALOGUE.items():
            cursor = connection.execute(f"select {', '.join(columns)} from {table}")  # noqa: S608
            for row in cursor:
                values = {name: sent(value) for name, value in zip(columns, row, strict=True)}
                key = {columns[0]: values[columns[0]]}
                records.append(Record(0, json.dumps(key).encode(), json.dumps({**values, "__op": "r"}).encode()))
    return records


def sent(value: object) -> object:
    """A value of a state table's column as Debezium writes it: jsonb as a string."""
    return json.dumps(value) if isinstance(value, dict) else value


@contextmanager
def fresh_world(say: Callable[[str], None], *parts: str) -> Iterator[World]:
    """PostgreSQL at the head of the migrations and Kafka with our topics, in a temporary home; ended and deleted afterwards.

    `parts`: what else of the stack is started, such as "connect".
    """
    with tempfile.TemporaryDirectory(prefix="bankalerts-bench-") as folder:
        path = Path(folder) / "home"
        left_out = [word for part in OTHER_PARTS if part not in parts for word in ("--without", part)]
        try:
            say("starting PostgreSQL and Kafka")
            command(path, "up", *left_out)
            home = Home(path)
            settings = replace(settings_of(home, remembered(home), "bench"), ready_file=None)
            with psycopg.connect(settings.database_url) as connection:
                row = connection.execute("select partitions from alerting.topic_layout").fetchone()
            world = World(settings, int(row[0]) if row else 0)
            yield world if "connectors" in parts else world.with_prefix(settings.topic_prefix)
        finally:
            command(path, "down", "--purge")


def command(home: Path, *arguments: str) -> None:
    """bankalerts ... on a stack of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BANKALERTS_")}
    done = subprocess.run(
        (sys.executable, "-m", "bankalerts.cli", *arguments),
        env={**kept, "BANKALERTS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise BankalertsError(f"bankalerts {' '.join(arguments)}: {done.stdout}{done.stderr}")


class Process:
    """A child that announces that it is ready, and is ended with the block."""

    def __init__(self, words: Iterable[str], log: Path, variables_: dict[str, str] | None = None) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                tuple(words), stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment(variables_ or {})
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self, within_s: float = 30) -> None:
        self.child.terminate()
        try:
            self.child.wait(within_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def wait_for(self, is_so: Callable[[], bool], what: str, within_s: float, every_s: float = 0.02) -> None:
        """Raises BankalertsError when the child ends, or when it takes longer."""
        deadline = time.monotonic() + within_s
        while not is_so():
            if self.child.poll() is not None:
                raise BankalertsError(f"it ended ({self.child.returncode}) before {what}: {self.tail()}")
            if time.monotonic() > deadline:
                raise BankalertsError(f"{what}: not within {within_s:.0f} s: {self.tail()}")
            time.sleep(every_s)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-1_500:]


def engine_process(world: World, name: str, **variables_: str) -> tuple[Process, Path]:
    """One engine process, and the file it writes when it has its partitions and their state."""
    ready = world.settings.home / "run" / f"{name}.ready"
    ready.unlink(missing_ok=True)
    settings = replace(world.settings, name=name, ready_file=ready)
    process = Process(
        (sys.executable, "-m", "engine"), world.settings.home / "logs" / f"{name}.log", {**variables(settings), **variables_}
    )
    return process, ready


def end_offsets(world: World, topic: str) -> int:
    """How many offsets the partitions of a topic have in all."""
    from engine.readers import watermarks

    try:
        count = len(world.admin.list_topics(topic, timeout=30).topics[topic].partitions)
        return sum(watermarks(world.admin, topic, partition)[1] for partition in range(count))
    except KafkaException as error:
        raise BankalertsError(f"Kafka: {error}") from error
