"""Whether words and signs are an expression of the subset, and of which kind: the same rules as bank.parse_expression in SQL.

An operator binds as PostgreSQL has it. Where PostgreSQL and sqlglot might read a text in two ways, parentheses are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from engine.condition_form import BadCondition, Token, refuse

DEEPEST = 10  # parentheses, CASE and calls inside each other
OR, AND, NOT, IS, COMPARISON, RANGE, JOIN, SUM, PRODUCT, SIGN = range(1, 11)  # how tightly operators bind
LEVELS = {
    "or": OR,
    "and": AND,
    "is": IS,
    "not": RANGE,
    "between": RANGE,
    "in": RANGE,
    "like": RANGE,
    "ilike": RANGE,
    "||": JOIN,
}
LEVELS |= dict.fromkeys(("<", "<=", "=", "<>", ">=", ">"), COMPARISON)
LEVELS |= {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT}
OPERANDS = {OR: "boolean", AND: "boolean", JOIN: "text", SUM: "integer", PRODUCT: "integer"}
COMPARABLE = ("integer", "text", "boolean")
TIME_PARTS = ("hour", "minute", "isodow", "day", "month", "year")
NEEDED = {
    "integer": "Allowed here: a whole number, an integer column or parameter, integer_of(text).",
    "text": "Allowed here: 'text', a text column or parameter, event.properties ->> 'name'.",
    "boolean": "Allowed here: a comparison such as a > b, TRUE, FALSE, a boolean column or parameter.",
    "time": "Allowed here: event.event_time.",
}
HISTORY = ("value", "previous", "last", "since")
# the kinds of the arguments, how many may be left out, the kind of the result
FUNCTIONS = {
    "lower": (("text",), 0, "text"),
    "upper": (("text",), 0, "text"),
    "length": (("text",), 0, "integer"),
    "left": (("text", "integer"), 0, "text"),
    "right": (("text", "integer"), 0, "text"),
    "strpos": (("text", "text"), 0, "integer"),
    "starts_with": (("text", "text"), 0, "boolean"),
    "substr": (("text", "integer", "integer"), 1, "text"),
    "trim": (("text",), 0, "text"),
    "replace": (("text", "text", "text"), 0, "text"),
    "integer_of": (("text",), 0, "integer"),
    "abs": (("integer",), 0, "integer"),
}
ALIKE_FUNCTIONS = ("coalesce", "nullif", "greatest", "least")
VALUE = "Allowed here: a value, NULL, TRUE, FALSE, ( ), CASE, EXTRACT or a function; before it NOT or a sign."
OPERATOR = (
    "Allowed here: an operator, AND, OR, or what ends this part; with parentheses where two operators do not go together."
)


class Part(NamedTuple):
    """A part of the expression. kind: integer, text, boolean, time, json; None for NULL, which is of any kind."""

    kind: str | None
    token: Token  # its first
    tightest: int = SIGN  # the tightest operator that may follow


class Scope(NamedTuple):
    """What an expression may read: columns and parameters with their kinds, history.*; and which time zones are known."""

    columns: Mapping[str, str]
    parameters: Mapping[str, str]
    history: bool
    zones: Collection[str]

    def readable(self) -> str:
        names = [f"event.{name}" for name in sorted(self.columns)]
        names += [f"history.{name}" for name in HISTORY] if self.history else []
        names += [f":{name}" for name in sorted(self.parameters)]
        return f"Readable are {', '.join(names)}." if names else "Nothing is readable here."


def check_grammar(tokens: list[Token], scope: Scope, kind: str) -> None:
    """Raises BadCondition unless the tokens are one expression of this kind."""
    grammar = _Grammar(tokens, scope)
    part = grammar.expression(OR, 0)
    if grammar.token.kind != "end":
        raise refuse(grammar.token, "this cannot stand here", OPERATOR)
    _need(part, kind)


class _Grammar:
    """Walks over the tokens from left to right; `expression` is bounded in depth by DEEPEST times the ten levels."""

    def __init__(self, tokens: list[Token], scope: Scope) -> None:
        self._tokens = tokens
        self._at = 0
        self._scope = scope

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def expression(self, level: int, depth: int) -> Part:
        """A value, and all operators after it that bind at least as tightly as `level`."""
        if depth > DEEPEST:
            raise refuse(self.token, f"this is more than {DEEPEST} parentheses, calls and CASE deep", "Write it flatter.")
        part = self._operand(level, depth)
        while level <= (found := LEVELS.get(self.token.text, 0)) and self.token.kind in ("word", "sign"):
            if found > part.tightest:
                raise refuse(self.token, "this cannot stand here", OPERATOR)
            part = self._operation(part, found, depth)
        return part

    def _operand(self, level: int, depth: int) -> Part:
        token = self.token
        if token.text == "not" and level <= NOT:
            self._at += 1
            _need(self.expression(IS, depth), "boolean")
            return Part("boolean", token, AND)
        if token.text in ("+", "-"):
            self._at += 1
            _need(self._primary(depth), "integer")
            return Part("integer", token, PRODUCT)
        part = self._primary(depth)
        if self.token.text == "->>" and part.kind == "json" and level <= JOIN:
            self._at += 1
            self._property_name()
            return Part("text", token, JOIN)
        return part

    def _property_name(self) -> None:
        name = self._taken("value")
        if not (name.text[0] == "'" and name.text[1:-1].isascii() and name.text[1:-1].isidentifier() and len(name.text) <= 42):
            raise refuse(name, "this is no name of a property", "Allowed here: 'name', of letters, digits and _, at most 40.")

    def _primary(self, depth: int) -> Part:
        token = self.token
        if token.kind == "value":
            self._at += 1
            return Part(self._kind_of(token), token)
        if token.text in ("null", "true", "false"):
            self._at += 1
            return Part(None if token.text == "null" else "boolean", token)
        if token.text == "(":
            self._at += 1
            part = self.expression(OR, depth + 1)
            self._taken("sign", ")")
            return Part(part.kind, token)
        if token.text == "case":
            return self._case(depth + 1)
        if token.text == "extract":
            return self._extract(depth + 1)
        if token.text in FUNCTIONS or token.text in ALIKE_FUNCTIONS:
            return self._call(depth + 1)
        raise refuse(token, "this cannot stand here", VALUE)

    def _kind_of(self, token: Token) -> str:
        text = token.text
        if text[0] == "'":
            return "text"
        if text[0].isdigit():
            return "integer"
        place, _, name = text.partition(".")
        kind = self._scope.columns.get(name) if place == "event" else None
        if place == "history" and self._scope.history and name in HISTORY:
            kind = "integer"
        kind = self._scope.parameters.get(text[1:]) if text[0] == ":" else kind
        if kind is None:
            raise refuse(token, "this cannot be read here", self._scope.readable())
        return kind

    def _operation(self, left: Part, level: int, depth: int) -> Part:
        """What an operator makes of the part before it."""
        token = self.token
        self._at += 1
        if level in OPERANDS:
            kind = OPERANDS[level]
            _need(left, kind)
            _need(self.expression(level + 1, depth), kind)
            return Part(kind, left.token, level)
        if level == COMPARISON:
            _alike([left, self.expression(RANGE, depth)])
        elif level == IS:
            self._is(left)
        else:
            self._range(left, self._taken("word") if token.text == "not" else token, depth)
        return Part("boolean", left.token, level - 1)

    def _is(self, left: Part) -> None:
        if self.token.text == "not":
            self._at += 1
        if self._taken("word", "null", "true", "false").text != "null":
            _need(left, "boolean")

    def _range(self, left: Part, operator: Token, depth: int) -> None:
        """BETWEEN, IN, LIKE or ILIKE, after its word."""
        if operator.text == "between":
            low = self.expression(JOIN, depth)
            self._taken("word", "and")
            _alike([left, low, self.expression(JOIN, depth)])
        elif operator.text == "in":
            self._taken("sign", "(")
            _alike([left, *self._list(depth + 1)])
        elif operator.text in ("like", "ilike"):
            _need(left, "text")
            _need(self.expression(JOIN, depth), "text")
        else:
            raise refuse(operator, "this cannot stand here", "Allowed here: BETWEEN, IN, LIKE, ILIKE.")

    def _list(self, depth: int) -> list[Part]:
        """Expressions with commas between them, and the parenthesis after them."""
        parts = [self.expression(OR, depth)]
        while self._taken("sign", ",", ")").text == ",":
            parts.append(self.expression(OR, depth))
        return parts

    def _call(self, depth: int) -> Part:
        token = self._taken("word")
        self._taken("sign", "(")
        parts = self._list(depth)
        if token.text in ALIKE_FUNCTIONS:
            if token.text == "nullif" and len(parts) != 2:
                raise refuse(token, "this takes 2 arguments", "Give as many.")
            return Part(_alike(parts, known=True), token)
        kinds, optional, result = FUNCTIONS[token.text]
        if not len(kinds) - optional <= len(parts) <= len(kinds):
            raise refuse(token, f"this takes {len(kinds)} arguments", "Give as many.")
        for part, kind in zip(parts, kinds, strict=False):
            _need(part, kind)
        return Part(result, token)

    def _case(self, depth: int) -> Part:
        token = self._taken("word")
        compared = [] if self.token.text == "when" else [self.expression(OR, depth)]
        results = []
        self._taken("word", "when")
        while True:
            condition = self.expression(OR, depth)
            if compared:
                compared.append(condition)
            else:
                _need(condition, "boolean")
            self._taken("word", "then")
            results.append(self.expression(OR, depth))
            after = self._taken("word", "when", "else", "end")
            if after.text == "else":
                results.append(self.expression(OR, depth))
                after = self._taken("word", "end")
            if after.text == "end":
                break
        if compared:
            _alike(compared)
        return Part(_alike(results, known=True), token)

    def _extract(self, depth: int) -> Part:
        token = self._taken("word")
        self._taken("sign", "(")
        field = self._taken("word", "epoch", *TIME_PARTS)
        self._taken("word", "from")
        _need(self.expression(SIGN, depth), "time")
        if field.text != "epoch":
            for word in ("at", "time", "zone"):
                self._taken("word", word)
            zone = self._taken("value")
            if zone.text[0] != "'" or zone.text[1:-1] not in self._scope.zones:
                raise refuse(zone, "this is no time zone", "Allowed here: an IANA name such as 'Europe/Amsterdam'.")
        self._taken("sign", ")")
        return Part("integer", token)

    def _taken(self, kind: str, *texts: str) -> Token:
        """The next token, which must be of this kind, and one of these where some are given."""
        token = self.token
        if token.kind != kind or (texts and token.text not in texts):
            allowed = (
                ", ".join(text.upper() for text in texts) or {"value": "a value", "word": "BETWEEN, IN, LIKE, ILIKE"}[kind]
            )
            raise refuse(token, "this cannot stand here", f"Allowed here: {allowed}.")
        self._at += 1
        return token


def _need(part: Part, kind: str) -> None:
    if part.kind not in (kind, None):
        raise refuse(part.token, f"{kind} is needed, and {part.kind} begins here", NEEDED[kind])


def _alike(parts: list[Part], known: bool = False) -> str | None:
    """The kind that all have. `known`: at least one must not be NULL."""
    kind = next((part.kind for part in parts if part.kind), None)
    for part in parts:
        if part.kind and part.kind not in COMPARABLE:
            raise refuse(part.token, f"{part.kind} begins here, it does not compare", "Allowed here: integer, text, boolean.")
        if kind and part.kind not in (kind, None):
            raise refuse(part.token, f"{kind} is needed, and {part.kind} begins here", "Compare like with like.")
    if known and kind is None:
        raise refuse(parts[0].token, "all of these are NULL", "Allowed here: at least one value.")
    return kind


__all__ = ["BadCondition", "Scope", "check_grammar"]
