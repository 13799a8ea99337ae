"""Each part can run its statements as its own role, nobody more than what is said; nobody changes an alert."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests import grants_matrix
from tests.sql.test_statements import COPY, PREPARED, blocks, positional

STATEMENTS_OF = {
    "engine": ("engine", "timers"),
    "notifier": ("notifier", "controls", "recipients", "receipts", "inbox"),
    "capture": ("connectors",),
}
# asked by commands, on the operator's or the DBA's connection
NOT_THE_PARTS = {"list_parked"}
BEAT = "beat"  # all that capture itself asks; the rest of the file belongs to commands


def statements(role: str) -> list[tuple[str, str]]:
    found = [(file, name) for file in STATEMENTS_OF[role] for name in blocks(file) if name not in NOT_THE_PARTS]
    return [(file, name) for file, name in found if role != "capture" or name == BEAT]


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
    if COPY.fullmatch(statement):
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


def test_every_role_can_do_what_is_granted_and_nothing_else(connection: psycopg.Connection[Any]) -> None:
    """Every verb on every table, really tried."""
    tried = grants_matrix.tried(connection, lambda role: grants_matrix.by_set_role(connection, role))
    assert tried == grants_matrix.granted(connection)
    assert not {verb for _, table, verb in tried if table == "alerting.alert"} & {"UPDATE", "DELETE", "TRUNCATE"}
    assert not {right for right in tried if right[2] == "TRUNCATE"}


def test_the_page_tells_what_is_granted(connection: psycopg.Connection[Any]) -> None:
    page = grants_matrix.PAGE.read_text(encoding="utf-8")
    assert page == grants_matrix.with_matrix(page, grants_matrix.page(connection)), "run `make grants`"


def test_no_role_is_above_the_rules(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles"
        " where rolname like 'bankalerts\\_%'"
    ).fetchall()
    assert len(rows) == 16
    for name, *attributes in rows:
        assert attributes == [False, False, False, False, name == "bankalerts_capture"], name


def test_everything_belongs_to_the_owner(connection: psycopg.Connection[Any]) -> None:
    assert connection.execute("select alerting.take_ownership()").fetchone() == (0,)


@pytest.mark.parametrize("statement", ["update alerting.alert set evidence = '{}'", "delete from alerting.alert"])
def test_a_superuser_does_not_change_an_alert_by_mistake(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute(
        "insert into alerting.alert (alert_id, event_kind, event_id, event_date, customer_id, alert_type, preference_no,"
        " channels, event_time, inserted_at, on_kafka_at, decided_at, evidence)"
        " values (gen_random_uuid(), 'ACCOUNT_ENTRY', 'e', '2026-11-23', 1, 'X', 1, '{}', now(), now(), now(), now(), '{}')"
    )
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.encode())
    assert refused.value.sqlstate == "BA002"
