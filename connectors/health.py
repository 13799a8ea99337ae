"""Whether capture flows: a row written by the heartbeat comes back, and what is published is what is captured.

A connector may say RUNNING and be stalled, or lose a table from its publication while its heartbeats go on; so its status
is only the first of four questions.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from confluent_kafka import Consumer, TopicPartition

from bankalerts.topics import Topics
from connectors.capture import CAPTURED, PUBLICATION
from connectors.connect_api import Status
from connectors.debezium import HEARTBEAT_MS, SLOT
from sql import queries

LATEST_HEARTBEAT = timedelta(milliseconds=10 * HEARTBEAT_MS)


@dataclass(frozen=True)
class Health:
    """healthy when there is no finding; each finding names the thing, what it is and the remedy."""

    findings: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return not self.findings


def publication_findings(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """What the publication lacks or has too much, against the list of captured tables and columns."""
    published = {
        table: tuple(columns)
        for table, columns in queries("connectors", "psycopg").read_publication(connection, publication=PUBLICATION)
    }
    if not published:
        return [f"publication {PUBLICATION} is missing or empty: run 'alembic upgrade head'"]
    findings = []
    for table, columns in CAPTURED.items():
        if table not in published:
            findings.append(f"{table} is not in publication {PUBLICATION}: its changes are lost; add it and re-snapshot")
        elif set(published[table]) != set(columns):
            odd = ", ".join(sorted(set(published[table]) ^ set(columns)))
            findings.append(f"{table} is published with other columns than captured ({odd}): alter the publication")
    findings += [f"{table} is published but not captured: drop it" for table in published.keys() - CAPTURED.keys()]
    return findings


def restore_findings(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """That the database is not the one that capture was set up for, as long as nobody accepted it."""
    found = queries("halt", "psycopg").read_findings(connection)
    return [f"{detail}: 'bankalerts connectors accept-restore'" for cause, detail in found if cause == "RESTORE"]


def slot_findings(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    slot = queries("connectors", "psycopg").read_slot(connection, slot=SLOT)
    if slot is None:
        return [f"replication slot {SLOT} does not exist: 'bankalerts connectors ensure' makes it"]
    active, wal_status = slot
    if wal_status == "lost":
        return [f"replication slot {SLOT} lost WAL it needed: changes are missing, re-snapshot"]
    return [] if active else [f"replication slot {SLOT} is not being read: see the connector's status"]


def task_findings(name: str, status: Status) -> list[str]:
    if status.connector != "RUNNING":
        return [f"connector {name} is {status.connector}: 'bankalerts connectors ensure' puts and restarts it"]
    if not status.tasks:
        return [f"connector {name} has no task yet: wait a moment"]
    return [
        f"task {task} of connector {name} is {state}: {why or 'no cause given'}"
        for task, state, why in status.tasks
        if state != "RUNNING"
    ]


def heartbeat_findings(kafka: str, topics: Topics, now: datetime) -> list[str]:
    """`now` is the database's clock: both times come from it."""
    beat = last_heartbeat(kafka, topics)
    if beat is None:
        return ["no heartbeat came back through capture yet: it does not flow"]
    if now - beat > LATEST_HEARTBEAT:
        return [f"the last heartbeat that came back is {(now - beat).total_seconds():.0f} s old: capture is stalled"]
    return []


def last_heartbeat(kafka: str, topics: Topics) -> datetime | None:
    """The newest heartbeat row on Kafka, as written by the database's clock; None when there is none."""
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": "bankalerts-health", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        partition = TopicPartition(topics.heartbeat_row, 0)
        _, end = consumer.get_watermark_offsets(partition, timeout=10)
        if end <= 0:
            return None
        consumer.assign([TopicPartition(topics.heartbeat_row, 0, end - 1)])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                value = message.value()
                return None if value is None else datetime.fromisoformat(json.loads(value)["beat_at"])
        return None
    finally:
        consumer.close()
