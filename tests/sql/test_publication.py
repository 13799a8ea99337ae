"""What is published is what is captured, and what is not is found."""

from __future__ import annotations

import json
from random import Random
from string import ascii_lowercase
from typing import Any

import psycopg
import pytest

from connectors.capture import CAPTURED, SNAPSHOT
from connectors.health import publication_findings, slot_findings

Connection = psycopg.Connection[tuple[Any, ...]]
ALTER = "alter publication bankalerts"


def test_the_migration_publishes_what_is_captured(connection: Connection) -> None:
    assert publication_findings(connection) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("drop publication bankalerts", "missing or empty: run 'alembic upgrade head'"),
        (f"{ALTER} drop table bank.alert_preference", "bank.alert_preference is not in publication"),
        (f"{ALTER} add table bank.currency", "bank.currency is published but not captured"),
        (
            f"{ALTER} drop table bank.account; {ALTER} add table bank.account (account_id, state_version, iban)",
            "bank.account is published with other columns than captured (iban)",
        ),
    ],
)
def test_a_publication_that_was_altered_is_found(connection: Connection, change: str, finding: str) -> None:
    connection.execute(change.encode())
    (found,) = publication_findings(connection)
    assert finding in found


def test_no_personal_data_is_captured() -> None:
    captured = {column for columns in CAPTURED.values() for column in columns}
    personal = {"full_name", "iban", "address", "counterparty_name", "product", "locale"}
    assert not captured & personal


def test_the_longest_rows_of_state_tables_are_whole(connection: Connection) -> None:
    """A value that TOAST keeps apart comes through capture as a placeholder when it did not change."""
    random = Random(1)

    def noise(length: int) -> str:
        return "".join(random.choices("".join(map(chr, range(0x4E00, 0x9FFF))), k=length))  # three bytes each

    names = ("".join(random.choices(ascii_lowercase, k=36)) for _ in range(15))
    parameters = json.dumps({name: {"type": "text"} for name in names})
    assert 800 < len(parameters) <= 1000
    condition = f"event.entry_type = '{noise(975)}'"
    connection.execute(
        "insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)"
        " values ('LONGEST', 'ACCOUNT_ENTRY', %s, %s, %s, %s)",
        [condition, parameters, noise(40), noise(100)],
    )
    connection.execute(
        "insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)"
        " values ('ONE_TEXT', 'ACCOUNT_ENTRY', 'true', '{\"t\": {\"type\": \"text\"}}', 'c', 't');"
        "insert into bank.customer (customer_id, full_name) values (1, 'Anna');"
        "insert into bank.account (account_id, currency) values (repeat('a', 64), 'EUR')"
    )
    connection.execute(
        "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
        " values (repeat('a', 64), 1, 'ONE_TEXT', 'EUR', jsonb_build_object('t', %s::text), '{SMS,PUSH,EMAIL}')",
        [noise(325)],
    )
    kept_apart = connection.execute(
        "select oid::regclass::text from pg_class where oid = any (%s::regclass[]) and pg_relation_size(reltoastrelid) > 0",
        [list(SNAPSHOT)],
    ).fetchall()
    assert kept_apart == []


def test_a_slot_that_is_not_there_is_found(connection: Connection) -> None:
    (found,) = slot_findings(connection)
    assert "does not exist: 'bankalerts connectors ensure' makes it" in found
