"""A small bank that does not exist: the same seed gives the same customers, entries and changes, on any machine.

Pure: no clock, no database. What a run adds depends on its name and on the balances it starts from, nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bankalerts.bank.iban import dutch_iban
from bankalerts.bank.names import FIRST, LAST, SHOPS
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

CURRENCY = "EUR"
TIME_ZONE = "Europe/Amsterdam"
BANK_CODE = "DEMO"  # no real bank has it
FIRST_CUSTOMER_ID = 9_000_001
CUSTOMERS = 300
LOCALES = ("nl-NL", "nl-NL", "en-GB")
CHANNEL_CHOICES = (("PUSH",), ("PUSH", "EMAIL"), ("EMAIL",), ("SMS",), ("SMS", "PUSH"), ("EMAIL", "SMS", "PUSH"))

# Round amounts that people choose, in cents.
THRESHOLDS_MINOR = {
    "BALANCE_BELOW": (0, 10_000, 25_000, 50_000),
    "BALANCE_ABOVE": (250_000, 500_000, 1_000_000),
    "CREDITED_ABOVE": (50_000, 100_000, 150_000),
    "DEBITED_ABOVE": (5_000, 10_000, 50_000),
}


@dataclass(frozen=True)
class Kind:
    """A kind of entry: how often it comes, and its amount in cents from the least to the most; debits are negative."""

    weight: int
    entry_type: str
    least_minor: int
    most_minor: int


KINDS = (
    Kind(62, "card purchase", -150, -9_500),
    Kind(8, "card purchase", -10_000, -45_000),
    Kind(7, "cash withdrawal", -2_000, -25_000),
    Kind(5, "rent", -65_000, -145_000),
    Kind(5, "energy bill", -9_000, -28_000),
    Kind(9, "salary", 180_000, 520_000),
    Kind(4, "transfer in", 1_000, 120_000),
)


@dataclass(frozen=True)
class Change:
    """A change of one preference or permission.

    `action` is "put" (a preference), "remove" (a preference), "revoke" or "grant" (a permission).
    """

    action: str
    preference: Preference | None = None
    permission: Permission | None = None


def make_bank(seed: int) -> tuple[Bank, list[Preference]]:
    """Customers, their accounts, who may see them, how to reach them, and what they want to know."""
    chance = _random("bank", seed)
    bank = Bank()
    for number in range(CUSTOMERS):
        _add_customer(bank, chance, FIRST_CUSTOMER_ID + number)
        _add_account(bank, chance, number)
    return bank, [preference for permission in bank.permissions for preference in _preferences(chance, permission)]


def make_entries(
    bank: Bank, balances_minor: Mapping[str, int], seed: int, run: str, count: int, began_at: datetime, rate: float
) -> list[Entry]:
    """`count` entries, `rate` a second from `began_at` (aware) on. An account not in `balances_minor` opens with money.

    Each balance follows from the one before; entry ids are the run's name and a number.
    """
    chance = _random("entries", seed, run)
    balances = {account.account_id: chance.randint(5_000, 400_000) for account in bank.accounts} | dict(balances_minor)
    entries = []
    for number in range(count):
        account = chance.choice(bank.accounts)
        kind = chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
        amount_minor = _amount_minor(chance, kind)
        balances[account.account_id] += amount_minor
        entries.append(
            Entry(
                entry_id=f"{run}-{number:05}",
                booking_date=began_at.date(),
                account_id=account.account_id,
                amount_minor=amount_minor,
                currency=CURRENCY,
                balance_after_minor=balances[account.account_id],
                occurred_at=began_at + timedelta(seconds=number / rate),
                entry_type=kind.entry_type,
                counterparty_name=chance.choice(SHOPS) if kind.entry_type == "card purchase" else None,
            )
        )
    return entries


def make_changes(bank: Bank, preferences: list[Preference], seed: int, run: str) -> Iterator[Change]:
    """Changes without end: thresholds and channels move, preferences go and come back, permissions too."""
    chance = _random("changes", seed, run)
    revoked: list[Permission] = []
    while True:
        choice = chance.random()
        if choice < 0.1:
            permission = chance.choice(bank.permissions)
            if permission not in revoked:
                revoked.append(permission)
                yield Change("revoke", permission=permission)
        elif choice < 0.2 and revoked:
            yield Change("grant", permission=revoked.pop(chance.randrange(len(revoked))))
        elif choice < 0.35:
            yield Change("remove", preference=chance.choice(preferences))
        else:
            yield Change("put", preference=_changed(chance, chance.choice(preferences)))


def _add_customer(bank: Bank, chance: random.Random, customer_id: int) -> None:
    locale = chance.choice(LOCALES)
    name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    mailbox = f"{name.replace(' ', '.').lower()}.{customer_id}"
    bank.customers.append(Customer(customer_id, name, locale, TIME_ZONE))
    bank.addresses.append(ContactAddress(customer_id, "EMAIL", f"{mailbox}@example.org"))
    bank.addresses.append(ContactAddress(customer_id, "SMS", f"+3160{customer_id:07}"))
    platform = chance.choice(("ANDROID", "IOS"))
    bank.devices.append(PushDevice(f"demo-{customer_id}", customer_id, platform, "local"))
    if chance.random() < 0.2:
        bank.devices.append(PushDevice(f"demo-{customer_id}-web", customer_id, "WEB", "local"))


def _add_account(bank: Bank, chance: random.Random, number: int) -> None:
    owner = FIRST_CUSTOMER_ID + number
    products = ["current account"] + (["savings account"] if chance.random() < 0.25 else [])
    for index, product in enumerate(products):
        account_number = 10 * number + index + 1
        account_id = f"demo-{account_number:05}"
        bank.accounts.append(Account(account_id, dutch_iban(BANK_CODE, account_number), CURRENCY, product, TIME_ZONE))
        bank.permissions.append(Permission(account_id, owner, "OWNER"))
    # partners, parents and bookkeepers: the last may not see the balance
    if number and chance.random() < 0.35:
        role = chance.choice(("AUTHORISED", "AUTHORISED", "VIEWER"))
        other = FIRST_CUSTOMER_ID + chance.randrange(number)
        bank.permissions.append(Permission(bank.accounts[-1].account_id, other, role, may_see_balance=role != "VIEWER"))


def _preferences(chance: random.Random, permission: Permission) -> Iterator[Preference]:
    for alert_type in chance.sample(sorted(THRESHOLDS_MINOR), chance.randint(1, 4)):
        first = Preference(
            account_id=permission.account_id,
            customer_id=permission.customer_id,
            alert_type=alert_type,
            preference_no=1,
            currency=CURRENCY,
            threshold_minor=0,
            channels=(),
        )
        yield _changed(chance, first)


def _changed(chance: random.Random, preference: Preference) -> Preference:
    return replace(
        preference,
        threshold_minor=chance.choice(THRESHOLDS_MINOR[preference.alert_type]),
        channels=chance.choice(CHANNEL_CHOICES),
    )


def _amount_minor(chance: random.Random, kind: Kind) -> int:
    amount_minor = chance.randint(min(kind.least_minor, kind.most_minor), max(kind.least_minor, kind.most_minor))
    return round(amount_minor, -3) if kind.entry_type in {"rent", "cash withdrawal"} else amount_minor


def _random(*names: object) -> random.Random:
    # Seeded with text, which Python hashes by itself: the same on every machine and in every process.
    return random.Random("/".join(map(str, names)))  # noqa: S311  no secret depends on it
