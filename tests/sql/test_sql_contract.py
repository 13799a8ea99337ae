"""docs/sql-contract.md is true: its examples run, its refusals read so, its tables have these columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.decode import COLUMNS

Connection = psycopg.Connection[tuple[Any, ...]]
TEXT = (Path(__file__).parents[2] / "docs" / "sql-contract.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: (\w+))?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def said(error: psycopg.Error) -> str:
    lines = [f"{error.sqlstate} {error.diag.message_primary}"]
    lines += [f"DETAIL {error.diag.message_detail}"] if error.diag.message_detail else []
    return "\n".join([*lines, f"HINT {error.diag.message_hint}", ""])


def test_the_examples_do_what_is_said(connection: Connection) -> None:
    connection.execute("select alerting.add_partitions('2026-11-01', '2026-11-30')")
    refused = 0
    for (language, kind, text), (_, _, answer) in zip(BLOCKS, [*BLOCKS[1:], ("", "", "")], strict=True):
        if language != "sql":
            continue
        if kind == "refused":
            with pytest.raises(psycopg.Error) as error, connection.transaction():
                connection.execute(text.encode())
            assert said(error.value) == answer
            refused += 1
        else:
            connection.execute(text.encode())
    assert refused == 6
    expected = connection.execute("select event_id, customer_id, alert_type from audit.expected_alerts()").fetchall()
    assert expected == [("e-1", 42, "BALANCE_BELOW")]


def types_of(connection: Connection, table: str) -> dict[str, str]:
    """Column -> its type, whether it may be NULL, and what it is where an INSERT leaves it out, as the page says it."""
    rows = connection.execute(
        "select a.attname, replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),"
        "       case when a.attnotnull then '' else ' or NULL' end"
        "       || coalesce(' = ' || split_part(pg_get_expr(d.adbin, d.adrelid), '::', 1), '')"
        "  from pg_attribute a left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)"
        " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped",
        [table],
    ).fetchall()
    return {name: f"{kind}{more}" for name, kind, more in rows}


def types_told(types: list[str]) -> str:
    """One for all columns of a row of the page, or one for each."""
    return "; ".join(types if len(set(types)) > 1 else types[:1])


def test_the_tables_have_these_columns(connection: Connection) -> None:
    tables = re.findall(
        r"^### (bank\.\w+)\n\n(?:[^|\n].*\n+)?\| column \| type \| \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE
    )
    assert len(tables) == 15
    for table, rows in tables:
        types, told = types_of(connection, table), set()
        for row in rows.splitlines():
            _, columns, said, *_ = row.split("|")
            names = re.findall(r"`(\w+)`", columns)
            told.update(names)
            assert said.strip() == types_told([types.get(name, "") for name in names]), f"{table}: {names}"
        assert told == types.keys(), table


def test_the_alert_types_are_those_of_the_catalogue(connection: Connection) -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.MULTILINE))
    told -= set(COLUMNS)
    assert len(told) == 4
    assert told <= {name for (name,) in connection.execute("select alert_type from bank.alert_type").fetchall()}


def test_the_columns_of_a_condition_are_those_that_the_engine_reads() -> None:
    (rows,) = re.findall(r"^\| kind of event \|.*\n\|---\|---\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    told = {kind: names for kind, *names in (re.findall(r"`(\w+)`", row) for row in rows.splitlines())}
    assert told == {kind: sorted(columns) for kind, columns in COLUMNS.items()}
