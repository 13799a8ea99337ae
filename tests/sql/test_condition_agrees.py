"""PostgreSQL and the engine mean the same by an expression: what one takes the other does, and both find the same truth.

Hypothesis says how to repeat a failure; `make long-differential` tries more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.condition import Column, compile_condition
from engine.condition_values import LONGEST_PATTERN, LONGEST_TEXT
from engine.decode import COLUMNS
from engine.parameters import complete, kinds
from tests.agreement import Agreement, Connection
from tests.conditions import DECLARED, Case, Writer, cases, conditions, mangled
from tests.conftest import Server

ENTRY = COLUMNS["ACCOUNT_ENTRY"]
QUICK = settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
KINDS = {
    "text": "text",
    "character varying": "text",
    "bigint": "integer",
    "boolean": "boolean",
    "jsonb": "json",
    "timestamp with time zone": "time",
}
NULLS = {"limit": "null::numeric", "bound": "null::numeric", "word": "null::text", "flag": "null::boolean"}
REFUSED = object()
NOTHING = Case(dict.fromkeys(ENTRY), {}, dict.fromkeys(("value", "previous", "last", "since")))


@pytest.fixture(scope="module")
def asked(server: Server) -> Iterator[Connection]:
    """One database for all examples: they only ask."""
    url = server.clone()
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        yield connection
    server.drop(url)


@QUICK
@given(data=st.data())
def test_the_same_truth(asked: Connection, data: st.DataObject) -> None:
    """250 conditions on 8 events each; `make long-differential` tries the many."""
    event_kind = data.draw(st.sampled_from(sorted(COLUMNS)))
    columns = COLUMNS[event_kind]
    condition = data.draw(conditions(columns))
    Agreement(asked, event_kind, columns).compare(condition, data.draw(st.lists(cases(columns), min_size=8, max_size=8)))


@settings(QUICK, max_examples=60)
@given(data=st.data())
def test_the_same_is_taken(asked: Connection, data: st.DataObject) -> None:
    """What is mangled is refused by both, at the same position for the same reason, or means the same."""
    event_kind = data.draw(st.sampled_from(sorted(COLUMNS)))
    columns = COLUMNS[event_kind]
    Agreement(asked, event_kind, columns).compare(data.draw(mangled(columns)), [data.draw(cases(columns))])


def test_operators_bind_as_in_postgresql(asked: Connection) -> None:
    """The text as it stands, on numeric columns, has the truth that the engine finds: nothing else groups its parts."""
    compared = 0

    @settings(QUICK, max_examples=70)
    @given(data=st.data())
    def compare(data: st.DataObject) -> None:
        nonlocal compared
        text = Writer(data.draw, ENTRY).boolean(2)
        case = data.draw(cases(ENTRY))
        here = compile_condition(text, ENTRY, kinds(DECLARED), history=True).holds(
            SimpleNamespace(**case.event), {}, SimpleNamespace(**case.history)
        )
        there = as_it_stands(asked, re.sub(r":(limit|bound|word|flag)", lambda name: NULLS[name[1]], text), case)
        if there is not REFUSED:
            assert here is there, f"{text}: engine {here}, PostgreSQL {there}, on {case}"
            compared += 1

    compare()
    assert compared > 10, "too few to say anything"


def as_it_stands(asked: Connection, text: str, case: Case) -> Any:
    """What PostgreSQL finds; REFUSED where it divides otherwise, or knows no such function."""
    if "/" in text or "%" in text or "replace" in text or "||" in text:
        return REFUSED
    kinds_ = {"integer": "numeric", "text": 'text collate "C"', "time": "timestamptz"}
    columns = ", ".join(f"{name} {kinds_[column.kind]}" for name, column in ENTRY.items())
    try:
        found = asked.execute(
            f"select ({text}) from jsonb_to_record($1) event ({columns}),"
            " jsonb_to_record($2) history (value numeric, previous numeric, last numeric, since numeric)",
            [json.dumps(case.event, default=datetime.isoformat), json.dumps(case.history)],
        ).fetchone()
    except psycopg.Error:
        return REFUSED
    return found[0] if found else None


@pytest.mark.parametrize("event_kind", sorted(COLUMNS))
def test_the_columns_are_those_that_the_engine_reads(asked: Connection, event_kind: str) -> None:
    """Each has the kind and the nullability that the engine takes it to have, and text compares by code point."""
    readable: dict[str, str] = dict(
        asked.execute("select column_name, kind from bank.readable_columns($1)", [event_kind]).fetchall()
    )
    assert readable == {name: column.kind for name, column in COLUMNS[event_kind].items()}
    table = {"TIMER": "timer_event"}.get(event_kind, event_kind.lower())
    rows = asked.execute(
        "select column_name, data_type, is_nullable = 'YES', collation_name from information_schema.columns"
        " where table_schema = 'bank' and table_name = $1",
        [table],
    ).fetchall()
    there = {name: (KINDS[kind], nullable, collation) for name, kind, nullable, collation in rows if name in readable}
    assert there == {
        name: (column.kind, column.nullable, "C" if column.kind == "text" else None)
        for name, column in COLUMNS[event_kind].items()
    }


@pytest.mark.parametrize(
    ("condition", "event"),
    [
        (
            "1 / 0 is null and 1 % 0 is null and event.amount_minor / (event.amount_minor - event.amount_minor) is null",
            {"amount_minor": 5},
        ),
        ("-7 / 2 = -3 and -7 % 2 = -1 and 7 / -2 = -3 and 7 % -2 = 1", {}),
        (" * ".join(["event.amount_minor"] * 20) + " > 2147483647 * 2147483647 * 2147483647", {"amount_minor": 10**17}),
        ("99999999999999999999 / 100000000000000000000 = 0", {}),
        ("length(replace(event.description, 'a', event.description)) is null", {"description": "a" * 1000}),
        ("length(replace(event.description, 'a', '')) = 0", {"description": "a" * 1000}),
        ("event.description like event.description is null", {"description": "a" * (LONGEST_PATTERN + 1)}),
        ("event.description like 'a\\' is null", {"description": "a\\"}),
        ("length(event.description || event.description) = 2000", {"description": "a" * (LONGEST_TEXT // 2)}),
        ("event.description || event.description || 'a' is null", {"description": "a" * (LONGEST_TEXT // 2)}),
        ("substr(event.description, 2, -1) is null and left(event.description, -1) = 'a'", {"description": "ab"}),
        (
            "extract(year from event.event_time at time zone 'Asia/Tokyo') is null",
            {"event_time": datetime(9999, 12, 31, 23, tzinfo=UTC)},
        ),
        (
            "extract(hour from event.event_time at time zone 'Europe/Amsterdam') = 3",
            {"event_time": datetime(2026, 3, 29, 1, tzinfo=UTC)},
        ),
        ("extract(epoch from event.event_time) = -1", {"event_time": datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)}),
        ("lower(event.description) = 'İab' and event.description ilike '%AB'", {"description": "İAB"}),
        ("integer_of(event.description) is null", {"description": "\u0661"}),
        ("integer_of(event.description) = -12", {"description": "-12"}),
        (":limit = 100 and :flag and :bound is null", {}),
        ("greatest(null, 1, event.balance_after_minor) = 1 and least('b', 'a', null) = 'a'", {}),
    ],
)
def test_values_at_the_edge(asked: Connection, condition: str, event: dict[str, Any]) -> None:
    """What would be an error elsewhere is unknown, or exact: true on both sides."""
    case = NOTHING._replace(event={**NOTHING.event, **event})
    Agreement(asked, "ACCOUNT_ENTRY", ENTRY).compare(f"({condition}) is true", [case])
    compiled = compile_condition(condition, ENTRY, kinds(DECLARED))
    assert compiled.holds(SimpleNamespace(**case.event), {"limit": 100, "flag": True}) is True


@pytest.mark.parametrize("column", sorted(ENTRY))
def test_null_in_every_column_is_no_error(asked: Connection, column: str) -> None:
    """Even where the table allows none."""
    nullable = {name: Column(kind.kind, True) for name, kind in ENTRY.items()}
    uses = {
        "integer": "event.{0} / event.{0} > event.{0} % 3",
        "text": "upper(event.{0}) || 'a' like event.{0} or left(event.{0}, 2) in ('a', event.{0})",
        "time": "extract(epoch from event.{0}) > 0 or extract(hour from event.{0} at time zone 'UTC') > 1",
    }
    Agreement(asked, "ACCOUNT_ENTRY", nullable).compare(uses[ENTRY[column].kind].format(column), [NOTHING])


def test_a_parameter_of_another_type_is_null_and_no_error(asked: Connection) -> None:
    wrong = {"limit": "many", "bound": 2.5, "word": 1, "flag": "maybe"}
    condition = ":limit is null and :bound is null and :word is null and :flag is null"
    assert Agreement(asked, "ACCOUNT_ENTRY", ENTRY).compare(condition, [NOTHING._replace(parameters=wrong)]) == 1
    assert compile_condition(condition, ENTRY, kinds(DECLARED)).holds(None, complete(DECLARED, wrong)) is True
