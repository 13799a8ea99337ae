"""Timers through the whole chain: capture that lags, engines that are killed, a topic that is judged again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from engine import timekeeper
from tests.chain import Chain, Connection
from tests.running_stack import RunningStack
from tests.waiting import wait_until

DEADLINE_S = 60.0
FIRST = 7_300_001
MANY = 300
SALARY = (
    "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, entry_type, occurred_at)"
    " values (%s, %s, %s, 245000, 'EUR', 'salary', %s)"
)
ACTIVITY = (
    "insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, properties, occurred_at)"
    " select 'timers-' || n || %(what)s, current_date, %(customer)s, %(what)s,"
    "        jsonb_build_object('application_id', n::text), %(at)s from generate_series(1, %(count)s) n"
)
STATES = "select state, count(*) from alerting.timer where customer_id = %s group by 1 order by 1"


@pytest.fixture
def chain(stack: RunningStack) -> Chain:
    return Chain(stack)


def add_customer(connection: Connection, number: int) -> str:
    """A customer with an account of their own."""
    account = f"timers-{number}"
    for statement in (
        "insert into bank.customer (customer_id, full_name) values (%(number)s, 'Anna')",
        "insert into bank.account (account_id, currency) values (%(account)s, 'EUR')",
        "insert into bank.account_permission (account_id, customer_id, role) values (%(account)s, %(number)s, 'OWNER')",
    ):
        connection.execute(statement, {"number": number, "account": account})
    return account


def prefer_salary(connection: Connection, number: int) -> datetime:
    """A preference for SALARY_MISSING; the first time that its timer is due."""
    account = add_customer(connection, number)
    connection.execute(
        "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
        " values (%s, %s, 'SALARY_MISSING', 'EUR', %s, '{PUSH}')",
        [account, number, Jsonb({"day": 25, "hour": 18})],
    )
    query = "select due_at from alerting.timer where customer_id = %s"
    row = wait_until(lambda: connection.execute(query, [number]).fetchone(), DEADLINE_S, "the engine has armed its timer")
    assert row is not None
    due_at: datetime = row[0]
    return due_at


def alerts(connection: Connection, *numbers: int) -> list[int]:
    """The customers who got alerts, one for each."""
    query = "select customer_id from alerting.alert where customer_id = any(%s) order by 1"
    return [customer for (customer,) in connection.execute(query, [list(numbers)]).fetchall()]


def test_capture_that_lags_makes_no_salary_missing(chain: Chain) -> None:
    in_time, too_late, never = FIRST, FIRST + 1, FIRST + 2
    with chain.database() as connection:
        due = {number: prefer_salary(connection, number) for number in (in_time, too_late, never)}
        due_at = due[in_time]
        with capture_paused(chain):
            connection.execute(SALARY, [f"salary-{in_time}", due_at.date(), f"timers-{in_time}", due_at - timedelta(hours=1)])
            timekeeper.ring(connection, due_at)
            connection.execute(SALARY, [f"salary-{too_late}", due_at.date(), f"timers-{too_late}", due_at - timedelta(hours=1)])
            assert alerts(connection, *due) == []
        chain.settle()
        assert alerts(connection, *due) == [too_late, never], "the one whose salary was committed before it rang is not told"
        states = connection.execute(
            "select customer_id, state from alerting.timer where due_at = %s and customer_id = any(%s) order by 1",
            [due_at, list(due)],
        ).fetchall()
        assert states == [(in_time, "NOT_MET"), (too_late, "FIRED"), (never, "FIRED")]


@contextmanager
def capture_paused(chain: Chain) -> Iterator[None]:
    """No capture for the block."""
    chain.pause_capture()
    try:
        yield
    finally:
        chain.resume_capture()


def test_each_timer_fires_once_whoever_rings_and_whoever_is_killed(chain: Chain, stack: RunningStack) -> None:
    """Two engines with their own timekeepers ring by the clock; one is killed while they judge."""
    customer = FIRST + 10
    values: dict[str, Any] = {"customer": customer, "count": MANY}
    stack.cli("up", "--engines", "2")
    try:
        with chain.database() as connection:
            add_customer(connection, customer)
            connection.execute(
                "insert into bank.customer_preference (customer_id, alert_type, parameters, channels)"
                " values (%s, 'LOAN_APPLICATION_UNFINISHED', '{\"hours\": 1}', '{PUSH}')",
                [customer],
            )
            row = connection.execute("select clock_timestamp() - interval '1 hour' + interval '3 seconds'").fetchone()
            assert row is not None
            connection.execute(ACTIVITY, {**values, "what": "LOAN_APPLICATION_STARTED", "at": row[0]})
            connection.execute(
                ACTIVITY,
                {**values, "count": MANY // 3, "what": "LOAN_APPLICATION_SUBMITTED", "at": row[0] + timedelta(seconds=1)},
            )
            wait_until(lambda: dict(connection.execute(STATES, [customer]).fetchall()), DEADLINE_S, "timers are armed")
            wait_until(
                lambda: {"RUNG", "FIRED"} & dict(connection.execute(STATES, [customer]).fetchall()).keys(),
                DEADLINE_S,
                "the first timers have rung",
            )
            chain.kill("engine-1")
            stack.cli("up")
            expected = [("CANCELLED", MANY // 3), ("FIRED", MANY - MANY // 3)]
            wait_until(
                lambda: connection.execute(STATES, [customer]).fetchall() == expected, DEADLINE_S, "each timer has fired"
            )
            assert alerts(connection, customer) == [customer] * (MANY - MANY // 3)
    finally:
        stack.cli("up", "--engines", "1")
    verified = json.loads(stack.cli("verify", "--wait", "30", "--json").stdout)
    assert (verified["missing"], verified["extra"]) == (0, 0), verified
