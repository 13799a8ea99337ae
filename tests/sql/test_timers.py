"""Timers in PostgreSQL: what starts them, what a batch does to them, when they ring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine import timer_rows
from engine.timekeeper import MOST_AT_ONCE, ring
from engine.timer import FIRED, NOT_MET, EventOfTimer, Operation, Outcome, Owner, series_id, timer_id
from tests.unit.test_timer import DAY, OPERATIONS, OWNER, Due, arm, at, by_the_book, cancel

Connection = psycopg.Connection[Any]
DUE = "select state, reason from alerting.timer where timer_id = %s"
REPORT = (
    "select bank.put_alert_type(alert_type => 'REPORT', event_kind => %s, condition => 'true', category => 'c', title => 't',"
    """ statuses => %s, parameters => '{"hour": {"type": "integer", "minimum": 0, "maximum": 23}}',"""
    """ timer_schedule => '{"every": "day", "hour": ":hour", "minute": 0}')"""
)
PREFERENCE = (
    "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
    """ values ('a', 1, 'REPORT', 'EUR', '{"hour": 8}', '{EMAIL}')"""
)
STARTS = (
    "select account_id, customer_id, alert_type, preference_no, timer_key, starts, time_zone, routed_account, routed_customer,"
    " state_version, catalogue_version, event_time <= clock_timestamp(), due_on = (event_time at time zone 'UTC')::date"
    " from bank.timer_event order by inserted_at"
)


@pytest.fixture
def bank(database: str) -> Any:
    """A connection in autocommit mode to a database with a customer, an account and a scheduled alert type."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into bank.customer (customer_id, full_name, locale, time_zone)"
            " values (1, 'A', 'nl-NL', 'Europe/Amsterdam'), (42, 'B', 'en-GB', 'Europe/London')"
        )
        connection.execute("insert into bank.account (account_id, currency) values ('a', 'EUR')")
        connection.execute("insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER')")
        connection.execute(REPORT.encode(), ["ACCOUNT_ENTRY", ["BOOKED"]])
        yield connection


def versions(connection: Connection) -> tuple[int, int]:
    ((state, catalogue),) = connection.execute("select state_version, catalogue_version from bank.account, bank.catalogue")
    return state, catalogue


# What starts a schedule


def test_a_preference_starts_its_schedule_with_the_versions_it_made(bank: Connection) -> None:
    bank.execute(PREFERENCE)
    assert bank.execute(STARTS).fetchall() == [
        ("a", 1, "REPORT", 1, "", True, "Europe/Amsterdam", "a", 0, *versions(bank), True, True)
    ]


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        ("update bank.alert_preference set parameters = '{\"hour\": 9}'", 1),
        ("update bank.alert_preference set enabled = false", 0),
        ("delete from bank.alert_preference", 0),
        ("update bank.alert_type set condition = 'false' where alert_type = 'REPORT'", 1),
        ("update bank.alert_type set title = 'other' where alert_type = 'REPORT'", 0),
        ("update bank.alert_type set timer_schedule = null where alert_type = 'REPORT'", 0),
        ("update bank.customer set time_zone = 'Asia/Tokyo' where customer_id = 1", 1),
        ("update bank.customer set time_zone = 'Asia/Tokyo' where customer_id = 42", 0),
        ("update bank.customer set time_zone = 'Europe/Amsterdam', locale = 'en'", 0),
    ],
)
def test_a_change_starts_it_anew_where_something_may_be_due_at_another_time(bank: Connection, change: str, starts: int) -> None:
    bank.execute(PREFERENCE)
    bank.execute(change.encode())
    rows = bank.execute(STARTS).fetchall()
    assert len(rows) == 1 + starts
    assert rows[-1][9:11] == versions(bank) or not starts, "stamped with the versions that the change made"


def test_a_type_that_becomes_scheduled_starts_the_preferences_that_are_there(bank: Connection) -> None:
    bank.execute("update bank.alert_type set timer_schedule = null where alert_type = 'REPORT'")
    bank.execute(PREFERENCE)
    second = PREFERENCE.replace("(account_id", "(preference_no, enabled, account_id").replace("('a'", "(2, false, 'a'")
    bank.execute(second.encode())
    assert bank.execute(STARTS).fetchall() == []
    bank.execute(
        """update bank.alert_type set timer_schedule = '{"every": "day", "hour": 8, "minute": 0}'"""
        " where alert_type = 'REPORT'"
    )
    assert [row[3] for row in bank.execute(STARTS).fetchall()] == [1], "the one that is enabled"


def test_a_customer_who_moves_has_the_schedules_that_are_there_by_the_new_clock(bank: Connection) -> None:
    bank.execute(PREFERENCE)
    bank.execute(PREFERENCE.replace("(account_id", "(preference_no, account_id").replace("('a'", "(2, 'a'").encode())
    bank.execute(PREFERENCE.replace("(account_id", "(preference_no, account_id").replace("('a'", "(3, 'a'").encode())
    bank.execute("update bank.alert_preference set enabled = false where preference_no = 2")
    bank.execute("delete from bank.alert_preference where preference_no = 3")
    bank.execute("update bank.customer set time_zone = 'Asia/Tokyo' where customer_id = 1")
    rows = [row for row in bank.execute(STARTS).fetchall() if row[6] == "Asia/Tokyo"]
    assert rows == [("a", 1, "REPORT", 1, "", True, "Asia/Tokyo", "a", 0, *versions(bank), True, True)]


def test_a_customers_own_preference_starts_without_an_account(bank: Connection) -> None:
    bank.execute(REPORT.replace("'REPORT'", "'DIGEST'").encode(), ["CUSTOMER_ACTIVITY", []])
    bank.execute(
        "insert into bank.customer_preference (customer_id, alert_type, parameters, channels)"
        """ values (42, 'DIGEST', '{"hour": 8}', '{EMAIL}')"""
    )
    (row,) = bank.execute(STARTS).fetchall()
    assert row[:10] == (None, 42, "DIGEST", 1, "", True, "Europe/London", "", 42, 1)


def test_what_a_timer_event_says_never_changes(bank: Connection) -> None:
    bank.execute(PREFERENCE)
    for statement in (
        "update bank.timer_event set starts = false",
        "delete from bank.timer_event",
        "truncate bank.timer_event",
    ):
        with pytest.raises(psycopg.Error) as refused:
            bank.execute(statement.encode())
        assert refused.value.sqlstate == "BA002"


# What a batch does


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OPERATIONS, max_size=4), st.integers(0, 20))
@example([[arm(3, 5), arm(8, 5), arm(10, 3)]], 8)  # the arming that cancels is the older one of its timer
@example([[arm(10, 3)], [arm(8, 5)], [arm(3, 5)]], 8)
def test_what_is_kept_of_batches_is_enough_to_say_what_stands(
    connection: Connection, batches: list[list[Operation]], minutes: int
) -> None:
    connection.rollback()
    for batch in batches:
        timer_rows.write(connection, batch)
        timer_rows.write(connection, batch)
    done = [operation for batch in batches for operation in batch]
    due = Due(at(minutes))
    assert timer_rows.load(connection, [due]).holds(due) is by_the_book(done, due.event_time)
    for name, due_at, state in connection.execute("select timer_id, due_at, state from alerting.timer").fetchall():
        assert (state == "ARMED") is by_the_book(done, due_at), f"{name} due {due_at}"


def test_a_timer_that_was_judged_is_not_judged_again(connection: Connection) -> None:
    name = timer_id(OWNER, "", at(10))
    timer_rows.write(connection, [arm(0)])
    timer_rows.write(connection, [cancel(5), Outcome(name, FIRED, None)])
    assert connection.execute(DUE, [name]).fetchone() == (FIRED, None), (
        "what cancels it came after it was due, in the same batch"
    )
    timer_rows.write(connection, [arm(0), cancel(0), arm(7), Outcome(name, NOT_MET, "other")])
    assert connection.execute(DUE, [name]).fetchone() == (FIRED, None)


def test_a_timer_that_was_judged_is_armed_no_more_but_cancels_others(connection: Connection) -> None:
    name = timer_id(OWNER, "", at(13))
    timer_rows.write(connection, [arm(8, 5)])
    timer_rows.write(connection, [Outcome(name, FIRED, None)])
    timer_rows.write(connection, [arm(10, 3)])
    assert connection.execute(DUE, [name]).fetchone() == (FIRED, None)
    timer_rows.write(connection, [arm(9, 2)])
    assert connection.execute(DUE, [timer_id(OWNER, "", at(11))]).fetchone() == ("CANCELLED", "armed anew")


def test_a_cancelled_timer_says_why(connection: Connection) -> None:
    timer_rows.write(connection, [arm(0), arm(5)])
    assert connection.execute(DUE, [timer_id(OWNER, "", at(10))]).fetchone() == ("CANCELLED", "armed anew")
    timer_rows.write(connection, [cancel(8)])
    assert connection.execute(DUE, [timer_id(OWNER, "", at(15))]).fetchone() == ("CANCELLED", "cancelled")


# What rings


def of_account(number: int, minutes: int = 10) -> Operation:
    owner = Owner("a", 1, "REPORT", number)
    return Operation(owner, "", at(0), at(minutes), EventOfTimer("K", "x", DAY))


def rung(connection: Connection) -> list[int]:
    return [number for (number,) in connection.execute("select preference_no from bank.timer_event order by 1").fetchall()]


def test_what_is_due_rings_once_and_nothing_rings_before(bank: Connection) -> None:
    timer_rows.write(bank, [of_account(1), of_account(2, minutes=11)])
    assert ring(bank, at(10) - timedelta(microseconds=1)) == 0
    assert ring(bank, at(10)) == 1
    assert (ring(bank, at(10)), rung(bank)) == (0, [1])
    row = bank.execute(
        "select e.timer_id, due_on, event_time, starts, time_zone, t.state"
        " from bank.timer_event e join alerting.timer t on t.timer_id = e.timer_id"
    ).fetchone()
    assert row == (timer_id(Owner("a", 1, "REPORT", 1), "", at(10)), DAY, at(10), False, "Europe/Amsterdam", "RUNG")
    assert (ring(bank), rung(bank)) == (1, [1, 2]), "by PostgreSQL's clock, which is years later"


def test_what_was_rung_when_the_timekeeper_died_is_rung_to_no_effect(bank: Connection) -> None:
    timer_rows.write(bank, [of_account(1)])
    ring(bank, at(10))
    bank.execute("update alerting.timer set state = 'ARMED', rung_at = null")
    assert (ring(bank, at(11)), rung(bank)) == (1, [1])
    assert bank.execute("select state from alerting.timer").fetchall() == [("RUNG",)]


def test_two_timekeepers_ring_each_timer_once(bank: Connection, database: str) -> None:
    count = 2 * MOST_AT_ONCE + 10
    timer_rows.write(bank, [of_account(number) for number in range(1, count + 1)])

    def ring_all(_: int) -> int:
        with psycopg.connect(database, autocommit=True) as connection:
            return ring(connection, at(10))

    with ThreadPoolExecutor(2) as two:
        assert sum(two.map(ring_all, range(2))) >= count
    assert rung(bank) == list(range(1, count + 1))
    assert bank.execute("select distinct state from alerting.timer").fetchall() == [("RUNG",)]


def test_a_timer_that_was_cancelled_does_not_ring(bank: Connection) -> None:
    one = of_account(1)
    timer_rows.write(bank, [one, one._replace(at=at(5), due_at=None)])
    assert (ring(bank, at(20)), rung(bank)) == (0, [])


def test_a_timer_whose_account_is_gone_holds_up_no_other(bank: Connection) -> None:
    gone = Operation(Owner("gone", 1, "REPORT", 1), "", at(0), at(1), EventOfTimer("K", "x", DAY))
    timer_rows.write(bank, [gone, gone._replace(owner=Owner(None, 77, "REPORT", 1)), of_account(2)])
    ring(bank, at(20))
    assert rung(bank) == [2]
    states = bank.execute("select account_id, state, reason from alerting.timer order by state, account_id").fetchall()
    because = "its customer or account is gone"
    assert states == [("gone", "CANCELLED", because), (None, "CANCELLED", because), ("a", "RUNG", None)]


def test_the_day_of_a_timer_is_that_of_utc(bank: Connection) -> None:
    bank.execute("set timezone = 'Pacific/Auckland'")
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    timer_rows.write(bank, [of_account(1)._replace(due_at=late)])
    ring(bank, late)
    assert bank.execute("select due_on::text from bank.timer_event").fetchall() == [("2026-03-01",)]
    assert series_id(OWNER, "") != series_id(OWNER, "x")
