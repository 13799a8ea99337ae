"""Money and time as CLDR has them: the golden cells of the shared data, and what they do not cover."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from babel import localedata
from hypothesis import given
from hypothesis import strategies as st

from notifier import words
from notifier.writing import Writer
from tests.shared_data import shared_data

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3, "HUF": 2, "CLF": 4, "BRL": 2}
# CLDR 48 (the golden's) and Babel's CLDR join date and time differently here, or the locale writes in another calendar
# or other digits, which Babel leaves in Latin ones.
OTHER_DIGITS = {"ar-EG", "fa-IR", "bn-BD"}
DATE_AND_TIME_DIFFER = {"pt-BR", "da-DK", "fi-FI", "ar-EG", "fa-IR", "th-TH", "bn-BD"}


def _rows(file: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(shared_data("locale", file).read_text(encoding="utf-8"))["rows"]
    return rows


def test_money_is_as_in_the_golden_cells(connection: psycopg.Connection) -> None:
    digits: dict[str, int] = dict(connection.execute("select currency, minor_digits from bank.currency").fetchall())
    checked, beyond, wrong = 0, 0, []
    for locale, currency, amount, expected, _, agree in _rows("intl_currency_golden.json"):
        minor = Decimal(amount).scaleb(digits[currency])
        # No whole number of minor units; or one whose digits CLDR has otherwise than ISO 4217; or in other than Latin digits.
        if minor != minor.to_integral_value() or currency == "HUF" or locale in OTHER_DIGITS:
            continue
        written = Writer(locale, "UTC", digits).money(int(minor), currency)
        if locale == "de-CH":
            written = written.replace("\u2019", "'")  # CLDR 48 has another apostrophe than Babel's CLDR
        checked += 1
        beyond += not agree
        if written != expected:
            wrong.append((locale, currency, amount, expected, written))
    assert not wrong
    assert checked > 5500
    assert beyond > 1000, "cells where Babel alone is not as CLDR has them"


def test_time_is_as_in_the_golden_cells() -> None:
    checked, wrong = 0, []
    for locale, time_zone, instant, expected, _ in _rows("intl_datetime_golden.json"):
        if locale in DATE_AND_TIME_DIFFER:
            continue
        checked += 1
        written = Writer(locale, time_zone, DIGITS).when(datetime.fromisoformat(instant))
        if written != expected:
            wrong.append((locale, time_zone, instant, expected, written))
    assert not wrong
    assert checked > 800


@pytest.mark.parametrize(
    ("locale", "minor", "currency", "expected"),
    [
        ("en-GB", 123456, "EUR", "€1,234.56"),
        ("nl-NL", -5, "EUR", "€\u00a0-0,05"),
        ("de-DE", 100, "HUF", "1,00\u00a0HUF"),
        ("en", 1234, "JPY", "¥1,234"),
        ("en", 1234, "KWD", "KWD\u00a01.234"),
        ("en", 10**17, "CLF", "CLF\u00a010,000,000,000,000.0000"),
        ("sv-SE", -150, "EUR", "\u22121,50\u00a0€"),
        ("it-IT", 150, "BRL", "1,50\u00a0BRL"),
        ("qq-QQ", 100, "EUR", "€1.00"),
        ("nl-ZZ", 100, "EUR", "€\u00a01,00"),
    ],
)
def test_money_in_the_banks_digits_and_the_nearest_locale(locale: str, minor: int, currency: str, expected: str) -> None:
    assert Writer(locale, "UTC", DIGITS).money(minor, currency) == expected


@given(st.integers(-(10**17), 10**17), st.sampled_from(sorted(DIGITS)))
def test_no_digit_of_an_amount_is_lost(minor: int, currency: str) -> None:
    written = Writer("en", "UTC", DIGITS).money(minor, currency)
    digits = "".join(character for character in written if character.isdigit())
    assert int(digits) == abs(minor)
    assert ("-" in written) == (minor < 0)


@pytest.mark.parametrize("minor", [1.5, "100", True, None])
def test_money_is_written_from_integers_only(minor: Any) -> None:
    with pytest.raises(TypeError):
        Writer("en", "UTC", DIGITS).money(minor, "EUR")


def test_time_over_a_daylight_saving_night() -> None:
    writer = Writer("en-GB", "Europe/Amsterdam", DIGITS)
    assert writer.when(datetime(2026, 10, 25, 0, 59, tzinfo=UTC)) == "25 Oct 2026, 02:59"
    assert writer.when(datetime(2026, 10, 25, 1, 0, tzinfo=UTC)) == "25 Oct 2026, 02:00"


def test_every_locale_of_cldr_can_be_written_for() -> None:
    for locale in localedata.locale_identifiers():
        writer = Writer(locale.replace("_", "-"), "Asia/Kathmandu", DIGITS)
        assert writer.money(-150, "EUR")
        assert writer.when(datetime(2026, 3, 1, tzinfo=UTC))


def test_words_for_codes_in_the_language_of_the_customer() -> None:
    dutch, english, french = (Writer(locale, "UTC", DIGITS) for locale in ("nl-NL", "en-GB", "fr-FR"))
    assert dutch.reason("INSUFFICIENT_FUNDS") == "er staat niet genoeg geld op de rekening"
    assert (
        english.reason("INSUFFICIENT_FUNDS")
        == french.reason("INSUFFICIENT_FUNDS")
        == "there is not enough money in the account"
    )
    assert dutch.reason("NEW_CODE") == "new code"
    assert [writer.merchant_category("5411") for writer in (dutch, english, french)] == [
        "supermarkten",
        "supermarkets",
        "supermarkets",
    ]
    assert [writer.merchant_category("0001") for writer in (dutch, english, french)] == [
        "categorie 0001",
        "category 0001",
        "category 0001",
    ]
    assert [writer.country("DE") for writer in (dutch, english, french)] == ["Duitsland", "Germany", "Allemagne"]
    assert dutch.country("XX") == "XX"


def test_each_language_has_words_for_the_same_codes() -> None:
    for by_language in (words.REASONS, words.MERCHANT_CATEGORIES):
        assert by_language["en"].keys() == by_language["nl"].keys()
        assert all(re.fullmatch("[A-Z][A-Z0-9_]{1,59}|[0-9]{4}", code) for code in by_language["en"])


@pytest.mark.parametrize(
    ("seconds", "english", "dutch"),
    [
        (60, "60 seconds", "60 seconden"),
        (600, "10 minutes", "10 minuten"),
        (3600 * 24, "24 hours", "24 uur"),
        (86400 * 200, "7 months", "7 maanden"),
    ],
)
def test_a_length_of_time(seconds: int, english: str, dutch: str) -> None:
    assert [Writer(locale, "UTC", DIGITS).duration(seconds) for locale in ("en", "nl")] == [english, dutch]
