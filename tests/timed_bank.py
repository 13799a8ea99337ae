"""A small bank whose alert types have timers, and an engine that follows it: for tests of what rings and what does not."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from engine.timekeeper import ring
from tests.judging import EngineAlone, captured

Connection = psycopg.Connection[Any]
CUSTOMERS = (1, 2)
TABLES = {
    "bank.account_entry": "entry_id",
    "bank.customer_activity": "activity_id",
    "bank.timer_event": "timer_id",
}
HOURS = {"hours": {"type": "integer", "minimum": 1, "maximum": 100}}
TYPES: dict[str, dict[str, Any]] = {
    "UNFINISHED": {
        "event_kind": "CUSTOMER_ACTIVITY",
        "condition": "true",
        "timer_arm": "event.activity_type in ('STARTED', 'SAVED')",
        "timer_cancel": "event.activity_type = 'FINISHED'",
        "timer_key": "event.properties ->> 'application_id'",
        "timer_after": ":hours * 3600",
        "parameters": HOURS,
    },
    "NOT_PAID_BACK": {
        "event_kind": "ACCOUNT_ENTRY",
        "condition": "coalesce(history.value, 0) < 0",
        "timer_arm": "event.amount_minor < 0",
        "timer_cancel": "event.amount_minor > 500",
        "timer_after": ":hours * 3600",
        "window_aggregate": "SUM",
        "window_value": "amount_minor",
        "window_length": ":hours * 3600",
        "parameters": HOURS,
    },
    "DAILY": {
        "event_kind": "ACCOUNT_ENTRY",
        "condition": "history.value > 0",
        "timer_schedule": {"every": "day", "hour": ":hour", "minute": 30},
        "window_aggregate": "COUNT",
        "window_length": "86400",
        "parameters": {"hour": {"type": "integer", "minimum": 0, "maximum": 23}},
    },
    "ASLEEP": {
        "event_kind": "ACCOUNT_ENTRY",
        "condition": "history.since > 7200",
        "timer_schedule": {"every": "day", "hour": ":hour", "minute": 30},
        "window_aggregate": "SINCE",
        "parameters": {"hour": {"type": "integer", "minimum": 0, "maximum": 23}},
    },
}
TIMER = "account_id, customer_id, alert_type, preference_no, timer_key, due_at"
FOUND = (
    "select event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no"
    " from {} order by 1, 2, 3, 4, 5, 6, 7"
)


class Bank:
    """Customers with an account; what happens to it at hours after `began`, and an engine that follows."""

    def __init__(self, url: str, seed: int = 0) -> None:
        self.url = url
        self.chosen = random.Random(seed)
        self.began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.connection = psycopg.connect(url, autocommit=True)
        self.topic: list[tuple[bytes, bytes]] = []
        self._on_topic: set[str] = set()
        self._number = 0
        self._open()

    def _open(self) -> None:
        self.connection.execute(
            "delete from bank.message_template; delete from bank.alert_type_example; delete from bank.alert_type"
        )
        for name, columns in TYPES.items():
            given = {key: Jsonb(value) if isinstance(value, dict) else value for key, value in columns.items()}
            words = ", ".join(f"{key} => %({key})s" for key in given)
            self.connection.execute(
                f"select bank.put_alert_type(alert_type => %(name)s, category => 'c', title => 't', {words})".encode(),
                {"name": name, **given},
            )
        self.connection.execute(
            "insert into bank.customer (customer_id, full_name, time_zone)"
            " values (1, 'A', 'Europe/Amsterdam'), (2, 'B', 'UTC');"
            "insert into bank.account (account_id, currency) values ('a', 'EUR');"
            "insert into bank.account_permission (account_id, customer_id, role)"
            " values ('a', 1, 'OWNER'), ('a', 2, 'AUTHORISED')"
        )

    def at(self, hours: float) -> datetime:
        return self.began + timedelta(hours=hours)

    def prefer(self, customer: int, alert_type: str, number: int = 1, enabled: bool = True, **parameters: int) -> None:
        given = [customer, alert_type, number, Jsonb(parameters), enabled]
        if TYPES[alert_type]["event_kind"] == "CUSTOMER_ACTIVITY":
            self.connection.execute(
                "insert into bank.customer_preference (customer_id, alert_type, preference_no, parameters, channels, enabled)"
                " values (%s, %s, %s, %s, '{PUSH}', %s) on conflict (customer_id, alert_type, preference_no)"
                " do update set (parameters, enabled) = (excluded.parameters, excluded.enabled)",
                given,
            )
        else:
            self.connection.execute(
                "insert into bank.alert_preference"
                " (account_id, customer_id, alert_type, preference_no, parameters, currency, channels, enabled)"
                " values ('a', %s, %s, %s, %s, 'EUR', '{PUSH}', %s)"
                " on conflict (account_id, customer_id, alert_type, preference_no)"
                " do update set (parameters, enabled) = (excluded.parameters, excluded.enabled)",
                given,
            )

    def act(self, hours: float, activity_type: str, application: str | None = "x", customer: int = 1) -> None:
        self._number += 1
        time = self.at(hours)
        self.connection.execute(
            "insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, occurred_at)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                *(f"activity-{self._number}", time.date(), customer, activity_type),
                *(Jsonb({"application_id": application} if application else {}), time),
            ],
        )

    def book(self, hours: float, amount_minor: int) -> None:
        self._number += 1
        time = self.at(hours)
        self.connection.execute(
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, occurred_at)"
            " values (%s, %s, 'a', %s, 'EUR', %s)",
            [f"entry-{self._number}", time.date(), amount_minor, time],
        )

    def capture(self) -> None:
        """Put what is new on the topic, in the order of commits."""
        rows: list[tuple[datetime, str, str]] = []
        for table, key in TABLES.items():
            found = self.connection.execute(f"select inserted_at, {key} from {table}".encode()).fetchall()
            rows += [(inserted_at, table, name) for inserted_at, name in found if name not in self._on_topic]
        for _, table, name in sorted(rows):
            self.topic += captured(self.connection, table, [name])
            self._on_topic.add(name)

    def judge(self, most: int = 10_000) -> None:
        """Capture all, and judge all of the topic."""
        self.capture()
        with EngineAlone(self.url, self.topic) as engine:
            engine.run_all(most)

    def ring(self, hours: float) -> None:
        ring(self.connection, self.at(hours))

    def until(self, hours: float) -> None:
        """Judge and ring until nothing is due any more."""
        self.judge()
        while ring(self.connection, self.at(hours)):
            self.judge()

    def timers(self, alert_type: str = "UNFINISHED") -> list[tuple[float, str]]:
        """Hours at which timers were due, and what became of them."""
        rows = self.connection.execute(
            "select due_at, state from alerting.timer where alert_type = %s order by due_at, timer_id", [alert_type]
        ).fetchall()
        return [((due_at - self.began) / timedelta(hours=1), state) for due_at, state in rows]

    def alerts(self) -> list[tuple[Any, ...]]:
        return self.connection.execute(FOUND.format("alerting.alert").encode()).fetchall()

    def expected(self) -> list[tuple[Any, ...]]:
        return self.connection.execute(FOUND.format("audit.expected_alerts()").encode()).fetchall()

    def armed(self) -> tuple[set[Any], set[Any]]:
        """The timers that are there, and those that the reference says were armed; it does not tell of a schedule's first."""
        there = self.connection.execute(f"select {TIMER} from alerting.timer".encode()).fetchall()
        said = self.connection.execute(
            f"select {TIMER} from audit.judged() where arms and due_at is not null and timer_key is not null".encode()
        )
        return set(there), set(said.fetchall())
