"""The catalogue: the types that there must be, their templates in both languages, and their examples by the SQL reference."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bankalerts.report import alert_types
from bankalerts.report.examples import CHANNELS, LOCALES, Example, message, read_examples, read_templates
from engine import history
from engine.decode import COLUMNS
from notifier.writing import NO_BREAK_SPACE
from sql import catalogue

Connection = psycopg.Connection[Any]
PAGE = Path(__file__).parents[2] / "docs" / "alert-types.md"
# what a bank's customers were promised
WANTED = {
    *("BALANCE_ABOVE", "BALANCE_BELOW", "BALANCE_NEGATIVE", "BALANCE_REPORT"),
    *("CREDITED_ABOVE", "DEBITED_ABOVE", "CREDITED_FROM_ACCOUNT", "INCOME_RECEIVED", "TEXT_IN_DESCRIPTION", "FOREIGN_PAYMENT"),
    *("DIRECT_DEBIT_COLLECTED", "DIRECT_DEBIT_HIGHER", "NEW_COUNTERPARTY", "DORMANT_ACCOUNT", "SALARY_MISSING"),
    *("PAYMENT_NOT_EXECUTED", "PAYMENT_AWAITING_APPROVAL"),
    *("CARD_PURCHASE_ABOVE", "CARD_NOT_PRESENT", "CARD_ABROAD", "CASH_WITHDRAWAL", "CARD_DECLINED"),
    *("DAY_TOTAL_PURCHASES", "DAY_TOTAL_CASH", "MONTH_TOTAL_MERCHANT_CATEGORY", "CARD_USED_OFTEN", "SAME_MERCHANT_TWICE"),
    "LOAN_APPLICATION_UNFINISHED",
}
NEVER_SHOWN = {"description", "properties", "counterparty_account", "card_token"}
ENGLISH = re.compile(r"\b(the|your|you|with|paid|from|on)\b", re.IGNORECASE)
DUTCH = re.compile(r"\b(de|het|uw|met|van|een|voor)\b", re.IGNORECASE)


def rows(connection: Connection) -> dict[str, dict[str, Any]]:
    found = connection.execute("select alert_type, to_jsonb(t) from bank.alert_type t").fetchall()
    return dict(found)


def by_type(connection: Connection) -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = defaultdict(list)
    for example in read_examples(connection):
        found[example.alert_type].append(example)
    return found


def messages(connection: Connection, text: str | None = None) -> Iterator[tuple[str, str, str, str | None, str]]:
    """Each alert of each example on each channel in each language: alert type, channel, locale, subject and body.

    With `text`, each parameter that is a text is that one.
    """
    types, templates = rows(connection), read_templates(connection)
    for example in read_examples(connection):
        row = types[example.alert_type]
        parameters = {**alert_types.defaults(row), **(example.parameters or {})}
        if text is not None:
            parameters |= {name: text for name, rule in row["parameters"].items() if rule["type"] == "text"}
        for alert in example.alerts:
            event = example.events[alert.index]
            readable = COLUMNS.get(event.kind, {}).keys() - NEVER_SHOWN
            shown = {column: event.columns.get(column) for column in readable}
            for channel in CHANNELS:
                for locale in LOCALES:
                    read = message(example, alert, parameters, templates[channel], locale, shown)
                    yield example.alert_type, channel, locale, read.subject, read.body


def test_each_type_is_there_as_one_file(connection: Connection) -> None:
    assert set(rows(connection)) == WANTED
    assert {path.stem.upper() for path in catalogue.FOLDER.glob("*.sql")} == WANTED


def test_the_files_may_be_applied_again(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        asked = "select catalogue_version from bank.catalogue"
        before = connection.execute(asked).fetchone()
        catalogue.apply(connection)
        assert connection.execute(asked).fetchone() == before


def test_each_type_has_a_template_for_each_channel_in_both_languages(connection: Connection) -> None:
    templates = read_templates(connection)
    for channel in CHANNELS:
        assert set(templates[channel]) == {(name, language) for name in WANTED for language in ("en", "nl")}


def test_each_type_has_an_example_that_alerts_and_an_event_that_does_not(connection: Connection) -> None:
    examples = by_type(connection)
    assert set(examples) == WANTED
    for name, of_type in examples.items():
        assert any(example.alerts for example in of_type), name
        assert any(len(example.alerts) < len(example.events) for example in of_type), name


def test_each_template_renders_in_both_languages(connection: Connection) -> None:
    rendered = list(messages(connection))
    assert {(name, channel, locale) for name, channel, locale, _, _ in rendered} == {
        (name, channel, locale) for name in WANTED for channel in CHANNELS for locale in LOCALES
    }
    for name, channel, locale, subject, body in rendered:
        text = f"{subject or ''} {body}".replace(NO_BREAK_SPACE, " ")
        said = f"{name} {channel} {locale}: {text}"
        assert not re.search(r"\{|\}|None|  |\s[.,:]|\.\.", text.replace("\n\n", "\n")), said
        assert (subject is None) == (channel == "SMS"), said
        assert len(body) <= 160 or channel != "SMS", said
        assert len(subject or "") <= 100, said
        wanted, other = (DUTCH, ENGLISH) if locale.startswith("nl") else (ENGLISH, DUTCH)
        assert channel != "EMAIL" or (wanted.search(body) and not other.search(body.partition("\n")[2])), said


def test_whatever_text_a_customer_gives_each_template_renders(connection: Connection) -> None:
    """As long as a preference allows; what it says is a value, never a template."""
    given = "{{ 7 * 7 }}\n" * 75
    with_it = [body for *_, body in messages(connection, given) if given in body]
    assert len(with_it) >= 2 * len(CHANNELS) * len(LOCALES)


def test_each_type_compiles_in_the_engine(connection: Connection) -> None:
    row = connection.execute("select catalogue_version from bank.catalogue").fetchone()
    assert row is not None
    compiled = history.catalogue(connection, row[0])
    assert compiled is not None
    assert not compiled.broken
    assert {name for types in compiled.by_kind.values() for name in types} == WANTED


def test_only_what_shows_the_balance_needs_the_permission_to_see_it(connection: Connection) -> None:
    assert {name for name, row in rows(connection).items() if row["uses_balance"]} == {
        "BALANCE_ABOVE",
        "BALANCE_BELOW",
        "BALANCE_NEGATIVE",
        "BALANCE_REPORT",
    }


def test_the_thresholds_of_the_four_first_types_are_all_they_need(connection: Connection) -> None:
    for name in ("BALANCE_ABOVE", "BALANCE_BELOW", "CREDITED_ABOVE", "DEBITED_ABOVE"):
        rules = rows(connection)[name]["parameters"]
        assert {parameter for parameter, rule in rules.items() if "default" not in rule} == {"threshold_minor"}
        assert {rule.get("default") for rule in rules.values()} == {None, 0}


def test_the_page_is_that_of_the_database(connection: Connection, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    alert_types.run(database, as_markdown=True)
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8"), "run `make alert-types` and look at the difference"


def test_the_command_lists_them(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    alert_types.run(database, as_json=True)
    listed = {row["alert_type"]: row for row in json.loads(capsys.readouterr().out)["alert_types"]}
    assert set(listed) == WANTED
    assert [name for name, row in listed.items() if row["mandatory"]] == ["PAYMENT_NOT_EXECUTED"]
    assert listed["CARD_USED_OFTEN"]["parameters"]["uses"] == {"type": "integer", "minimum": 2, "maximum": 100, "default": 3}
    alert_types.run(database)
    shown = capsys.readouterr().out
    assert all(name in shown for name in WANTED)
    assert "(mandatory)" in shown


def test_an_empty_catalogue_says_how_to_fill_it(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("delete from bank.message_template; delete from bank.alert_type")
    alert_types.run(database)
    assert "bankalerts prepare" in capsys.readouterr().out
