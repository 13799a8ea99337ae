"""PostgreSQL and the engine mean the same by a condition: what one accepts the other does, and both find the same truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from engine.catalogue import COLUMNS
from engine.condition import BadCondition, compile_condition
from engine.decode import AccountEntry
from tests.conditions import KINDS, PARAMETERS, Writer
from tests.conftest import Server

Connection = psycopg.Connection[tuple[Any, ...]]
SEEDS = range(1, 6)
TRUTH = """
    select (%s)
      from (select (jsonb_populate_record(null::bank.account_entry, '%s')).*) event,
           (select jsonb '%s' as parameters) preference
"""


@pytest.fixture(scope="module")
def asked(server: Server) -> Iterator[Connection]:
    """One database for all examples: they only ask."""
    url = server.clone()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    server.drop(url)


def accepted(asked: Connection, condition: str) -> bool:
    """Whether the trigger of bank.alert_type takes it."""
    try:
        asked.execute("select bank.check_condition(%s, %s)", [condition, json.dumps(PARAMETERS)])
    except psycopg.Error as error:
        if error.sqlstate == "BA001":
            return False
        raise AssertionError(f"{condition} is refused, but not with a sentence of ours") from error
    return True


def truth_of(asked: Connection, condition: str, event: dict[str, Any], given_: dict[str, Any]) -> bool | None:
    """What PostgreSQL finds."""
    sql = asked.execute("select bank.condition_sql(%s, %s)", [condition, json.dumps(PARAMETERS)]).fetchone()
    assert sql is not None
    values = (json.dumps(value).replace("'", "''") for value in (event, given_))
    found = asked.execute((TRUTH % (sql[0], *values)).encode()).fetchone()
    assert found is not None
    truth: bool | None = found[0]
    return truth


def assert_agree(asked: Connection, condition: str, event: dict[str, Any], given_: dict[str, Any]) -> None:
    compiled = compile_condition(condition, COLUMNS[AccountEntry.kind], KINDS)
    here = compiled.holds(SimpleNamespace(**event), given_)
    there = truth_of(asked, condition, event, given_)
    assert here is there, f"{condition}: engine {here}, PostgreSQL {there}, on {event} with {given_}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_truth(asked: Connection, seed: int) -> None:
    writer = Writer(Random(seed))
    conditions = [text for text in (writer.condition() for _ in range(200)) if len(text) <= 1000]
    for condition in conditions:
        if accepted(asked, condition):
            assert_agree(asked, condition, writer.event(), writer.parameters())
        else:
            assert len(condition) > 400, f"{condition} is refused, with seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_postgresql_accepts_compiles(asked: Connection, seed: int) -> None:
    writer = Writer(Random(seed))
    conditions = [writer.soup() for _ in range(200)] + [writer.mangled() for _ in range(200)]
    taken = [condition for condition in conditions if accepted(asked, condition)]
    assert len(taken) > 10, "too few to say anything"
    for condition in taken:
        assert_agree(asked, condition, writer.event(), writer.parameters())


def test_the_columns_are_those_that_the_engine_reads(asked: Connection) -> None:
    """Each readable column has the type and the nullability that the engine takes it to have; the others are refused."""
    rows = asked.execute(
        "select column_name, data_type, is_nullable = 'YES', collation_name from information_schema.columns"
        " where table_schema = 'bank' and table_name = 'account_entry'"
    ).fetchall()
    kinds = {"text": "text", "bigint": "integer", "boolean": "boolean"}
    readable = {}
    for name, kind, nullable, collation in rows:
        if accepted(asked, f"event.{name} is null"):
            readable[name] = (kinds[kind], nullable)
            assert kind != "text" or collation == "C", f"event.{name} compares otherwise than the engine does"
    assert readable == {name: tuple(column) for name, column in COLUMNS[AccountEntry.kind].items()}


def test_nothing_overflows(asked: Connection) -> None:
    event = {"amount_minor": 10**17, "balance_after_minor": None, "entry_type": None}
    condition = " * ".join(["event.amount_minor"] * 20) + " > 2147483647 * 2147483647 * 2147483647"
    assert_agree(asked, condition, event, {})


def test_a_parameter_of_another_type_is_null_and_no_error(asked: Connection) -> None:
    event = {"amount_minor": 1, "entry_type": "CARD"}
    assert truth_of(asked, "event.amount_minor < :limit", event, {"limit": "many"}) is None
    assert truth_of(asked, ":flag", event, {"flag": "maybe"}) is None


@pytest.mark.parametrize(
    "condition",
    [
        "event.amount_minor > 0; drop table bank.alert_type",
        "event.amount_minor > 0 -- and event.amount_minor < 5",
        "event.amount_minor > --\n 5",
        "event.amount_minor > 0 /* always */",
        "event.amount_minor > $$1$$",
        "event.entry_type = $x$a$x$",
        "event.entry_type = U&'\\0041'",
        "event.entry_type = E'\\x41'",
        "event.entry_type || 'a' = 'a'",
        "event.entry_type ~ 'a'",
        "event.entry_type like 'a'",
        "event.amount_minor / 2 > 1",
        "event.amount_minor % 2 = 1",
        "event.amount_minor != 1",
        "event.amount_minor::text = '1'",
        "cast(event.amount_minor as text) = '1'",
        "abs(event.amount_minor) > 1",
        "pg_sleep(10) is null",
        "(select true)",
        "exists (select from bank.customer)",
        "event.amount_minor in (select 1)",
        "event.amount_minor > all ('{1}')",
        "array[1] = array[1]",
        "case when true then true end",
        "event.amount_minor = current_date",
        "event.description is null",
        "event.counterparty_name = 'x'",
        "event.no_such is null",
        "preference.parameters is null",
        "amount_minor > 1",
        '"event".amount_minor > 1',
        "EVENT.amount_minor > 1",
        "event.amount_minor > 1.5",
        "event.amount_minor > 1e3",
        "event.amount_minor > 0x1F",
        "event.amount_minor > 1_000",
        "event.amount_minor > '5'",
        "event.amount_minor > 'five'",
        "event.amount_minor > :no_such",
        "event.amount_minor > :word",
        "event.amount_minor > event.currency",
        "event.amount_minor",
        "event.amount_minor and true",
        "- true",
        "not 1",
        "not not true",
        "event.amount_minor = 1 = true",
        "(event.amount_minor, 1) = (1, 1)",
        "event.amount_minor in (1, 2",
        "event.amount_minor in ()",
        "'a' 'b' = 'ab'",
        "'a'\n'b' = 'ab'",
        "true true",
        "1 < 2 and",
        "true\u00a0and true",
        "event.entry_type = 'a",
        "",
        " ",
        "(" * 11 + "true" + ")" * 11,
        "(" * 498 + "true" + ")" * 498,
        "not " * 249 + "true",
        "- " * 490 + "1 = 1",
        "1" + " + 1" * 200 + " > 0",
        "true" + " and true" * 110,
        "true or " * 125 + "true",
    ],
)
def test_refused_by_both(asked: Connection, condition: str) -> None:
    assert not accepted(asked, condition), "PostgreSQL takes it"
    with pytest.raises(BadCondition):
        compile_condition(condition, COLUMNS[AccountEntry.kind], KINDS)


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 10 + "true" + ")" * 10,
        "1" + " + 1" * 98 + " > 0",
        "true" + " and true" * 99,
        "event.entry_type in (" + ", ".join(f"'{n}'" for n in range(97)) + ")",
    ],
)
def test_the_longest_are_accepted_by_both(asked: Connection, condition: str) -> None:
    assert accepted(asked, condition)
    compile_condition(condition, COLUMNS[AccountEntry.kind], KINDS)
