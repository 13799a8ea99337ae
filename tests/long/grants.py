"""Who may do what, by real logins: every role tries every verb on every table, and to see another customer's rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bankalerts.stack import logins
from tests.grants_matrix import ROLES, Connection, granted, tried
from tests.long.frame import Options, Report, fresh_stack
from tests.running_stack import ALL_BUT_POSTGRES
from tests.sql.test_row_security import ANNA, BANK, BEN, GUARDED

# Each way in which the role of apps may ask for a table.
WAYS = (
    "select * from bank.{table}",
    "table bank.{table}",
    "with all_of as (select * from bank.{table}) select * from all_of",
    "select (t).* from bank.{table} t",
    "select * from bank.{table} where customer_id <> 42 or true",
    "prepare probe as select * from bank.{table}; execute probe",
    "declare probe cursor for select * from bank.{table}; fetch all from probe",
)


def run(_options: Options, report: Report) -> None:
    """One size: it takes a minute."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with fresh_stack(*without) as stack, psycopg.connect(stack.settings.database_url, autocommit=True) as owner:
        logins.give_logins(stack.settings.database_url, [f"bankalerts_{role}" for role in ROLES])
        found = tried(owner, lambda role: logged_in(stack.settings.database_url, role))
        wanted = granted(owner)
        report.figure("rights", len(wanted))
        differences = sorted(found ^ wanted)
        report.line(not differences, f"each role can do what is granted, and nothing else; differences: {differences[:5]}")
        owner.execute(BANK.encode())
        leaks, asked = probes(stack.settings.database_url)
        report.figure("probes of rows", asked)
        report.line(not leaks, f"an app sees rows of its customer alone; leaks: {leaks[:5]}")


@contextmanager
def logged_in(database_url: str, role: str) -> Iterator[Connection]:
    with psycopg.connect(logins.url_of(f"bankalerts_{role}", database_url), autocommit=True) as connection:
        yield connection


def probes(database_url: str) -> tuple[list[str], int]:
    """The ways by which a row of Ben's was seen while the app acted for Anna, of so many that were tried."""
    leaks, asked = [], 0
    with logged_in(database_url, "app") as connection:
        for table in GUARDED:
            for way in WAYS:
                if table == "account" and "customer_id" in way:
                    continue
                with connection.transaction(force_rollback=True):
                    connection.execute("select set_config('bankalerts.customer_id', %s, true)", [str(ANNA)])
                    rows = _rows(connection, way.format(table=table))
                    if any(BEN in row or "a-ben" in row for row in rows):
                        leaks.append(way.format(table=table))
                    connection.execute("deallocate all")
                asked += 1
    return leaks, asked


def _rows(connection: Connection, statements: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for statement in statements.split("; "):
        cursor = connection.execute(statement.encode(), prepare=False)
        rows = cursor.fetchall() if cursor.description else rows
    return rows
