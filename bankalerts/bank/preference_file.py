"""Reads preferences from a CSV file: customer_id,account_id,alert_type,threshold_minor,channels.

Channels are separated by spaces. Several lines of one customer, account and alert type are its preferences
no 1, 2 and so on.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bankalerts.bank.rows import Account, Bank, Preference
from bankalerts.errors import BankalertsError

COLUMNS = ("customer_id", "account_id", "alert_type", "threshold_minor", "channels")


@dataclass(frozen=True)
class Allowed:
    """What a preference may name."""

    customers: set[int]
    accounts: dict[str, Account]
    alert_types: set[str]
    channels: set[str]

    @classmethod
    def of(cls, bank: Bank, alert_types: set[str], channels: set[str]) -> Allowed:
        customers = {customer.customer_id for customer in bank.customers}
        return cls(customers, {account.account_id: account for account in bank.accounts}, alert_types, channels)


def read_preferences(file: Path, allowed: Allowed) -> list[Preference]:
    """The preferences of the file. Raises BankalertsError for the first bad line, with column and remedy."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    preferences = []
    for line, values in _read(file):
        fault = _fault(values, allowed)
        if fault:
            column, remedy = fault
            raise BankalertsError(f"{file}, line {line}: column {column} is {values[column]!r}: {remedy}")
        key = (values["customer_id"], values["account_id"], values["alert_type"])
        numbers[key] += 1
        preferences.append(_preference(values, numbers[key], allowed))
    return preferences


def _read(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8", newline="") as text:
            rows = csv.reader(text, strict=True)
            found = [(rows.line_num, row) for row in rows if row]
    except OSError as error:
        raise BankalertsError(
            f"{file} cannot be read ({error.strerror}): name a CSV file, or five for the preferences of expected_alerts.csv"
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise BankalertsError(f"{file} is no CSV file in UTF-8 ({error}): correct it") from error
    if not found or tuple(found[0][1]) != COLUMNS:
        raise BankalertsError(f"{file}, line 1: it is no header: write {','.join(COLUMNS)}")
    for line, row in found:
        if len(row) != len(COLUMNS):
            fault = f"{len(row)} columns instead of {len(COLUMNS)}"
            raise BankalertsError(f"{file}, line {line}: {fault}: write {','.join(COLUMNS)}")
    return [(line, dict(zip(COLUMNS, row, strict=True))) for line, row in found[1:]]


def _fault(values: dict[str, str], allowed: Allowed) -> tuple[str, str] | None:
    """The first column that is wrong, with what to do about it."""
    if not values["customer_id"].isdecimal() or int(values["customer_id"]) not in allowed.customers:
        return "customer_id", "the bank has no such customer; use a client_id of client.asc"
    if values["account_id"] not in allowed.accounts:
        return "account_id", "the bank has no such account; use an account_id of account.asc"
    if values["alert_type"] not in allowed.alert_types:
        return "alert_type", f"use one of {', '.join(sorted(allowed.alert_types))}"
    if not re.fullmatch(r"-?[0-9]{1,15}", values["threshold_minor"]):
        return "threshold_minor", "give a whole number of minor units (hellers, cents), at most 15 digits"
    channels = values["channels"].split()
    if not channels or len(set(channels)) < len(channels) or not set(channels) <= allowed.channels:
        return (
            "channels",
            f"name one or more of {', '.join(sorted(allowed.channels))}, each once, separated by spaces",
        )
    return None


def _preference(values: dict[str, str], number: int, allowed: Allowed) -> Preference:
    return Preference(
        account_id=values["account_id"],
        customer_id=int(values["customer_id"]),
        alert_type=values["alert_type"],
        preference_no=number,
        currency=allowed.accounts[values["account_id"]].currency,
        threshold_minor=int(values["threshold_minor"]),
        channels=tuple(values["channels"].split()),
    )
