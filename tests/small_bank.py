"""A small bank written by plain SQL, for tests of what the reference says about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
DAY = "2026-11-20"
STATUSES = {
    "ACCOUNT_ENTRY": ["BOOKED"],
    "CARD_AUTHORISATION": ["APPROVED"],
    "PAYMENT_ORDER": ["EXECUTED"],
    "CUSTOMER_ACTIVITY": [],
}
# table, column of the time, and the values that an event has unless it says otherwise; its id comes first
TABLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ACCOUNT_ENTRY": (
        "bank.account_entry",
        "occurred_at",
        {"entry_id": None, "booking_date": DAY, "account_id": "a", "amount_minor": -100, "currency": "EUR"},
    ),
    "CARD_AUTHORISATION": (
        "bank.card_authorisation",
        "authorised_at",
        {"authorisation_id": None, "authorised_on": DAY, "account_id": "a", "amount_minor": -100, "currency": "EUR"}
        | {"card_token": "card-1", "card_present": True, "outcome": "APPROVED"},
    ),
    "PAYMENT_ORDER": (
        "bank.payment_order",
        "changed_at",
        {"status_change_id": None, "changed_on": DAY, "order_id": "o", "account_id": "a", "status": "EXECUTED"}
        | {"amount_minor": -100, "currency": "EUR"},
    ),
    "CUSTOMER_ACTIVITY": (
        "bank.customer_activity",
        "occurred_at",
        {"activity_id": None, "occurred_on": DAY, "customer_id": 1, "activity_type": "LOAN"},
    ),
    "TIMER": (
        "bank.timer_event",
        "event_time",
        {"timer_id": None, "account_id": "a", "customer_id": 1, "alert_type": "TEST", "preference_no": 1},
    ),
}


@dataclass
class Bank:
    """Account "a" in EUR with owner 1 and viewer 2; customer 3 is a stranger. Events are numbered e1, e2, ..."""

    connection: Connection
    events: int = field(default=0)

    def open(self) -> Bank:
        """Insert it."""
        self.connection.execute(
            "insert into bank.customer (customer_id, full_name, time_zone)"
            " select n, 'Somebody', 'Europe/Amsterdam' from generate_series(1, 3) n"
        )
        self.connection.execute("insert into bank.account (account_id, currency) values ('a', 'EUR')")
        self.connection.execute(
            "insert into bank.account_permission (account_id, customer_id, role, valid_from)"
            " values ('a', 1, 'OWNER', '2020-01-01Z'), ('a', 2, 'VIEWER', '2020-01-01Z')"
        )
        return self

    def type(self, kind: str = "ACCOUNT_ENTRY", condition: str = "true", **columns: Any) -> None:
        """Put alert type TEST; columns as bank.put_alert_type has them."""
        given = {"statuses": STATUSES[kind], "condition": condition, "category": "c", "title": "t", **columns}
        named = ", ".join(f"{name} => %({name})s" for name in given)
        call = f"select bank.put_alert_type(alert_type => 'TEST', event_kind => %(kind)s, {named})"
        self.connection.execute(call.encode(), {"kind": kind} | {name: _sql(value) for name, value in given.items()})

    def preference(self, customer: int = 1, parameters: dict[str, Any] | None = None, no: int = 1, **columns: Any) -> None:
        """Insert one of TEST, by SMS; `account=None` for one of an activity type."""
        values = {"customer_id": customer, "alert_type": "TEST", "preference_no": no, "parameters": parameters or {}}
        values["channels"] = ["SMS"]
        if columns.pop("account", "a") is None:
            self._insert("bank.customer_preference", values | columns)
        else:
            self._insert("bank.alert_preference", values | {"account_id": "a", "currency": "EUR"} | columns)

    def event(self, kind: str = "ACCOUNT_ENTRY", at: str = "12:00", **columns: Any) -> str:
        """Insert an event at this time (UTC) of DAY, or at a whole timestamp; returns its id."""
        self.events += 1
        table, time_column, values = TABLES[kind]
        event_id = f"e{self.events}"
        when = at if "-" in at else f"{DAY} {at}Z"
        due = {"due_on": when[:10]} if kind == "TIMER" else {}
        self._insert(table, {**values, next(iter(values)): event_id, time_column: when, **due, **columns})
        return event_id

    def seen(self, *events: str) -> None:
        """Record that an engine judged these, in this order."""
        for event_id in events:
            self.connection.execute(
                "insert into alerting.seen_event (event_kind, event_id, event_date, account_id, customer_id)"
                " select event_kind, event_id, event_date, account_id, customer_id from audit.event where event_id = %s",
                [event_id],
            )

    def judged(self, *columns: str) -> list[tuple[Any, ...]]:
        """Event, customer and these columns of every judgement of TEST, in the order of events, customers and preferences."""
        rows = self.connection.execute(
            f"select event_id, customer_id, {', '.join(columns)} from audit.judged(p_alert_type => 'TEST')"
            " order by substr(event_id, 2)::integer, customer_id, preference_no".encode()
        )
        return rows.fetchall()

    def outcomes(self) -> list[str]:
        """The outcomes of TEST in that order."""
        return [outcome for _, _, outcome in self.judged("outcome")]

    def history(self, name: str) -> list[int | None]:
        """history.value, previous, last or since of each judgement."""
        return [found[name] for _, _, found in self.judged("compared -> 'history'")]

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        marks = ", ".join(f"%({name})s" for name in values)
        given = {name: _sql(value) for name, value in values.items()}
        self.connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})".encode(), given)


def alerted(outcomes: Iterable[str]) -> str:
    """One character for each outcome: A for an alert, . for none."""
    return "".join("A" if outcome == "ALERTED" else "." for outcome in outcomes)


def parameter(minimum: int = 0, **more: Any) -> dict[str, Any]:
    """How a type declares an integer."""
    return {"type": "integer", "minimum": minimum, **more}


def _sql(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return list(value) if isinstance(value, list | tuple) else value
