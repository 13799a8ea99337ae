"""Creates the topics with the right partitions and cleanup policy, and mends settings that differ."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from bankalerts.errors import BankalertsError
from bankalerts.topics import Topics

HOUR_MS = 3_600_000
TIMEOUT_S = 30

# Nothing younger than an hour is compacted: an engine that follows within the hour sees every version (docs/architecture.md).
COMPACTED = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(HOUR_MS),
    "delete.retention.ms": str(24 * HOUR_MS),
    "segment.ms": str(6 * HOUR_MS),
}
EVENTS = {"cleanup.policy": "delete", "retention.ms": str(7 * 24 * HOUR_MS)}


def wanted(topics: Topics, partitions: int) -> dict[str, tuple[int, dict[str, str]]]:
    """Topic name -> (partitions, settings)."""
    return {
        topics.state: (partitions, COMPACTED),
        topics.catalogue: (1, COMPACTED),
        topics.event: (partitions, EVENTS),
        topics.heartbeat_row: (1, COMPACTED),
        topics.heartbeat: (1, COMPACTED),
    }


def ensure_topics(admin: AdminClient, topics: Topics, partitions: int, report: Callable[[str], None]) -> None:
    """Create what is missing and mend settings, reporting each change.

    Raises BankalertsError when a topic has another number of partitions than alerting.topic_layout: the partition of an
    account would change, so this needs new topics and a new snapshot, never a silent alteration.
    """
    there = admin.list_topics(timeout=TIMEOUT_S).topics
    wants = wanted(topics, partitions)
    for name, (count, _) in wants.items():
        if name in there and len(there[name].partitions) != count:
            raise BankalertsError(
                f"topic {name} has {len(there[name].partitions)} partitions, alerting.topic_layout says {count}: "
                "set the row back, or make new topics and a new snapshot"
            )
    _create(admin, {name: want for name, want in wants.items() if name not in there}, report)
    _mend(admin, {name: settings for name, (_, settings) in wants.items() if name in there}, report)


def _create(admin: AdminClient, missing: dict[str, tuple[int, dict[str, str]]], report: Callable[[str], None]) -> None:
    if not missing:
        return
    new = [NewTopic(name, num_partitions=count, config=settings) for name, (count, settings) in missing.items()]
    for name, future in admin.create_topics(new, operation_timeout=TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            raise BankalertsError(f"Kafka did not create topic {name}: {error.args[0].str()}") from error
        report(f"created topic {name}, {missing[name][0]} partitions, {missing[name][1]['cleanup.policy']}")


def _mend(admin: AdminClient, there: dict[str, dict[str, str]], report: Callable[[str], None]) -> None:
    if not there:
        return
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in there]
    for resource, future in admin.describe_configs(resources).items():
        now = {name: entry.value for name, entry in future.result().items()}
        different = {name: value for name, value in there[resource.name].items() if now.get(name) != value}
        if not different:
            continue
        entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in different.items()]
        change = ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=entries)
        admin.incremental_alter_configs([change])[change].result()
        for name, value in different.items():
            report(f"topic {resource.name}: {name} was {now.get(name)}, is {value}")
