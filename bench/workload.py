"""The bank of the benchmarks: accounts, permissions, preferences and entries, as bytes in the shapes capture gives them.

Pure; the same numbers give the same bytes. Every account has an owner, every fourth a second customer; each customer has two
preferences on the account. So there are 2.5 preferences for each account. Of each type there are `variety` thresholds, 40 as
people's round figures; with a variety as large as the bank no two accounts want the same. Of 100 entries 5 lead to an alert for
each customer of the account; every alert goes to two channels.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

CHANNELS = ("EMAIL", "PUSH")
ALERTING_EVERY = 20  # entries
STATE_VERSION = 5
SNAPSHOT_US = 1_795_300_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VARIETY = 40
SPREAD = 40_000  # between the lowest threshold of a type and its highest
THRESHOLD_DEBITED, THRESHOLD_BELOW = 50_000, 10_000
THRESHOLD_CREDITED, THRESHOLD_ABOVE = 150_000, 500_000


class Record(NamedTuple):
    """A record for a topic; partition -1: the client's own choice by the key."""

    partition: int
    key: bytes
    value: bytes


class Wish(NamedTuple):
    """A preference of a customer on an account."""

    customer_id: int
    alert_type: str
    threshold_minor: int


@dataclass(frozen=True)
class Stamps:
    """What the entries carry: the catalogue's version, the day they are booked."""

    catalogue_version: int
    day: datetime


@dataclass(frozen=True)
class Workload:
    """`accounts` and `entries`: how many; `partitions` of the topics by account."""

    accounts: int
    entries: int
    partitions: int
    variety: int = VARIETY

    @property
    def preferences(self) -> int:
        return 2 * self.permissions

    @property
    def permissions(self) -> int:
        return self.accounts + -(-self.accounts // 4)

    def state_records(self) -> Iterator[Record]:
        """Permissions, preferences and markers, as in Debezium's initial snapshot: by account, the marker last."""
        op = f'"__op":"r","__source_ts_us":{SNAPSHOT_US}}}'
        channels = '["EMAIL","PUSH"]'
        for number in range(self.accounts):
            account = account_id(number)
            partition = partition_of(account, self.partitions)
            for customer in customers(number):
                yield Record(
                    partition,
                    f'{{"account_id":"{account}","customer_id":{customer}}}'.encode(),
                    (
                        f'{{"account_id":"{account}","customer_id":{customer},"may_see_balance":true,'
                        f'"valid_from":"2020-01-01T00:00:00.000000Z","valid_until":null,"state_version":1,{op}'
                    ).encode(),
                )
            for wish in wishes(number, self.variety):
                of = f'"account_id":"{account}","customer_id":{wish.customer_id}'
                key = f'{of},"alert_type":"{wish.alert_type}","preference_no":1'
                yield Record(
                    partition,
                    f"{{{key}}}".encode(),
                    (
                        f'{{{key},"currency":"EUR","parameters":"{{\\"threshold_minor\\": {wish.threshold_minor}}}",'
                        f'"channels":{channels},"enabled":true,"state_version":{STATE_VERSION},{op}'
                    ).encode(),
                )
            marker = f'{{"account_id":"{account}"}}'
            yield Record(partition, marker.encode(), f'{marker[:-1]},"state_version":{STATE_VERSION},{op}'.encode())

    def entry_records(
        self, run: str, stamps: Stamps, count: int | None = None, alerting_every: int = ALERTING_EVERY
    ) -> Iterator[Record]:
        """Entries as Debezium sends them. `run` is in their ids, and decides which accounts they are on."""
        chance = random.Random(run)  # noqa: S311
        day = (stamps.day - EPOCH).days
        began = stamps.day + timedelta(hours=8)
        for number in range(self.entries if count is None else count):
            account_number = int(chance.random() * self.accounts)
            account = account_id(account_number)
            alerting = number % alerting_every == 0
            amount, balance = alerting_entry(account_number, self.variety) if alerting else quiet_entry(number)
            at = began + timedelta(microseconds=number * 1_009)
            time = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
            entry_id = f"{run}-{number:07}"
            yield Record(
                partition_of(account, self.partitions),
                f'{{"entry_id":"{entry_id}","booking_date":{day}}}'.encode(),
                (
                    f'{{"entry_id":"{entry_id}","booking_date":{day},"account_id":"{account}","amount_minor":{amount},'
                    f'"currency":"EUR","balance_after_minor":{balance},"status":"BOOKED",'
                    f'"original_amount_minor":null,"original_currency":null,"entry_type":"card purchase",'
                    f'"counterparty_account":"NL91ABNA0417164300","description":"Albert Heijn 1234 Utrecht",'
                    f'"event_time":"{time}","state_version":{STATE_VERSION},"catalogue_version":{stamps.catalogue_version},'
                    f'"inserted_at":"{time}","transaction_id":{900_000 + number},"seen_below":{899_990 + number},'
                    f'"__op":"c","__source_ts_us":{microseconds(at)}}}'
                ).encode(),
            )

    def alerts(self, run: str, count: int | None = None) -> int:
        """How many alerts these entries lead to."""
        chance = random.Random(run)  # noqa: S311
        found = 0
        for number in range(self.entries if count is None else count):
            account_number = int(chance.random() * self.accounts)
            if number % ALERTING_EVERY == 0:
                found += len(customers(account_number))
        return found


def account_id(number: int) -> str:
    return f"a-{number:07}"


def customers(account_number: int) -> tuple[int, ...]:
    """Who may see the account."""
    owner = 1_000_000 + account_number
    return (owner, 50_000_000 + account_number) if account_number % 4 == 0 else (owner,)


def thresholds(account_number: int, variety: int) -> tuple[int, int]:
    """Of the balance and of the amount, each a multiple of the same step above the lowest."""
    step = max(SPREAD // variety, 1)
    balance, amount = account_number // 8 % variety * step, account_number // 8 // variety % variety * step
    if debits(account_number):
        return THRESHOLD_BELOW + balance, THRESHOLD_DEBITED + amount
    return THRESHOLD_ABOVE + balance, THRESHOLD_CREDITED + amount


def wishes(account_number: int, variety: int = VARIETY) -> list[Wish]:
    """The preferences on the account: of one half of the accounts on debits, of the other on credits."""
    balance, amount = thresholds(account_number, variety)
    if debits(account_number):
        kinds = (("BALANCE_BELOW", balance), ("DEBITED_ABOVE", amount))
    else:
        kinds = (("BALANCE_ABOVE", balance), ("CREDITED_ABOVE", amount))
    return [Wish(customer, *kind) for customer in customers(account_number) for kind in kinds]


def debits(account_number: int) -> bool:
    return account_number // 4 % 2 == 0


def alerting_entry(account_number: int, variety: int = VARIETY) -> tuple[int, int]:
    """Amount and balance after it that one of the two preferences of each customer matches."""
    balance, amount = thresholds(account_number, variety)
    if debits(account_number):
        return (-amount - 10_000, 300_000) if account_number % 2 else (-5_000, balance - 1_000)
    return (amount + 10_000, 400_000) if account_number % 2 else (5_000, balance + 3_000)


def quiet_entry(number: int) -> tuple[int, int]:
    return -100 - number % 9_000, 100_000 + number * 7919 % 300_000


def partition_of(account: str, partitions: int) -> int:
    """Java's String.hashCode (ASCII), as capture's PartitionRouting has it."""
    code = 0
    for byte in account.encode():
        code = (31 * code + byte) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % partitions


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)
