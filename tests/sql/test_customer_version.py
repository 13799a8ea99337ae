"""A customer's own preferences have versions as an account's have: each change makes one, each means one state (design 4.5)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[tuple[Any, ...]]
SET_UP = """
    insert into bank.customer (customer_id, full_name) values (1, 'Anna'), (2, 'Bert'), (3, 'Carla');
    select bank.put_alert_type('ONE', 'CUSTOMER_ACTIVITY', 'true', 'c', 't');
    select bank.put_alert_type('TWO', 'CUSTOMER_ACTIVITY', 'true', 'c', 't');
"""
STATE = """
    select customer_id, alert_type, preference_no, parameters, channels, enabled from bank.customer_preference
     order by customer_id, alert_type, preference_no
"""
STATE_AT = """
    select h.customer_id, alert_type, preference_no, parameters, channels, enabled
      from audit.customer_preference_history h
      join unnest(%s::bigint[], %s::bigint[]) v (customer_id, version) using (customer_id)
     where from_version <= version and (until_version is null or version < until_version)
     order by customer_id, alert_type, preference_no
"""
UPSERT = (
    "insert into bank.customer_preference (customer_id, alert_type, preference_no, channels, enabled)"
    " values ({customer}, '{kind}', {no}, '{{PUSH}}', {enabled})"
    " on conflict (customer_id, alert_type, preference_no) do update"
    "    set enabled = excluded.enabled, channels = excluded.channels"
)
STATEMENTS = (
    UPSERT,
    "update bank.customer_preference set enabled = not enabled where customer_id = {customer}",
    "update bank.customer_preference set channels = '{{SMS}}' where alert_type = '{kind}'",
    "update bank.customer_preference set preference_no = preference_no + 3 where customer_id = {customer}",
    "delete from bank.customer_preference where customer_id = {customer}",
    "delete from bank.customer_preference where alert_type = '{kind}'",
)


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(SET_UP)
    connection.commit()
    return connection


def versions(connection: Connection) -> dict[int, int]:
    return dict(connection.execute("select customer_id, state_version from bank.customer").fetchall())


def state_at(connection: Connection, at: dict[int, int]) -> list[tuple[Any, ...]]:
    return connection.execute(STATE_AT, [list(at), list(at.values())]).fetchall()


@pytest.mark.parametrize("seed", range(5))
def test_history_has_the_state_of_every_version(bank: Connection, seed: int) -> None:
    random = Random(seed)
    copies: list[tuple[dict[int, int], list[tuple[Any, ...]]]] = []
    for _ in range(40):
        before = versions(bank)
        text = random.choice(STATEMENTS).format(
            customer=random.randint(1, 3),
            kind=random.choice(("ONE", "TWO")),
            no=random.randint(1, 3),
            enabled=random.random() < 0.7,
        )
        try:
            with bank.transaction():
                changed = bank.execute(text.encode()).rowcount
        except psycopg.errors.UniqueViolation:
            continue
        now = versions(bank)
        assert all(now[customer] - before[customer] in (0, 1) for customer in now), text
        assert (now != before) == (changed > 0), text
        copies.append((now, bank.execute(STATE).fetchall()))
    assert any(state for _, state in copies)
    for at, state in copies:
        assert state_at(bank, at) == state, f"seed {seed}"


def test_a_customer_that_is_inserted_again_goes_on(bank: Connection) -> None:
    bank.execute(UPSERT.format(customer=1, kind="ONE", no=1, enabled=True).encode())
    with pytest.raises(psycopg.Error, match="the customer has preferences"), bank.transaction():
        bank.execute("delete from bank.customer where customer_id = 1")
    bank.execute("delete from bank.customer_preference where customer_id = 1")
    bank.execute("delete from bank.customer where customer_id = 1")
    bank.execute("insert into bank.customer (customer_id, full_name, state_version) values (1, 'Anna', 99)")
    assert versions(bank)[1] == 2


def test_a_changed_name_is_no_new_version(bank: Connection) -> None:
    bank.execute("update bank.customer set full_name = 'Bob', time_zone = 'Europe/Amsterdam'")
    assert set(versions(bank).values()) == {0}


def test_two_that_upsert_one_preference_take_turns(bank: Connection, database: str) -> None:
    """The row is locked before the customer, whoever comes first: no deadlock, and each change has its version."""
    upsert = UPSERT.format(customer=1, kind="ONE", no=1, enabled=True).encode()
    bank.execute(upsert)  # of a row that is not there nothing can be locked: see the SQL contract on 40P01
    bank.commit()
    start = threading.Barrier(2)

    def write(_: int) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            start.wait(10)
            for _ in range(50):
                connection.execute(upsert)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert versions(bank)[1] == 101
