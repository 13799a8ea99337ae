"""Bare clients: what the same hops cost without the product, measured beside it in the same seconds."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psycopg
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bankalerts.settings import Settings
from bankalerts.topics import Topics

PROBE_TOPIC = "probe"
PROBE_ACCOUNT = "probe"
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Sample:
    """One round of bare clients, in milliseconds."""

    kafka_hop_ms: float
    commit_ms: float
    another_commit_ms: float
    insert_to_consumer_ms: float  # INSERT of an entry, to a bare consumer of its topic, through Debezium
    request_ms: float

    @property
    def to_outbox_ms(self) -> float:
        return self.kafka_hop_ms + self.commit_ms

    @property
    def to_provider_ms(self) -> float:
        return self.insert_to_consumer_ms + self.commit_ms + self.another_commit_ms + self.request_ms


class BareClients:
    """Producer, consumers, a connection and an HTTP connection; an account that nobody has a preference on."""

    def __init__(self, settings: Settings) -> None:
        self._connection = psycopg.connect(settings.database_url, autocommit=True)
        self._connection.execute("create table if not exists public.probe (id bigserial primary key, note text)")
        self._connection.execute(
            "insert into bank.account (account_id, currency) values (%s, 'EUR') on conflict do nothing", [PROBE_ACCOUNT]
        )
        base: dict[str, str | int | float | bool] = {"bootstrap.servers": settings.kafka}
        admin = AdminClient(base)
        if PROBE_TOPIC not in admin.list_topics(timeout=TIMEOUT_S).topics:
            admin.create_topics([NewTopic(PROBE_TOPIC, 1)])[PROBE_TOPIC].result()
        self._producer = Producer({**base, "linger.ms": 0, "acks": "all"})
        self._hops = Consumer({**base, "group.id": "probe-hops"})
        self._hops.assign([TopicPartition(PROBE_TOPIC, 0, OFFSET_END)])
        self._entries = Consumer({**base, "group.id": "probe-entries"})
        topic = Topics(settings.topic_prefix).event
        partitions = admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        self._entries.assign([TopicPartition(topic, partition, OFFSET_END) for partition in partitions])
        push = urlsplit(settings.push_url)
        self._path = push.path
        self._http = http.client.HTTPConnection(push.hostname or "", push.port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        self.sample()  # connections made, positions at the end: not counted
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._hops.close()
        self._entries.close()
        self._http.close()
        self._connection.close()

    def sample(self) -> Sample:
        return Sample(self._hop(), self._commit(), self._commit(), self._insert_to_consumer(), self._request())

    def _hop(self) -> float:
        """From the producer's call to the consumer's hands."""
        mark = uuid.uuid4().bytes
        started = time.perf_counter()
        self._producer.produce(PROBE_TOPIC, value=mark)
        deadline = started + TIMEOUT_S
        while time.perf_counter() < deadline:
            self._producer.poll(0)
            message = self._hops.poll(0.5)
            if message is not None and message.error() is None and message.value() == mark:
                return elapsed_ms(started)
            if message is None:  # the consumer was not at the end yet: the first sample
                self._producer.produce(PROBE_TOPIC, value=mark)
        raise AssertionError("a bare consumer did not get what a bare producer sent")

    def _commit(self) -> float:
        started = time.perf_counter()
        self._connection.execute("insert into public.probe (note) values ('probe')")
        return elapsed_ms(started)

    def _insert_to_consumer(self) -> float:
        mark = f"probe-{uuid.uuid4().hex}"
        started = time.perf_counter()
        self._connection.execute(
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
            " values (%s, current_date, %s, 1, 'EUR')",
            [mark, PROBE_ACCOUNT],
        )
        while time.perf_counter() < started + TIMEOUT_S:
            message = self._entries.poll(0.5)
            if message is not None and message.error() is None and mark.encode() in (message.key() or b""):
                return elapsed_ms(started)
        raise AssertionError("an inserted entry did not reach a bare consumer: 'bankalerts connectors status' says why")

    def _request(self) -> float:
        body = json.dumps({"message_id": uuid.uuid4().hex, "to": "probe", "title": "probe", "body": "probe"})
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        started = time.perf_counter()
        self._http.request("POST", self._path, body, headers)
        self._http.getresponse().read()
        return elapsed_ms(started)


def elapsed_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
