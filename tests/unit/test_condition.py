"""Conditions become Python with SQL's three-valued logic; what is outside the subset is refused by name."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import pytest

from engine.catalogue import build_catalogue
from engine.condition import BadCondition, compile_condition, compile_integer, compile_text
from engine.decode import COLUMNS, AccountEntry
from engine.parameters import complete
from engine.rows import AlertTypeRow

KINDS = {"limit": "integer", "word": "text", "flag": "boolean"}
ENTRY = COLUMNS[AccountEntry.kind]
TRUTHS = {"true": True, "false": False, "null": None}


def holds(condition: str, **event: object) -> bool | None:
    values = {"amount_minor": -5, "balance_after_minor": None, "entry_type": None, "currency": "EUR", **event}
    return compile_condition(condition, ENTRY, KINDS).holds(SimpleNamespace(**values), {"limit": 3, "word": "é", "flag": True})


def test_and_or_not_are_three_valued() -> None:
    """Kleene's logic: false decides AND, true decides OR, else an unknown makes the whole unknown."""
    for (a, x), (b, y) in itertools.product(TRUTHS.items(), repeat=2):
        expected_and = False if x is False or y is False else None if x is None or y is None else True
        expected_or = True if x is True or y is True else None if x is None or y is None else False
        assert holds(f"{a} and {b}") is expected_and, (a, b)
        assert holds(f"{a} or {b}") is expected_or, (a, b)
    assert [holds(f"not {a}") for a in TRUTHS] == [False, True, None]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("event.amount_minor = -5", True),
        ("- event.amount_minor > :limit", True),
        ("event.amount_minor * 2 + 1 - :limit = - 12", True),
        ("event.balance_after_minor < 0", None),
        ("event.balance_after_minor + 1 < 0", None),
        ("- event.balance_after_minor = 0", None),
        ("not event.balance_after_minor < 0", None),
        ("event.balance_after_minor is null", True),
        ("event.balance_after_minor is not null", False),
        ("(event.balance_after_minor < 0) is not true", True),
        ("event.balance_after_minor < 0 is true", False),
        ("event.amount_minor < 0 is true", True),
        ("event.amount_minor in (1, -5)", True),
        ("event.amount_minor in (1, null)", None),
        ("event.amount_minor not in (1, null)", None),
        ("event.amount_minor not in (-5, null)", False),
        ("event.balance_after_minor in (1)", None),
        ("event.amount_minor between -5 and :limit", True),
        ("event.amount_minor not between -4 and :limit", True),
        ("event.amount_minor between null and -6", False),
        ("event.amount_minor between null and 0", None),
        ("event.currency = 'EUR' and :flag", True),
        ("event.entry_type = 'it''s'", None),
        (":word > 'z'", True),
        ("'Z' < 'a'", True),
        ("1 < 2 or 1 < 2 and 2 < 1", True),
    ],
)
def test_values(condition: str, expected: bool | None) -> None:
    assert holds(condition) is expected


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        (
            "event.counterparty_name is null",
            "position 1: this cannot be read here: event.counterparty_name. Readable are event.account_id,",
        ),
        ("event.amount_minor > :missing", "position 22: this cannot be read here: :missing"),
        ("event.amount_minor > 'a'", "position 22: integer is needed, and text begins here: 'a'"),
        ("event.amount_minor + :word = 1", "position 22: integer is needed, and text begins here: :word"),
        ("event.amount_minor", "position 1: boolean is needed, and integer begins here"),
        ("history.value > 1", "position 1: this cannot be read here: history.value"),
        ("random() = 1", "position 1: a condition cannot contain this: random. Allowed are event.column"),
        ("1 = 1; drop table x", "position 6: a condition cannot contain this: ;"),
        ("1 = 1 -- all", "position 7: a condition cannot contain this: --"),
        ("1 = 1 /* all */", "position 7: a condition cannot contain this: /*"),
        ("event.currency ~ 'x'", "position 16: a condition cannot contain this: ~"),
        ("event.currency = $$EUR$$", "position 18: a condition cannot contain this: $"),
        ("event.currency = U&'\\0041'", "position 18: a condition cannot contain this: u."),
        ("event.amount_minor in (select 1)", "position 24: a condition cannot contain this: select"),
        ("event.amount_minor = 1e3", "position 23: a condition cannot contain this: e3"),
        ("true true", "position 6: this cannot stand here: true"),
        ("true and", "position 9: this cannot stand here: the end. Allowed here: a value"),
        ("(1, 2) = (1, 2)", "position 3: this cannot stand here: ,. Allowed here: )."),
        ("1 = 1 = true", "position 7: this cannot stand here: ="),
        ("not not true", "position 5: this cannot stand here: not"),
        ("left('a') = 'a'", "position 1: this takes 2 arguments: left"),
        ("case when true then null end", "position 21: all of these are NULL"),
        (
            "event.event_time is null or event.event_time = event.event_time",
            "position 29: time begins here, it does not compare",
        ),
        ("extract(hour from event.event_time) = 1", "position 35: this cannot stand here: ). Allowed here: AT"),
        ("extract(hour from event.event_time at time zone 'Europe/Hoorn') = 1", "position 49: this is no time zone"),
        ("lower lower", "position 7: this cannot stand here: lower. Allowed here: (."),
        ("(" * 11 + "true" + ")" * 11, "position 12: this is more than 10 parentheses, calls and CASE deep: true"),
        ("x" * 1001, "position 1001: it is longer than 1000 characters"),
        ("1" + "+1" * 150 + "=1", "position 201: it has more than 200 words and signs"),
        ("'a' like 'b' or " * 10 + "'a' ilike 'b'", "position 165: this is more than 10 of LIKE, ILIKE, strpos and replace"),
    ],
)
def test_a_refusal_names_the_position_and_what_is_allowed(condition: str, named: str) -> None:
    with pytest.raises(BadCondition) as refused:
        compile_condition(condition, ENTRY, KINDS)
    assert named in str(refused.value)


@pytest.mark.parametrize("opening", ["(", "not ", "- ", "not (", "- (", "lower(", "case when ", "1 + (", "coalesce(1, "])
def test_a_nest_of_a_thousand_characters_is_refused_at_once(opening: str) -> None:
    """An expression bomb: it must neither crash the compiler nor hold it up."""
    times = 990 // (len(opening) + opening.count("("))
    condition = opening * times + "1=1" + ")" * (opening.count("(") * times)
    with pytest.raises(BadCondition):
        compile_condition(condition, ENTRY, KINDS)


NEST = "event.amount_minor"
for _ in range(9):
    NEST = f"case {NEST} when 1 then 1 when 2 then 2 when 3 then 3 end"


@pytest.mark.parametrize(
    "condition",
    [
        NEST + " = 1",
        " or ".join(["event.description || event.description like '%" + "a" * 40 + "b%'"] * 10),
        " or ".join(["event.description || event.description ilike '%" + "_a" * 20 + "b%'"] * 10),
        " or ".join(["event.description || event.description like '%" + "a%" * 20 + "b'"] * 10),
        " or ".join(["event.description || event.description like :word"] * 10),
        "replace(" * 9 + "event.description" + ", 'a', 'aa')" * 9 + " is null",
        "||".join(["event.description"] * 49) + " is null",
        " + ".join(["strpos(event.description || event.description, :word)"] * 10) + " = 1",
    ],
)
def test_a_bomb_that_is_taken_ends_within_10_ms(condition: str) -> None:
    event = SimpleNamespace(**{**dict.fromkeys(ENTRY), "description": "a" * 1000, "amount_minor": 10**17})
    compiled = compile_condition(condition, ENTRY, KINDS)
    took_s = []
    for _ in range(3):
        began = time.process_time()
        compiled.holds(event, {"word": "%" + "_" * 48 + "a%" + "_" * 48 + "b"})
        took_s.append(time.process_time() - began)
    assert min(took_s) < 0.010


def test_the_deepest_and_longest_compile() -> None:
    assert holds("(" * 10 + "1" + "+ 1" * 80 + " > 0" + ")" * 10) is True
    assert holds("true" + " and true" * 99) is True
    assert holds("event.balance_after_minor = 1" + " or event.balance_after_minor = 1" * 24) is None
    assert holds("null" + " and null" * 99) is None  # more parentheses than Python takes, were it written in place
    assert holds("(null or " * 10 + "null" + " and null" * 60 + ")" * 10) is None


def test_integers_and_texts() -> None:
    """The other expressions of an alert type."""
    seconds = compile_integer(":limit * 3600", KINDS)
    assert (seconds({"limit": 2}), seconds({})) == (7200, None)
    key = compile_text("event.properties ->> 'application_id'", COLUMNS["CUSTOMER_ACTIVITY"])
    assert key.columns == ("properties",)
    assert [key.value(SimpleNamespace(properties=given)) for given in ({"application_id": 7}, {}, {"application_id": 1.5})] == [
        "7",
        None,
        None,
    ]
    for refused in ("event.amount_minor", ":limit = 1", "'a'"):
        with pytest.raises(BadCondition):
            compile_integer(refused, KINDS)
    with pytest.raises(BadCondition):
        compile_text(":word", ENTRY)


@pytest.mark.parametrize(
    "condition",
    [
        ":limit > 1AND :flagIS true",
        "event.amount_minorIS not null\fand\v:flag",
        ":wordLIKE '%'OR false",
        "event.amount_minorIN(-5)",
    ],
)
def test_words_end_where_the_check_ended_them(condition: str) -> None:
    """PostgreSQL is given what was checked; sqlglot alone would read ":flagIS" as one name, and not know a form feed."""
    assert holds(condition) is True


def test_a_parameter_that_is_not_there_is_null() -> None:
    condition = compile_condition(":limit > 1 or :flag", ENTRY, KINDS)
    assert condition.holds(None, {"limit": 1, "flag": True}) is True
    assert condition.holds(None, {"limit": 1}) is None
    assert condition.holds(None, {"flag": False}) is None


def test_parameters_are_completed_by_defaults_and_by_type() -> None:
    declared: dict[str, dict[str, object]] = {
        "limit": {"type": "integer", "default": 5},
        "word": {"type": "text"},
        "flag": {"type": "boolean", "default": True},
    }
    assert complete(declared, {}) == {"limit": 5, "flag": True}
    assert complete(declared, {"limit": 0, "flag": False, "word": "", "other": 1}) == {"limit": 0, "word": "", "flag": False}
    assert complete(declared, {"limit": True, "word": 1, "flag": 1}) == {}
    assert complete(declared, {"limit": None, "word": None, "flag": 2.0}) == {}


def test_an_alert_type_that_does_not_compile_breaks_no_other() -> None:
    good = AlertTypeRow(
        "GOOD", "ACCOUNT_ENTRY", ["BOOKED"], "event.amount_minor > :limit", {"limit": {"type": "integer"}}, False
    )
    bad = AlertTypeRow("BAD", "ACCOUNT_ENTRY", ["BOOKED"], "event.amount_minor > :limit", {}, False)
    unknown = AlertTypeRow("UNKNOWN", "WEATHER", ["BOOKED"], "true", {}, False)
    catalogue = build_catalogue({row.alert_type: row for row in (good, bad, unknown)})
    assert list(catalogue.by_kind["ACCOUNT_ENTRY"]) == ["GOOD"]
    assert catalogue.broken == {
        "BAD": "position 22: this cannot be read here: :limit. Readable are "
        + ", ".join(f"event.{name}" for name in sorted(ENTRY))
        + ".",
        "UNKNOWN": f"event kind WEATHER is not known; known: {', '.join(sorted(COLUMNS))}",
    }


def test_evidence_shows_what_the_condition_reads_and_the_balance_only_where_it_is_used() -> None:
    row = AlertTypeRow("T", "ACCOUNT_ENTRY", ["BOOKED"], "event.entry_type = 'CARD'", {}, False)
    shown = build_catalogue({"T": row}).by_kind["ACCOUNT_ENTRY"]["T"].shown
    assert shown == ("amount_minor", "currency", "entry_type")
