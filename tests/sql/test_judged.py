"""audit.judged: each outcome and each kind of event, on rows inserted by plain SQL, with results worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Server
from tests.small_bank import DAY, Bank, Connection, alerted, parameter


@pytest.fixture
def connection(database_of_file: str) -> Iterator[Connection]:
    """To one database for all: what a test does is rolled back."""
    with psycopg.connect(database_of_file) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def bank(connection: Connection) -> Bank:
    return Bank(connection).open()


@pytest.mark.parametrize(
    ("kind", "condition", "columns", "expected"),
    [
        ("ACCOUNT_ENTRY", "event.amount_minor < -99", {}, "ALERTED"),
        ("ACCOUNT_ENTRY", "event.amount_minor < -100", {}, "CONDITION_FALSE"),
        ("ACCOUNT_ENTRY", "event.balance_after_minor < 0", {}, "CONDITION_UNKNOWN"),
        ("ACCOUNT_ENTRY", "true", {"status": "PENDING"}, "OTHER_STATUS"),
        ("CARD_AUTHORISATION", "event.card_present and event.card_token = 'card-1'", {}, "ALERTED"),
        ("CARD_AUTHORISATION", "event.country <> 'NL'", {"country": "NL"}, "CONDITION_FALSE"),
        ("CARD_AUTHORISATION", "event.country <> 'NL'", {}, "CONDITION_UNKNOWN"),
        ("CARD_AUTHORISATION", "true", {"outcome": "DECLINED", "decline_reason": "NO_FUNDS"}, "OTHER_STATUS"),
        ("PAYMENT_ORDER", "event.status = 'EXECUTED'", {}, "ALERTED"),
        ("PAYMENT_ORDER", "event.order_id = 'another'", {}, "CONDITION_FALSE"),
        ("PAYMENT_ORDER", "true", {"status": "REJECTED"}, "OTHER_STATUS"),
    ],
)
def test_kinds_on_an_account(bank: Bank, kind: str, condition: str, columns: dict[str, Any], expected: str) -> None:
    bank.type(kind, condition)
    bank.preference()
    bank.event(kind, **columns)
    assert bank.outcomes() == [expected]


@pytest.mark.parametrize(("step", "expected"), [("START", "ALERTED"), ("END", "CONDITION_FALSE"), (None, "CONDITION_UNKNOWN")])
def test_activity_needs_no_permission(bank: Bank, step: str | None, expected: str) -> None:
    bank.type("CUSTOMER_ACTIVITY", "event.properties ->> 'step' = 'START'")
    bank.preference(customer=3, account=None)
    bank.event("CUSTOMER_ACTIVITY", customer_id=3, properties={"step": step} if step else {})
    bank.event("CUSTOMER_ACTIVITY", customer_id=1)
    assert bank.judged("outcome", "account_id") == [("e1", 3, expected, None)]


def test_permissions(bank: Bank, connection: Connection) -> None:
    """Customer 1's has ended by now, 2's begins now (and counts), 3 has none."""
    bank.type()
    for customer in (1, 2, 3):
        bank.preference(customer)
    connection.execute("update bank.account_permission set valid_until = clock_timestamp() where customer_id = 1")
    connection.execute("update bank.account_permission set valid_from = clock_timestamp() where customer_id = 2")
    bank.event()
    assert bank.outcomes() == ["PERMISSION_NOT_VALID", "ALERTED", "NO_PERMISSION"]


def test_what_a_preference_says(bank: Bank) -> None:
    bank.type(condition="event.amount_minor < - :least", parameters={"least": parameter()})
    bank.preference(1, {"least": 50})
    bank.preference(1, {"least": 50}, no=2, enabled=False)
    bank.preference(1, {"least": 50}, no=3, currency="USD")
    bank.preference(2, {"least": 100})
    bank.event()
    assert bank.outcomes() == ["ALERTED", "DISABLED", "OTHER_CURRENCY", "CONDITION_FALSE"]
    compared = {"event": {"amount_minor": -100, "currency": "EUR"}, "parameters": {"least": 100}, "history": None}
    assert bank.judged("compared")[3] == ("e1", 2, compared)


def test_the_balance_is_for_those_who_may_see_it(bank: Bank, connection: Connection) -> None:
    bank.type(condition="event.balance_after_minor < 0")
    bank.preference(1)
    bank.preference(2)
    connection.execute("update bank.account_permission set may_see_balance = false where customer_id = 2")
    bank.event(balance_after_minor=-1)
    assert bank.outcomes() == ["ALERTED", "MAY_NOT_SEE_BALANCE"]


def test_each_event_by_the_versions_of_its_stamp(bank: Bank, connection: Connection) -> None:
    bank.type(condition="event.amount_minor < - :least", parameters={"least": parameter()})
    bank.event()  # e1: nobody wants it
    bank.preference(1, {"least": 50})
    bank.event()  # e2
    connection.execute("update bank.alert_preference set parameters = '{\"least\": 100}'")
    bank.event()  # e3
    bank.type(condition="event.amount_minor > - :least", parameters={"least": parameter()})
    bank.event()  # e4: -100 is not above -100
    connection.execute("update bank.alert_preference set parameters = '{\"least\": 101}'")
    bank.event()  # e5
    connection.execute("delete from bank.alert_preference")
    bank.event()  # e6: nobody wants it any more
    assert [(row[0], row[2]) for row in bank.judged("outcome")] == [
        ("e2", "ALERTED"), ("e3", "CONDITION_FALSE"), ("e4", "CONDITION_FALSE"), ("e5", "ALERTED"),
    ]  # fmt: skip


def test_a_default_is_that_of_the_version_stamped(bank: Bank) -> None:
    for default in (50, 150):
        bank.type(condition="event.amount_minor < - :least", parameters={"least": parameter(default=default)})
        if default == 50:
            bank.preference()
        bank.event()
    assert bank.judged("outcome", "compared -> 'parameters'") == [
        ("e1", 1, "ALERTED", {"least": 50}),
        ("e2", 1, "CONDITION_FALSE", {"least": 150}),
    ]


def test_a_mandatory_type_reaches_every_permitted_customer(bank: Bank) -> None:
    """1 has a preference of their own, 2 one in another currency, 3 no permission."""
    bank.type(mandatory=True, default_channels=["EMAIL"], parameters={"n": parameter(default=7)})
    bank.preference(1, {"n": 8})
    bank.preference(2, {"n": 9}, currency="USD")
    bank.event()
    assert bank.judged(
        "preference_no", "outcome", "channels", "compared -> 'parameters' -> 'n'", "preference_version is null"
    ) == [
        ("e1", 1, 1, "ALERTED", ["SMS"], 8, False),
        ("e1", 2, 0, "ALERTED", ["EMAIL"], 7, True),
        ("e1", 2, 1, "OTHER_CURRENCY", ["SMS"], 9, False),
    ]


def test_a_mandatory_type_of_activity_reaches_the_customer(bank: Bank) -> None:
    bank.type("CUSTOMER_ACTIVITY", mandatory=True, default_channels=["EMAIL"])
    bank.preference(2, account=None)
    bank.event("CUSTOMER_ACTIVITY", customer_id=2)
    bank.event("CUSTOMER_ACTIVITY", customer_id=3)
    assert bank.judged("preference_no", "outcome", "channels") == [
        ("e1", 2, 1, "ALERTED", ["SMS"]),
        ("e2", 3, 0, "ALERTED", ["EMAIL"]),
    ]


def test_a_type_that_postgresql_cannot_evaluate_is_parked_and_the_others_go_on(bank: Bank, connection: Connection) -> None:
    bank.type()
    bank.preference()
    connection.execute("update audit.alert_type_history set condition = 'nonsense(' where alert_type = 'TEST'")
    bank.event()
    assert bank.outcomes() == ["TYPE_PARKED"]
    connection.execute("select * from audit.expected_alerts()")


# Windows: (t - length, t], e included


@pytest.mark.parametrize(
    ("aggregate", "value", "expected", "previous", "last"),
    [
        ("COUNT", None, [1, 2, 2, 1], [0, 1, 1, 0], [None] * 4),
        ("SUM", "amount_minor", [-3, -7, -11, -2], [None, -3, -4, None], [None, -3, -4, None]),
        ("MIN", "amount_minor", [-3, -4, -7, -2], [None, -3, -4, None], [None, -3, -4, None]),
        ("MAX", "amount_minor", [-3, -3, -4, -2], [None, -3, -4, None], [None, -3, -4, None]),
        ("AVERAGE", "amount_minor", [-3, -3, -5, -2], [None, -3, -4, None], [None, -3, -4, None]),
        ("SINCE", None, [None] * 4, [None] * 4, [None] * 4),
    ],
)
def test_aggregates_over_an_hour(  # 3600 s before 13:00 is 12:00: out; an average divides toward zero
    bank: Bank, aggregate: str, value: str | None, expected: list[int], previous: list[int | None], last: list[int | None]
) -> None:
    bank.type(window_aggregate=aggregate, window_value=value, window_length="3600")
    bank.preference()
    for at, amount in (("12:00", -3), ("12:30", -4), ("13:00", -7), ("14:00", -2)):
        bank.event(at=at, amount_minor=amount)
    assert bank.history("value") == expected
    assert bank.history("previous") == previous
    assert bank.history("last") == last
    assert bank.history("since") == [None, 1800, 1800, None]


def test_a_window_counts_what_its_condition_says(bank: Bank) -> None:
    bank.type(
        window_aggregate="COUNT",
        window_length=":hours * 3600",
        window_condition="event.amount_minor < 0",
        parameters={"hours": parameter(-(10**15))},
    )
    bank.preference(parameters={"hours": 1})
    bank.preference(parameters={"hours": 0}, no=2)
    bank.preference(parameters={"hours": -(10**15)}, no=3)
    for amount, status in ((-1, "BOOKED"), (5, "BOOKED"), (-1, "PENDING"), (-1, "BOOKED")):
        bank.event(amount_minor=amount, status=status)
    # the pending one is not judged; a window of no length, or of less, has nothing in it
    values = [found and found["value"] for _, _, found in bank.judged("compared -> 'history'")]
    assert values[::3] == [1, 1, 0, 2]
    assert {*values[1::3], *values[2::3]} == {0}


def test_a_window_by_group(bank: Bank) -> None:
    """A NULL in the event's own group: no history at all."""
    bank.type("CARD_AUTHORISATION", window_aggregate="COUNT", window_length="3600", window_group=["card_token", "merchant_id"])
    bank.preference()
    for card, merchant in (("x", "m"), ("y", "m"), ("x", "m"), ("x", None), ("x", "n"), ("x", None)):
        bank.event("CARD_AUTHORISATION", card_token=card, merchant_id=merchant)
    assert bank.history("value") == [1, 1, 2, None, 1, None]


def test_a_late_event_finds_what_was_seen_before_it_and_is_found_by_what_comes_after(bank: Bank) -> None:
    bank.type(window_aggregate="COUNT", window_length="3600")
    bank.preference()
    for at in ("12:00", "12:40", "12:20", "12:50"):
        bank.event(at=at)
    assert bank.history("value") == [1, 2, 2, 4]
    assert bank.history("since") == [None, 2400, 1200, 600]


def test_the_recorded_order_counts_where_there_is_one(bank: Bank) -> None:
    bank.type(window_aggregate="COUNT", window_length="3600")
    bank.preference()
    bank.seen(*reversed([bank.event() for _ in range(3)]))
    assert bank.history("value") == [3, 2, 1]


def test_an_event_that_was_not_recorded_counts_if_it_had_committed(database: str, server: Server) -> None:
    """e2 is inserted while the transaction of e1 is open: it cannot have seen it, though e1 is the older one."""
    with psycopg.connect(database, autocommit=True) as here, psycopg.connect(database) as other:
        bank = Bank(here).open()
        bank.type(window_aggregate="COUNT", window_length="3600")
        bank.preference()
        first = Bank(other).event()
        here.execute("select pg_current_xact_id()")
        bank.events = 1
        second = bank.event()
        other.commit()
        third = bank.event()
        bank.seen(second, third)
        assert dict(zip((first, second, third), bank.history("value"), strict=True)) == {"e1": 3, "e2": 1, "e3": 3}


def test_since_for_ever(bank: Bank) -> None:
    bank.type(
        condition="history.since is null or history.since > 86400 * 365",
        window_aggregate="SINCE",
        window_group=["counterparty_account"],
    )
    bank.preference()
    for when, whom in (
        ("2020-01-01 00:00Z", "x"),
        ("2026-11-20 12:00Z", "x"),
        ("2026-11-20 12:00:00.9Z", "x"),
        ("2026-11-20 12:00Z", "y"),
    ):
        bank.event(at=when, counterparty_account=whom)
    assert bank.history("since") == [None, 217339200, 0, None]
    assert alerted(bank.outcomes()) == "AA.A"


# Cool-down and re-arm


def test_a_cool_down_is_quiet_on_both_sides_of_the_last_alert(bank: Bank) -> None:
    bank.type(cool_down=":seconds", parameters={"seconds": parameter(default=3600)})
    bank.preference()
    bank.preference(2, {"seconds": 0})
    for at in ("10:00", "10:59:59", "11:00", "10:30", "09:30", "11:30", "12:30"):
        bank.event(at=at)
    rows = bank.judged("outcome")
    assert [outcome for _, customer, outcome in rows if customer == 1] == [
        "ALERTED", "COOL_DOWN", "ALERTED", "COOL_DOWN", "ALERTED", "COOL_DOWN", "ALERTED",
    ]  # fmt: skip
    assert {outcome for _, customer, outcome in rows if customer == 2} == {"ALERTED"}


def test_after_an_alert_the_margin_has_to_be_passed(bank: Bank) -> None:
    bank.type(
        condition="event.balance_after_minor < :threshold", rearm_margin=":margin",
        rearm_condition="event.balance_after_minor >= :threshold + :margin",
        parameters={"threshold": parameter(), "margin": parameter(default=0)},
    )  # fmt: skip
    bank.preference(1, {"threshold": 100, "margin": 10})
    bank.preference(1, {"threshold": 100}, no=2)
    for balance in (99, 98, 109, 97, 110, 96, 95):
        bank.event(balance_after_minor=balance)
    assert alerted(bank.outcomes()[::2]) == "A....A."
    assert alerted(bank.outcomes()[1::2]) == "AA.A.AA"
    assert bank.outcomes()[2] == "DISARMED"


def test_one_event_is_explained_with_what_came_before_it(bank: Bank, connection: Connection) -> None:
    bank.type(cool_down="3600")
    bank.preference()
    bank.event(at="10:00")
    second = bank.event(at="10:30")
    rows = connection.execute(
        "select event_id, outcome from audit.judged(p_event_kind => 'ACCOUNT_ENTRY', p_event_id => %s)", [second]
    )
    assert rows.fetchall() == [("e2", "COOL_DOWN")]


# Timers


def test_a_timer_stands_unless_it_was_cancelled_in_time(bank: Bank) -> None:
    """Applications x, y and z start; y ends in time, z ends too late. Each timer rings an hour after the start."""
    bank.type(
        "CUSTOMER_ACTIVITY", timer_arm="event.activity_type = 'START'", timer_cancel="event.activity_type = 'END'",
        timer_key="event.properties ->> 'id'", timer_after="3600",
    )  # fmt: skip
    bank.preference(account=None)
    for at, what, key in (
        ("10:00", "START", "x"),
        ("10:10", "START", "y"),
        ("10:20", "START", "z"),
        ("10:30", "END", "y"),
        ("11:30", "END", "z"),
    ):
        bank.event("CUSTOMER_ACTIVITY", at=at, activity_type=what, properties={"id": key})
    for at, key in (("11:00", "x"), ("11:10", "y"), ("11:20", "z"), ("11:00", "y")):
        bank.event("TIMER", at=at, account_id=None, timer_key=key)
    assert bank.outcomes() == [
        "ARMS_TIMER", "ARMS_TIMER", "ARMS_TIMER", "CANCELS_TIMER", "CANCELS_TIMER",
        "ALERTED", "TIMER_CANCELLED", "ALERTED", "TIMER_CANCELLED",
    ]  # fmt: skip


def test_an_event_that_would_arm_without_a_time_cancels_where_it_says_so(bank: Bank, connection: Connection) -> None:
    bank.type(
        "CUSTOMER_ACTIVITY", timer_arm="event.activity_type in ('START', 'BOTH')", timer_cancel="event.activity_type = 'BOTH'",
        timer_after=":seconds", parameters={"seconds": parameter(-1)},
    )  # fmt: skip
    bank.preference(account=None, parameters={"seconds": 3600})
    bank.event("CUSTOMER_ACTIVITY", at="10:00", activity_type="START")
    connection.execute("""update bank.customer_preference set parameters = '{"seconds": -1}'""")
    bank.event("CUSTOMER_ACTIVITY", at="10:30", activity_type="BOTH")
    bank.event("TIMER", at="11:00", account_id=None)
    assert bank.outcomes()[-1] == "TIMER_CANCELLED"


def test_a_timer_that_is_set_anew_rings_later_only(bank: Bank, connection: Connection) -> None:
    bank.type(
        timer_arm="event.entry_type = 'salary'",
        timer_after="3600",
        window_aggregate="COUNT",
        window_length="3600",
        condition="history.value = 1",
    )
    bank.preference()
    for at in ("10:00", "10:30"):
        bank.event(at=at, entry_type="salary")
    for at in ("11:00", "11:30"):
        bank.event("TIMER", at=at)
    connection.execute("update bank.alert_preference set enabled = false")
    bank.event("TIMER", at="11:30")
    connection.execute("delete from bank.alert_preference")
    bank.event("TIMER", at="11:30")
    # at 11:30 the entry of 10:30 is exactly an hour old, so it is out
    assert bank.outcomes()[2:] == ["TIMER_CANCELLED", "CONDITION_FALSE", "DISABLED", "NO_PREFERENCE"]
    assert bank.history("value")[2:4] == [1, 0]


def test_a_schedule_goes_from_one_time_to_the_next(bank: Bank) -> None:
    """Each day at 8 in Amsterdam, 7 in winter by UTC. The preference itself wrote the row that starts it."""
    bank.type(
        parameters={"hour": parameter(maximum=23)}, timer_schedule={"every": "day", "hour": ":hour", "minute": 0},
        window_aggregate="COUNT", window_length="86400", condition="history.value > 0",
    )  # fmt: skip
    bank.connection.execute("alter table bank.alert_preference disable trigger start_timers_1")
    bank.preference(parameters={"hour": 8})
    bank.event("TIMER", at="05:00", starts=True)
    bank.event(at="06:00")
    for at in (f"{DAY} 07:00Z", "2026-11-21 07:00Z", "2026-11-21 09:00Z"):
        bank.event("TIMER", at=at)
    assert [(event, outcome) for event, _, outcome in bank.judged("outcome")] == [
        ("e3", "ALERTED"), ("e4", "CONDITION_FALSE"), ("e5", "TIMER_CANCELLED"),
    ]  # fmt: skip
