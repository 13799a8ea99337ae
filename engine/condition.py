"""Compiles an alert type's condition, a SQL boolean expression, to a Python function with SQL's three-valued logic.

PostgreSQL evaluates the same text in audit.expected_alerts; the two must mean the same. What is outside the subset of
docs/sql-contract.md is refused here as the trigger of bank.alert_type refuses it: by its words and signs, by its form, by its
types. sqlglot parses the rest.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from engine.condition_form import BadCondition, check_form

__all__ = ["BadCondition", "Column", "Condition", "compile_condition"]

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.LT: "<",
    exp.LTE: "<=",
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GTE: ">=",
    exp.GT: ">",
}
ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


class Column(NamedTuple):
    """A column of an event: kind is integer, text or boolean."""

    kind: str
    nullable: bool


@dataclass(frozen=True)
class Condition:
    """holds(event, parameters) is True, False or None (unknown); columns are those of the event that it reads, sorted.

    `holds` raises KeyError where a parameter is not given; `holds_with_null` is slower and takes it for NULL.
    """

    holds: Callable[[Any, Mapping[str, Any]], bool | None]
    holds_with_null: Callable[[Any, Mapping[str, Any]], bool | None]
    columns: tuple[str, ...]


def compile_condition(text: str, columns: Mapping[str, Column], parameters: Mapping[str, str]) -> Condition:
    """`columns`: those of the event that a condition may read; `parameters`: name -> kind. Raises BadCondition."""
    check_form(text)
    try:
        tree = sqlglot.parse_one(text, dialect="postgres")
    except SqlglotError as error:
        raise BadCondition(f"the condition is not a SQL expression: {error}") from error
    writer = _Writer(columns, parameters, all_given=True)
    with_null = _Writer(columns, parameters, all_given=False)
    return Condition(_function(writer.write(tree)), _function(with_null.write(tree)), tuple(sorted(writer.read)))


def _function(source: str) -> Callable[[Any, Mapping[str, Any]], bool | None]:
    code = compile(f"lambda event, parameters: {source}", "<condition>", "eval")
    function: Callable[[Any, Mapping[str, Any]], bool | None] = eval(code, dict(_LOGIC))  # noqa: S307
    return function


def _strict(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """NULL where an operand is."""
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


def _between(a: Any, low: Any, high: Any) -> bool | None:
    return _and(_LOGIC["le"](low, a), _LOGIC["le"](a, high))


_NAMES = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">=": "ge", ">": "gt", "+": "add", "-": "sub", "*": "mul"}
_LOGIC: dict[str, Any] = {
    "__builtins__": {},
    "and3": _and,
    "or3": _or,
    "not3": _not,
    "in3": _in,
    "between3": _between,
    "same": operator.is_,
    **{name: _strict(getattr(operator, name)) for name in _NAMES.values()},
}


class _Source(NamedTuple):
    """Python for a part of the condition. kind: integer, text, boolean; None for NULL, which is of any kind."""

    text: str
    kind: str | None
    nullable: bool


class _Writer:
    """Writes Python for a tree; `read` collects the event's columns it met.

    Where an operand may be NULL the three-valued functions of _LOGIC are called; elsewhere plain operators are written.
    """

    def __init__(self, columns: Mapping[str, Column], parameters: Mapping[str, str], all_given: bool) -> None:
        self._columns = columns
        self._parameters = parameters
        self._all_given = all_given
        self.read: set[str] = set()

    def write(self, node: exp.Expr) -> str:
        return self._of_kind("boolean", node).text

    def _node(self, node: exp.Expr) -> _Source:
        if isinstance(node, exp.Paren):
            source = self._node(node.this)
            return source._replace(text=f"({source.text})")
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Placeholder):
            return self._parameter(node)
        if isinstance(node, exp.Literal):
            return _Source(repr(node.this), "text", False) if node.is_string else _Source(str(int(node.this)), "integer", False)
        if isinstance(node, exp.Boolean):
            return _Source(str(node.this), "boolean", False)
        if isinstance(node, exp.Null):
            return _Source("None", None, True)
        return self._operation(node)

    def _operation(self, node: exp.Expr) -> _Source:
        if sign := COMPARISONS.get(type(node)):
            left, (right,) = self._compared(node.this, node.expression)
            return self._binary(sign, left, right, "boolean")
        if sign := ARITHMETIC.get(type(node)):
            left, right = self._of_kind("integer", node.this), self._of_kind("integer", node.expression)
            return self._binary(sign, left, right, "integer")
        if isinstance(node, (exp.And, exp.Or)):
            return self._connective(node)
        if isinstance(node, exp.Not):
            source = self._of_kind("boolean", node.this)
            text = f"not3({source.text})" if source.nullable else f"(not {source.text})"
            return _Source(text, "boolean", source.nullable)
        if isinstance(node, exp.Neg):
            return self._binary("-", _Source("0", "integer", False), self._of_kind("integer", node.this), "integer")
        if isinstance(node, exp.Is):
            return self._is(node)
        if isinstance(node, exp.Between):
            value, (low, high) = self._compared(node.this, node.args["low"], node.args["high"])
            return _Source(f"between3({value.text}, {low.text}, {high.text})", "boolean", True)
        if isinstance(node, exp.In) and node.expressions:
            value, values = self._compared(node.this, *node.expressions)
            return _Source(f"in3({value.text}, ({', '.join(one.text for one in values)},))", "boolean", True)
        raise BadCondition(f"{_shown(node)} ({type(node).__name__}) is not in the subset of docs/sql-contract.md")

    def _binary(self, sign: str, left: _Source, right: _Source, kind: str) -> _Source:
        if left.nullable or right.nullable:
            return _Source(f"{_NAMES[sign]}({left.text}, {right.text})", kind, True)
        return _Source(f"({left.text} {sign} {right.text})", kind, False)

    def _connective(self, node: exp.And | exp.Or) -> _Source:
        word = "and" if isinstance(node, exp.And) else "or"
        left, right = self._of_kind("boolean", node.this), self._of_kind("boolean", node.expression)
        if left.nullable or right.nullable:
            return _Source(f"{word}3({left.text}, {right.text})", "boolean", True)
        return _Source(f"({left.text} {word} {right.text})", "boolean", False)

    def _is(self, node: exp.Is) -> _Source:
        of_any_kind = isinstance(node.expression, exp.Null)
        value = self._node(node.this) if of_any_kind else self._of_kind("boolean", node.this)
        same = f"same({value.text}, {self._node(node.expression).text})"
        return _Source(f"(not {same})" if node.args.get("negate") else same, "boolean", False)

    def _column(self, node: exp.Column) -> _Source:
        column = self._columns.get(node.name) if node.table == "event" else None
        if column is None:
            raise BadCondition(f"{_shown(node)}: a condition reads event.{', event.'.join(sorted(self._columns))}")
        self.read.add(node.name)
        return _Source(f"event.{node.name}", column.kind, column.nullable)

    def _parameter(self, node: exp.Placeholder) -> _Source:
        kind = self._parameters.get(node.name)
        if kind is None:
            raise BadCondition(f"parameter :{node.name} is not declared")
        if self._all_given:
            return _Source(f"parameters[{node.name!r}]", kind, False)
        return _Source(f"parameters.get({node.name!r})", kind, True)

    def _of_kind(self, kind: str, node: exp.Expr) -> _Source:
        source = self._node(node)
        if source.kind not in (kind, None):
            raise BadCondition(f"{_shown(node)} is {source.kind}, {kind} is needed")
        return source

    def _compared(self, node: exp.Expr, *others: exp.Expr) -> tuple[_Source, list[_Source]]:
        """A value, and what it is compared with."""
        value, sources = self._node(node), [self._node(other) for other in others]
        for other, source in zip(others, sources, strict=True):
            if value.kind and source.kind and value.kind != source.kind:
                raise BadCondition(f"{_shown(node)} is {value.kind}, {_shown(other)} is {source.kind}: they do not compare")
        return value, sources


def _shown(node: exp.Expr) -> str:
    return node.sql()
