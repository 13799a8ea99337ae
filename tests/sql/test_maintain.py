"""`bankalerts maintain`: partitions are made ahead and let go by policy, beside writers and beside itself."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts import maintain
from bankalerts.cli import app
from bankalerts.maintain import partitions
from bankalerts.settings import variable
from tests.unguarded import unguarded

TABLES = 10
LONG_AGO = "alerting.alert_2024_01"
ALERT = (
    "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
    " preference_no, event_time, inserted_at, decided_at, evidence, channels)"
    " values (gen_random_uuid(), 'ENTRY', {id}, {day}, 'a', 1, 'BALANCE_BELOW', 1, now(), now(), now(), '{{}}', '{channels}')"
)


def today() -> date:
    return datetime.now(UTC).date()


def results(done: maintain.Done) -> dict[str, str]:
    return {step.relation: step.result for step in done.steps}


def keep(connection: psycopg.Connection[Any], data_class: str, keeps: str, action: str) -> None:
    connection.execute(
        "update audit.retention_policy set keeps = %s, action = %s where data_class = %s", (keeps, action, data_class)
    )


@pytest.fixture
def bare(database: str) -> str:
    """A database without any partition but the default ones."""
    with psycopg.connect(database) as connection:
        for (name,) in connection.execute(
            "select inhrelid::regclass::text from pg_inherits join pg_class c on c.oid = inhrelid"
            " where c.relkind = 'r' and c.relname ~ '_\\d{4}_\\d{2}$'"
        ).fetchall():
            connection.execute(f"drop table {name}".encode())
    return database


@pytest.fixture
def old(database: str) -> str:
    """A database with partitions of January 2024, where alerts are kept for a year."""
    with psycopg.connect(database) as connection:
        connection.execute("select alerting.add_partitions('2024-01-01', '2024-01-31')")
        keep(connection, "ALERT", "1 year", "DROP")
    return database


def test_the_policies_name_every_partitioned_table(connection: psycopg.Connection[Any]) -> None:
    named = connection.execute(
        "select r from audit.retention_policy, unnest(relations) as r where ahead is not null order by r"
    ).fetchall()
    there = connection.execute(
        "select partrelid::regclass::text from pg_partitioned_table order by partrelid::regclass::text"
    ).fetchall()
    assert (named, len(named)) == (there, TABLES)


def test_the_months_ahead_are_made_once_and_noted(bare: str) -> None:
    would = maintain.maintain(bare, dry_run=True)
    made = maintain.maintain(bare)
    assert {step.result for step in would.steps if "_20" in step.relation} == {"WOULD_MAKE"}
    assert list(results(made).values()) == ["MADE"] * 4 * TABLES  # this month and the three to come
    assert maintain.maintain(bare).steps == ()
    with psycopg.connect(bare) as connection:
        noted = connection.execute("select count(*), count(distinct relation) from audit.maintenance where what = 'MADE'")
        assert noted.fetchone() == (4 * TABLES, 4 * TABLES)
        like = connection.execute(
            "select c.relname, c.reloptions, c.relowner::regrole::text from pg_class c where relname = %s",
            (f"outbox_{today():%Y_%m}",),
        ).fetchone()
    assert like == (f"outbox_{today():%Y_%m}", ["fillfactor=80"], "bankalerts_owner")


def test_a_month_with_rows_in_the_default_partition_is_left_out(bare: str) -> None:
    with psycopg.connect(bare) as connection:
        connection.execute(ALERT.format(id="'e'", day="current_date", channels="{}").encode())
    done = maintain.maintain(bare)
    name = f"alerting.alert_{today():%Y_%m}"
    (left,) = [step for step in done.steps if step.result == "IN_DEFAULT"]
    assert (left.relation, done.is_whole) == (name, True)
    assert len(results(done)) == 4 * TABLES


def test_what_is_due_by_its_policy_goes_and_nothing_else(old: str) -> None:
    with psycopg.connect(old) as connection:
        keep(connection, "RECEIPT", "1 year", "DETACH")
    assert results(maintain.maintain(old, dry_run=True))[LONG_AGO] == "WOULD_DROP"
    done = results(maintain.maintain(old))
    went = {name: result for name, result in done.items() if result != "MADE"}
    assert went == {LONG_AGO: "DROPPED", "alerting.receipt_2024_01": "DETACHED"}
    with psycopg.connect(old) as connection:
        there = connection.execute(
            "select to_regclass(%s), to_regclass('alerting.receipt_2024_01')::text,"
            " to_regclass('alerting.outbox_2024_01')::text",
            (LONG_AGO,),
        ).fetchone()
        noted = connection.execute("select what, data_class, relation from audit.maintenance where what <> 'MADE' order by 1")
        assert noted.fetchall() == [
            ("DETACHED", "RECEIPT", "alerting.receipt_2024_01"),
            ("DROPPED", "ALERT", LONG_AGO),
        ]
        kept = connection.execute(
            "select count(*) from pg_inherits where inhrelid = to_regclass('alerting.receipt_2024_01')"
        ).fetchone()
    assert (there, kept) == ((None, "alerting.receipt_2024_01", "alerting.outbox_2024_01"), (0,))


def test_what_was_seen_goes_after_the_events_of_its_month(old: str) -> None:
    with psycopg.connect(old) as connection:
        keep(connection, "EVENT", "1 year", "DROP")
        keep(connection, "SEEN_EVENT", "1 year", "DROP")
        due = connection.execute("select distinct data_class from alerting.due_partitions() order by 1").fetchall()
    assert due == [("ALERT",), ("EVENT",)]
    went = [step.relation for step in maintain.maintain(old).steps if step.result == "DROPPED"]
    assert (len(went), went[-1]) == (7, "alerting.seen_event_2024_01")


def test_a_partition_with_messages_to_be_sent_stays(old: str) -> None:
    with psycopg.connect(old) as connection:
        connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'Anna')")
        connection.execute(ALERT.format(id="'e'", day="'2024-01-10'", channels="{PUSH}").encode())
        assert connection.execute("select count(*) from alerting.outbox_due").fetchone() == (1,)
    done = maintain.maintain(old)
    (refused,) = [step for step in done.steps if step.result == "REFUSED"]
    assert (refused.relation, done.is_whole) == (LONG_AGO, False)
    assert refused.note.startswith(f"{LONG_AGO} has messages that are still to be sent; See bankalerts outbox")


def test_a_partition_that_is_not_sealed_stays_where_seals_are_in_use(old: str) -> None:
    with psycopg.connect(old) as connection:
        connection.execute(ALERT.format(id="'e'", day="'2024-01-10'", channels="{}").encode())
        connection.execute(
            "alter table alerting.seal_entry disable trigger all"
        )  # of what the seal is made does not matter here
        with unguarded(connection):
            connection.execute(
                "insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, leaf)"
                " values (1, 1, 'ALERT', gen_random_uuid(), '2024-02-01', '')"
            )
    (refused,) = [step for step in maintain.maintain(old).steps if step.result == "REFUSED"]
    assert (refused.relation, "not sealed yet" in refused.note) == (LONG_AGO, True)
    with psycopg.connect(old) as connection, unguarded(connection):
        connection.execute(
            "insert into alerting.seal_entry (seal_no, entry_no, kind, id, event_date, leaf)"
            " select 1, 2, 'ALERT', alert_id, event_date, '' from alerting.alert"
        )
    assert results(maintain.maintain(old)) == {LONG_AGO: "DROPPED"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("select alerting.detach_partition('alerting.outbox', 'alerting.outbox_2024_01', true)", "no policy lets"),
        ("select alerting.detach_partition('alerting.alert', 'alerting.alert_2024_01', false)", "no policy lets"),
        ("select alerting.detach_partition('alerting.alert', 'alerting.alert_default', true)", "no policy lets"),
        ("select alerting.delete_old('ALERT')", "no policy lets rows of ALERT"),
        ("update audit.retention_policy set keeps = '1 day' where data_class = 'ALERT'", "kept_longer_than_topics"),
        (
            "update audit.retention_policy set keeps = '1 year', action = 'DROP' where data_class = 'SEEN_EVENT'",
            "what was seen",
        ),
        ("delete from audit.retention_policy where data_class = 'EVENT'", "query returned no rows"),
        ("update audit.retention_policy set action = 'DELETE' where data_class = 'ALERT'", "partitions_go_whole"),
        ("update audit.retention_policy set keeps = null where data_class = 'ALERT'", "what_goes_has_a_time"),
    ],
)
def test_what_no_policy_allows_is_refused(old: str, asked: str, said: str) -> None:
    with psycopg.connect(old) as connection, pytest.raises(psycopg.Error, match=said):
        connection.execute(asked.encode())


def test_two_at_once_do_each_thing_once(bare: str) -> None:
    with psycopg.connect(bare) as connection:
        connection.execute("select alerting.add_partitions('2024-01-01', '2024-03-31')")
        keep(connection, "ALERT", "1 year", "DROP")
    with ThreadPoolExecutor(2) as pool:
        both = [one.result() for one in [pool.submit(maintain.maintain, bare) for _ in range(2)]]
    assert all(done.is_whole for done in both), both
    with psycopg.connect(bare) as connection:
        noted = connection.execute("select count(*), count(distinct (what, relation)) from audit.maintenance").fetchone()
    assert noted == (4 * TABLES + 3, 4 * TABLES + 3)


def test_writers_do_not_wait_while_a_partition_goes(old: str) -> None:
    """One transaction after another writes alerts; each wait is short, and the partition goes in between them."""
    maintain.maintain(old)  # so that the drop alone is left
    with psycopg.connect(old) as connection:
        connection.execute("select alerting.add_partitions('2024-02-01', '2024-06-30')")
    ended, waits, wrote = threading.Event(), [], threading.Event()

    def write() -> None:
        with psycopg.connect(old) as connection:
            for number in range(1_000_000):
                for part in range(3):
                    began = time.monotonic()
                    connection.execute(ALERT.format(id=f"'e-{number}-{part}'", day="current_date", channels="{}").encode())
                    waits.append(time.monotonic() - began)
                connection.commit()
                wrote.set()
                if ended.is_set():
                    return

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            assert wrote.wait(30)
            done = maintain.maintain(old)
        finally:
            ended.set()
        writer.result(timeout=30)
    assert sorted(results(done).values()) == ["DROPPED"] * 5
    assert max(waits) < 0.3, f"a writer waited {max(waits):.2f} s of {len(waits)} inserts"


def test_a_lock_that_is_held_all_the_time_is_told(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "TRIES", 2)
    with psycopg.connect(old) as holding:
        holding.execute("lock table alerting.alert in row exclusive mode")
        done = maintain.maintain(old)
        assert (results(done)[LONG_AGO], done.is_whole) == ("LOCKED", False)
    again = maintain.maintain(old)
    assert (results(again)[LONG_AGO], again.is_whole) == ("DROPPED", True)


def test_old_rows_are_deleted_in_portions(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankalerts.maintain.retention.AT_A_TIME", 4)
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into alerting.quarantine (topic, topic_id, partition, position, reason, quarantined_at, quarantined_by)"
            " select 't', 'i', 0, n, 'r', now() - n * interval '10 days', 'x' from generate_series(1, 18) n"
        )
        connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'Anna')")
        connection.execute(
            "insert into bank.inbox_message (message_id, customer_id, alert_type, body, written_at)"
            " select gen_random_uuid(), 1, 'BALANCE_BELOW', 'Low', now() - n * interval '1 month' from generate_series(0, 20) n"
        )
    done = maintain.maintain(database)
    assert [f"{step.relation}: {step.note}" for step in done.steps if step.result == "DELETED"] == [
        "bank.inbox_message: 8 rows older than 1 year 1 mon",
        "alerting.quarantine: 10 rows older than 90 days",
    ]
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from alerting.quarantine").fetchone() == (8,)
        noted = connection.execute("select rows_or_partitions from audit.maintenance where what = 'DELETED' order by run_no")
        assert noted.fetchall() == [(4,), (4,), (4,), (4,), (2,)]


def test_a_change_of_policy_says_who_made_it(connection: psycopg.Connection[Any]) -> None:
    connection.execute("set local bankalerts.app_user = 'dba-3'")
    keep(connection, "ALERT", "7 years", "DETACH")
    told = connection.execute(
        "select changed_by = session_user, app_user from audit.retention_policy where data_class = 'ALERT'"
    ).fetchone()
    assert told == (True, "dba-3")


def test_the_caretaker_may_maintain_and_the_app_may_not(old: str) -> None:
    with psycopg.connect(old) as connection:
        connection.execute("set role bankalerts_caretaker")
        assert connection.execute(
            "select alerting.detach_partition(parent, partition::text, true) from alerting.due_partitions()"
        ).fetchall() == [("DROPPED",)]
        connection.execute("set role bankalerts_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select alerting.due_partitions()")


def test_the_command_prints_a_line_for_each_step(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("database_url"), old)
    done = CliRunner().invoke(app, ["maintain"])
    assert done.exit_code == 0, done.output
    assert f"DROPPED        {LONG_AGO}" in done.stdout.splitlines()
    assert json.loads(CliRunner().invoke(app, ["maintain", "--json"]).stdout) == {"done": True, "dry_run": False, "steps": []}
