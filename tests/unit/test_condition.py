"""Conditions become Python with SQL's three-valued logic; what is outside the subset is refused by name."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from engine.catalogue import COLUMNS, build_catalogue
from engine.condition import BadCondition, compile_condition
from engine.condition_form import check_form, condition_form
from engine.decode import AccountEntry, AlertTypeRow

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
        ("event.description is null", "event.description"),
        ("event.amount_minor > :missing", "missing"),
        ("event.amount_minor > 'a'", "'a' is text: they do not compare"),
        ("event.amount_minor + :word = 1", ":word is text"),
        ("event.amount_minor", "is integer, boolean is needed"),
        ("abs(1) = 1", "'abs'"),
        ("1 = 1; drop table x", "';'"),
        ("1 = 1 -- all", "'--'"),
        ("1 = 1 /* all */", "'/'"),
        ("event.currency || 'x' = 'x'", "'|'"),
        ("event.currency = $$EUR$$", "'$'"),
        ("event.currency = U&'\\0041'", "'U'"),
        ("true true", "form"),
        ("(1, 2) = (1, 2)", "form"),
        ("(" * 11 + "true" + ")" * 11, "10 deep"),
        ("x" * 1001, "1001 characters"),
        ("1" + "+1" * 150 + "=1", "200"),
    ],
)
def test_a_refusal_names_what_is_wrong(condition: str, named: str) -> None:
    with pytest.raises(BadCondition) as refused:
        compile_condition(condition, ENTRY, KINDS)
    assert named in str(refused.value)


@pytest.mark.parametrize("opening", ["(", "not ", "- ", "not (", "- ("])
def test_a_nest_of_a_thousand_characters_is_refused_at_once(opening: str) -> None:
    """An expression bomb: it must neither crash the compiler nor hold it up."""
    times = 990 // (len(opening) + opening.count("("))
    condition = opening * times + "1=1" + ")" * (opening.count("(") * times)
    with pytest.raises(BadCondition):
        compile_condition(condition, ENTRY, KINDS)


def test_the_deepest_and_longest_compile() -> None:
    assert holds("(" * 10 + "1" + "+ 1" * 80 + " > 0" + ")" * 10) is True
    assert holds("true" + " and true" * 99) is True


def test_the_form_of_a_condition() -> None:
    assert condition_form("event.amount_minor <= -:limit AND not 'it''s' in (null, 1)") == "x=+xANxI(k,x)"
    check_form("event.amount_minor <= -:limit AND not 'it''s' in (null, 1)")


def test_an_alert_type_that_does_not_compile_breaks_no_other() -> None:
    good = AlertTypeRow(
        "GOOD", "ACCOUNT_ENTRY", ["BOOKED"], "event.amount_minor > :limit", {"limit": {"type": "integer"}}, False
    )
    bad = AlertTypeRow("BAD", "ACCOUNT_ENTRY", ["BOOKED"], "event.amount_minor > :limit", {}, False)
    unknown = AlertTypeRow("UNKNOWN", "WEATHER", ["BOOKED"], "true", {}, False)
    catalogue = build_catalogue({row.alert_type: row for row in (good, bad, unknown)})
    assert list(catalogue.by_kind["ACCOUNT_ENTRY"]) == ["GOOD"]
    assert catalogue.broken == {
        "BAD": "parameter :limit is not declared",
        "UNKNOWN": "event kind WEATHER is not known; known: ACCOUNT_ENTRY",
    }


def test_evidence_shows_what_the_condition_reads_and_the_balance_only_where_it_is_used() -> None:
    row = AlertTypeRow("T", "ACCOUNT_ENTRY", ["BOOKED"], "event.entry_type = 'CARD'", {}, False)
    shown = build_catalogue({"T": row}).by_kind["ACCOUNT_ENTRY"]["T"].shown
    assert shown == ("amount_minor", "currency", "entry_type")
