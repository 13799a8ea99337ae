"""Random expressions of alert types, and what to judge by them: strategies for the tests that compare engine and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from engine.condition import Column

T = TypeVar("T")
DECLARED: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "default": 100},
    "bound": {"type": "integer"},
    "word": {"type": "text"},
    "flag": {"type": "boolean", "default": True},
}
HISTORY = ("value", "previous", "last", "since")
INTEGERS = (-2, -1, 0, 1, 2, 3, 7, 2**31 - 1, -(2**31), 10**17, -(10**17))
# what collations, case mappings, escapes, patterns and drivers differ about
WORDS = (
    *(
        "",
        "CARD",
        "card",
        "Zürich",
        "zürich",
        "İ",
        "ß",
        "K",
        "a-b",
        "a b",
        " a ",
        "'",
        "\\",
        "--",
        "%s",
        "$1",
        ":word",
        "€",
        "😀",
        "a\nb",
    ),
    *(
        "aaa",
        "abab",
        "a%",
        "%b",
        "_",
        "a_b",
        "\\%",
        "a\\",
        "%a%b%",
        "12",
        "-5",
        "0012",
        "9" * 18,
        "9" * 19,
        "\u0661",
        "2.5",
        "é" * 20,
    ),
)
ZONES = ("Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
NAMES = ("application_id", "a", "missing")
TOKENS = (
    *(
        "and",
        "or",
        "not",
        "in",
        "is",
        "between",
        "like",
        "ilike",
        "null",
        "true",
        "false",
        "case",
        "when",
        "then",
        "else",
        "end",
    ),
    *("(", ")", ",", "+", "-", "*", "/", "%", "||", "->>", "<", "<=", "=", "<>", ">=", ">", "1", "'a'", "event.amount_minor"),
    *("event.currency", "event.properties", "event.event_time", "history.value", ":limit", ":word", ":flag", "lower(", "left("),
    *(
        "coalesce(",
        "extract(hour from",
        "at time zone 'UTC'",
        "/* x */",
        "-- x",
        "event.nothing",
        ":nothing",
        "select",
        "!=",
        "::text",
    ),
)
integers = st.sampled_from(INTEGERS) | st.integers(-100, 100) | st.integers(-(10**17), 10**17)
words = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)
# without a time zone, as Hypothesis wants bounds
FIRST, EARLY, LATE, LAST = (
    datetime.fromisoformat(day) for day in ("0001-01-01", "1900-01-01", "2100-01-01", "9999-12-31T23:59")
)
times = st.datetimes(EARLY, LATE) | st.sampled_from((FIRST, LAST))
properties = st.dictionaries(
    st.sampled_from(NAMES[:2]),
    words | integers | st.booleans() | st.none() | st.sampled_from((1.5, 10**18, 10**25, [1], {"a": "b"}, "")),
    max_size=2,
)
VALUES: dict[str, SearchStrategy[Any]] = {
    "integer": integers,
    "text": words,
    "boolean": st.booleans(),
    "time": times.map(lambda time: time.replace(tzinfo=UTC)),
    "json": properties,
}


class Case(NamedTuple):
    """What one evaluation is given."""

    event: dict[str, Any]
    parameters: dict[str, Any]
    history: dict[str, int | None]


@st.composite
def cases(draw: DrawFn, columns: Mapping[str, Column]) -> Case:
    """An event with these columns, parameters that may be missing or of the wrong type, and history."""
    event = {
        name: draw(st.none() | VALUES[column.kind]) if column.nullable else draw(VALUES[column.kind])
        for name, column in columns.items()
    }
    given_ = {
        name: draw(
            VALUES[rule["type"]] | st.sampled_from(("many", 1, True, None, 2.5))
            if draw(st.integers(0, 9)) == 0
            else VALUES[rule["type"]]
        )
        for name, rule in DECLARED.items()
        if draw(st.integers(0, 9))
    }
    return Case(event, given_, {name: draw(st.none() | integers) for name in HISTORY})


class Writer:
    """Draws expressions over these columns; `depth`: so many levels of parentheses, calls and CASE at most."""

    def __init__(
        self,
        draw: Callable[[SearchStrategy[Any]], Any],
        columns: Mapping[str, Column],
        history: bool = True,
        parameters: bool = True,
    ) -> None:
        self._draw = draw
        names = {kind: [f"event.{name}" for name, column in columns.items() if column.kind == kind] for kind in VALUES}
        given_ = {
            kind: [f":{name}" for name, rule in DECLARED.items() if parameters and rule["type"] == kind] for kind in VALUES
        }
        self._names = {
            "integer": ["7", *names["integer"], *given_["integer"], *(f"history.{name}" for name in HISTORY if history)],
            "text": ["'x'", *names["text"], *given_["text"]],
            "boolean": [*names["boolean"], *given_["boolean"], "true", "FALSE", "null"],
        }
        self._properties = [f"{column} ->> '{name}'" for column in names["json"] for name in NAMES]
        self._time = names["time"][0]

    def boolean(self, depth: int) -> str:
        """Tests, joined by AND and OR."""
        count = self._pick((1, 1, 1, 2, 3))
        return "".join((self._pick((" and ", " OR ")) if n else "") + self._test(depth) for n in range(count))

    def integer(self, depth: int) -> str:
        """A sum of products."""
        text = ""
        for n in range(self._pick((1, 1, 1, 2, 3))):
            text += (self._pick((" + ", " - ", " * ", " / ", " % ")) if n else "") + self._pick(("", "", "", "- ", "+"))
            text += self._integer_value(depth)
        return text

    def text(self, depth: int) -> str:
        """Texts, joined by ||."""
        if bool(self._properties) and self._pick((True, False)):
            return self._pick(self._properties)
        return " || ".join(self._text_value(depth) for _ in range(self._pick((1, 1, 1, 2))))

    def _pick(self, choices: Sequence[T]) -> T:
        picked: T = self._draw(st.sampled_from(choices))
        return picked

    def _value(self, kind: str, depth: int) -> str:
        if kind == "boolean":
            return f"({self.boolean(depth - 1)})" if depth and self._pick((True, False)) else self._pick(self._names["boolean"])
        return self.integer(depth) if kind == "integer" else self.text(depth)

    def _test(self, depth: int) -> str:
        kind = self._pick(("integer", "integer", "text", "text", "boolean"))
        form = self._pick(("compare", "compare", "between", "in", "null", "like", "truth", "plain"))
        value, negation, truth = self._value(kind, depth), self._pick(("", "not ")), self._pick(("true", "FALSE", "null"))
        prefix = self._pick(("", "", "", "not "))
        if form == "compare":
            after = self._pick(("", "", "", f" is {negation}{truth}"))
            return f"{prefix}{value} {self._pick(('<', '<=', '=', '<>', '>=', '>'))} {self._value(kind, depth)}{after}"
        if form == "between":
            return f"{prefix}{value} {negation}between {self._value(kind, depth)} and {self._value(kind, depth)}"
        if form == "in":
            listed = [self._value(kind, depth) for _ in range(self._pick((1, 2)))] + ["null"] * self._pick((0, 1))
            return f"{prefix}{value} {negation}in ({', '.join(listed)})"
        if form == "null":
            return f"{prefix}{value} is {negation}null"
        if form == "like":
            return f"{prefix}{self.text(depth)} {negation}{self._pick(('like', 'ILIKE'))} {self.text(depth)}"
        boolean = self._value("boolean", depth)
        return f"{prefix}{boolean} is {negation}{truth}" if form == "truth" else prefix + boolean

    def _integer_value(self, depth: int) -> str:
        if not depth or self._pick((True, True, False)):
            return self._pick((*self._names["integer"], str(abs(self._draw(integers)))))
        text = self._text_value(depth - 1)
        return self._pick(
            (
                *(f"({self.integer(depth - 1)})", f"abs({self.integer(depth - 1)})", f"length({text})", f"integer_of({text})"),
                *(
                    f"strpos({text}, {self._text_value(depth - 1)})",
                    self._case("integer", depth - 1),
                    self._alike("integer", depth - 1),
                ),
                self._extract(),
                f"extract(epoch from {self._time})",
            )
        )

    def _extract(self) -> str:
        part, zone = self._pick(("hour", "minute", "isodow", "day", "month", "YEAR")), self._pick(ZONES)
        return f"extract({part} from {self._time} at time zone '{zone}')"

    def _text_value(self, depth: int) -> str:
        if not depth or self._pick((True, True, False)):
            return self._pick((*self._names["text"], "'" + str(self._draw(words)).replace("'", "''") + "'"))
        text, number = self.text(depth - 1), self.integer(depth - 1)
        return self._pick(
            (
                *(f"({text})", f"lower({text})", f"UPPER({text})", f"left({text}, {number})", f"right({text}, {number})"),
                *(f"substr({text}, {number}, {self.integer(0)})", f"substr({text}, {number})", f"trim({text})"),
                *(
                    f"replace({text}, {self.text(0)}, {self.text(0)})",
                    self._case("text", depth - 1),
                    self._alike("text", depth - 1),
                ),
            )
        )

    def _case(self, kind: str, depth: int) -> str:
        compared = self._pick(("", "integer", "text"))
        text = f"case {self._value(compared, depth)}" if compared else "CASE"
        for _ in range(self._pick((1, 2))):
            text += f" when {self._value(compared or 'boolean', depth)} then {self._value(kind, depth)}"
        return f"{text}{self._pick(('', ' else null', f' else {self._value(kind, depth)}'))} end"

    def _alike(self, kind: str, depth: int) -> str:
        name = self._pick(("coalesce", "nullif", "greatest", "least"))
        return f"{name}({self._value(kind, depth)}, {self._value(kind, depth)})"


@st.composite
def conditions(draw: DrawFn, columns: Mapping[str, Column]) -> str:
    """A boolean expression that keeps to the grammar; it may be too long, or search too often."""
    return Writer(draw, columns).boolean(draw(st.sampled_from((1, 2, 3))))


@st.composite
def mangled(draw: DrawFn, columns: Mapping[str, Column]) -> str:
    """An expression with a word too many or too few, or words and signs in no order."""
    if draw(st.booleans()):
        return " ".join(draw(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=10)))
    parts = Writer(draw, columns).boolean(2).split(" ")
    position = draw(st.integers(0, len(parts) - 1))
    parts[position : position + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from(TOKENS), max_size=1))
    return " ".join(parts)
