"""Preferences as a CSV file: what they become, and what is said about a bad line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankalerts.bank.preference_file import Allowed, read_preferences
from bankalerts.bank.rows import Account, Preference
from bankalerts.errors import BankalertsError

HEADER = "customer_id,account_id,alert_type,threshold_minor,channels"
ALLOWED = Allowed(
    customers={42},
    accounts={"a-1": Account("a-1", None, "CZK", None, "UTC")},
    alert_types={"BALANCE_BELOW", "BALANCE_ABOVE"},
    channels={"EMAIL", "SMS", "PUSH"},
)


def preferences_of(folder: Path, *lines: str) -> list[Preference]:
    file = folder / "preferences.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_preferences(file, ALLOWED)


def test_several_of_one_type_are_numbered(tmp_path: Path) -> None:
    found = preferences_of(
        tmp_path, HEADER, "42,a-1,BALANCE_BELOW,0,PUSH", "42,a-1,BALANCE_ABOVE,5,SMS", "42,a-1,BALANCE_BELOW,-500,PUSH EMAIL"
    )
    assert found == [
        Preference("a-1", 42, "BALANCE_BELOW", 1, "CZK", 0, ("PUSH",)),
        Preference("a-1", 42, "BALANCE_ABOVE", 1, "CZK", 5, ("SMS",)),
        Preference("a-1", 42, "BALANCE_BELOW", 2, "CZK", -500, ("PUSH", "EMAIL")),
    ]


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ("43,a-1,BALANCE_BELOW,0,PUSH", "customer_id", "'43'"),
        ("x,a-1,BALANCE_BELOW,0,PUSH", "customer_id", "'x'"),
        ("42,a-2,BALANCE_BELOW,0,PUSH", "account_id", "'a-2'"),
        ("42,a-1,BALANCE_UNDER,0,PUSH", "alert_type", "'BALANCE_UNDER'"),
        ("42,a-1,BALANCE_BELOW,1.50,PUSH", "threshold_minor", "'1.50'"),
        ("42,a-1,BALANCE_BELOW,0,", "channels", "''"),
        ("42,a-1,BALANCE_BELOW,0,FAX", "channels", "'FAX'"),
        ("42,a-1,BALANCE_BELOW,0,PUSH PUSH", "channels", "'PUSH PUSH'"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_column_value_and_remedy(
    tmp_path: Path, line: str, column: str, value: str
) -> None:
    with pytest.raises(BankalertsError) as refused:
        preferences_of(tmp_path, HEADER, "42,a-1,BALANCE_BELOW,0,PUSH", line)
    said = str(refused.value)
    assert f"preferences.csv, line 3: column {column} is {value}: " in said
    assert "\n" not in said


def test_a_file_without_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankalertsError, match=f"line 1: it is no header: write {HEADER}"):
        preferences_of(tmp_path, "42,a-1,BALANCE_BELOW,0,PUSH")


def test_a_line_with_too_many_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankalertsError, match="line 2: 6 columns instead of 5"):
        preferences_of(tmp_path, HEADER, "42,a-1,BALANCE_BELOW,0,PUSH,SMS")


def test_a_missing_file_is_named_with_the_other_choice(tmp_path: Path) -> None:
    with pytest.raises(BankalertsError, match=r"none\.csv cannot be read .*or five"):
        read_preferences(tmp_path / "none.csv", ALLOWED)
