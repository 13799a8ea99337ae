"""Which preferences an event matches: a table of cases of design 4.1 and 4.2, and the identity of an alert."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine.catalogue import build_catalogue
from engine.decode import AccountEntry, AccountKey, AlertTypeRow, Permission, Preference
from engine.match import Alert, Unjudgeable, digest, identity, judge
from engine.snapshot import AccountRow, build_account

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
        "channels": ["SMS"],
        "enabled": True,
        "state_version": 2,
    }
    return Preference(**{**values, **changes})


def alerts(event: AccountEntry, *rows: AccountRow) -> list[Alert]:
    def key(row: AccountRow) -> AccountKey:
        if isinstance(row, Permission):
            return AccountKey("a-1", row.customer_id)
        return AccountKey("a-1", row.customer_id, row.alert_type, row.preference_no)

    return list(judge(event, build_account({key(row): row for row in rows}), CATALOGUE))


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
    rows: list[AccountRow] = [
        *(permission(customer_id=customer) for customer in (7, 42)),
        *(preference(customer_id=c, preference_no=n) for c, n in ((42, 2), (7, 1), (42, 1))),
        preference("DEBITED_ABOVE", 1, customer_id=42),
    ]
    expected = [(7, "BALANCE_BELOW", 1), (42, "BALANCE_BELOW", 1), (42, "BALANCE_BELOW", 2), (42, "DEBITED_ABOVE", 1)]
    for order in itertools.islice(itertools.permutations(rows), 0, 720, 37):
        found = alerts(entry(), *order)
        assert [(alert.customer_id, alert.alert_type, alert.preference_no) for alert in found] == expected


def test_the_evidence_shows_what_was_compared_and_by_which_versions() -> None:
    (alert,) = alerts(entry(), permission(state_version=5), preference(state_version=6, channels=["SMS", "PUSH"]))
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


def test_a_parameter_of_another_type_than_declared_makes_the_event_unjudgeable() -> None:
    with pytest.raises(Unjudgeable, match="BALANCE_BELOW"):
        alerts(entry(), permission(), preference(parameters={"threshold_minor": "many"}))


def test_a_parameter_that_is_not_given_is_null() -> None:
    """As the reference has it; other customers' alerts of the event do not suffer."""
    assert alerts(entry(), permission(), preference(parameters={})) == []


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
