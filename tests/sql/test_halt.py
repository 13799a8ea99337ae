"""What holds up the engines: each change of capture is found, alone, and ends when it was mended and an operator says so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts.cli import app
from bankalerts.errors import BankalertsError
from bankalerts.settings import variable
from connectors.capture import CAPTURED
from engine.halt import look
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
SLOT = "test_halt"
FINDINGS = "select cause, detail from alerting.capture_findings()"
# what is done by hand, and what mends it
CHANGES = {
    "slot dropped": (
        f"select pg_drop_replication_slot('{SLOT}')",
        f"select pg_create_logical_replication_slot('{SLOT}', 'pgoutput')",
        "SLOT",
        "does not exist",
    ),
    "publication dropped": ("drop publication bankalerts", None, "PUBLICATION", "publication bankalerts does not exist"),
    "table not published": (
        "alter publication bankalerts drop table bank.alert_preference",
        None,
        "PUBLICATION",
        "bank.alert_preference is not published",
    ),
    "rows left out": (
        (
            "alter publication bankalerts drop table bank.catalogue;"
            "alter publication bankalerts add table bank.catalogue (only_row, catalogue_version) where (catalogue_version > 5)"
        ),
        None,
        "PUBLICATION",
        "bank.catalogue is published with other columns, or not all of its rows",
    ),
    "too much published": (
        "alter publication bankalerts add table bank.currency",
        None,
        "PUBLICATION",
        "bank.currency is published",
    ),
    "deletes not published": (
        "alter publication bankalerts set (publish = 'insert, update')",
        "alter publication bankalerts set (publish = 'insert, update, delete, truncate')",
        "PUBLICATION",
        "does not publish every",
    ),
    "column renamed": (
        "alter table bank.account_permission rename column may_see_balance to sees_balance",
        "alter table bank.account_permission rename column sees_balance to may_see_balance",
        "TABLE",
        "captured columns of bank.account_permission",
    ),
    "replica identity": (
        "alter table bank.account replica identity full",
        "alter table bank.account replica identity default",
        "TABLE",
        "bank.account has another replica identity",
    ),
    "trigger off": (
        "alter table bank.account_entry disable trigger stamp",
        "alter table bank.account_entry enable trigger stamp",
        "TABLE",
        "trigger stamp of bank.account_entry is disabled",
    ),
    "restored": (
        "update alerting.capture_identity set timeline = '0000000A'",
        "select alerting.accept_restore('restored on purpose')",
        "RESTORE",
        "timeline 00000001",
    ),
    "another database": (
        "update alerting.capture_identity set system_identifier = '1'",
        "select alerting.accept_restore('failed over')",
        "RESTORE",
        "the database is another one",
    ),
}


@pytest.fixture
def capture(database: str) -> Iterator[Connection]:
    """A database that capture was set up for: with a slot, and its identity recorded."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [SLOT])
        try:
            assert queries("halt", "psycopg").record_identity(connection, slot=SLOT)
            yield connection
        finally:
            connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", [SLOT]
            )


def test_what_is_captured_is_what_the_database_remembers(connection: Connection) -> None:
    rows = connection.execute("select table_name, columns from alerting.captured_table").fetchall()
    assert {table: sorted(columns) for table, columns in rows} == {
        table: sorted(columns) for table, columns in CAPTURED.items()
    }


def test_capture_as_it_was_set_up_is_no_finding(capture: Connection) -> None:
    assert look(capture) is None
    assert not queries("halt", "psycopg").record_identity(capture, slot="another")
    assert capture.execute("select slot from alerting.capture_identity").fetchone() == (SLOT,)


def test_a_database_without_capture_is_not_checked(connection: Connection) -> None:
    connection.execute("drop publication bankalerts")
    assert connection.execute(FINDINGS.encode()).fetchall() == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_hand_is_found_alone_and_holds_until_it_is_mended_and_accepted(capture: Connection, change: str) -> None:
    done, mended, cause, detail = CHANGES[change]
    capture.execute(done.encode())
    ((found_cause, found_detail),) = list(capture.execute(FINDINGS.encode()))
    assert (found_cause, detail in found_detail) == (cause, True), found_detail
    assert detail in (look(capture) or "")
    with pytest.raises(psycopg.DatabaseError, match="cannot end while its cause is there") as refused:
        capture.execute("select alerting.end_halt(%s, 'no')", [cause])
    assert refused.value.sqlstate == "BA002"
    if mended is None:
        return
    capture.execute(mended.encode())
    held = look(capture)
    assert (held is None) == (cause == "RESTORE"), "what was mended holds until somebody says that nothing is missing"
    if held:
        assert capture.execute("select alerting.end_halt(%s, 'yes')", [cause]).fetchone() == (True,)
    assert look(capture) is None
    ((ended_by, reason),) = capture.execute("select ended_by, reason from alerting.halt")
    assert ended_by
    assert reason


def test_the_engine_s_role_looks_and_halts_and_cannot_let_go(capture: Connection) -> None:
    capture.execute("alter publication bankalerts drop table bank.alert_preference; set role bankalerts_engine")
    try:
        assert "bank.alert_preference" in (look(capture) or "")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            capture.execute("select alerting.end_halt('PUBLICATION', 'no')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            capture.execute("update alerting.halt set ended_at = now()")
    finally:
        capture.execute("reset role")


def test_two_engines_open_one_halt(capture: Connection, database: str) -> None:
    capture.execute("alter publication bankalerts drop table bank.alert_preference")
    looked: list[str | None] = []

    def look_too() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            looked.append(look(connection))

    threads = [threading.Thread(target=look_too) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [bool(reason) for reason in looked] == [True] * 4
    assert capture.execute("select count(*) from alerting.halt").fetchone() == (1,)


def test_commands_of_operators(capture: Connection, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("database_url"), database)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        return done.exit_code, done.output

    assert run("halts") == (0, "nothing holds up the engines\n")
    assert run("halt", "--reason", "wrong entries")[0] == 0
    code, output = run("halts", "--json")
    assert code == 1
    assert [(row["cause"], row["detail"]) for row in json.loads(output)["halts"]] == [("OPERATOR", "wrong entries")]
    assert run("unhalt", "OPERATOR", "--reason", "put right")[0] == 0
    with pytest.raises(BankalertsError, match="nothing is halted for OPERATOR"):
        run("unhalt", "OPERATOR", "--reason", "again")
    capture.execute("update alerting.capture_identity set timeline = '0000000A'")
    assert "found now: RESTORE" in run("halts")[1]
    look(capture)
    with pytest.raises(BankalertsError, match="connectors accept-restore"):
        run("unhalt", "RESTORE", "--reason", "no")
    assert run("connectors", "accept-restore", "--reason", "to the state of noon")[0] == 0
    assert run("halts")[0] == 0
