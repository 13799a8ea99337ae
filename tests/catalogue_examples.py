"""Plays the examples of the alert types on a database: each on an account of its own, with a customer for each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bankalerts.report.examples import CHANNELS, CURRENCY, LOCALES, TIME_ZONE, TIMER, Example

Connection = psycopg.Connection[Any]
FIRST_CUSTOMER_ID = 9_000_001
ACTIVITY = "CUSTOMER_ACTIVITY"


@dataclass(frozen=True)
class Kind:
    """Where the events of a kind are: their table, and its columns for the id, the date and the time."""

    table: sql.Identifier
    event_id: str
    event_date: str
    time: str


KINDS = {
    "ACCOUNT_ENTRY": Kind(sql.Identifier("bank", "account_entry"), "entry_id", "booking_date", "occurred_at"),
    "CARD_AUTHORISATION": Kind(
        sql.Identifier("bank", "card_authorisation"), "authorisation_id", "authorised_on", "authorised_at"
    ),
    "PAYMENT_ORDER": Kind(sql.Identifier("bank", "payment_order"), "status_change_id", "changed_on", "changed_at"),
    ACTIVITY: Kind(sql.Identifier("bank", "customer_activity"), "activity_id", "occurred_on", "occurred_at"),
}


@dataclass
class Player:
    """One example on its own account. `customers` are by locale; `began_at` is when the example starts."""

    example: Example
    account_id: str
    customers: Mapping[str, int]
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def is_activity(self) -> bool:
        """Whether the type is about what a customer does, without an account."""
        return any(event.kind == ACTIVITY for event in self.example.events)

    @property
    def customer_ids(self) -> list[int]:
        """Both."""
        return list(self.customers.values())

    def time(self, index: int) -> datetime:
        """When the event is."""
        return self.began_at + self.example.events[index].after

    def expected(self) -> list[tuple[int, str, datetime, dict[str, Any]]]:
        """The alerts that follow, in order: customer, event kind, time of the event, what is said of history."""
        found = []
        for alert in self.example.alerts:
            kind, time = self.example.events[alert.index].kind, self.time(alert.index)
            found += [(customer, kind, time, dict(alert.history)) for customer in self.customer_ids]
        return sorted(found, key=lambda row: (row[2], row[0]))


def enter(connection: Connection, examples: Sequence[Example]) -> list[Player]:
    """Customers, accounts, permissions and preferences for all examples; one transaction."""
    players = [
        Player(
            example,
            f"example-{example.alert_type}-{example.example_no}",
            {locale: FIRST_CUSTOMER_ID + n * len(LOCALES) + i for i, locale in enumerate(LOCALES)},
        )
        for n, example in enumerate(examples)
    ]
    with connection.transaction():
        for player in players:
            _add_account(connection, player)
            for locale, customer_id in player.customers.items():
                _add_customer(connection, player, customer_id, locale)
            if player.example.parameters is not None:
                for customer_id in player.customer_ids:
                    _add_preference(connection, player, customer_id)
    return players


def insert_event(connection: Connection, player: Player, index: int) -> None:
    """Insert one event of the example, which is not a timer, in a transaction of its own."""
    event = player.example.events[index]
    if event.kind == ACTIVITY:
        for customer_id in player.customer_ids:
            _insert(connection, player, index, {"customer_id": customer_id}, f"-{customer_id}")
    else:
        _insert(connection, player, index, {"account_id": player.account_id}, "")


def insert_events(connection: Connection, players: Sequence[Player]) -> None:
    """Insert all events that are no timers: the first of each example, then the second of each, and so on."""
    for index in range(max(len(player.example.events) for player in players)):
        for player in players:
            if index < len(player.example.events) and player.example.events[index].kind != TIMER:
                insert_event(connection, player, index)


def _insert(connection: Connection, player: Player, index: int, whose: Mapping[str, Any], suffix: str) -> None:
    event, kind = player.example.events[index], KINDS[player.example.events[index].kind]
    time = player.time(index)
    row = {
        **event.columns,
        **whose,
        kind.event_id: f"{player.account_id}-{index + 1}{suffix}",
        kind.event_date: time.astimezone(ZoneInfo(TIME_ZONE)).date().isoformat(),
        kind.time: time.isoformat(),
    }
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    statement = sql.SQL("insert into {0} ({1}) select {1} from jsonb_populate_record(null::{0}, %s)")
    connection.execute(statement.format(kind.table, columns), [Jsonb(row)])


def _add_account(connection: Connection, player: Player) -> None:
    connection.execute(
        "insert into bank.account (account_id, currency, time_zone) values (%s, %s, %s)",
        [player.account_id, CURRENCY, TIME_ZONE],
    )


def _add_customer(connection: Connection, player: Player, customer_id: int, locale: str) -> None:
    values = {"customer": customer_id, "locale": locale, "zone": TIME_ZONE, "account": player.account_id}
    for statement in (
        "insert into bank.customer values (%(customer)s, 'Anna de Vries', %(locale)s, %(zone)s)",
        "insert into bank.contact_address values (%(customer)s, 'EMAIL', 'customer' || %(customer)s || '@example.org', now())",
        "insert into bank.contact_address values (%(customer)s, 'SMS', '+3161' || %(customer)s, now())",
        "insert into bank.push_device values ('device-' || %(customer)s, %(customer)s, 'IOS', 'local')",
        "insert into bank.account_permission (account_id, customer_id, role) values (%(account)s, %(customer)s, 'OWNER')",
    ):
        connection.execute(statement, values)


def _add_preference(connection: Connection, player: Player, customer_id: int) -> None:
    values = {
        "account": player.account_id,
        "customer": customer_id,
        "type": player.example.alert_type,
        "parameters": Jsonb(player.example.parameters),
        "channels": list(CHANNELS),
        "currency": CURRENCY,
    }
    connection.execute(
        "insert into bank.customer_preference (customer_id, alert_type, parameters, channels)"
        " values (%(customer)s, %(type)s, %(parameters)s, %(channels)s)"
        if player.is_activity
        else "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
        " values (%(account)s, %(customer)s, %(type)s, %(currency)s, %(parameters)s, %(channels)s)",
        values,
    )
