"""Kafka for commands: asked whether it answers before it is used, failing with one line and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from bankalerts.errors import BankalertsError

ANSWERS_WITHIN_S = 10.0


@contextmanager
def answering(kafka: str, name: str) -> Iterator[AdminClient]:
    """An admin client for the block, of a Kafka that answers; `name` is its client.id.

    Whatever Kafka refuses inside the block, and that it does not answer, becomes a BankalertsError that names the address.
    """
    client = AdminClient({"bootstrap.servers": kafka, "client.id": f"bankalerts-{name}", "log_level": 0})
    try:
        client.list_topics(timeout=ANSWERS_WITHIN_S)
    except KafkaException as error:
        raise BankalertsError(
            f"Kafka at {kafka} does not answer ({error.args[0].str()}): start it with 'bankalerts up', or set BANKALERTS_KAFKA"
        ) from error
    try:
        yield client
    except KafkaException as error:
        raise BankalertsError(
            f"Kafka at {kafka} refused ({error.args[0].str()}): 'bankalerts connectors ensure' makes what is missing"
        ) from error
