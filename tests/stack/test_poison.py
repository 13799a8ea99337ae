"""Records on the event topic that are no events go to the quarantine, each with its bytes and a reason; the others flow on."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.chain import Chain, records
from tests.running_stack import RunningStack
from tests.waiting import wait_until

BANK = """
insert into bank.customer (customer_id, full_name) values (7700001, 'Poison Test') on conflict do nothing;
insert into bank.push_device values ('poison-test', 7700001, 'ANDROID', 'local') on conflict do nothing;
insert into bank.account (account_id, currency) values ('poison-test', 'EUR') on conflict do nothing;
insert into bank.account_permission (account_id, customer_id, role)
values ('poison-test', 7700001, 'OWNER') on conflict do nothing;
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('poison-test', 7700001, 'DEBITED_ABOVE', 'EUR', '{"threshold_minor": 0}', '{PUSH}') on conflict do nothing;
"""

# What is changed in a good event; each result must be refused.
CHANGED: dict[str, dict[str, Any]] = {
    "an amount beyond bigint": {"amount_minor": 2**70},
    "an amount that is no number": {"amount_minor": "10"},
    "a fraction": {"amount_minor": 10.5},
    "no currency": {"currency": None},
    "NUL in an id": {"entry_id": "a\0b"},
    "an id without end": {"entry_id": "x" * 10_000},
    "a date beyond the calendar": {"booking_date": 10**9},
    "a time beyond the calendar": {"event_time": "10000-01-01T00:00:00Z"},
    "a time without zone": {"event_time": "2026-01-01T00:00:00"},
    "a snapshot's row": {"__op": "r"},
    "a state version that nobody reached": {"state_version": 10**6},
    "a catalogue version that nobody reached": {"catalogue_version": 10**6},
    "an account that there never was": {"account_id": "nobody", "state_version": 3},
}
RAW = {
    "nothing at all": b"",
    "broken JSON": b'{"entry_id": "e',
    "no JSON": b"\xff\xfe\x00",
    "a number out of this world": b'{"entry_id": "e", "amount_minor": 1e400}',
    "NaN": b'{"entry_id": "e", "amount_minor": NaN}',
    "a lone surrogate": b'{"entry_id": "\\ud800"}',
    "a list": b"[1, 2]",
}

# keys that name no kind of event
KEYS = (None, b"poison", b"{}", b'{"account_id":"poison"}', b"\xff")


@pytest.fixture
def chain(stack: RunningStack) -> Chain:
    chain = Chain(stack)
    with chain.database() as connection:
        connection.execute(BANK)
    return chain


def insert_entry(chain: Chain) -> str:
    entry_id = f"poison-{uuid.uuid4()}"
    with chain.database() as connection:
        connection.execute(
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
            " values (%s, current_date, 'poison-test', -100, 'EUR')",
            [entry_id],
        )
    return entry_id


def wait_for_alert(chain: Chain, entry_id: str) -> None:
    with chain.database() as connection:
        wait_until(
            lambda: connection.execute("select from alerting.alert where event_id = %s", [entry_id]).rowcount,
            60,
            f"an alert of entry {entry_id}",
        )


def sent(chain: Chain, entry_id: str, consumer: Consumer) -> tuple[int, dict[str, Any]]:
    """The partition and the value of an entry on the event topic."""
    found: list[tuple[int, dict[str, Any]]] = []

    def is_here() -> bool:
        messages = (message for message in records(consumer) if entry_id.encode() in (message.value() or b""))
        found.extend((int(message.partition() or 0), json.loads(message.value() or b"")) for message in messages)
        return bool(found)

    wait_until(is_here, 60, f"entry {entry_id} on the event topic")
    return found[0]


def test_poison_is_kept_out_and_the_others_flow_on(chain: Chain) -> None:
    engine = chain.pid("engine-1")
    with chain.consumer() as consumer:
        ends = chain.end_offsets()
        consumer.assign([TopicPartition(chain.topics.event, part, end) for part, end in ends.items()])
        first = insert_entry(chain)
        partition, good = sent(chain, first, consumer)
    wait_for_alert(chain, first)

    before = chain.end_offsets()[partition]
    poison = [*RAW.values(), *(json.dumps({**good, "entry_id": "poison", **change}).encode() for change in CHANGED.values())]
    producer = Producer({"bootstrap.servers": chain.settings.kafka})
    for value in poison:
        producer.produce(chain.topics.event, key=b'{"entry_id":"poison"}', value=value, partition=partition)
    for key in KEYS:
        producer.produce(chain.topics.event, key=key, value=json.dumps(good).encode(), partition=partition)
    assert producer.flush(30) == 0
    wait_for_alert(chain, insert_entry(chain))
    chain.settle()

    with chain.database() as connection:
        kept = connection.execute(
            "delete from alerting.quarantine where topic = %s and partition = %s and position >= %s"
            " returning position, event_value, reason",
            [chain.topics.event, partition, before],
        ).fetchall()
        alerts = connection.execute("select from alerting.alert where event_id = 'poison'").rowcount
    assert len(kept) == len(poison) + len(KEYS)
    by_value = {bytes(value): reason for _, value, reason in kept}
    missing = [name for name, value in zip([*RAW, *CHANGED], poison, strict=True) if value not in by_value]
    assert not missing, f"not in the quarantine: {missing}"
    assert all(by_value.values()), "each has a reason"
    assert not any("poison" in reason or "nobody" in reason for reason in by_value.values()), "reasons hold no values"
    assert alerts == 0
    assert chain.pid("engine-1") == engine
    assert chain.stack.pids().get("engine-1") == engine, "the engine lives on"
