"""The floor: read the entries and decode them, in one process of Python, nothing else.

librdkafka with the engine's own settings, msgspec into a struct of the columns that the product captures.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from engine.readers import kafka_config

AT_ONCE = 1_000


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What the engine decodes of an entry, without its checks."""

    entry_id: str
    booking_date: int
    account_id: str
    amount_minor: int
    currency: str
    balance_after_minor: int | None
    status: str
    entry_type: str | None
    original_amount_minor: int | None
    original_currency: str | None
    counterparty_account: str | None
    description: str | None
    event_time: datetime
    state_version: int
    catalogue_version: int
    inserted_at: datetime
    transaction_id: int
    seen_below: int


def main() -> None:
    """python -m bench.floor KAFKA TOPIC PARTITIONS COUNT: entries read and decoded, and the seconds, as JSON."""
    kafka, topic = sys.argv[1:3]
    partitions, count = map(int, sys.argv[3:])
    consumer = Consumer({**kafka_config(kafka, "floor"), "group.id": "floor"})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    decode = msgspec.json.Decoder(Entry).decode
    first = len(consumer.consume(1, 30.0))  # connected, and its queue is being filled
    started, found = time.perf_counter(), first
    while found < count:
        for message in consumer.consume(AT_ONCE, 1.0):
            decode(message.value() or b"")
            found += 1
    seconds = time.perf_counter() - started
    consumer.close()
    print(json.dumps({"entries": found - first, "seconds": seconds}))


main()
