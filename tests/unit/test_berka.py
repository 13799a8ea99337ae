"""Reading the Berka files: what a line becomes, and what is said about a bad one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bankalerts.bank import berka
from bankalerts.bank.rows import Account, Entry, Permission
from bankalerts.errors import BankalertsError
from tests.shared_data import shared_data

HEADER = '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"'
GOOD = '695247;2378;930101;"PRIJEM";"VKLAD";700.00;700.00;"";;'


def entries_of(folder: Path, *lines: str) -> list[Entry]:
    (folder / "trans_test.asc").write_bytes("\r\n".join([HEADER, *lines, ""]).encode())
    return berka.read_entries(folder, {"2378"})


def test_a_credit_is_positive_and_in_hellers(tmp_path: Path) -> None:
    (entry,) = entries_of(tmp_path, GOOD)
    assert entry == Entry("695247", date(1993, 1, 1), "2378", 70_000, "CZK", 70_000, entry_type="cash deposit")


@pytest.mark.parametrize("kind", ["VYDAJ", "VYBER"])
def test_both_kinds_of_debit_are_negative(tmp_path: Path, kind: str) -> None:
    (entry,) = entries_of(tmp_path, f'1;2378;931231;"{kind}";"PREVOD NA UCET";2523.20;-12.05;"SIPO";"ST";"66487163"')
    assert (entry.amount_minor, entry.balance_after_minor) == (-252_320, -1_205)
    assert (entry.counterparty_account, entry.description) == ("66487163/ST", "SIPO")


def test_entries_come_by_date_and_keep_their_order_within_a_day(tmp_path: Path) -> None:
    lines = [
        GOOD.replace("695247;2378;930101", f"{number};2378;{day}") for number, day in ((3, 930102), (2, 930101), (1, 930102))
    ]
    assert [entry.entry_id for entry in entries_of(tmp_path, *lines)] == ["2", "3", "1"]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("695247", "6952x7", "trans_id"),
        ("2378", "2379", "account_id"),
        ("930101", "930230", "date"),
        ("930101", "93-01-01", "date"),
        ('"PRIJEM"', '"PRIJEN"', "type"),
        (";700.00;7", ";700,00;7", "amount"),
        (";700.00;7", ";-700.00;7", "amount"),
        (';700.00;""', ';NaN;""', "balance"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_with_its_place(tmp_path: Path, old: str, new: str, column: str) -> None:
    with pytest.raises(BankalertsError) as refused:
        entries_of(tmp_path, GOOD, GOOD.replace(old, new))
    said = str(refused.value)
    assert f"trans_test.asc, line 3: column {column} is " in said
    assert new.strip('";').split(";")[0] in said
    assert "\n" not in said


@pytest.mark.parametrize("line", ["1;2;3", GOOD + ";more", '1;"not closed'])
def test_a_line_of_another_shape_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BankalertsError, match=r"trans_test.asc, line 3: "):
        entries_of(tmp_path, GOOD, line)


def test_a_folder_without_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(BankalertsError, match="name the folder of the Berka data"):
        berka.read_entries(tmp_path, set())
    with pytest.raises(BankalertsError, match=r"client\.asc cannot be read"):
        berka.read_bank(tmp_path)


def test_a_file_that_lacks_a_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "client.asc").write_text('"id"\r\n1\r\n')
    with pytest.raises(BankalertsError, match=r"client\.asc, line 1: column client_id is missing"):
        berka.read_bank(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "client.asc").write_bytes(b'"client_id"\r\n\xff\r\n')
    with pytest.raises(BankalertsError, match=r"client\.asc is no plain text"):
        berka.read_bank(tmp_path)


def test_the_whole_bank() -> None:
    folder = shared_data("berka")
    bank = berka.read_bank(folder)
    assert (len(bank.accounts), len(bank.customers), len(bank.permissions)) == (4500, 5369, 5369)
    assert sum(permission.role == "AUTHORISED" for permission in bank.permissions) == 869
    assert bank.permissions[1] == Permission("2", 2, "OWNER")
    assert bank.accounts[0] == Account("576", None, "CZK", "poplatek mesicne", "Europe/Prague")
    assert len(berka.five_preferences(bank.permissions)) == 5 * 5369

    entries = berka.read_entries(folder, {account.account_id for account in bank.accounts})
    assert len(entries) == len({entry.entry_id for entry in entries}) == 49_102
    assert [entry.booking_date for entry in entries] == sorted(entry.booking_date for entry in entries)
