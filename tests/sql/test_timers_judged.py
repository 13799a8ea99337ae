"""Timers from the event that arms them to the alert: engine against reference, with late events, changes, kills and replays."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from bankalerts.report.verify import verify
from engine.timekeeper import ring
from tests.judging import EngineAlone, captured, replay_from_start

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


@pytest.fixture
def bank(database: str) -> Any:
    opened = Bank(database)
    yield opened
    opened.connection.close()


def test_an_application_that_nobody_finishes_is_told_of_once(bank: Bank) -> None:
    bank.prefer(1, "UNFINISHED", hours=24)
    bank.act(0, "STARTED")
    bank.act(1, "SAVED")
    bank.act(0, "STARTED", "other")
    bank.act(23, "FINISHED", "other")
    bank.act(0, "STARTED", None)
    bank.act(0, "STARTED", customer=2)
    bank.until(24)
    assert bank.alerts() == []
    bank.until(30)
    assert bank.timers() == [(24, "CANCELLED"), (24, "CANCELLED"), (25, "FIRED")]
    assert bank.alerts() == bank.expected()
    (alert,) = bank.alerts()
    assert (alert[0], alert[3:]) == ("TIMER", (None, 1, "UNFINISHED", 1))
    row = bank.connection.execute("select event_time, channels, evidence -> 'event' from alerting.alert").fetchone()
    assert row == (bank.at(25), ["PUSH"], {})


def test_what_finished_it_may_come_first_or_late(bank: Bank) -> None:
    bank.prefer(1, "UNFINISHED", hours=10)
    bank.act(5, "FINISHED", "first")
    bank.act(0, "STARTED", "first")
    bank.act(5, "SAVED", "again")
    bank.act(0, "STARTED", "again")
    bank.act(0, "STARTED", "after")
    bank.act(0, "STARTED", "too late")
    bank.judge()
    bank.act(10.5, "FINISHED", "after")
    bank.ring(10)
    bank.act(5, "FINISHED", "too late")
    bank.until(20)
    ten = ["CANCELLED", "CANCELLED", "FIRED", "FIRED"]
    assert sorted(bank.timers()) == [*((10, state) for state in ten), (15, "FIRED")]
    assert bank.alerts() == bank.expected()


def test_an_engine_that_lags_does_not_miss_what_came_in_time(bank: Bank) -> None:
    """The timekeeper rings by the clock while nothing is captured: what was committed before it rang is judged before."""
    bank.prefer(1, "UNFINISHED", hours=10)
    for application in ("in time", "late"):
        bank.act(0, "STARTED", application)
    bank.judge()
    bank.act(9, "FINISHED", "in time")
    bank.ring(10)
    bank.act(9, "FINISHED", "late")
    bank.judge()
    states = bank.connection.execute("select timer_key, state from alerting.timer order by 1").fetchall()
    assert states == [("in time", "CANCELLED"), ("late", "FIRED")]
    assert bank.alerts() == bank.expected()


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ("delete from bank.alert_preference", "NOT_MET", "the preference is gone or disabled, or its type has no timer"),
        (
            "update bank.alert_preference set enabled = false",
            "NOT_MET",
            "the preference is gone or disabled, or its type has no timer",
        ),
        ("delete from bank.account_permission", "NOT_MET", "no permission that is valid and reaches as far"),
        ("update bank.account_permission set valid_until = now()", "NOT_MET", "no permission that is valid and reaches as far"),
        ("update bank.alert_type set condition = 'history.value > 0'", "NOT_MET", "the condition is not true"),
        ("update bank.alert_preference set parameters = '{\"hours\": 99}'", "FIRED", None),
    ],
)
def test_what_holds_when_it_rings_counts(bank: Bank, change: str, state: str, reason: str | None) -> None:
    bank.prefer(1, "NOT_PAID_BACK", hours=5)
    bank.book(0, -100)
    bank.judge()
    bank.connection.execute(
        (change + " where " + ("customer_id = 1" if "alert_type" not in change else "alert_type = 'NOT_PAID_BACK'")).encode()
    )
    bank.until(5)
    row = bank.connection.execute("select state, reason from alerting.timer").fetchone()
    assert row == (state, reason)
    assert bank.alerts() == bank.expected()
    assert len(bank.alerts()) == (state == "FIRED")


def test_a_schedule_goes_on_whatever_becomes_of_its_times(bank: Bank) -> None:
    bank.prefer(2, "DAILY", hour=12)
    bank.judge()
    first = bank.timers("DAILY")[0][0]
    bank.book(first - 1, -1)
    bank.until(first + 1)
    bank.connection.execute("update bank.account_permission set valid_until = now() where customer_id = 2")
    bank.book(first + 23, -1)
    bank.until(first + 25)
    bank.connection.execute("update bank.account_permission set valid_until = null where customer_id = 2")
    bank.until(first + 49)
    bank.book(first + 71, -1)
    bank.until(first + 73)
    assert bank.timers("DAILY") == [
        (first, "FIRED"), (first + 24, "NOT_MET"), (first + 48, "NOT_MET"), (first + 72, "FIRED"), (first + 96, "ARMED"),
    ]  # fmt: skip
    assert bank.alerts() == bank.expected()


def test_a_schedule_may_ask_for_how_long_nothing_came(bank: Bank) -> None:
    bank.prefer(2, "ASLEEP", hour=12)
    bank.judge()
    first = bank.timers("ASLEEP")[0][0]
    bank.book(first - 1, -1)
    bank.until(first + 1)
    bank.until(first + 25)
    assert bank.timers("ASLEEP") == [(first, "NOT_MET"), (first + 24, "FIRED"), (first + 48, "ARMED")]
    assert bank.alerts() == bank.expected()
    row = bank.connection.execute("select evidence -> 'history' ->> 'since' from alerting.alert").fetchone()
    assert row == (str(25 * 3600),)


def test_a_schedule_that_was_changed_forgets_its_old_time(bank: Bank) -> None:
    bank.prefer(2, "DAILY", hour=12)
    bank.judge()
    bank.prefer(2, "DAILY", hour=13)
    bank.judge()
    assert sorted(state for _, state in bank.timers("DAILY")) == ["ARMED", "CANCELLED"]
    bank.prefer(2, "DAILY", hour=12)
    bank.judge()
    states = {round((bank.began + timedelta(hours=due)).hour): state for due, state in bank.timers("DAILY")}
    assert states == {12: "ARMED", 13: "CANCELLED"}
    bank.prefer(2, "DAILY", enabled=False, hour=12)
    bank.until(48)
    left = {state for _, state in bank.timers("DAILY")}
    assert left <= {"NOT_MET", "CANCELLED"}, "a disabled preference arms nothing"


def test_judged_again_from_the_start_nothing_changes(bank: Bank) -> None:
    bank.prefer(1, "UNFINISHED", hours=10)
    bank.prefer(1, "DAILY", hour=3)
    bank.act(0, "STARTED")
    bank.act(3, "STARTED", "other")
    bank.act(5, "FINISHED", "other")
    bank.book(2, -5)
    bank.until(60)
    timers = bank.connection.execute("select * from alerting.timer order by timer_id").fetchall()
    alerts = bank.alerts()
    assert alerts
    for most in (1, 10_000):
        replay_from_start(bank.connection)
        bank.judge(most)
        assert bank.connection.execute("select * from alerting.timer order by timer_id").fetchall() == timers
        assert bank.alerts() == alerts


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_engine_does_as_the_reference(database: str, seed: int) -> None:
    """Seeds are fixed here; `tests.long windows` takes others."""
    bank = Bank(database, seed)
    outcomes = play(bank, steps=120)
    assert bank.alerts() == bank.expected(), f"seed {seed}"
    assert verify(database).timers_missing == 0
    there, said = bank.armed()
    assert said <= there, f"seed {seed}"
    assert {timer[2] for timer in there - said} <= {"DAILY", "ASLEEP"}, f"seed {seed}"
    assert outcomes["FIRED"] > 3, outcomes
    assert outcomes["CANCELLED"] > 3, outcomes
    bank.connection.close()


def test_a_timer_that_an_engine_forgot_is_missing(bank: Bank, database: str) -> None:
    bank.prefer(1, "UNFINISHED", hours=10)
    bank.act(0, "STARTED")
    assert verify(database).timers_missing == 1
    bank.judge()
    assert verify(database).is_equal
    bank.connection.execute("delete from alerting.timer")
    verdict = verify(database)
    assert (verdict.timers_missing, verdict.is_equal) == (1, False)


def play(bank: Bank, steps: int) -> Counter[str]:
    """Random events, changes of state, rings, and engines that are killed; what became of the timers."""
    chosen = bank.chosen
    for customer in CUSTOMERS:
        for alert_type in TYPES:
            bank.prefer(customer, alert_type, 1, True, **some_parameters(chosen, alert_type))
    now = 0.0
    for _ in range(steps):
        what = chosen.choices(("act", "book", "change", "permit", "ring", "judge"), (8, 6, 1, 1, 3, 4))[0]
        if what == "act":
            hours = chosen.randrange(int(now) - 6, int(now) + 8) + chosen.choice((0, 0, 0.5))
            customer, application = chosen.choice(CUSTOMERS), chosen.choice(("x", "y", None))
            bank.act(hours, chosen.choice(("STARTED", "STARTED", "SAVED", "FINISHED", "LOOKED")), application, customer)
        elif what == "book":
            bank.book(chosen.randrange(int(now) - 6, int(now) + 8), chosen.choice((-300, -100, 100, 600)))
        elif what == "change":
            alert_type = chosen.choice((*TYPES,))
            enabled = chosen.random() < 0.6
            bank.prefer(chosen.choice(CUSTOMERS), alert_type, 1, enabled, **some_parameters(chosen, alert_type))
        elif what == "permit":
            until = chosen.choice(("null", "null", "now()"))
            bank.connection.execute(
                f"update bank.account_permission set valid_until = {until} where customer_id = %s".encode(),
                [chosen.choice(CUSTOMERS)],
            )
        elif what == "ring":
            now += chosen.choice((0, 1, 3, 9))
            bank.ring(now)
        else:
            judge_some(bank)
    bank.until(now + 30)
    return Counter(state for alert_type in TYPES for _, state in bank.timers(alert_type))


def judge_some(bank: Bank) -> None:
    """An engine judges a while and is killed; sometimes all is judged again."""
    bank.capture()
    if bank.chosen.random() < 0.1:
        replay_from_start(bank.connection)
    with EngineAlone(bank.url, bank.topic) as engine:
        for _ in range(bank.chosen.randrange(1, 4)):
            engine.turn(bank.chosen.choice((1, 3, 100)), bank.chosen.choice((None, None, 0)))


def some_parameters(chosen: random.Random, alert_type: str) -> dict[str, int]:
    return {"hour": chosen.randrange(24)} if "hour" in TYPES[alert_type]["parameters"] else {"hours": chosen.choice((2, 5, 12))}
