"""PostgreSQL 15: the migrations go up, down and up, and what the database itself does is what it does on the newest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bankalerts import maintain
from sql import catalogue
from tests import postgres15
from tests.schema_dump import migrate

pytestmark = pytest.mark.skipif(not postgres15.IS_INSTALLED, reason=f"PostgreSQL 15 is not installed in {postgres15.PROGRAMS}")

ACCOUNT = (
    "insert into bank.customer (customer_id, full_name) values (1, 'Anna');"
    "insert into bank.account (account_id, currency) values ('a', 'EUR');"
    "insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER');"
)
PREFERENCE = (
    "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
    " values ('a', 1, 'BALANCE_BELOW', '{currency}', '{{\"threshold_minor\": 100}}', '{{PUSH}}')"
)
ENTRY = (
    "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor)"
    " values ('{id}', current_date, 'a', -5, 'EUR', 50)"
)


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """The URL of a database that went up, down and up."""
    with postgres15.server() as server:
        url = postgres15.create_database(server, "bank")
        for target in ("head", "base", "head"):
            migrate(url, target)
        with psycopg.connect(url, autocommit=True) as connection:
            catalogue.apply(connection)
            connection.execute(ACCOUNT.encode())
            connection.execute(PREFERENCE.format(currency="EUR").encode())
        yield url


@pytest.fixture
def connection(head: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(head) as opened:
        yield opened
        opened.rollback()


def test_it_is_15(connection: psycopg.Connection[Any]) -> None:
    assert connection.info.server_version // 10_000 == 15


def test_an_event_gets_the_stamp_of_its_account(connection: psycopg.Connection[Any]) -> None:
    connection.execute(ENTRY.format(id="e").encode())
    stamped = connection.execute(
        "select e.state_version = a.state_version, e.state_version > 0, e.catalogue_version > 0"
        "  from bank.account_entry e join bank.account a using (account_id)"
    ).fetchone()
    assert stamped == (True, True, True)


def test_a_change_of_preference_is_a_version_and_history(connection: psycopg.Connection[Any]) -> None:
    before = connection.execute("select state_version from bank.account").fetchone()
    connection.execute("update bank.alert_preference set enabled = false")
    after = connection.execute("select state_version from bank.account").fetchone()
    assert (before is not None, after is not None) == (True, True)
    assert before < after  # type: ignore[operator]
    assert connection.execute("select count(*) from audit.alert_preference_history").fetchone() == (2,)


@pytest.mark.parametrize(
    "refused",
    [
        PREFERENCE.format(currency="USD"),
        "update bank.account set currency = 'USD'",
        "insert into bank.account (account_id, currency) values ('b', 'XXZ')",
        "update bank.alert_preference set parameters = '{\"threshold\": 1}'",
    ],
)
def test_what_is_refused_on_the_newest_is_refused_here(connection: psycopg.Connection[Any], refused: str) -> None:
    with pytest.raises(psycopg.Error):
        connection.execute(refused.encode())


def test_an_alert_makes_its_messages_and_is_never_changed(connection: psycopg.Connection[Any]) -> None:
    connection.execute(ENTRY.format(id="e").encode())
    connection.execute(
        "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
        " preference_no, event_time, inserted_at, decided_at, evidence, channels) values (gen_random_uuid(), 'ENTRY', 'e',"
        " current_date, 'a', 1, 'BALANCE_BELOW', 1, now(), now(), now(), '{}', '{PUSH}')"
    )
    assert connection.execute("select channel, state from alerting.outbox").fetchall() == [("PUSH", "PENDING")]
    with pytest.raises(psycopg.Error, match="never changed"):
        connection.execute("update alerting.alert set channels = '{}'")


def test_partitions_come_and_go(head: str) -> None:
    with psycopg.connect(head) as opened:
        opened.execute("select alerting.add_partitions('2024-01-01', '2024-01-31')")
        opened.execute("update audit.retention_policy set keeps = '1 year', action = 'DROP' where data_class = 'ALERT'")
    done = maintain.maintain(head)
    assert (done.is_whole, [step.relation for step in done.steps if step.result == "DROPPED"]) == (
        True,
        ["alerting.alert_2024_01"],
    )
    assert len([step for step in done.steps if step.result == "MADE"]) == 40
    assert maintain.maintain(head).steps == ()
