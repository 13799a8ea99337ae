"""The engine without Kafka: judges rows of event tables in the order that a test gives; can be killed, replayed, taken over."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import psycopg
from confluent_kafka import Message
from psycopg.rows import dict_row

from engine import history, loop
from engine.database import Database
from engine.judged import Record, in_portions
from engine.lanes import Lanes, Limits
from engine.memory import Memory
from engine.outbox import Topic
from engine.positions import Positions, read_position
from engine.state_follower import Lookup, Stamped

TOPIC = Topic("judged.event", "id")
EPOCH = date(1970, 1, 1)
KEYS = {
    "bank.account_entry": ("entry_id", "booking_date"),
    "bank.card_authorisation": ("authorisation_id", "authorised_on"),
    "bank.payment_order": ("status_change_id", "changed_on"),
    "bank.customer_activity": ("activity_id", "occurred_on"),
    "bank.timer_event": ("timer_id", "due_on"),
}


def captured(connection: psycopg.Connection[Any], table: str, event_ids: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """Keys and values as capture puts them into the topic, in the order of these ids."""
    key, day = KEYS[table]
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = {row[key]: row for row in cursor.execute(f"select * from {table}")}
    return [
        (_json({key: rows[event_id][key], day: rows[event_id][day]}), _json({**rows[event_id], "__op": "c"}))
        for event_id in event_ids
    ]


def _json(row: dict[str, Any]) -> bytes:
    def value(given: Any) -> Any:
        if isinstance(given, datetime):
            return given.isoformat()
        if isinstance(given, date):
            return (given - EPOCH).days
        return json.dumps(given) if isinstance(given, dict) else given

    return json.dumps({name: value(given) for name, given in row.items()}).encode()


class _States:
    """The states of stamps from the history tables, as the engine finds those that memory does not have: here, all."""

    def find(self, records: Sequence[Record]) -> Lookup:
        return Lookup([record for record in records if record.event is not None], {})

    def stamped(self, connection: Any, events: Sequence[tuple[int, Any]]) -> dict[Any, Stamped]:
        stamps = {(event.entity, event.state_version, event.catalogue_version) for _, event in events}
        found = history.states(connection, [(entity, version) for entity, version, _ in stamps])
        catalogues = {version: history.catalogue(connection, version) for _, _, version in stamps}
        return {
            (entity, version, catalogue_version): Stamped(found[entity, version], catalogue)
            for entity, version, catalogue_version in stamps
            if (catalogue := catalogues[catalogue_version]) is not None and (entity, version) in found
        }


class EngineAlone(loop.Engine):
    """An engine whose topic is `records`, of one partition; it begins where PostgreSQL says that it was judged up to."""

    def __init__(
        self, url: str, records: Sequence[tuple[bytes, bytes]], most_kept: int | None = None, limits: Limits | None = None
    ) -> None:
        self._name = "engine-alone"
        self._database = Database(url, self._name, threading.Event())
        self._topic = TOPIC
        self._records_there = records
        self._memory = Memory() if most_kept is None else Memory(most_kept)
        self._positions = Positions()
        self._parked = set()
        self._under_way = None
        self._lanes = Lanes(limits)
        self._writer = ThreadPoolExecutor(1)
        self._state = _States()  # type: ignore[assignment]
        self._stored_at = 0.0
        self._positions.take(0, self._database.reading(lambda connection: read_position(connection, self._name, TOPIC, 0, 0)))
        self._read_up_to = self.position

    def __enter__(self) -> EngineAlone:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Nothing is stored."""
        self._writer.shutdown()
        self._database.__exit__(None, None, None)

    @property
    def position(self) -> int:
        return self._positions.next(0) or 0

    def turn(self, most: int, portions: int | None = None) -> int:
        """Judge up to so many records, or so many portions of them, and a helping of what waits; returns how many are left."""
        start, self._read_up_to = self._read_up_to, min(self._read_up_to + most, len(self._records_there))
        messages = [
            Message(topic=TOPIC.name, partition=0, offset=offset, key=key, value=value, timestamp=(1, 0))
            for offset, (key, value) in enumerate(self._records_there[start : self._read_up_to], start=start)
        ]
        for number, portion in enumerate(in_portions(self._records(messages))):
            if number == portions:
                self._begin_anew()
                break
            self._write(portion, self._judge(portion), ahead=most > 50)
            self._memory.prune()
        if self._lanes:
            self._help()
        self._finish_write()
        self._store_positions(0)
        return len(self._records_there) - self.position

    def _begin_anew(self) -> None:
        """As where a partition is given up and comes back."""
        self._finish_write()
        self._lanes.give_up([0])
        self._memory.clear()
        self._read_up_to = self.position

    def run_all(self, most: int = 10_000) -> None:
        while self.turn(most):
            pass


def replay_from_start(connection: psycopg.Connection[Any]) -> None:
    """Set the position back: the topic is judged again."""
    connection.execute("update alerting.engine_position set position = 0 where topic = %s", [TOPIC.name])
