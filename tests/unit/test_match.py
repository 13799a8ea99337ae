"""Which preferences an event matches: a table of cases of design 4.1 and 4.2, and the identity of an alert."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine import match
from engine.catalogue import build_catalogue, digest
from engine.decode import AccountEntry, CustomerActivity
from engine.match import Alert, Candidate, identity, judge
from engine.packed import State, key_of, state_of
from engine.rows import AlertTypeRow, Permission, Preference, Row

THRESHOLD = {"threshold_minor": {"type": "integer"}}
CONDITIONS = {
    "BALANCE_BELOW": "event.balance_after_minor < :threshold_minor"
    " and event.balance_after_minor - event.amount_minor >= :threshold_minor",
    "BALANCE_ABOVE": "event.balance_after_minor > :threshold_minor"
    " and event.balance_after_minor - event.amount_minor <= :threshold_minor",
    "CREDITED_ABOVE": "event.amount_minor > :threshold_minor",
    "DEBITED_ABOVE": "- event.amount_minor > :threshold_minor",
}
CATALOGUE = build_catalogue(
    {
        name: AlertTypeRow(name, "ACCOUNT_ENTRY", ["BOOKED"], condition, THRESHOLD, "balance" in condition)
        for name, condition in CONDITIONS.items()
    }
    | {"PENDING_TOO": AlertTypeRow("PENDING_TOO", "ACCOUNT_ENTRY", ["PENDING", "BOOKED"], "true", {}, False)}
)
INSERTED = datetime(2026, 1, 2, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def entry(**changes: Any) -> AccountEntry:
    values: dict[str, Any] = {
        "entry_id": "e-1",
        "booking_date": 20455,
        "account_id": "a-1",
        "amount_minor": -100,
        "currency": "EUR",
        "status": "BOOKED",
        "event_time": INSERTED,
        "state_version": 7,
        "catalogue_version": 4,
        "inserted_at": INSERTED,
        "op": "c",
        "balance_after_minor": 50,
    }
    return AccountEntry(**{**values, **changes})


def permission(**changes: Any) -> Permission:
    values = {"customer_id": 42, "may_see_balance": True, "valid_from": INSERTED, "valid_until": None, "state_version": 1}
    return Permission(**{**values, **changes})


def preference(alert_type: str = "BALANCE_BELOW", threshold: int = 100, **changes: Any) -> Preference:
    values: dict[str, Any] = {
        "customer_id": 42,
        "alert_type": alert_type,
        "preference_no": 1,
        "currency": "EUR",
        "parameters": {"threshold_minor": threshold},
        "channels": ("SMS",),
        "enabled": True,
        "state_version": 2,
    }
    return Preference(**{**values, **changes})


def state(*rows: Row) -> State:
    return state_of(7, {key_of(row): row for row in rows})


def alerts(event: AccountEntry, *rows: Row) -> list[Alert]:
    found, remembering = judge(event, state(*rows), CATALOGUE)
    assert remembering == []
    return found


@pytest.mark.parametrize(
    ("alert_type", "amount", "balance", "expected"),
    [
        ("BALANCE_BELOW", -1, 99, True),
        ("BALANCE_BELOW", -1, 100, False),  # strict
        ("BALANCE_BELOW", -1, 98, False),  # was below before
        ("BALANCE_BELOW", -1000, -900, True),
        ("BALANCE_BELOW", 5, 99, False),  # rises, and stays below
        ("BALANCE_BELOW", 0, 99, False),
        ("BALANCE_BELOW", -1, None, False),  # not judged without a balance
        ("BALANCE_ABOVE", 1, 101, True),
        ("BALANCE_ABOVE", 1, 100, False),
        ("BALANCE_ABOVE", 1, 102, False),
        ("BALANCE_ABOVE", 1000, 1100, True),
        ("BALANCE_ABOVE", 1, None, False),
        ("CREDITED_ABOVE", 101, None, True),
        ("CREDITED_ABOVE", 100, None, False),
        ("CREDITED_ABOVE", -101, None, False),
        ("DEBITED_ABOVE", -101, None, True),
        ("DEBITED_ABOVE", -100, None, False),
        ("DEBITED_ABOVE", 101, None, False),
    ],
)
def test_comparisons_are_strict_and_balances_cross(alert_type: str, amount: int, balance: int | None, expected: bool) -> None:
    event = entry(amount_minor=amount, balance_after_minor=balance)
    assert bool(alerts(event, permission(), preference(alert_type))) is expected


@pytest.mark.parametrize(
    ("event", "allowed", "wanted", "expected"),
    [
        ({}, {}, {}, True),
        ({}, {"valid_from": INSERTED}, {}, True),
        ({}, {"valid_from": INSERTED + TICK}, {}, False),
        ({}, {"valid_until": INSERTED}, {}, False),
        ({}, {"valid_until": INSERTED + TICK}, {}, True),
        ({"event_time": INSERTED - timedelta(days=9)}, {}, {}, True),  # the insertion counts
        ({}, {"customer_id": 43}, {}, False),  # somebody else's permission
        ({}, {"may_see_balance": False}, {}, False),
        ({}, {"may_see_balance": False}, {"alert_type": "DEBITED_ABOVE", "parameters": {"threshold_minor": 9}}, True),
        ({}, {}, {"currency": "CZK"}, False),
        ({"currency": "CZK"}, {}, {"currency": "CZK"}, True),
        ({}, {}, {"enabled": False}, False),
        ({}, {}, {"alert_type": "NO_SUCH"}, False),
        ({"status": "PENDING"}, {}, {}, False),
        ({"status": "PENDING"}, {}, {"alert_type": "PENDING_TOO", "parameters": {}}, True),
    ],
)
def test_who_gets_an_alert(event: dict[str, Any], allowed: dict[str, Any], wanted: dict[str, Any], expected: bool) -> None:
    assert bool(alerts(entry(**event), permission(**allowed), preference(**wanted))) is expected


def test_no_permission_no_alert() -> None:
    assert alerts(entry(), preference()) == []


def test_each_preference_of_each_customer_gets_its_own_in_a_fixed_order() -> None:
    rows: list[Row] = [
        *(permission(customer_id=customer) for customer in (7, 42)),
        *(preference(customer_id=c, preference_no=n) for c, n in ((42, 2), (7, 1), (42, 1))),
        preference("DEBITED_ABOVE", 1, customer_id=42),
    ]
    expected = [(7, "BALANCE_BELOW", 1), (42, "BALANCE_BELOW", 1), (42, "BALANCE_BELOW", 2), (42, "DEBITED_ABOVE", 1)]
    for order in itertools.islice(itertools.permutations(rows), 0, 720, 37):
        found = alerts(entry(), *order)
        assert [(alert.customer_id, alert.alert_type, alert.preference_no) for alert in found] == expected


def test_the_evidence_shows_what_was_compared_and_by_which_versions() -> None:
    (alert,) = alerts(entry(), permission(state_version=5), preference(state_version=6, channels=("SMS", "PUSH")))
    assert alert.channels == ("SMS", "PUSH")
    assert json.loads(alert.evidence) == {
        "event": {"amount_minor": -100, "currency": "EUR", "balance_after_minor": 50},
        "parameters": {"threshold_minor": 100},
        "state_version": 7,
        "catalogue_version": 4,
        "preference_version": 6,
        "permission_version": 5,
    }


def test_no_balance_in_the_evidence_of_a_type_that_does_not_use_it() -> None:
    (alert,) = alerts(entry(), permission(may_see_balance=False), preference("DEBITED_ABOVE", 1))
    assert "balance" not in alert.evidence.decode()


def test_a_parameter_of_another_type_than_declared_is_null() -> None:
    assert alerts(entry(), permission(), preference(parameters={"threshold_minor": "many"})) == []


def test_a_parameter_that_is_not_given_is_null() -> None:
    """As the reference has it; other customers' alerts of the event do not suffer."""
    assert alerts(entry(), permission(), preference(parameters={})) == []


MANDATORY = AlertTypeRow(
    *("FEE_TAKEN", "ACCOUNT_ENTRY", ["BOOKED"], "- event.amount_minor > :threshold_minor"),
    {"threshold_minor": {"type": "integer", "default": 50}},
    *(False, True, ["EMAIL"]),
)


def mandatory(event: AccountEntry, *rows: Row) -> list[tuple[int, int, tuple[str, ...]]]:
    found, _ = judge(event, state(*rows), build_catalogue({"FEE_TAKEN": MANDATORY}))
    return [(alert.customer_id, alert.preference_no, alert.channels) for alert in found]


def test_a_mandatory_type_reaches_every_permitted_customer_without_a_preference() -> None:
    gone = permission(customer_id=9, valid_until=INSERTED)
    assert mandatory(entry(), permission(), permission(customer_id=7), gone) == [(7, 0, ("EMAIL",)), (42, 0, ("EMAIL",))]
    assert mandatory(entry(amount_minor=-50), permission()) == []
    assert mandatory(entry(), preference("FEE_TAKEN")) == [], "no permission"


def test_a_preference_changes_channels_and_parameters_of_a_mandatory_type_and_cannot_switch_it_off() -> None:
    own = preference("FEE_TAKEN", 99, enabled=False)
    assert mandatory(entry(), permission(), own) == [(42, 1, ("SMS",))]
    assert mandatory(entry(amount_minor=-99), permission(), own) == []
    other_currency = preference("FEE_TAKEN", 99, currency="CZK")
    assert mandatory(entry(), permission(), other_currency) == [(42, 0, ("EMAIL",))]


def test_the_evidence_of_defaults_says_so() -> None:
    found, _ = judge(entry(), state(permission()), build_catalogue({"FEE_TAKEN": MANDATORY}))
    evidence = json.loads(found[0].evidence)
    assert (evidence["parameters"], evidence["preference_version"]) == ({"threshold_minor": 50}, None)


def activity(**changes: Any) -> CustomerActivity:
    values: dict[str, Any] = {
        "activity_id": "v-1",
        "occurred_on": 20455,
        "customer_id": 42,
        "activity_type": "LOAN_STARTED",
        "properties": {},
        "event_time": INSERTED,
        "inserted_at": INSERTED,
        "state_version": 7,
        "catalogue_version": 4,
        "op": "c",
    }
    return CustomerActivity(**{**values, **changes})


@pytest.mark.parametrize("is_mandatory", [False, True])
def test_activity_goes_by_the_customers_preference_and_needs_no_permission(is_mandatory: bool) -> None:
    row = AlertTypeRow(
        *("LOAN", "CUSTOMER_ACTIVITY", [], "event.activity_type = 'LOAN_STARTED'", {}, False, is_mandatory, ["PUSH"])
    )
    catalogue = build_catalogue({"LOAN": row})
    own = preference("LOAN", parameters={}, currency=None)
    for event, expected in ((activity(), 1), (activity(activity_type="LOGIN"), 0)):
        found, _ = judge(event, state(own), catalogue)
        assert [(alert.customer_id, alert.preference_no) for alert in found] == [(42, 1)] * expected
    found, _ = judge(activity(), state(), catalogue)
    assert [(alert.customer_id, alert.preference_no) for alert in found] == ([(42, 0)] if is_mandatory else [])


@pytest.mark.parametrize(
    ("changes", "given", "expected"),
    [
        ({"window_aggregate": "COUNT", "window_length": "60"}, {}, True),
        ({"cool_down": ":pause_s"}, {}, False),
        ({"cool_down": ":pause_s"}, {"pause_s": 60}, True),
        ({"cool_down": "60"}, {}, True),
        ({"rearm_margin": ":pause_s", "rearm_condition": "event.amount_minor > 0"}, {"pause_s": 0}, False),
        ({"rearm_margin": ":pause_s", "rearm_condition": "event.amount_minor > 0"}, {"pause_s": 1}, True),
    ],
)
def test_what_is_judged_on_the_past_is_put_aside(changes: dict[str, Any], given: dict[str, Any], expected: bool) -> None:
    declared = {"pause_s": {"type": "integer", "default": 0}}
    row = msgspec.structs.replace(AlertTypeRow("T", "ACCOUNT_ENTRY", ["BOOKED"], "true", declared, False), **changes)
    found, remembering = judge(entry(), state(permission(), preference("T", parameters=given)), build_catalogue({"T": row}))
    assert (len(found), len(remembering)) == ((0, 1) if expected else (1, 0))
    assert all(isinstance(each, Candidate) for each in remembering)


def test_the_identity_of_an_alert() -> None:
    """That of its event with account, customer, alert type and preference no: never an offset, a version or an amount."""
    event = entry()
    first = identity(event, 42, "BALANCE_BELOW", 1)
    same = msgspec.structs.replace(event, amount_minor=1, state_version=99, catalogue_version=99, committed_us=5, op="c")
    assert identity(same, 42, "BALANCE_BELOW", 1) == first
    others = {
        identity(msgspec.structs.replace(event, entry_id="e-2"), 42, "BALANCE_BELOW", 1),
        identity(msgspec.structs.replace(event, booking_date=20456), 42, "BALANCE_BELOW", 1),
        identity(msgspec.structs.replace(event, account_id="a-2"), 42, "BALANCE_BELOW", 1),
        identity(event, 43, "BALANCE_BELOW", 1),
        identity(event, 42, "BALANCE_ABOVE", 1),
        identity(event, 42, "BALANCE_BELOW", 2),
    }
    assert len(others | {first}) == 7
    assert first == "b661ecb593becf59e716ef0aba15eef0", "alerts of an earlier release would be made again"


def test_a_digest_tells_its_parts_apart() -> None:
    assert len({digest("a", "b"), digest("ab"), digest("ab", ""), digest("a\x1fb"), digest('a","b')}) == 5


def test_a_crowd_is_judged_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What many want alike is looked at once: the same alerts, in the same order."""
    customers = range(1, 41)
    rows: list[Row] = [permission(customer_id=number) for number in customers if number % 5]
    rows += [preference("DEBITED_ABOVE", 40 * (number % 4), customer_id=number) for number in customers]
    rows += [preference("DEBITED_ABOVE", 0, customer_id=number, preference_no=2, enabled=False) for number in customers]
    rows += [preference("BALANCE_BELOW", 100, customer_id=number, currency="USD") for number in customers]
    assert len(rows) > match.CROWD
    together = alerts(entry(), *rows)
    monkeypatch.setattr(match, "CROWD", len(rows) + 1)
    assert together == alerts(entry(), *rows)
    assert [found.customer_id for found in together] == [number for number in customers if number % 5 and number % 4 < 3]
