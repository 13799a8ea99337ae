"""Every statement of sql/*.sql fits the migrated database, and each index is there for one of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

import sql

PREPARED = re.compile(r"^\s*(select|insert|update|delete|merge|with|values)\b", re.IGNORECASE)
COPY = re.compile(r"copy\s+(\S+)\s*\((.*?)\)\s+from stdin", re.IGNORECASE | re.DOTALL)
COMMENTS = re.compile(r"--.*")
FILES = sorted(path.stem for path in Path(sql.FOLDER).glob("*.sql") if path.stem != "schema")


def blocks(file: str) -> dict[str, str]:
    """The statements of a file by name, with $1, $2 ... for their parameters."""
    found = sql.queries(file, "asyncpg")
    names = [name for name in found.available_queries if not name.endswith("_cursor")]
    return {name: COMMENTS.sub("", getattr(found, name).sql).strip().rstrip(";") for name in names}


EVERY = [(file, name) for file in FILES for name in blocks(file)]
# index -> the statement that goes by it
INDEXES = {
    "bank.push_device_of_customer": blocks("recipients")["read_recipients"],
    "bank.inbox_message_of_customer": blocks("inbox")["read_messages"],
    "bank.account_entry_of_account": blocks("engine")["read_account_entries"],
    "bank.card_authorisation_of_account": blocks("engine")["read_card_authorisations"],
    "bank.payment_order_of_account": blocks("engine")["read_payment_orders"],
    "bank.customer_activity_of_customer": blocks("engine")["read_customer_activity"],
    "bank.timer_event_of_customer": "select * from bank.timer_event where customer_id = $1 and event_time = $2",
    "audit.account_permission_history_of_customer": "select * from audit.account_permission_history where customer_id = $1",
    "audit.alert_preference_history_of_customer": (
        "select * from audit.alert_preference_history where customer_id = $1 and began_at <= $2"
    ),
    "audit.change_of_row": "select * from audit.change where table_name = $1 and row_key = $2",
    "audit.change_of_customer": "select * from audit.change where customer_id = $1 and changed_at >= $2",
    "alerting.last_seen_of_customer": blocks("engine")["read_last_seen"],
    "alerting.preference_memory_of_customer": blocks("engine")["read_preference_memory"],
    "alerting.timer_of_series": blocks("timers")["read_kept"],
    "alerting.timer_armed_again": blocks("timers")["read_kept"],
    "alerting.timer_due": blocks("timers")["read_due"],
    "alerting.delivery_attempt_of_provider_ref": (
        "select * from alerting.delivery_attempt where provider_ref = $1 and provider = $2 order by started_at desc limit 1"
    ),
    "alerting.alert_written": "select * from alerting.alert where written_at >= $1 and written_at < $2",  # alerting.seal_alerts
    "alerting.receipt_received": blocks("seal")["check_messages"],
    "alerting.seal_entry_of_row": blocks("seal")["check_messages"],
    "alerting.seal_entry_of_customer": "select * from alerting.seal_entry where customer_id = $1 and kind = 'ALERT'",
    "alerting.outbox_ended": blocks("report")["count_outbox"],
    "alerting.outbox_of_alert": "select * from audit.outbox_history where alert_id = $1",
    "alerting.outbox_due_in_order": blocks("notifier")["claim_messages"],
    "alerting.outbox_due_held": blocks("controls")["release_paused"],
    "alerting.one_open_pause_per_scope": blocks("controls")["release_paused"],
    "alerting.one_open_halt_per_cause": "select * from alerting.halt where cause = $1 and ended_at is null",
}


def positional(statement: str) -> str:
    """$1, $2 ... for the %(name)s of the blocks that the engine passes to psycopg as they are."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    return re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)


@pytest.fixture(scope="module")
def database(database_of_file: str) -> str:
    """One for all: what a test does is rolled back."""
    return database_of_file


@pytest.mark.parametrize(("file", "name"), EVERY)
def test_a_block_fits_the_database(connection: psycopg.Connection[Any], file: str, name: str) -> None:
    if file == "engine" and name.endswith("staged"):
        connection.execute(blocks("engine")["make_staging"])
    for statement in positional(blocks(file)[name]).split(";"):
        if copied := COPY.fullmatch(statement.strip()):
            connection.execute(f"select {copied[2]} from {copied[1]}".encode())
        elif statement.strip().startswith("vacuum "):  # not in a transaction; but this is
            connection.execute(statement.replace("vacuum", "analyze").encode())
        elif PREPARED.match(statement):
            connection.execute(f"prepare block as {statement}".encode())
        else:
            connection.execute(statement.encode())


def test_a_block_says_in_one_sentence_what_it_does() -> None:
    for file in FILES:
        text = (sql.FOLDER / f"{file}.sql").read_text(encoding="utf-8")
        for heading, comment in re.findall(r"^-- name: (\S+).*\n(.*)$", text, re.MULTILINE):
            assert re.fullmatch(r"-- \S.*", comment), f"sql/{file}.sql: {heading} has no sentence above it"


def test_each_index_is_there_for_a_statement(connection: psycopg.Connection[Any]) -> None:
    """Those of keys and unique constraints are there for the constraint."""
    rows = connection.execute(
        "select n.nspname || '.' || c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        "  join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('bank', 'alerting', 'audit') and not c.relispartition"
        "   and not exists (select from pg_constraint k where k.conindid = c.oid)"
    ).fetchall()
    assert {name for (name,) in rows} == INDEXES.keys()


@pytest.mark.parametrize("index", INDEXES)
def test_a_statement_goes_by_its_index(connection: psycopg.Connection[Any], index: str) -> None:
    connection.execute("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan")
    connection.execute(f"prepare block as {INDEXES[index]}".encode())
    (count,) = connection.execute("select cardinality(parameter_types) from pg_prepared_statements").fetchone() or (0,)
    plan = connection.execute(f"explain execute block ({', '.join(['null'] * count)})".encode()).fetchall()
    text = "\n".join(line for (line,) in plan)
    # the index of a partition has a name of its own, which begins with that of the partition
    (columns,) = connection.execute(
        "select string_agg(attname, '_' order by attnum) from pg_attribute where attrelid = %s::regclass", [index]
    ).fetchone() or ("",)
    assert index.partition(".")[2] in text or f"_{columns}_idx" in text, f"{INDEXES[index]} does without {index}:\n{text}"
