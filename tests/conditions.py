"""Random conditions of alert types, and events to judge by them: for the tests that compare engine and PostgreSQL."""

from __future__ import annotations

from random import Random
from typing import Any

PARAMETERS = {"limit": {"type": "integer"}, "word": {"type": "text"}, "flag": {"type": "boolean"}}
KINDS = {name: rule["type"] for name, rule in PARAMETERS.items()}

INTEGERS = (-2, -1, 0, 1, 2, 2**31 - 1, -(2**31), 10**17, -(10**17))
# what collations, escapes and drivers differ about
WORDS = ("CARD", "card", "Zürich", "zürich", "İ", "ß", "a-b", "a b", "'", "\\", "--", "%s", "$1", ":word", "€", "😀", "a\nb")
COLUMNS = {
    "integer": ("event.amount_minor", "event.balance_after_minor", ":limit"),
    "text": ("event.entry_type", "event.currency", "event.account_id", ":word"),
    "boolean": (":flag", "true", "FALSE", "null"),
}
TOKENS = (
    *("and", "or", "not", "in", "is", "between", "null", "true", "false", "(", ")", ",", "+", "-", "*"),
    *("<", "<=", "=", "<>", ">=", ">", "event.amount_minor", "event.entry_type", ":limit", ":word", ":flag", "1", "'a'"),
)


class Writer:
    """Writes conditions of the subset, in parentheses at most 3 deep; the same from the same seed."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pick = random.choice

    def condition(self, depth: int = 3) -> str:
        tests = [self._test(depth) for _ in range(self._pick((1, 1, 2, 3)))]
        return "".join(self._pick((" and ", " OR ")) + test if n else test for n, test in enumerate(tests))

    def soup(self) -> str:
        """Words and signs in no order."""
        return " ".join(self._pick(TOKENS) for _ in range(self._random.randint(1, 10)))

    def mangled(self) -> str:
        """A condition with a word too many or too few."""
        words = self.condition().split(" ")
        position = self._random.randrange(len(words))
        words[position : position + self._pick((0, 1))] = self._pick(
            ([], ["is", "null"], ["not"], ["-"], ["("], [")"], ["=", "1"], [","], ["'a'"], ["/* x */"], ["is", "not", "true"])
        )
        return " ".join(words)

    def event(self) -> dict[str, Any]:
        return {
            "entry_id": self._pick(WORDS),
            "account_id": self._pick(WORDS),
            "amount_minor": self._integer(),
            "currency": self._pick(("EUR", "CZK")),
            "status": self._pick(("BOOKED", "PENDING")),
            "balance_after_minor": self._pick((None, self._integer())),
            "entry_type": self._pick((None, self._pick(WORDS))),
        }

    def parameters(self) -> dict[str, Any]:
        return {"limit": self._integer(), "word": self._pick(WORDS), "flag": self._pick((True, False))}

    def _integer(self) -> int:
        return self._pick((*INTEGERS, self._random.randint(-(10**17), 10**17)))

    def _test(self, depth: int) -> str:
        kind = self._pick(("integer", "text", "boolean"))
        value, other, third = (self._value(kind, depth) for _ in range(3))
        negation, truth = self._pick(("", "not ")), self._pick(("true", "false", "null"))
        boolean = self._value("boolean", depth)
        test = self._pick(
            (
                f"{value} {self._pick(('<', '<=', '=', '<>', '>=', '>'))} {other}",
                f"{value} {negation}between {other} and {third}",
                f"{value} {negation}in ({other}, null, {third})",
                f"{value} {negation}in ({other})",
                f"{value} is {negation}null",
                f"{value} = {other} is {negation}{truth}",
                f"{boolean} is {negation}{truth}",
                boolean,
            )
        )
        return self._pick(("", "", "not ")) + test

    def _value(self, kind: str, depth: int) -> str:
        if kind == "integer":
            return self._sum(depth)
        if kind == "boolean" and depth and self._pick((True, False)):
            return f"({self.condition(depth - 1)})"
        word = "'" + self._pick(WORDS).replace("'", "''") + "'"
        return self._pick((*COLUMNS[kind], word) if kind == "text" else COLUMNS[kind])

    def _sum(self, depth: int) -> str:
        text = ""
        for n in range(self._pick((1, 1, 2, 3))):
            nested = depth and self._random.random() < 0.2
            value = f"({self._sum(depth - 1)})" if nested else self._pick((*COLUMNS["integer"], str(abs(self._integer()))))
            text += (self._pick((" + ", " - ", " * ")) if n else "") + self._pick(("", "", "- ", "+")) + value
        return text
