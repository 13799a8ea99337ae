"""Reads the Czech bank of PKDD'99 ("Berka"): `;` separated, texts in double quotes, dates as YYMMDD.

Amounts have two decimals and become hellers. Names do not exist in the data: client 42 is called "Client 42".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bankalerts.bank.rows import (
    Account,
    Bank,
    ContactAddress,
    Customer,
    Entry,
    Permission,
    Preference,
    PushDevice,
)
from bankalerts.errors import BankalertsError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

CURRENCY = "CZK"
HELLERS_IN_CROWN = 100
TIME_ZONE = "Europe/Prague"
LOCALE = "cs-CZ"
ROLES = {"OWNER": "OWNER", "DISPONENT": "AUTHORISED"}
SIGNS = {"PRIJEM": 1, "VYDAJ": -1, "VYBER": -1}
OPERATIONS = {
    "VKLAD": "cash deposit",
    "VYBER": "cash withdrawal",
    "VYBER KARTOU": "card withdrawal",
    "PREVOD Z UCTU": "transfer in",
    "PREVOD NA UCET": "transfer out",
}
ENTRY_FILES = "trans*.asc"

# The preferences of expected_alerts.csv, for every client on every account they may see; in crowns.
FIVE = (
    ("CREDITED_ABOVE", 1, 20_000),
    ("DEBITED_ABOVE", 1, 10_000),
    ("BALANCE_ABOVE", 1, 50_000),
    ("BALANCE_BELOW", 1, 0),
    ("BALANCE_BELOW", 2, 5_000),
)


@dataclass(frozen=True)
class Line:
    """One line of a file, its values by column."""

    file: Path
    number: int
    values: dict[str, str]

    def refuse(self, column: str, remedy: str) -> BankalertsError:
        value = self.values.get(column)
        return BankalertsError(f"{self.file}, line {self.number}: column {column} is {value!r}: {remedy}")

    def whole_number(self, column: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", self.values[column]):
            raise self.refuse(column, "give a whole number")
        return int(self.values[column])

    def one_of(self, column: str, allowed: Collection[str]) -> str:
        if self.values[column] not in allowed:
            raise self.refuse(column, f"use one of {', '.join(allowed)}")
        return self.values[column]

    def hellers(self, column: str) -> int:
        """An amount in crowns with two decimals, in hellers."""
        found = re.fullmatch(r"(-?)([0-9]{1,15})\.([0-9]{2})", self.values[column])
        if not found:
            raise self.refuse(column, "give crowns with two decimals, such as 700.00")
        sign, crowns, hellers = found.groups()
        return int(f"{sign}{crowns}{hellers}")

    def day(self, column: str) -> date:
        """A date written YYMMDD, of the 20th century."""
        text = self.values[column]
        if re.fullmatch(r"[0-9]{6}", text):
            with suppress(ValueError):
                return date.fromisoformat(f"19{text}")
        raise self.refuse(column, "give a date as YYMMDD, such as 930101")


def read_bank(folder: Path) -> Bank:
    """The clients, accounts and permissions of account.asc, client.asc and disp.asc.

    Every client gets a push device, an e-mail address and a telephone number: any channel can be used.
    """
    clients = [line.whole_number("client_id") for line in read_lines(folder / "client.asc", ("client_id",))]
    accounts = [_account(line) for line in read_lines(folder / "account.asc", ("account_id", "frequency"))]
    known_clients, known_accounts = set(clients), {account.account_id for account in accounts}
    lines = read_lines(folder / "disp.asc", ("client_id", "account_id", "type"))
    return Bank(
        customers=[Customer(client, f"Client {client}", LOCALE, TIME_ZONE) for client in clients],
        accounts=accounts,
        permissions=[_permission(line, known_clients, known_accounts) for line in lines],
        addresses=[address for client in clients for address in _addresses(client)],
        devices=[PushDevice(f"berka-{client}", client, "ANDROID", "local") for client in clients],
    )


def read_entries(folder: Path, accounts: set[str]) -> list[Entry]:
    """All entries of the trans*.asc files by date; within a date, which the data does not order, as found.

    `accounts` are the account_ids there are; an entry of another account is refused.
    """
    files = sorted(folder.glob(ENTRY_FILES))
    if not files:
        raise BankalertsError(f"{folder} has no {ENTRY_FILES}: name the folder of the Berka data")
    wanted = (
        "trans_id",
        "account_id",
        "date",
        "type",
        "operation",
        "amount",
        "balance",
        "k_symbol",
        "bank",
        "account",
    )
    entries = [_entry(line, accounts) for file in files for line in read_lines(file, wanted)]
    return sorted(entries, key=lambda entry: entry.booking_date)


def five_preferences(permissions: list[Permission]) -> list[Preference]:
    """The five preferences of expected_alerts.csv for each permission, on PUSH."""
    return [
        Preference(
            permission.account_id,
            permission.customer_id,
            alert_type,
            number,
            CURRENCY,
            crowns * HELLERS_IN_CROWN,
            ("PUSH",),
        )
        for permission in permissions
        for alert_type, number, crowns in FIVE
    ]


def read_lines(file: Path, wanted: tuple[str, ...]) -> Iterator[Line]:
    """The lines of a file after its header, which must name the wanted columns."""
    try:
        with file.open(encoding="ascii", newline="") as text:
            yield from _lines(file, csv.reader(text, delimiter=";", strict=True), wanted)
    except OSError as error:
        raise BankalertsError(f"{file} cannot be read ({error.strerror}): name the folder of the Berka data") from error
    except UnicodeDecodeError as error:
        raise BankalertsError(f"{file} is no plain text ({error.reason}): take the original file") from error


def _lines(file: Path, rows: CsvReader, wanted: tuple[str, ...]) -> Iterator[Line]:
    try:
        header = next(rows, [])
        missing = [column for column in wanted if column not in header]
        if missing:
            raise BankalertsError(f"{file}, line 1: column {missing[0]} is missing: take the original file")
        for row in rows:
            if len(row) != len(header):
                fault = f"{len(row)} columns instead of {len(header)}"
                raise BankalertsError(f"{file}, line {rows.line_num}: {fault}: correct the line")
            yield Line(file, rows.line_num, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise BankalertsError(f"{file}, line {rows.line_num}: {error}: correct the line") from error


def _account(line: Line) -> Account:
    return Account(
        account_id=str(line.whole_number("account_id")),
        iban=None,
        currency=CURRENCY,
        product=line.values["frequency"].lower() or None,
        time_zone=TIME_ZONE,
    )


def _permission(line: Line, clients: set[int], accounts: set[str]) -> Permission:
    client, account = line.whole_number("client_id"), str(line.whole_number("account_id"))
    if client not in clients:
        raise line.refuse("client_id", "client.asc has no such client")
    if account not in accounts:
        raise line.refuse("account_id", "account.asc has no such account")
    return Permission(account, client, ROLES[line.one_of("type", ROLES)])


def _addresses(client: int) -> tuple[ContactAddress, ContactAddress]:
    return (
        ContactAddress(client, "EMAIL", f"client-{client}@example.org"),
        ContactAddress(client, "SMS", f"+420700{client:06}"),
    )


def _entry(line: Line, accounts: set[str]) -> Entry:
    account = str(line.whole_number("account_id"))
    if account not in accounts:
        raise line.refuse("account_id", "account.asc has no such account")
    amount = line.hellers("amount")
    if amount < 0:
        raise line.refuse("amount", "give it without a sign: the column type says the direction")
    values = line.values
    return Entry(
        entry_id=str(line.whole_number("trans_id")),
        booking_date=line.day("date"),
        account_id=account,
        amount_minor=amount * SIGNS[line.one_of("type", SIGNS)],
        currency=CURRENCY,
        balance_after_minor=line.hellers("balance"),
        entry_type=OPERATIONS.get(values["operation"]),
        counterparty_account=f"{values['account']}/{values['bank']}" if values["bank"] else None,
        description=values["k_symbol"].strip() or None,
    )
