"""Seeded transactions of banking apps that race on the same accounts: entries against changes of what decides about them.

A round is a few transactions on one account, run at once on connections of their own. What each one does follows from the seed
and the round's number; which one comes first is up to the machine, and no matter which: the stamps tell afterwards.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiosql
import psycopg

from tests.chain import Chain, Connection

ACCOUNTS, CUSTOMERS = 16, 12
FIRST_CUSTOMER_ID = 7_000_001
THRESHOLD_TYPES = ("BALANCE_BELOW", "BALANCE_ABOVE", "CREDITED_ABOVE", "DEBITED_ABOVE")
THRESHOLDS = (-500, 100, 0, 500, 1_000)
ROUND_MINOR = 50  # of every amount and balance, so that many meet a threshold exactly
CHANNELS = ("{PUSH}", "{SMS}", "{EMAIL,PUSH}")
STATUSES = ("{BOOKED}", "{BOOKED,PENDING}", "{PENDING}")
CONDITIONS = (
    "event.amount_minor > :threshold_minor",
    "event.amount_minor < :threshold_minor and event.entry_type = 'card purchase'",
    "event.entry_type is null or event.amount_minor * 2 between :threshold_minor and 1000",
    "event.balance_after_minor >= :threshold_minor and not (event.entry_type in ('salary', 'rent'))",
)
TEMPLATES = ("{{ account.name }}", "{{ account.name }}: {{ event.balance_after_minor }}")
ENTRY_TYPES = ("card purchase", "salary", "rent", None)

# How often each change comes.
CHANGES = {
    "put_preference": 34,
    "remove_preferences": 10,
    "switch_preferences": 10,
    "switch_balance": 12,
    "end_permission": 12,
    "remove_permission": 6,
    "put_permission": 16,
    "put_alert_type": 6,
    "remove_alert_type": 1,
    "put_template": 3,
    "remove_templates": 1,
}

Statement = tuple[str, dict[str, Any]]  # a block of races.sql and its values
FILES = ("races.sql", "kind_races.sql")
_sql: Any = aiosql.from_str("\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in FILES), "psycopg")


@dataclass(frozen=True)
class Transaction:
    """Statements of one transaction; `undone` ones are rolled back at its end, `isolation` is PostgreSQL's word for it."""

    statements: tuple[Statement, ...]
    undone: bool = False
    isolation: str = "read committed"


@dataclass
class Races:
    """`name` is in every id, so that several of them may run in one database; `day` is the booking date of the entries."""

    name: str
    seed: int
    day: str
    _entries: int = 0

    @property
    def alert_type(self) -> str:
        """The alert type that comes, changes and goes while the races run."""
        return f"RACE_{self.name.upper()}"

    def setup(self) -> Transaction:
        """Customers, accounts, the alert type, the first permissions and preferences."""
        prefix, last = f"race-{self.name}-", ACCOUNTS - 1
        return Transaction(
            (
                ("add_customers", {"first": FIRST_CUSTOMER_ID, "last": FIRST_CUSTOMER_ID + CUSTOMERS - 1}),
                ("add_accounts", {"prefix": prefix, "last": last}),
                (
                    "add_permissions",
                    {"prefix": prefix, "last": last, "first": FIRST_CUSTOMER_ID, "customers": CUSTOMERS},
                ),
                ("put_alert_type", {"alert_type": self.alert_type, "statuses": STATUSES[0], "condition": CONDITIONS[0]}),
                (
                    "add_preferences",
                    {
                        "prefix": prefix,
                        "alert_types": [*THRESHOLD_TYPES, self.alert_type],
                        "threshold_minor": THRESHOLDS[1],
                        "channels": CHANNELS[0],
                    },
                ),
            )
        )

    def round(self, number: int) -> list[Transaction]:
        """The transactions of one round: one change at least, entries around it, in any order."""
        chance = random.Random(f"{self.seed}/{number}")
        account = chance.randrange(ACCOUNTS)
        changes = [self._changing(chance, account) for _ in range(chance.choice((1, 1, 1, 2)))]
        entries = [self._posting(chance, account) for _ in range(chance.choice((1, 2, 2, 3)))]
        mixed = changes + entries
        chance.shuffle(mixed)
        return mixed

    def _posting(self, chance: random.Random, account: int) -> Transaction:
        entries = [self._entry(chance, account) for _ in range(3 if chance.random() < 0.1 else 1)]
        if chance.random() < 0.1:
            return Transaction((("look_around", {}), *entries), isolation="repeatable read")
        return Transaction(tuple(entries), undone=chance.random() < 0.02)

    def _changing(self, chance: random.Random, account: int) -> Transaction:
        change, kind = self._change(chance, account), chance.random()
        if kind < 0.05:  # an entry before and after its own transaction's change
            return Transaction((self._entry(chance, account), change, self._entry(chance, account)))
        if kind < 0.10:  # several versions in one transaction
            return Transaction(
                (change, self._change(chance, account), self._entry(chance, account), self._change(chance, account))
            )
        return Transaction((change,), undone=kind < 0.15)

    def _change(self, chance: random.Random, account: int) -> Statement:
        (name,) = chance.choices(list(CHANGES), list(CHANGES.values()))
        values: dict[str, Any] = {
            "account_id": f"race-{self.name}-{account}",
            # mostly one of the two who have a permission from the start
            "customer_id": FIRST_CUSTOMER_ID + (account + chance.choice((0, 0, 1, 1, 2))) % CUSTOMERS,
            "alert_type": chance.choice((*THRESHOLD_TYPES, self.alert_type)),
        }
        if name == "put_preference":
            values |= {"preference_no": chance.choice((1, 1, 2)), "currency": chance.choice(("EUR", "EUR", "EUR", "USD"))}
            values |= {"threshold_minor": chance.choice(THRESHOLDS), "channels": chance.choice(CHANNELS)}
        elif name == "end_permission":
            # it ended just now, ends in a moment, or never; it began long ago, or just now
            values |= {"before_ms": chance.choice((300, 100_000)), "after_ms": chance.choice((None, chance.randint(-200, 500)))}
        elif name == "put_permission":
            values |= {"may_see_balance": chance.random() < 0.7}
        elif name in ("put_alert_type", "remove_alert_type", "put_template", "remove_templates"):
            values |= {"alert_type": self.alert_type, "statuses": chance.choice(STATUSES)}
            values |= {"condition": chance.choice(CONDITIONS), "body": chance.choice(TEMPLATES)}
        return name, values

    def _entry(self, chance: random.Random, account: int) -> Statement:
        self._entries += 1
        return (
            "add_entry",
            {
                "entry_id": f"{self.name}-{self._entries}",
                "booking_date": self.day,
                "account_id": f"race-{self.name}-{account}",
                "amount_minor": chance.choice((-1, 1)) * ROUND_MINOR * chance.randint(1, 30),
                "balance_minor": None if chance.random() < 0.05 else ROUND_MINOR * chance.randint(-20, 30),
                "status": "PENDING" if chance.random() < 0.05 else "BOOKED",
                "entry_type": chance.choice(ENTRY_TYPES),
            },
        )


@dataclass
class Racers:
    """Connections on which the transactions of a round run at once."""

    connections: list[Connection]
    pool: ThreadPoolExecutor
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, transactions: list[Transaction]) -> None:
        """Run all of them at once; those that PostgreSQL refuses (a duplicate, a lost race) are counted, and did nothing."""
        for outcome in self.pool.map(run_transaction, self.connections, transactions):
            self.counts[outcome] += 1


@contextmanager
def racers(chain: Chain, count: int = 5) -> Iterator[Racers]:
    """Open connections for the block."""
    url = chain.settings.database_url
    opened: list[Connection] = []
    try:
        opened += [psycopg.connect(url, autocommit=True, application_name=f"racer-{n}") for n in range(count)]
        with ThreadPoolExecutor(count) as pool:
            yield Racers(opened, pool)
    finally:
        for connection in opened:
            connection.close()


def run_transaction(connection: Connection, transaction: Transaction) -> str:
    """Returns what became of it: committed, rolled back, or refused with PostgreSQL's code."""
    try:
        with connection.transaction(force_rollback=transaction.undone):
            connection.execute(f"set transaction isolation level {transaction.isolation}")
            for name, values in transaction.statements:
                getattr(_sql, name)(connection, **values)
    except psycopg.Error as error:
        return f"refused {error.sqlstate}"
    return "rolled back" if transaction.undone else "committed"
