"""The Debezium connector's settings: a pure function of ours. Why each is as it is stands in docs/architecture.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from bankalerts.errors import BankalertsError
from bankalerts.topics import Topics
from connectors.capture import CAPTURED, CATALOGUE, EVENTS, HEARTBEAT, PUBLICATION, STATE, STATE_BY_ACCOUNT
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
        # the snapshot takes the tables in this order, so that each account's marker follows its permissions and preferences
        "table.include.list": ",".join(re.escape(table) for table in CAPTURED),
        "column.include.list": ",".join(
            re.escape(f"{table}.{column}") for table, columns in CAPTURED.items() for column in columns
        ),
        "snapshot.mode": "initial",
        # state only: history never alerts (design 4.0)
        "snapshot.include.collection.list": ",".join(re.escape(table) for table in STATE),
        "heartbeat.interval.ms": str(HEARTBEAT_MS),
        "heartbeat.action.query": queries("connectors", "psycopg").beat.sql.rstrip(";"),
    }


def _transforms(topics: Topics, partitions: int) -> dict[str, str]:
    routes: dict[str, tuple[Iterable[str], str]] = {
        "stateTopic": (STATE_BY_ACCOUNT, topics.account_state),
        "catalogueTopic": (CATALOGUE, topics.catalogue),
        "entryTopic": (EVENTS, topics.account_entry),
        "heartbeatTopic": (HEARTBEAT, topics.heartbeat_row),
    }
    config = {
        "transforms": ",".join(("partition", "unwrap", *routes)),
        # before unwrap: it wants Debezium's envelope, and does nothing, silently, without
        "transforms.partition.type": "io.debezium.transforms.partitions.PartitionRouting",
        "transforms.partition.partition.payload.fields": "change.account_id",
        "transforms.partition.partition.topic.num": str(partitions),
        "transforms.partition.partition.hash.function": "java",
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
        alternatives = "|".join(re.escape(table) for table in tables)
        config[f"transforms.{name}.type"] = "org.apache.kafka.connect.transforms.RegexRouter"
        config[f"transforms.{name}.regex"] = rf"{re.escape(topics.prefix)}\.({alternatives})"
        config[f"transforms.{name}.replacement"] = topic
    return config


def _speed() -> dict[str, str]:
    return {
        "poll.interval.ms": "5",
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "producer.override.linger.ms": "0",
        "producer.override.batch.size": "262144",
        "producer.override.compression.type": "lz4",
    }
