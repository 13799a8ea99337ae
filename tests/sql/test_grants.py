"""Each part can run its statements as its own role, nobody more than what is said; nobody changes an alert."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.test_statements import COPY, PREPARED, blocks, positional

STATEMENTS_OF = {
    "engine": ("engine", "timers"),
    "notifier": ("notifier", "controls", "recipients", "receipts", "inbox"),
    "capture": ("connectors",),
}
# asked by commands, on the operator's or the DBA's connection
NOT_THE_PARTS = {"list_parked"}


def statements(role: str) -> list[tuple[str, str]]:
    return [(file, name) for file in STATEMENTS_OF[role] for name in blocks(file) if name not in NOT_THE_PARTS]


@pytest.mark.parametrize("role", STATEMENTS_OF)
def test_a_part_may_do_what_it_does(connection: psycopg.Connection[Any], role: str) -> None:
    """EXPLAIN of a statement checks what it reads and writes, without doing it."""
    connection.execute(f"set role bankalerts_{role}".encode())
    if role == "engine":
        connection.execute(blocks("engine")["make_staging"].encode())
    refused = []
    for file, name in statements(role):
        for statement in positional(blocks(file)[name]).split(";"):
            try:
                with connection.transaction():
                    attempt(connection, statement.strip())
            except psycopg.errors.InsufficientPrivilege as error:
                refused.append(f"{file}.{name}: {error.diag.message_primary}")
    assert refused == []


def attempt(connection: psycopg.Connection[Any], statement: str) -> None:
    if copied := COPY.fullmatch(statement):
        with connection.cursor().copy(statement.encode()):
            pass  # nothing is copied: the right was looked at
        return
    if not PREPARED.match(statement):
        return
    connection.prepare_threshold = None
    connection.execute("deallocate all")
    connection.execute(f"prepare block as {statement}".encode())
    (count,) = connection.execute("select cardinality(parameter_types) from pg_prepared_statements").fetchone() or (0,)
    arguments = f"({', '.join(['null'] * count)})" if count else ""
    connection.execute(f"explain execute block{arguments}".encode())
