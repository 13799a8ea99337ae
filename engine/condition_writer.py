"""Writes Python for an expression that sqlglot parsed; its kinds have been checked before.

Where nothing is NULL plain operators are written. Where an operand may be, what is common is written in place, with names for
what is used twice; the rest calls the three-valued functions of condition_values.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlglot import exp

from engine import condition_values as values
from engine.condition_form import BadCondition

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.LT: "<",
    exp.LTE: "<=",
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GTE: ">=",
    exp.GT: ">",
}
ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
# node -> function, and the node's arguments that are the function's
CALLS: dict[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Div: ("quotient", ("this", "expression")),
    exp.Mod: ("remainder", ("this", "expression")),
    exp.DPipe: ("joined", ("this", "expression")),
    exp.Like: ("like", ("this", "expression")),
    exp.ILike: ("ilike", ("this", "expression")),
    exp.Lower: ("lower", ("this",)),
    exp.Upper: ("upper", ("this",)),
    exp.Length: ("length", ("this",)),
    exp.Abs: ("absolute", ("this",)),
    exp.Left: ("left", ("this", "expression")),
    exp.Right: ("right", ("this", "expression")),
    exp.StrPosition: ("strpos", ("this", "substr")),
    exp.StartsWith: ("starts_with", ("this", "expression")),
    exp.Substring: ("substr", ("this", "start", "length")),
    exp.Trim: ("trim", ("this",)),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
}
NEVER_NULL = ("lower", "upper", "length", "absolute", "left", "right", "strpos", "starts_with", "trim")  # unless an argument is
NULL_AWARE: dict[type[exp.Expr], str] = {
    exp.Coalesce: "coalesce",
    exp.Nullif: "nullif",
    exp.Greatest: "greatest",
    exp.Least: "least",
}
_NAMES = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">=": "ge", ">": "gt", "+": "add", "-": "sub", "*": "mul"}
_PLAIN: dict[str, Any] = {
    "lower": values.lower,
    "upper": values.upper,
    "length": len,
    "absolute": abs,
    "left": values.left,
    "right": values.right,
    "strpos": values.strpos,
    "starts_with": str.startswith,
    "substr": values.substr,
    "trim": lambda text: text.strip(" "),
    "replace": values.replace,
    "quotient": values.quotient,
    "remainder": values.remainder,
    "joined": values.joined,
    "like": values.like,
    "ilike": values.ilike,
    "property_text": values.property_text,
    "integer_of": values.integer_of,
    "epoch": values.epoch,
    "time_part": values.time_part,
}
# the names that written Python uses, and no others
NAMES: dict[str, Any] = {
    "__builtins__": {"KeyError": KeyError},
    "same": operator.is_,
    "case_of": values.case_of,
    **{f"{name}3": getattr(values, f"{name}3") for name in ("and", "or", "not", "in", "between")},
    **{name: getattr(values, name) for name in NULL_AWARE.values()},
    **{name: values.strict_two(getattr(operator, name)) for name in _NAMES.values()},
    **_PLAIN,
    **{f"{name}_or_null": values.strict(function) for name, function in _PLAIN.items()},
}


class Source(NamedTuple):
    """Python for a part of the expression."""

    text: str
    nullable: bool


class Writer:
    """Writes Python for a tree; `read` collects the event's columns it met, `reads_history` whether it met history.*.

    `nullable`: of each column whether it may be NULL. `all_given`: parameters are indexed, a missing one is a KeyError;
    else a missing one is NULL. `in_place`: less is called, at the cost of more parentheses inside each other.
    """

    def __init__(self, nullable: Mapping[str, bool], all_given: bool, in_place: bool) -> None:
        self._nullable = nullable
        self._all_given = all_given
        self._in_place = in_place
        self._names = (f"v{number}" for number in itertools.count())
        self.read: set[str] = set()
        self.reads_history = False

    def write(self, node: exp.Expr) -> Source:
        if isinstance(node, exp.Paren):
            return self.write(node.this)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Placeholder):
            return self._parameter(node)
        if isinstance(node, exp.Literal):
            return Source(repr(node.this) if node.is_string else str(int(node.this)), False)
        if isinstance(node, exp.Boolean):
            return Source(str(node.this), False)
        if isinstance(node, exp.Null):
            return Source("None", True)
        return self._operation(node)

    def _operation(self, node: exp.Expr) -> Source:
        if sign := COMPARISONS.get(type(node)) or ARITHMETIC.get(type(node)):
            return self._binary(sign, self.write(node.this), self.write(node.expression))
        if isinstance(node, (exp.And, exp.Or)):
            return self._connective(node)
        if isinstance(node, exp.Not):
            return self._negated(self.write(node.this))
        if isinstance(node, exp.Neg):
            return self._binary("-", Source("0", False), self.write(node.this))
        if isinstance(node, exp.Is):
            same = f"same({self.write(node.this).text}, {self.write(node.expression).text})"
            return Source(f"(not {same})" if node.args.get("negate") else same, False)
        if isinstance(node, exp.Between):
            parts = [self.write(node.args[name]) for name in ("this", "low", "high")]
            return self._maybe_negated(node, _call("between3", parts, True))
        if isinstance(node, exp.In) and node.expressions:
            value, listed = self.write(node.this), ", ".join(self.write(one).text for one in node.expressions)
            return self._maybe_negated(node, Source(f"in3({value.text}, ({listed},))", True))
        return self._function(node)

    def _function(self, node: exp.Expr) -> Source:
        if call := CALLS.get(type(node)):
            name, arguments = call
            parts = [self.write(node.args[argument]) for argument in arguments if node.args.get(argument)]
            return self._maybe_negated(node, _strict_call(name, parts))
        if name := NULL_AWARE.get(type(node), ""):
            given = [node.this, *([node.expression] if node.args.get("expression") else node.expressions)]
            return _call(name, [self.write(one) for one in given], True)
        if isinstance(node, exp.Case):
            return self._case(node)
        if isinstance(node, exp.Extract):
            return self._extract(node)
        if isinstance(node, exp.JSONExtractScalar):
            name = node.expression.expressions[-1].name
            return _strict_call("property_text", [self.write(node.this), Source(repr(name), False)])
        if isinstance(node, exp.Anonymous) and node.name.lower() == "integer_of":
            return _strict_call("integer_of", [self.write(one) for one in node.expressions])
        raise BadCondition(f"{node.sql()} ({type(node).__name__}) is not in the subset of docs/sql-contract.md")

    def _binary(self, sign: str, left: Source, right: Source) -> Source:
        if not (left.nullable or right.nullable):
            return Source(f"({left.text} {sign} {right.text})", False)
        if not self._in_place:
            return Source(f"{_NAMES[sign]}({left.text}, {right.text})", True)
        tests, operands = [], []
        for text, nullable in (left, right):
            name = next(self._names) if nullable else text
            operands.append(name)
            if nullable:
                tests.append(f"({name} := {text}) is None")
        return Source(f"(None if {' or '.join(tests)} else {f' {sign} '.join(operands)})", True)

    def _connective(self, node: exp.And | exp.Or) -> Source:
        word = "and" if isinstance(node, exp.And) else "or"
        parts = [self.write(one) for one in _chain(node)]
        text, nullable = parts[0]
        for part in parts[1:]:
            nullable = nullable or part.nullable
            text = self._connected(word, text, part.text) if nullable else f"({text} {word} {part.text})"
        return Source(text, nullable)

    def _connected(self, word: str, left: str, right: str) -> str:
        """Right is not evaluated where left decides. Where left does not, right decides or left says whether it counts."""
        if not self._in_place:
            return f"{word}3({left}, {right})"
        a, b = next(self._names), next(self._names)
        if word == "and":
            return f"(False if ({a} := {left}) is False else ({b} if ({b} := {right}) is False or {a} else None))"
        return f"(True if ({a} := {left}) is True else ({b} if ({b} := {right}) is True or {a} is False else None))"

    def _maybe_negated(self, node: exp.Expr, source: Source) -> Source:
        return self._negated(source) if node.args.get("negate") else source

    def _negated(self, source: Source) -> Source:
        if not (source.nullable and self._in_place):
            return Source(f"not3({source.text})" if source.nullable else f"(not {source.text})", source.nullable)
        name = next(self._names)
        return Source(f"(None if ({name} := {source.text}) is None else not {name})", True)

    def _case(self, node: exp.Case) -> Source:
        """An unknown condition does not count. What CASE compares is written once: in nests it would grow without bound."""
        branches = [(self.write(branch.this), self.write(branch.args["true"])) for branch in node.args["ifs"]]
        default = self.write(node.args["default"]) if node.args.get("default") else Source("None", True)
        if node.this is not None:
            given = [self.write(node.this), default, *(part for branch in branches for part in branch)]
            return _call("case_of", given, True)
        text, nullable = default
        for test, result in reversed(branches):
            nullable = nullable or result.nullable
            is_true = f"same({test.text}, True)" if test.nullable else test.text
            text = f"({result.text} if {is_true} else {text})"
        return Source(text, nullable)

    def _extract(self, node: exp.Extract) -> Source:
        time = node.expression
        if not isinstance(time, exp.AtTimeZone):
            return _strict_call("epoch", [self.write(time)])
        part, zone = repr(node.name.lower()), repr(time.args["zone"].this)
        value = self.write(time.this)
        name = "time_part_or_null" if value.nullable else "time_part"
        return Source(f"{name}({part}, {value.text}, {zone})", True)

    def _column(self, node: exp.Column) -> Source:
        if node.table == "history":
            self.reads_history = True
            return Source(f"history.{node.name}", True)
        self.read.add(node.name)
        return Source(f"event.{node.name}", self._nullable[node.name])

    def _parameter(self, node: exp.Placeholder) -> Source:
        if self._all_given:
            return Source(f"parameters[{node.name!r}]", False)
        return Source(f"parameters.get({node.name!r})", True)


def _chain(node: exp.Expr) -> Iterable[exp.Expr]:
    """The operands of a AND b AND c, from left to right: a long chain is no deep tree."""
    operands: list[exp.Expr] = []
    while True:
        operands.append(node.expression)
        if type(node.this) is not type(node):
            operands.append(node.this)
            break
        node = node.this
    return reversed(operands)


def _call(name: str, parts: Iterable[Source], nullable: bool) -> Source:
    return Source(f"{name}({', '.join(part.text for part in parts)})", nullable)


def _strict_call(name: str, parts: list[Source]) -> Source:
    """NULL where an argument is."""
    if any(part.nullable for part in parts):
        return _call(f"{name}_or_null", parts, True)
    return _call(name, parts, name not in NEVER_NULL)
