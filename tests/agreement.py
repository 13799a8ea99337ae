"""Asks PostgreSQL and the engine about the same expression: whether they take it, and what they make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import psycopg

from engine.condition import BadCondition, Column, Condition, compile_condition
from engine.parameters import complete, kinds
from tests.conditions import DECLARED, Case

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Refusal:
    """Where, and what for."""

    position: int
    reason: str


class Agreement:
    """Compares on one connection, for expressions over an event of this kind."""

    def __init__(self, connection: Connection, event_kind: str, columns: Mapping[str, Column]) -> None:
        self._connection = connection
        self._kind = event_kind
        self._columns = columns

    def taken(self, condition: str) -> Condition | Refusal:
        """What both take, compiled, or both refuse; AssertionError where they differ, also about position or reason."""
        here, there = self._engine(condition), self._postgresql(condition)
        refusal = here if isinstance(here, Refusal) else None
        assert refusal == there, f"{condition}\nengine: {refusal or 'takes it'}\nPostgreSQL: {there or 'takes it'}"
        return here

    def compare(self, condition: str, cases: Sequence[Case]) -> int:
        """The number of evaluations compared: 0 for an expression that both refuse. AssertionError where they differ."""
        compiled = self.taken(condition)
        if isinstance(compiled, Refusal):
            return 0
        there = self._truths(condition, cases)
        for case, truth in zip(cases, there, strict=True):
            here = compiled.holds(
                SimpleNamespace(**case.event), complete(DECLARED, case.parameters), SimpleNamespace(**case.history)
            )
            assert here is truth, f"{condition}: engine {here}, PostgreSQL {truth}, on {case}"
        return len(cases)

    def _event(self) -> str:
        """The event, from JSON; a timer's has its time alone."""
        if self._kind == "TIMER":
            return "jsonb_to_record(c -> 0) event (event_time timestamptz)"
        return f"jsonb_populate_record(null::bank.{self._kind.lower()}, c -> 0) event"

    def _engine(self, condition: str) -> Condition | Refusal:
        try:
            return compile_condition(condition, self._columns, kinds(DECLARED), history=True)
        except BadCondition as error:
            found = re.match(r"position (\d+): ([^:]*)", str(error))
            return _refusal(found, error)

    def _postgresql(self, condition: str) -> Refusal | None:
        try:
            self._connection.execute(
                "select bank.check_expression('c', $1, $2, $3, 'CONDITION_WITH_HISTORY')",
                [condition, json.dumps(DECLARED), self._kind],
            )
        except psycopg.Error as error:
            found = re.search(r"position (\d+): (.*)$", error.diag.message_primary or "", re.MULTILINE)
            return _refusal(found, error)
        return None

    def _truths(self, condition: str, cases: Sequence[Case]) -> list[bool | None]:
        written = self._connection.execute("select bank.condition_sql($1, $2)", [condition, json.dumps(DECLARED)]).fetchone()
        assert written is not None
        given = json.dumps([[case.event, case.parameters, case.history] for case in cases], default=datetime.isoformat)
        found = self._connection.execute(
            f"select array_agg(({written[0]}) order by n) from jsonb_array_elements($1) with ordinality t (c, n),"
            f" lateral {self._event()},"
            " lateral (select c -> 1 as parameters) preference,"
            " lateral jsonb_to_record(c -> 2) history (value numeric, previous numeric, last numeric, since numeric)",
            [given],
        ).fetchone()
        assert found is not None
        truths: list[bool | None] = found[0]
        return truths


def _refusal(found: re.Match[str] | None, error: Exception) -> Refusal:
    if found is None:
        raise AssertionError(f"refused, but not with a sentence of ours: {error}") from error
    return Refusal(int(found[1]), found[2])
