"""Writes what was decided: alerts, messages, quarantine and positions, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.errors import UniqueViolation

from engine.match import Alert, digest
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]


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


@dataclass(frozen=True)
class Decision:
    """An alert with the times of its event, as the row has them."""

    alert: Alert
    event_kind: str
    event_id: str
    account_id: str
    event_time: datetime
    inserted_at: datetime
    committed_at: datetime | None
    on_kafka_at: datetime | None
    decided_at: datetime


@dataclass
class Batch:
    """What one turn of the loop decided."""

    decisions: list[Decision] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.decisions and not self.refused


def write(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch) -> None:
    """Write a batch and the positions after it. Raises PositionLost, and any psycopg.Error; nothing is written then.

    The alerts are copied straight in. Where one is there already (events that came again), the transaction is done over
    through a staging table, and only new alerts get messages.
    """
    try:
        _write(connection, engine, topic, moves, batch, copy_straight)
    except UniqueViolation:
        _write(connection, engine, topic, moves, batch, insert_new)


def _write(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch, put: Any) -> None:
    with connection.transaction():
        move_positions(connection, engine, topic, moves)
        if batch.decisions:
            put(connection, batch.decisions)
        for refused in batch.refused:
            quarantine(connection, engine, refused)


def move_positions(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move]) -> None:
    moved = queries("engine", "psycopg").move_positions(
        connection,
        engine=engine,
        topic=topic.name,
        topic_id=topic.topic_id,
        partitions=[move.partition for move in moves],
        expected=[move.expected for move in moves],
        next=[move.next for move in moves],
    )
    if moved != len(moves):
        raise PositionLost(f"{len(moves) - moved} of {len(moves)} positions of {topic.name} were moved by another engine")


def copy_straight(connection: Connection, decisions: Sequence[Decision]) -> None:
    sql = queries("engine", "psycopg")
    _copy(connection, sql.copy_alerts.sql, map(_alert_row, decisions))
    _copy(connection, sql.copy_messages.sql, _message_rows(decision.alert for decision in decisions))


def insert_new(connection: Connection, decisions: Sequence[Decision]) -> None:
    sql = queries("engine", "psycopg")
    connection.execute(sql.make_staging.sql)
    _copy(connection, sql.copy_staged.sql, map(_alert_row, decisions))
    new = {row[0].hex for row in sql.insert_staged(connection)}
    by_id = {decision.alert.alert_id: decision.alert for decision in decisions}
    _copy(connection, sql.copy_messages.sql, _message_rows(alert for key, alert in by_id.items() if key in new))


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


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _alert_row(decision: Decision) -> tuple[Any, ...]:
    alert = decision.alert
    return (
        *(alert.alert_id, decision.event_kind, decision.event_id, alert.event_date, decision.account_id),
        *(alert.customer_id, alert.alert_type, alert.preference_no, decision.event_time, decision.inserted_at),
        *(decision.committed_at, decision.on_kafka_at, decision.decided_at, alert.evidence.decode()),
    )


def _message_rows(alerts: Iterable[Alert]) -> Iterable[tuple[str, str, date, str]]:
    for alert in alerts:
        for channel in alert.channels:
            yield digest(alert.alert_id, channel), alert.alert_id, alert.event_date, channel
