"""What operators ask of the outbox reads what ended lately, not all that ever was; its index is made while others write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from sql import queries
from tests.schema_dump import migrate
from tests.waiting import wait_until

# Of the last 30 days: 60,000 messages, in the order in which they ended. No trigger may make them due.
HISTORY = """
set session_replication_role = replica;
insert into alerting.outbox (message_id, alert_id, event_date, channel, state, written_at, finished_at, reason)
     select gen_random_uuid(), gen_random_uuid(), '2000-01-01', 'PUSH', 'SUPPRESSED', at, at,
           'not in the pilot of BALANCE_BELOW'
       from generate_series(now() - interval '30 days', now() - interval '1 second', interval '43.2 s') at;
set session_replication_role = default;
insert into alerting.pilot (alert_type, since) values ('BALANCE_BELOW', now() - interval '60 days');
vacuum analyze alerting.outbox;
"""
ALL = 60_000
INVALID = "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid or not i.indisready"
WITHOUT = (
    "select (select count(*) from pg_inherits where inhparent = 'alerting.outbox'::regclass)"
    " - (select count(*) from pg_inherits where inhparent = 'alerting.outbox_ended'::regclass)"
)
WRITE = (
    "insert into {} (message_id, alert_id, event_date, channel)"
    " values (gen_random_uuid(), gen_random_uuid(), '2000-01-01', 'PUSH')"
)


@pytest.fixture
def filled(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in HISTORY.strip().split(";\n"):
            connection.execute(statement.encode())
        yield connection


def rows_read(connection: psycopg.Connection[Any], statement: str, values: dict[str, object]) -> int:
    """How many rows of the outbox were looked at, kept or not."""
    ((explained,),) = connection.execute(f"explain (analyze, format json) {statement}".encode(), values).fetchall()
    plan = explained if isinstance(explained, list) else json.loads(explained)
    return sum(_read(node) for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name", "").startswith("outbox_default"))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _read(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + removed))


@pytest.mark.parametrize(
    ("file", "name", "values"),
    [
        ("report", "count_outbox", {"channel": None, "state": None}),
        ("operate", "read_outside_pilot", {"alert_type": "BALANCE_BELOW", "most": 50, "hours": 24}),
    ],
)
def test_what_ended_long_ago_is_not_read(
    filled: psycopg.Connection[Any], file: str, name: str, values: dict[str, object]
) -> None:
    read = rows_read(filled, getattr(queries(file, "psycopg"), name).sql, values)
    assert 0 < read < ALL / 3, f"{name} looked at {read} of {ALL} messages"  # a day has 2,000; a range of the index some 7,000


def test_the_index_is_made_while_others_write(database: str) -> None:
    """The build waits for a transaction that has written already; who writes meanwhile waits for neither."""
    with psycopg.connect(database, autocommit=True) as watching:
        migrate(database, "0019")
        with ThreadPoolExecutor() as threads, psycopg.connect(database) as earlier:
            earlier.execute(WRITE.format("alerting.outbox_default").encode())
            made = threads.submit(migrate, database, "0020")
            waits = (
                "select from pg_stat_activity where query like 'create index concurrently%' and wait_event_type = 'Lock'"
                " and datname = current_database()"
            )
            wait_until(lambda: watching.execute(waits).rowcount == 1 or made.done(), 20, "the build waits for who wrote before")
            assert not made.done(), made.result()
            watching.execute("set lock_timeout = '5s'")
            watching.execute(WRITE.format("alerting.outbox").encode())
            earlier.rollback()
            made.result()
        assert watching.execute(INVALID).fetchall() == []
        assert watching.execute(WITHOUT).fetchone() == (0,)


def test_what_was_interrupted_is_made_anew(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        migrate(database, "0019")
        # as a build that was ended leaves it
        connection.execute("create index outbox_default_finished_at_idx on alerting.outbox_default using brin (finished_at)")
        connection.execute(
            "update pg_index set indisvalid = false where indexrelid = 'alerting.outbox_default_finished_at_idx'::regclass"
        )
        migrate(database, "0020")
        assert connection.execute(INVALID).fetchall() == []
        assert connection.execute(WITHOUT).fetchone() == (0,)
