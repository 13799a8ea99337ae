"""What PostgreSQL holds and does, as it comes through real capture: which partition, in which order, with which key."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from confluent_kafka import TopicPartition

from connectors.capture import PARTITIONED_BY
from connectors.connect_api import ConnectApi
from connectors.debezium import connector_name
from engine import decode
from tests.chain import Chain, partition_of, records
from tests.running_stack import running_stack
from tests.waiting import wait_until

Key = dict[str, Any]
ACCOUNTS = 40
BEFORE = """
insert into bank.alert_type (alert_type, event_kind, condition, category, title, statuses) values
    ('EACH_ENTRY', 'ACCOUNT_ENTRY', 'true', 'c', 't', '{}'), ('EACH_ACTIVITY', 'CUSTOMER_ACTIVITY', 'true', 'c', 't', '{}');
insert into bank.customer (customer_id, full_name)
select case n % 4 when 0 then n + 5000000000 else n end, 'Anna' from generate_series(1, 40) n;
insert into bank.account (account_id, currency) select 'capture-' || n, 'EUR' from generate_series(1, 40) n;
insert into bank.account_permission (account_id, customer_id, role)
select account_id, customer_id, 'OWNER' from bank.account cross join bank.customer where account_id like 'capture-%';
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, channels)
select account_id, customer_id, 'EACH_ENTRY', 'EUR', '{PUSH}' from bank.account_permission;
insert into bank.customer_preference (customer_id, alert_type, channels)
select customer_id, 'EACH_ACTIVITY', '{PUSH}' from bank.customer;
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)
select 'before-' || n, '2026-01-01', 'capture-' || n, 1, 'EUR' from generate_series(1, 40) n;
"""
AFTER = """
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, counterparty_account,
    description)
select 'e-' || n, '2026-01-01', 'capture-' || n, -5, 'EUR', 'NL91ABNA0417164300', 'rent, naïve ☂' from generate_series(1, 40) n;
insert into bank.card_authorisation (authorisation_id, authorised_on, account_id, card_token, amount_minor, currency,
    merchant_category, country, card_present, outcome, decline_reason, authorised_at)
select 'c-' || n, '2026-01-01', 'capture-' || n, 'tok', -5, 'EUR', '5411', 'NL', false, 'DECLINED', 'LIMIT_EXCEEDED', now()
  from generate_series(1, 40) n;
insert into bank.payment_order (status_change_id, changed_on, order_id, account_id, status, amount_minor, currency, changed_at)
select 's-' || n, '2026-01-01', 'o', 'capture-' || n, 'REJECTED', -5, 'EUR', now() from generate_series(1, 40) n;
insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, occurred_at)
select 'x-' || customer_id, '2026-01-01', customer_id, 'LOAN_STARTED', '{"n": 1}', now() from bank.customer;
insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time)
select 'ta-' || n, '2026-01-01', 'capture-' || n, 1, 'EACH_ENTRY', 1, '2026-01-01' from generate_series(1, 40) n;
insert into bank.timer_event (timer_id, due_on, customer_id, alert_type, preference_no, event_time)
select 'tc-' || customer_id, '2026-01-01', customer_id, 'EACH_ACTIVITY', 1, '2026-01-01' from bank.customer;
"""
CHANGES = """
delete from bank.alert_preference where account_id like 'capture-%' and customer_id = 1;
delete from bank.account_permission where account_id like 'capture-%' and customer_id = 1;
delete from bank.customer_preference where customer_id % 2 = 0;
update bank.customer_preference set preference_no = 2 where customer_id % 2 = 1;
update bank.customer set full_name = 'Bert' where customer_id = 1;
"""


class Read(NamedTuple):
    """A record as Kafka has it, and its place."""

    partition: int
    offset: int
    key: Key
    raw_key: bytes
    value: bytes | None


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A stack of its own, where rows were there before capture began."""
    without = [word for part in ("connectors", "engine", "notifier", "mail-server", "provider") for word in ("--without", part)]
    with running_stack(tmp_path_factory.mktemp("capture") / "home", *without) as stack:
        chain = Chain(stack)
        with chain.database() as connection:
            connection.execute(BEFORE)
        stack.cli("connectors", "ensure")
        yield chain


def partition_of_customer(customer_id: int, partitions: int) -> int:
    """Java's Long.hashCode."""
    return ((customer_id ^ (customer_id >> 32)) & 0x7FFFFFFF) % partitions


def expected_partition(key: Key, value: bytes | None, partitions: int) -> int:
    row = {**(json.loads(value) if value is not None else {}), **key}
    if row.get("account_id") is not None:
        return partition_of(row["account_id"], partitions)
    return partition_of_customer(row["customer_id"], partitions)


def read(chain: Chain, topic: str, until: dict[int, int]) -> list[Read]:
    """All records of a topic up to these offsets, in their order within each partition."""
    found: list[Read] = []
    with chain.consumer() as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition, end in until.items() if end])

        def complete() -> bool:
            for message in records(consumer):
                place = int(message.partition() or 0), int(message.offset() or 0)
                found.append(Read(*place, json.loads(message.key() or b""), message.key() or b"", message.value()))
            reached = {each.partition: each.offset + 1 for each in found}
            return all(reached.get(partition, 0) >= end for partition, end in until.items())

        wait_until(complete, 60, f"{topic} is read up to {until}")
    return found


def end_of(chain: Chain, topic: str) -> dict[int, int]:
    with chain.consumer() as consumer:
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1]
            for partition in range(chain.partitions)
        }


def test_the_initial_snapshot_holds_state_with_each_marker_after_its_changes(chain: Chain) -> None:
    chain.wait_until_captured()
    rows = [row for row in read(chain, chain.topics.state, end_of(chain, chain.topics.state)) if row.value is not None]
    last: dict[Any, int] = {}
    markers: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        assert row.partition == expected_partition(row.key, row.value, chain.partitions), row
        entity = row.key.get("account_id", row.key.get("customer_id"))
        if row.key in ({"account_id": entity}, {"customer_id": entity}):
            markers[entity].append(row.offset)
        else:
            last[entity] = row.offset
    assert len(last) >= 2 * ACCOUNTS
    for entity, offset in last.items():
        assert max(markers[entity], default=-1) > offset, f"the marker of {entity} comes after its changes"
    before = [row for row in read(chain, chain.topics.event, end_of(chain, chain.topics.event)) if b"before-" in row.raw_key]
    assert before == [], "history never alerts"


def test_events_of_every_kind_come_in_the_partition_of_their_account_or_customer(chain: Chain) -> None:
    with chain.database() as connection:
        connection.execute(AFTER)
    events = read(chain, chain.topics.event, chain.wait_until_captured())
    kinds: dict[str, int] = defaultdict(int)
    for row in events:
        if b"fence" in row.raw_key:
            continue
        event = decode.event(row.raw_key, row.value)
        kinds[event.kind] += 1
        assert row.partition == expected_partition({}, row.value, chain.partitions), row
        assert 0 < event.seen_below <= event.transaction_id
        if isinstance(event, decode.AccountEntry):
            assert (event.counterparty_account, event.description) == ("NL91ABNA0417164300", "rent, naïve ☂")
        elif isinstance(event, decode.CustomerActivity):
            assert event.properties == {"n": 1}
    assert kinds == {
        **dict.fromkeys(("ACCOUNT_ENTRY", "CARD_AUTHORISATION", "PAYMENT_ORDER", "CUSTOMER_ACTIVITY"), ACCOUNTS),
        "TIMER": 2 * ACCOUNTS,
    }
    on_one = [row.key for row in events if row.value is not None and b'"capture-7"' in row.value]
    order = [next(iter(key)) for key in on_one]
    assert order == ["entry_id", "authorisation_id", "status_change_id", "timer_id"], "one order for all kinds of an account"


def test_deletes_and_changed_keys_are_tombstones_where_their_row_was(chain: Chain) -> None:
    with chain.database() as connection:
        connection.execute(CHANGES)
    chain.wait_until_captured()
    place: dict[bytes, int] = {}
    alive: dict[bytes, bool] = {}
    for row in read(chain, chain.topics.state, end_of(chain, chain.topics.state)):
        assert place.setdefault(row.raw_key, row.partition) == row.partition, f"{row} is in another partition than before"
        alive[row.raw_key] = row.value is not None
    dead = [json.loads(key) for key, lives in alive.items() if not lives]
    assert len([key for key in dead if key.get("account_id") and "alert_type" in key]) == ACCOUNTS
    assert len([key for key in dead if key.get("account_id") and "alert_type" not in key]) == ACCOUNTS
    assert len([key for key in dead if "account_id" not in key and key["preference_no"] == 1]) == ACCOUNTS
    second = [json.loads(key) for key, lives in alive.items() if lives and json.loads(key).get("preference_no") == 2]
    assert len(second) == ACCOUNTS // 2
    assert chain.stack.cli("connectors", "status").returncode == 0


def test_every_table_that_is_partitioned_was_captured_here() -> None:
    captured = Path(__file__).read_text(encoding="utf-8")
    for table in PARTITIONED_BY:
        assert table in captured, f"{table} goes to a partition of its account or customer: hold it to that here"


def test_a_new_snapshot_brings_all_state_again(chain: Chain) -> None:
    """As docs/operations.md tells it, while no events are inserted."""
    name, url = connector_name(chain.topics), chain.settings.connect_url
    before = end_of(chain, chain.topics.state)
    requests.put(f"{url}/connectors/{name}/stop", timeout=30).raise_for_status()
    wait_until(lambda: ConnectApi(url).status(name).connector == "STOPPED", 30, "the connector is stopped")
    wait_until(lambda: requests.delete(f"{url}/connectors/{name}/offsets", timeout=30).ok, 30, "its offsets are deleted")
    chain.stack.cli("connectors", "ensure")
    chain.wait_until_captured()
    rows = read(chain, chain.topics.state, end_of(chain, chain.topics.state))
    again = [row.key for row in rows if row.offset >= before[row.partition]]
    assert len([key for key in again if key.keys() in ({"account_id"}, {"customer_id"})]) >= 2 * ACCOUNTS
    assert len([key for key in again if key.keys() == {"account_id", "customer_id"}]) >= ACCOUNTS * (ACCOUNTS - 1)
