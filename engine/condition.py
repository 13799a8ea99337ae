"""Compiles the expressions of an alert type, in a checked subset of SQL, to Python functions with SQL's three-valued logic.

PostgreSQL evaluates the same text (bank.condition_sql); the two must mean the same. What is outside the subset of
docs/sql-contract.md is refused here as the trigger of bank.alert_type refuses it: by its words and signs (condition_form), by
its grammar and kinds (condition_grammar). sqlglot parses what is left, condition_writer writes it as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

import sqlglot
from sqlglot.errors import SqlglotError

from engine.condition_form import BadCondition, tokenized
from engine.condition_grammar import Scope, check_grammar
from engine.condition_writer import NAMES, Source, Writer

__all__ = ["BadCondition", "Column", "Condition", "Text", "compile_condition", "compile_integer", "compile_text"]

ZONES = cache(available_timezones)


class Column(NamedTuple):
    """A column of an event: kind is integer, text, boolean, time or json."""

    kind: str
    nullable: bool


@dataclass(frozen=True)
class Condition:
    """holds(event, parameters, history) is True, False or None (unknown).

    `parameters` as engine.parameters.complete gives them: one that is not there is NULL. `history` has the attributes value,
    previous, last and since, integers or None. `columns`: those of the event that it reads, sorted.
    """

    holds: Callable[..., bool | None]
    columns: tuple[str, ...]
    uses_history: bool


@dataclass(frozen=True)
class Text:
    """value(event) is a text or None; `columns`: those of the event that it reads, sorted."""

    value: Callable[[Any], str | None]
    columns: tuple[str, ...]


def compile_condition(
    text: str, columns: Mapping[str, Column], parameters: Mapping[str, str], history: bool = False
) -> Condition:
    """`columns`: those of the event that it may read; `parameters`: name -> kind; `history`: it may read history.*.

    Raises BadCondition.
    """
    function, writer = _compiled(text, "boolean", columns, parameters, history)
    return Condition(function, tuple(sorted(writer.read)), writer.reads_history)


def compile_integer(text: str, parameters: Mapping[str, str]) -> Callable[[Mapping[str, Any]], int | None]:
    """An integer from parameters alone, such as `:hours * 3600`. Raises BadCondition."""
    function, _ = _compiled(text, "integer", {}, parameters, history=False)
    return lambda given: function(None, given)


def compile_text(text: str, columns: Mapping[str, Column]) -> Text:
    """A text from the event alone, such as `event.properties ->> 'application_id'`. Raises BadCondition."""
    function, writer = _compiled(text, "text", columns, {}, history=False)
    return Text(lambda event: function(event, {}), tuple(sorted(writer.read)))


def _compiled(
    text: str, kind: str, columns: Mapping[str, Column], parameters: Mapping[str, str], history: bool
) -> tuple[Callable[..., Any], Writer]:
    kinds = {name: column.kind for name, column in columns.items()}
    tokens = tokenized(text)
    check_grammar(tokens, Scope(kinds, parameters, history, ZONES()), kind)
    try:
        # what was checked, one by one: sqlglot draws the line between words elsewhere (`:wordOR`, a form feed)
        tree = sqlglot.parse_one(" ".join(token.text for token in tokens), dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise BadCondition(f"it is not a SQL expression: {error}") from error
    nullable = {name: column.nullable for name, column in columns.items()}
    for in_place in (True, False):  # Python takes 200 parentheses inside each other
        writer = Writer(nullable, all_given=True, in_place=in_place)
        some_missing = Writer(nullable, all_given=False, in_place=False).write(tree)
        try:
            return _function(writer.write(tree), some_missing), writer
        except (SyntaxError, RecursionError, MemoryError):
            continue
    raise BadCondition("position 1: its parts are too deep inside each other. Write it flatter.")


def _function(all_given: Source, some_missing: Source) -> Callable[..., Any]:
    """One function of both: quick while all parameters are there, NULL for a missing one."""
    source = (
        "def holds(event, parameters, history=None):\n"
        f"    try:\n        return {all_given.text}\n"
        f"    except KeyError:\n        return {some_missing.text}\n"
    )
    names = dict(NAMES)
    exec(compile(source, "<condition>", "exec"), names)  # noqa: S102
    function: Callable[..., Any] = names["holds"]
    return function
