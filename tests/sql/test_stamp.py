"""The stamp of an event of any kind: what its INSERT saw, found by index, and which transactions came before it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.refused_events import activity, card, order
from tests.sql.refused_rows import entry

Connection = psycopg.Connection[tuple[Any, ...]]
SET_UP = """
    insert into bank.customer (customer_id, full_name) values (1, 'Anna');
    insert into bank.account (account_id, currency, time_zone) values ('a', 'EUR', 'Europe/Amsterdam');
"""
WRITERS = {
    "account_entry": entry("account_id", "'a'"),
    "card_authorisation": card("account_id", "'a'"),
    "payment_order": order("account_id", "'a'"),
    "customer_activity": activity("customer_id", "1"),
}
STAMP = "event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below"


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(SET_UP)
    connection.commit()
    return connection


@pytest.mark.parametrize("table", WRITERS)
def test_the_stamp_is_the_databases_whatever_the_insert_says(bank: Connection, table: str) -> None:
    by_hand = WRITERS[table].replace(") values (", f", {STAMP}) values (").removesuffix(")")
    bank.execute(f"{by_hand}, 'epoch', 99, 99, 'epoch', 99, 99)".encode())
    found = bank.execute(
        f"select {STAMP}, now(), pg_current_xact_id()::text::bigint,"
        f" (select catalogue_version from bank.catalogue) from bank.{table}"
    ).fetchone()
    assert found is not None
    event_time, state_version, catalogue_version, inserted_at, transaction_id, seen_below, now, transaction, catalogue = found
    assert event_time.isoformat() == ("2025-12-31T23:00:00+00:00" if table == "account_entry" else "2026-01-01T12:00:00+00:00")
    assert (state_version, catalogue_version, transaction_id) == (0, catalogue, transaction)
    assert inserted_at >= now
    assert 0 < seen_below <= transaction_id


@pytest.mark.parametrize("table", WRITERS)
def test_what_had_not_ended_was_not_seen(bank: Connection, database: str, table: str) -> None:
    with psycopg.connect(database) as open_since_before:
        row = open_since_before.execute("select pg_current_xact_id()::text::bigint").fetchone()
        assert row is not None
        bank.execute(WRITERS[table].encode())
        found = bank.execute(f"select seen_below, transaction_id from bank.{table}").fetchone()
    assert found is not None
    assert found[0] <= row[0] < found[1]


@pytest.mark.parametrize("table", WRITERS)
def test_the_state_is_found_by_index(bank: Connection, table: str) -> None:
    """With two collations no index served, and each INSERT read all accounts."""
    state = "bank.customer" if table == "customer_activity" else "bank.account"
    bank.execute("set local enable_seqscan = off")
    bank.execute(WRITERS[table].encode())
    scans = bank.execute(
        "select seq_scan, idx_scan from pg_stat_xact_user_tables where relid = %s::regclass", [state]
    ).fetchone()
    assert scans is not None
    assert scans[0] == 0
    assert scans[1] >= 1


def test_account_ids_have_one_collation(connection: Connection) -> None:
    other = connection.execute(
        "select attrelid::regclass::text from pg_attribute join pg_class c on c.oid = attrelid"
        " where attname = 'account_id' and attnum > 0 and relkind in ('r', 'p')"
        "   and relnamespace in ('bank'::regnamespace, 'audit'::regnamespace)"
        "   and attcollation <> (select oid from pg_collation where collname = 'C')"
    ).fetchall()
    assert other == []
