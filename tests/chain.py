"""What flows through a running stack: entries into capture and the event topic, alerts out of the engine."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from confluent_kafka import Consumer, Message, TopicPartition

from bankalerts.stack.home import Home
from bankalerts.stack.processes import read_record
from bankalerts.topics import Topics
from connectors.connect_api import ConnectApi
from connectors.debezium import connector_name
from tests.running_stack import RunningStack
from tests.waiting import wait_until

Connection = psycopg.Connection[Any]
FENCE_DATE = "2000-01-01"


class Chain:
    """A running stack, with the signals that a test waits for and the faults that it injects."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.settings = stack.settings
        self.topics = Topics(self.settings.topic_prefix)
        with self.database() as connection:
            row = connection.execute("select partitions from alerting.topic_layout").fetchone()
        assert row is not None
        self.partitions: int = row[0]

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A connection for the block, in autocommit mode."""
        with psycopg.connect(self.settings.database_url, autocommit=True, application_name="tests") as connection:
            yield connection

    # Faults

    def pid(self, part: str) -> int:
        """The process of a part that was started."""
        record = read_record(Home(self.stack.path), part)
        assert record is not None, f"{part} was not started"
        return record.pid

    def kill(self, part: str) -> None:
        """kill -9."""
        self.signal(part, signal.SIGKILL)

    def signal(self, part: str, number: signal.Signals) -> None:
        """Send a signal to a part's process."""
        os.kill(self.pid(part), number)

    def pause_capture(self) -> None:
        """Tell Connect to pause the connector, and wait until its task is."""
        name = connector_name(self.topics)
        connect = ConnectApi(self.settings.connect_url)
        connect.pause(name)
        wait_until(lambda: _tasks(connect, name) == {"PAUSED"}, 30, "the connector is paused")

    def resume_capture(self) -> None:
        """The opposite."""
        name = connector_name(self.topics)
        connect = ConnectApi(self.settings.connect_url)
        connect.resume(name)
        wait_until(lambda: _tasks(connect, name) == {"RUNNING"}, 30, "the connector runs again")

    # Signals

    def end_offsets(self) -> dict[int, int]:
        """The next offset of each partition of the event topic."""
        with self.consumer() as consumer:
            return {
                partition: consumer.get_watermark_offsets(TopicPartition(self.topics.event, partition), timeout=30)[1]
                for partition in range(self.partitions)
            }

    def positions(self, connection: Connection) -> dict[int, int]:
        """How far each partition of the event topic was judged, as committed."""
        rows = connection.execute(
            "select partition, position from alerting.engine_position where topic = %s", [self.topics.event]
        )
        return dict(rows.fetchall())

    def judged(self, connection: Connection) -> int:
        """How many events were judged, all partitions together."""
        return sum(self.positions(connection).values())

    def wait_until_judged(self, offsets: dict[int, int], deadline_s: float = 90.0) -> None:
        """Until every partition was judged up to, not including, these offsets, and that is committed."""
        with self.database() as connection:
            wait_until(
                lambda: not behind(self.positions(connection), offsets),
                deadline_s,
                f"the engine judged the event topic up to {offsets}",
            )

    def wait_until_captured(self, deadline_s: float = 90.0) -> dict[int, int]:
        """Until all that was inserted before is on the event topic; returns the offset after it, by partition.

        The signal is an entry in each partition, on accounts that nobody has a preference for: capture keeps the order of
        commits within a partition.
        """
        with self.consumer() as consumer:
            ends = self.end_offsets()
            consumer.assign([TopicPartition(self.topics.event, part, end) for part, end in ends.items()])
            waited = self._insert_fence()
            after: dict[int, int] = {}

            def fence_is_here() -> bool:
                for message in records(consumer):
                    if any(entry_id.encode() in (message.value() or b"") for entry_id in waited):
                        after[int(message.partition() or 0)] = int(message.offset() or 0) + 1
                return len(after) == self.partitions

            wait_until(fence_is_here, deadline_s, f"an entry of now comes through capture in each partition (seen: {after})")
        return after

    def settle(self, deadline_s: float = 90.0) -> None:
        """Until all that was inserted before is captured and judged, and that is committed."""
        self.wait_until_judged(self.wait_until_captured(deadline_s), deadline_s)

    @contextmanager
    def consumer(self) -> Iterator[Consumer]:
        """A bare consumer that follows no group."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.kafka,
                "group.id": "tests",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def _insert_fence(self) -> list[str]:
        accounts = fence_accounts(self.partitions)
        ids = [f"fence-{uuid.uuid4()}" for _ in accounts]
        with self.database() as connection:
            connection.execute(
                "insert into bank.account (account_id, currency) select unnest(%s::text[]), 'EUR' on conflict do nothing",
                [accounts],
            )
            connection.execute(
                "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
                " select *, 0, 'EUR' from unnest(%s::text[], array_fill(%s::date, array[%s]), %s::text[])",
                [ids, FENCE_DATE, len(ids), accounts],
            )
        return ids


def records(consumer: Consumer) -> list[Message]:
    """The records that are there, without errors: those pass or a deadline finds them."""
    return [message for message in consumer.consume(10_000, 0.05) if message.error() is None]


def behind(positions: dict[int, int], offsets: dict[int, int]) -> dict[int, int]:
    """By how many events each partition is behind, where it is."""
    return {part: end - positions.get(part, 0) for part, end in offsets.items() if positions.get(part, 0) < end}


def fence_accounts(partitions: int) -> list[str]:
    """One account for each partition."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < partitions:
        found.setdefault(partition_of(f"fence-{number}", partitions), f"fence-{number}")
        number += 1
    return [found[partition] for partition in range(partitions)]


def partition_of(account_id: str, partitions: int) -> int:
    """The partition of an account: Java's String.hashCode (for ASCII), as capture's PartitionRouting has it."""
    code = 0
    for character in account_id:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % partitions


def _tasks(connect: ConnectApi, name: str) -> set[str]:
    return {state for _, state, _ in connect.status(name).tasks}
