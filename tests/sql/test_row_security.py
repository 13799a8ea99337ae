"""Customers must not see each other: what a banking app reads and writes is its customer's, whichever way it asks."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.unguarded import unguarded

Connection = psycopg.Connection[Any]

ANNA, BEN = 42, 43
BANK = """
insert into bank.customer (customer_id, full_name) values (42, 'Anna'), (43, 'Ben');
insert into bank.account (account_id, currency)
  values ('a-anna', 'EUR'), ('a-ben', 'EUR'), ('a-both', 'EUR'), ('a-gone', 'EUR');
insert into bank.account_permission (account_id, customer_id, role, valid_from, valid_until) values
  ('a-anna', 42, 'OWNER', now(), null), ('a-ben', 43, 'OWNER', now(), null), ('a-both', 42, 'OWNER', now(), null),
  ('a-both', 43, 'AUTHORISED', now(), null), ('a-gone', 42, 'VIEWER', now() - interval '2 days', now() - interval '1 day');
insert into bank.contact_address (customer_id, channel, address, verified_at) values
  (42, 'SMS', '+31612345678', now()), (43, 'SMS', '+31687654321', now()), (43, 'EMAIL', 'ben@example.org', now()),
  (43, 'WEBHOOK', 'https://ben.example.org/hook', now());
insert into bank.push_device (push_id, customer_id, platform, provider)
  values ('d-1', 42, 'ANDROID', 'fcm'), ('d-2', 43, 'IOS', 'apns');
insert into bank.customer_consent (customer_id, purpose, granted) values (42, 'MARKETING', true), (43, 'MARKETING', true);
insert into bank.webhook_secret (customer_id, address, secret)
  values (43, 'https://ben.example.org/hook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
insert into bank.inbox_message (message_id, customer_id, alert_type, subject, body, written_at)
  values (gen_random_uuid(), 42, 'X', 'for Anna', 'text', now()), (gen_random_uuid(), 43, 'X', 'for Ben', 'text', now());
"""
GUARDED = (
    *("customer", "account", "account_permission", "contact_address", "push_device", "customer_consent", "customer_preference"),
    *("alert_preference", "inbox_message"),
)


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(BANK)
    with unguarded(connection):
        connection.execute(
            "insert into bank.alert_preference"
            " (account_id, customer_id, alert_type, currency, parameters, channels, state_version)"
            " select account_id, customer_id, 'DEBITED_ABOVE', 'EUR', '{\"threshold_minor\": 1}', '{SMS}', 1"
            "   from bank.account_permission"
        )
    return connection


def acting(connection: Connection, role: str, customer: int | str | None = None) -> None:
    connection.execute("reset role")
    connection.execute("select set_config('bankalerts.customer_id', %s, true)", ["" if customer is None else str(customer)])
    connection.execute(f"set role bankalerts_{role}".encode())


def rows(connection: Connection, statement: str) -> list[Any]:
    return connection.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("table", GUARDED)
def test_an_app_sees_its_customer_alone(bank: Connection, table: str) -> None:
    acting(bank, "app", ANNA)
    seen = rows(bank, f"select * from bank.{table}")
    told = str(seen)
    assert "Ben" not in told
    assert "a-ben" not in told
    assert "ben@" not in told
    if table != "account":
        owners = rows(bank, f"select distinct customer_id from bank.{table}")
        assert owners in ([(ANNA,)], [])
    with bank.cursor().copy(f"copy (select * from bank.{table}) to stdout".encode()) as copied:
        assert b"Ben" not in b"".join(bytes(part) for part in copied)


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("customer", [None, "43 or true", "", "-1"])
def test_an_app_that_acts_for_nobody_sees_nothing(bank: Connection, table: str, customer: str | None) -> None:
    acting(bank, "app", customer)
    assert rows(bank, f"select * from bank.{table}") == []


def test_accounts_are_seen_by_permissions_that_are_valid(bank: Connection) -> None:
    acting(bank, "app", ANNA)
    assert rows(bank, "select account_id from bank.account order by 1") == [("a-anna",), ("a-both",)]
    acting(bank, "app", BEN)
    assert rows(bank, "select account_id from bank.account order by 1") == [("a-ben",), ("a-both",)]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into bank.contact_address (customer_id, channel, address) values (43, 'SMS', '+31600000000')",
        "insert into bank.customer_consent (customer_id, purpose, granted) values (43, 'SERVICE', false)",
        "update bank.push_device set customer_id = 43 where push_id = 'd-1'",
        "insert into bank.push_device (push_id, customer_id, platform, provider) values ('d-3', 43, 'IOS', 'apns')",
        (
            "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
            " values ('a-ben', 42, 'DEBITED_ABOVE', 'EUR', '{\"threshold_minor\": 1}', '{SMS}')"
        ),
    ],
)
def test_an_app_writes_for_nobody_else(bank: Connection, statement: str) -> None:
    acting(bank, "app", ANNA)
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
        bank.execute(statement.encode())


def test_an_app_changes_and_deletes_nothing_of_others(bank: Connection) -> None:
    acting(bank, "app", ANNA)
    assert bank.execute("update bank.contact_address set verified_at = null where customer_id = 43").rowcount == 0
    assert bank.execute("delete from bank.alert_preference where customer_id = 43").rowcount == 0
    assert bank.execute("delete from bank.contact_address").rowcount == 1
    bank.execute("reset role")
    assert rows(bank, "select count(*) from bank.contact_address") == [(3,)]


@pytest.mark.parametrize("role", ["capture", "engine", "core", "auditor"])
def test_who_must_see_all_sees_all(bank: Connection, role: str) -> None:
    """Of what the role may read at all: the snapshot of capture is as long as the table."""
    for table, key in (("customer", "customer_id"), ("account", "account_id"), ("account_permission", "customer_id")):
        bank.execute("reset role")
        if not rows(bank, f"select has_column_privilege('bankalerts_{role}', 'bank.{table}', '{key}', 'select')")[0][0]:
            continue
        everything = rows(bank, f"select count({key}) from bank.{table}")
        acting(bank, role, ANNA)
        assert rows(bank, f"select count({key}) from bank.{table}") == everything


@pytest.mark.parametrize(
    ("role", "channels"), [("notifier", 3), ("notifier_email", 1), ("notifier_sms", 1), ("notifier_push", 0)]
)
def test_a_channel_s_notifier_sees_its_channel_s_addresses(bank: Connection, role: str, channels: int) -> None:
    acting(bank, role)
    assert rows(bank, "select count(distinct channel) from bank.contact_address") == [(channels,)]
    assert rows(bank, "select count(*) from bank.webhook_secret") == [(1 if role == "notifier" else 0,)]


def test_functions_that_an_app_may_call_tell_of_nobody_else(bank: Connection) -> None:
    """None of its functions has the owner's rights but those of triggers, which answer nothing."""
    answering = rows(
        bank,
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('bank', 'alerting', 'audit', 'vault') and p.prosecdef and p.prorettype <> 'trigger'::regtype"
        "   and has_function_privilege('bankalerts_app', p.oid, 'execute')"
        "   and has_schema_privilege('bankalerts_app', n.oid, 'usage')",
    )
    assert answering == []


@pytest.mark.parametrize(
    "table", ["alerting.alert", "alerting.outbox", "audit.event", "audit.outbox_history", "vault.customer_key"]
)
def test_an_app_reads_nothing_of_engine_and_audit(bank: Connection, table: str) -> None:
    acting(bank, "app", ANNA)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bank.execute(f"select * from {table}".encode())


def test_partitions_are_no_way_around(bank: Connection) -> None:
    (partitions,) = rows(
        bank,
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a"
        " where c.relispartition and n.nspname in ('bank', 'alerting') and a.grantee <> c.relowner",
    )[0]
    assert partitions == 0
