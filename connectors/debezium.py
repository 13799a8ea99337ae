"""The Debezium connector's settings: a pure function of ours. Why each is as it is stands in docs/architecture.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from bankalerts.errors import BankalertsError
from bankalerts.topics import Topics
from connectors.capture import CAPTURED, CATALOGUE, EVENTS, HEARTBEAT, PARTITIONED_BY, PUBLICATION, SNAPSHOT, STATE
from sql import queries

SLOT = "bankalerts"
HEARTBEAT_MS = 1_000


def connector_name(topics: Topics) -> str:
    return f"{topics.prefix}-capture"


def connector_config(capture_database_url: str, topics: Topics, partitions: int) -> dict[str, str]:
    """What is put to Connect: database and tables, then the transforms in the order they act, then speed."""
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "topic.prefix": topics.prefix,
        **_database(capture_database_url),
        **_tables(),
        **_transforms(topics, partitions),
        **_speed(),
    }


def _database(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not parts.path.strip("/"):
        raise BankalertsError(
            "BANKALERTS_CAPTURE_DATABASE_URL is no PostgreSQL URL: write postgresql://user:password@host:port/database"
        )
    return {
        "database.hostname": parts.hostname,
        "database.port": str(parts.port or 5432),
        "database.user": unquote(parts.username or "postgres"),
        "database.password": unquote(parts.password or ""),
        "database.dbname": parts.path.strip("/"),
        "plugin.name": "pgoutput",
        "slot.name": SLOT,
        "publication.name": PUBLICATION,
        # the migration makes the publication: Debezium would publish whole tables, personal data included
        "publication.autocreate.mode": "disabled",
        # after a slot was recreated the default starts silently from the slot's position: a gap must be an error
        "offset.mismatch.strategy": "trust_offset",
        "retriable.restart.connector.wait.ms": "1000",
    }


def _tables() -> dict[str, str]:
    return {
        # the snapshot takes the tables in this order, so that each marker follows what raised its version
        "table.include.list": ",".join(re.escape(table) for table in CAPTURED),
        "column.include.list": ",".join(
            re.escape(f"{table}.{column}") for table, columns in CAPTURED.items() for column in columns
        ),
        "snapshot.mode": "initial",
        # state only: history never alerts (design 4.0)
        "snapshot.include.collection.list": ",".join(re.escape(table) for table in SNAPSHOT),
        "heartbeat.interval.ms": str(HEARTBEAT_MS),
        "heartbeat.action.query": queries("connectors", "psycopg").beat.sql.rstrip(";"),
    }


def _transforms(topics: Topics, partitions: int) -> dict[str, str]:
    routes: dict[str, tuple[Iterable[str], str]] = {
        "stateTopic": (STATE, topics.state),
        "catalogueTopic": (CATALOGUE, topics.catalogue),
        "eventTopic": (EVENTS, topics.event),
        "heartbeatTopic": (HEARTBEAT, topics.heartbeat_row),
    }
    routings = _routings(topics, partitions)
    config = {
        # routings before unwrap: they want Debezium's envelope, and do nothing, silently, without
        "transforms": ",".join((*routings, "unwrap", *routes)),
        "predicates": ",".join(routings),
        **{name: value for settings in routings.values() for name, value in settings.items()},
        "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        # Debezium's own tombstones bypass PartitionRouting; the unwrapped delete becomes one in the right partition
        "transforms.unwrap.delete.tombstone.handling.mode": "delete-to-tombstone",
        "transforms.unwrap.add.fields": "op,source.ts_us",
        "tombstones.on.delete": "false",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    for name, (tables, topic) in routes.items():
        config[f"transforms.{name}.type"] = "org.apache.kafka.connect.transforms.RegexRouter"
        config[f"transforms.{name}.regex"] = _topics_of(topics, tables)
        config[f"transforms.{name}.replacement"] = topic
    return config


def _routings(topics: Topics, partitions: int) -> dict[str, dict[str, str]]:
    """Transform -> its settings, and its predicate's, which keeps it to its tables: it fails on a row without its fields."""
    routings = {}
    for fields in dict.fromkeys(PARTITIONED_BY.values()):
        name = "".join(("partitionBy", *(word.title() for field in fields for word in field.split("_"))))
        transform, predicate = f"transforms.{name}", f"predicates.{name}"
        routings[name] = {
            f"{transform}.type": "io.debezium.transforms.partitions.PartitionRouting",
            f"{transform}.partition.payload.fields": ",".join(f"change.{field}" for field in fields),
            f"{transform}.partition.topic.num": str(partitions),
            f"{transform}.partition.hash.function": "java",
            f"{transform}.predicate": name,
            f"{predicate}.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
            f"{predicate}.pattern": _topics_of(topics, (table for table, by in PARTITIONED_BY.items() if by == fields)),
        }
    return routings


def _topics_of(topics: Topics, tables: Iterable[str]) -> str:
    """A regular expression of Java: the topics that Debezium itself would give these tables."""
    return rf"{re.escape(topics.prefix)}\.({'|'.join(re.escape(table) for table in tables)})"


def _speed() -> dict[str, str]:
    return {
        "poll.interval.ms": "5",
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "producer.override.linger.ms": "0",
        "producer.override.batch.size": "262144",
        "producer.override.compression.type": "lz4",
    }
