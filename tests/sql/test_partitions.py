"""Monthly partitions are made ahead; rows that came before their partition are no obstacle to anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from bankalerts.stack import schema
from tests.waiting import wait_until

TABLES = 10  # events of five kinds, those seen, alerts, messages, attempts, receipts
ACCOUNT = "insert into bank.account (account_id, currency) values ('a', 'EUR')"
ENTRY = (
    "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
    " values ('e', {day}, 'a', 1, 'EUR')"
)


def test_a_month_whose_rows_are_in_the_default_partition_is_left_out_and_named(connection: psycopg.Connection[Any]) -> None:
    warned: list[str] = []
    connection.add_notice_handler(lambda said: warned.append(f"{said.severity}: {said.message_primary}; {said.message_hint}"))
    connection.execute(ACCOUNT)
    connection.execute(ENTRY.format(day="'2031-02-10'").encode())
    made = connection.execute("select alerting.add_partitions('2031-01-15', '2031-03-15')").fetchone()
    assert made == (3 * TABLES - 1,)
    (warning,) = warned
    assert warning.startswith("WARNING: bank.account_entry has no partition for 2031-02: rows of that month are in")
    assert "leave them" in warning
    names = connection.execute("select to_regclass('bank.account_entry_2031_02'), to_regclass('alerting.outbox_2031_02')")
    assert names.fetchone() == (None, "alerting.outbox_2031_02")
    assert connection.execute("select booking_date::text from bank.account_entry").fetchall() == [("2031-02-10",)]


def test_preparing_goes_on_and_reports_the_month(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(ACCOUNT)
        day = connection.execute("select current_date + 60").fetchone()
        assert day is not None
        connection.execute(f"drop table bank.account_entry_{day[0]:%Y_%m}".encode())  # as if nobody had come by for months
        connection.execute(ENTRY.format(day="current_date + 60").encode())
    told: list[str] = []
    schema.prepare(database, told.append)
    (line,) = told
    assert "bank.account_entry has no partition for" in line


def test_two_at_once_make_each_partition_once(database: str) -> None:
    make = "select alerting.add_partitions('2032-01-01', '2032-02-01')"
    waiting = (
        "select from pg_locks where locktype = 'advisory' and not granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    with psycopg.connect(database) as first, psycopg.connect(database, autocommit=True) as second:
        assert first.execute(make).fetchone() == (2 * TABLES,)
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(lambda: second.execute(make).fetchone())
            with psycopg.connect(database, autocommit=True) as looking:
                wait_until(lambda: looking.execute(waiting.encode()).fetchone() is not None, 10, "the second waits")
            first.commit()
            assert result.result(timeout=10) == (0,)
