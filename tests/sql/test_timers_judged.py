"""Timers from the event that arms them to the alert: engine against reference, with late events, changes, kills and replays."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bankalerts.report.verify import verify
from tests.judging import EngineAlone, replay_from_start
from tests.timed_bank import CUSTOMERS, TYPES, Bank


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


def test_a_schedule_follows_a_customer_to_another_time_zone(bank: Bank) -> None:
    bank.prefer(2, "DAILY", hour=12)
    bank.judge()
    (utc,) = (due for due, _ in bank.timers("DAILY"))
    bank.connection.execute("update bank.customer set time_zone = 'Asia/Tokyo' where customer_id = 2")
    bank.judge()
    states = dict(bank.timers("DAILY"))
    assert states.pop(utc) == "CANCELLED"
    ((tokyo, state),) = states.items()
    assert (state, (bank.at(tokyo) + timedelta(hours=9)).hour) == ("ARMED", 12)
    bank.book(tokyo - 1, -1)
    bank.until(tokyo + 25)
    assert next(found for found in bank.timers("DAILY") if found[0] >= tokyo) == (tokyo, "FIRED")
    assert bank.alerts() == bank.expected()


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
