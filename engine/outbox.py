"""Writes what was decided: alerts, messages, quarantine and positions, in one transaction or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import psycopg
from psycopg.errors import UniqueViolation

from engine import measures, timer_rows
from engine.match import Alert
from engine.remembered import LastSeen, PreferenceMemory, SeenEvent, write_last_seen, write_preference_memory, write_seen
from engine.timer import Operation, Outcome
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
PutAlerts = Callable[[Connection, Sequence["Decision"]], None]


class PositionLost(Exception):
    """Another engine has judged these events: nothing was written."""


@dataclass(frozen=True)
class Topic:
    """A topic with Kafka's identity of it."""

    name: str
    topic_id: str


@dataclass(frozen=True)
class Refused:
    """A record for the quarantine, with its bytes, position and reason."""

    topic: Topic
    partition: int
    position: int
    key: bytes | None
    value: bytes | None
    reason: str


@dataclass(frozen=True)
class Move:
    """A partition's position: from what is stored to what comes next."""

    partition: int
    expected: int
    next: int


class Decision(msgspec.Struct, frozen=True, gc=False):
    """An alert with the times of its event, as the row has them."""

    alert: Alert
    event_kind: str
    event_id: str
    account_id: str | None
    event_time: datetime
    inserted_at: datetime
    committed_at: datetime | None
    on_kafka_at: datetime | None
    decided_at: datetime


@dataclass
class Batch:
    """What one transaction writes: what was decided, and what is remembered of it."""

    decisions: list[Decision] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    seen: list[SeenEvent] = field(default_factory=list)
    preferences: list[PreferenceMemory] = field(default_factory=list)
    last_seen: list[LastSeen] = field(default_factory=list)
    timers: list[Operation | Outcome] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.decisions or self.refused or self.seen)

    def parts(self, most: int) -> list[Batch]:
        """The same in as many batches as it takes, with at most so many alerts each. All but alerts is in the last one."""
        parts = [Batch(self.decisions[start : start + most]) for start in range(0, len(self.decisions), most)] or [Batch()]
        parts[-1] = replace(self, decisions=parts[-1].decisions)
        return parts


def write(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch) -> None:
    """Write a batch and the positions after it. Raises PositionLost, and any psycopg.Error; nothing is written then.

    The alerts are copied straight in, and a trigger adds their messages. Where one is there already (events that came
    again), the transaction is done over through a staging table: only alerts that are new go in.
    """
    began_at = time.monotonic()
    try:
        _write(connection, engine, topic, moves, batch, copy_straight)
    except UniqueViolation:
        _write(connection, engine, topic, moves, batch, insert_new)
    _count(batch, time.monotonic() - began_at)


def _count(batch: Batch, took_s: float) -> None:
    measures.WRITES.observe(took_s)
    if batch.decisions:
        first = batch.decisions[0]
        measures.ALERTS.inc(len(batch.decisions))
        measures.DELAY.observe((first.decided_at - first.inserted_at).total_seconds())
    if batch.refused:
        measures.QUARANTINED.inc(len(batch.refused))


def _write(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch, put: PutAlerts) -> None:
    """One transaction. Its begin travels with the first statement: each trip to the server is latency."""
    try:
        move_positions(connection, engine, topic, moves)
        if batch.decisions:
            put(connection, batch.decisions)
        if batch.seen:
            write_seen(connection, batch.seen)
        if batch.preferences:
            write_preference_memory(connection, batch.preferences)
        if batch.last_seen:
            write_last_seen(connection, batch.last_seen)
        if batch.timers:
            timer_rows.write(connection, batch.timers)
        for refused in batch.refused:
            quarantine(connection, engine, refused)
        connection.execute("commit")
    except BaseException:
        if not connection.closed:
            connection.execute("rollback")
        raise


def move_positions(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move]) -> None:
    """Begin, and move the positions. Raises PositionLost unless each was where it was expected."""
    values = {
        "engine": engine,
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "partitions": [move.partition for move in moves],
        "expected": [move.expected for move in moves],
        "next": [move.next for move in moves],
    }
    cursor = psycopg.ClientCursor(connection)
    cursor.execute(queries("engine", "psycopg").move_positions.sql, values)
    cursor.nextset()
    if cursor.rowcount != len(moves):
        lost = len(moves) - cursor.rowcount
        raise PositionLost(f"{lost} of {len(moves)} positions of {topic.name} were moved by another engine")


def copy_straight(connection: Connection, decisions: Sequence[Decision]) -> None:
    _copy(connection, queries("engine", "psycopg").copy_alerts.sql, decisions)


def insert_new(connection: Connection, decisions: Sequence[Decision]) -> None:
    sql = queries("engine", "psycopg")
    connection.execute(sql.make_staging.sql)
    _copy(connection, sql.copy_staged.sql, decisions)
    sql.insert_staged(connection)


def quarantine(connection: Connection, engine: str, refused: Refused) -> None:
    queries("engine", "psycopg").quarantine(
        connection,
        topic=refused.topic.name,
        topic_id=refused.topic.topic_id,
        partition=refused.partition,
        position=refused.position,
        event_key=refused.key,
        event_value=refused.value,
        reason=refused.reason,
        engine=engine,
    )


def park(connection: Connection, catalogue_version: int, broken: Mapping[str, str]) -> None:
    """Tell operators of alert types that do not compile: name -> reason."""
    for alert_type, reason in broken.items():
        queries("engine", "psycopg").park_type(
            connection, alert_type=alert_type, catalogue_version=catalogue_version, reason=reason
        )


def _copy(connection: Connection, statement: str, decisions: Sequence[Decision]) -> None:
    with connection.cursor().copy(statement) as copy:
        for decision in decisions:
            copy.write_row(_alert_row(decision))


def _alert_row(decision: Decision) -> tuple[Any, ...]:
    alert = decision.alert
    return (
        *(alert.alert_id, decision.event_kind, decision.event_id, alert.event_date, decision.account_id),
        *(alert.customer_id, alert.alert_type, alert.preference_no, _array(alert.channels)),
        *(decision.event_time, decision.inserted_at, decision.committed_at, decision.on_kafka_at, decision.decided_at),
        alert.evidence.decode(),
    )


@lru_cache(maxsize=1_024)
def _array(channels: tuple[str, ...]) -> str:
    """As PostgreSQL writes a text[]: there are few, and each alert has one."""
    quoted = (channel.replace("\\", "\\\\").replace('"', '\\"') for channel in channels)
    return "{" + ",".join(f'"{channel}"' for channel in quoted) + "}"
