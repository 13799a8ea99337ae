"""Compiles an alert type's condition, a SQL boolean expression, to a Python function with SQL's three-valued logic.

PostgreSQL evaluates the same text in audit.expected_alerts; the two must mean the same. The text is parsed by sqlglot; what is
outside the subset of docs/sql-contract.md is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

LONGEST = 1_000  # characters; as bank.check_alert_type has it

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.LT: "<",
    exp.LTE: "<=",
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GTE: ">=",
    exp.GT: ">",
}
ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


class BadCondition(ValueError):
    """The condition cannot be compiled; the text says what is wrong with it."""


@dataclass(frozen=True)
class Condition:
    """holds(event, parameters) is True, False or None (unknown); columns are those of the event that it reads, sorted."""

    holds: Callable[[Any, Mapping[str, Any]], bool | None]
    columns: tuple[str, ...]


def compile_condition(text: str, columns: frozenset[str]) -> Condition:
    """`columns`: the event's columns that a condition may read. Raises BadCondition."""
    if len(text) > LONGEST:
        raise BadCondition(f"the condition has {len(text)} characters, at most {LONGEST} are compiled")
    try:
        tree = sqlglot.parse_one(text, dialect="postgres")
    except SqlglotError as error:
        raise BadCondition(f"the condition is no SQL expression: {error}") from error
    writer = _Writer(columns)
    source = writer.write(tree)
    code = compile(f"lambda event, parameters: {source}", "<condition>", "eval")
    return Condition(eval(code, dict(_LOGIC)), tuple(sorted(writer.read)))  # noqa: S307


def _compare(operator: str) -> Callable[[Any, Any], Any]:
    function: Callable[[Any, Any], Any] = eval(f"lambda a, b: a {operator} b")  # noqa: S307
    return lambda a, b: None if a is None or b is None else function(a, b)


def _and(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: bool | None, b: bool | None) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def _not(a: bool | None) -> bool | None:
    return None if a is None else not a


def _in(a: Any, values: tuple[Any, ...]) -> bool | None:
    found: bool | None = False
    for value in values:
        found = _or(found, None if a is None or value is None else a == value)
    return found


_NAMES = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">=": "ge", ">": "gt", "+": "add", "-": "sub", "*": "mul"}
_LOGIC: dict[str, Any] = {
    "__builtins__": {},
    "and3": _and,
    "or3": _or,
    "not3": _not,
    "in3": _in,
    **{name: _compare(operator) for operator, name in _NAMES.items()},
}


class _Writer:
    """Writes Python for a tree; `read` collects the event's columns it met.

    Where an operand may be NULL the three-valued functions of _LOGIC are called; elsewhere plain operators are written.
    """

    NOT_NULL = frozenset({"entry_id", "account_id", "amount_minor", "currency", "status"})

    def __init__(self, columns: frozenset[str]) -> None:
        self._columns = columns
        self.read: set[str] = set()

    def write(self, node: exp.Expr) -> str:
        return self._node(node)[0]

    def _node(self, node: exp.Expr) -> tuple[str, bool]:
        """(source, whether it may be NULL)"""
        if isinstance(node, exp.Paren):
            source, null = self._node(node.this)
            return f"({source})", null
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Placeholder):
            return f"parameters[{node.name!r}]", False
        if isinstance(node, exp.Literal):
            return (repr(node.this) if node.is_string else str(int(node.this)) if node.is_int else self._refuse(node)), False
        if isinstance(node, exp.Boolean):
            return str(node.this), False
        if isinstance(node, exp.Null):
            return "None", True
        return self._operation(node)

    def _operation(self, node: exp.Expr) -> tuple[str, bool]:
        operator = COMPARISONS.get(type(node)) or ARITHMETIC.get(type(node))
        if operator:
            return self._binary(operator, self._node(node.this), self._node(node.expression))
        if isinstance(node, (exp.And, exp.Or)):
            return self._connective(node)
        if isinstance(node, exp.Not):
            source, null = self._node(node.this)
            return (f"not3({source})" if null else f"(not {source})"), null
        if isinstance(node, exp.Neg):
            return self._binary("-", ("0", False), self._node(node.this))
        if isinstance(node, exp.Is):
            return self._is(node)
        if isinstance(node, exp.Between):
            low = exp.GTE(this=node.this, expression=node.args["low"])
            high = exp.LTE(this=node.this, expression=node.args["high"])
            return self._node(exp.And(this=low, expression=high))
        if isinstance(node, exp.In) and node.expressions:
            values = ", ".join(self._node(value)[0] for value in node.expressions)
            return f"in3({self._node(node.this)[0]}, ({values},))", True
        return self._refuse(node), True

    def _binary(self, operator: str, left: tuple[str, bool], right: tuple[str, bool]) -> tuple[str, bool]:
        if left[1] or right[1]:
            return f"{_NAMES[operator]}({left[0]}, {right[0]})", True
        return f"({left[0]} {operator} {right[0]})", False

    def _connective(self, node: exp.And | exp.Or) -> tuple[str, bool]:
        word = "and" if isinstance(node, exp.And) else "or"
        (left, left_null), (right, right_null) = self._node(node.this), self._node(node.expression)
        if left_null or right_null:
            return f"{word}3({left}, {right})", True
        return f"({left} {word} {right})", False

    def _is(self, node: exp.Is) -> tuple[str, bool]:
        source = self._node(node.this)[0]
        word = "is not" if node.args.get("negate") else "is"
        if isinstance(node.expression, exp.Null):
            return f"({source} {word} None)", False
        if isinstance(node.expression, exp.Boolean):
            return f"({source} {word} {node.expression.this})", False
        return self._refuse(node), True

    def _column(self, node: exp.Column) -> tuple[str, bool]:
        if node.table != "event":
            raise BadCondition(f"{node.sql()}: a condition reads event.column and :parameter")
        if node.name not in self._columns:
            raise BadCondition(f"event.{node.name}: the event has no such column; it has {', '.join(sorted(self._columns))}")
        self.read.add(node.name)
        return f"event.{node.name}", node.name not in self.NOT_NULL

    def _refuse(self, node: exp.Expr) -> str:
        raise BadCondition(
            f"{node.sql(dialect='postgres')!r} ({type(node).__name__}) is not in the subset: comparison, + - *, AND, OR, NOT, "
            "IN, BETWEEN, IS NULL"
        )
