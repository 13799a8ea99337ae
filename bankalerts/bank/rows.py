"""The rows that a bank writes into the schema `bank`. Field names are the columns' names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

DEFAULT_PREFERENCE_NO = 1


@dataclass(frozen=True, slots=True)
class Customer:
    customer_id: int
    full_name: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    iban: str | None
    currency: str
    product: str | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Permission:
    account_id: str
    customer_id: int
    role: str
    may_see_balance: bool = True


@dataclass(frozen=True, slots=True)
class ContactAddress:
    """An address that the customer has proved to hold: it is written as verified."""

    customer_id: int
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class PushDevice:
    push_id: str
    customer_id: int
    platform: str
    provider: str


@dataclass(frozen=True, slots=True)
class Preference:
    """A preference whose only parameter is an amount in minor units of `currency`."""

    account_id: str
    customer_id: int
    alert_type: str
    preference_no: int
    currency: str
    threshold_minor: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An account entry. Debits are negative; `occurred_at` is None where the bank books by date only."""

    entry_id: str
    booking_date: date
    account_id: str
    amount_minor: int
    currency: str
    balance_after_minor: int
    occurred_at: datetime | None = None
    entry_type: str | None = None
    counterparty_account: str | None = None
    counterparty_name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Bank:
    """Everything that is there before the first entry."""

    customers: list[Customer] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    permissions: list[Permission] = field(default_factory=list)
    addresses: list[ContactAddress] = field(default_factory=list)
    devices: list[PushDevice] = field(default_factory=list)


def columns(kind: type, rows: Sequence[Any]) -> dict[str, list[Any]]:
    """The rows of one dataclass as one list for each of its fields, as unnest() takes them."""
    return {column.name: [getattr(row, column.name) for row in rows] for column in dataclasses.fields(kind)}
