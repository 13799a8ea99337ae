"""The in-memory tables of a partition: whole, or the history tables are asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.catalogue import Catalogue
from engine.decode import Undecodable
from engine.packed import State, is_whole
from engine.snapshot import CatalogueSnapshot, StateSnapshot
from engine.state import Missing

PERMISSION = {"may_see_balance": True, "valid_from": "2026-01-01T00:00:00Z", "valid_until": None}
PREFERENCE = {"currency": "EUR", "parameters": '{"x": 1}', "channels": ["SMS"], "enabled": True}
TYPE = {"event_kind": "ACCOUNT_ENTRY", "statuses": ["BOOKED"], "condition": "true", "parameters": "{}", "uses_balance": False}


def send(snapshot: StateSnapshot | CatalogueSnapshot, key: dict[str, Any], **row: Any) -> None:
    snapshot.apply(json.dumps(key).encode(), json.dumps({**key, **row}).encode() if row else None)


def change(snapshot: StateSnapshot, version: int, *, account: str = "a", alert_type: str = "T") -> None:
    """A permission and a preference come with a version."""
    send(snapshot, {"account_id": account, "customer_id": 1}, **PERMISSION, state_version=version)
    key = {"account_id": account, "customer_id": 1, "alert_type": alert_type, "preference_no": 1}
    send(snapshot, key, **PREFERENCE, state_version=version)
    send(snapshot, {"account_id": account}, state_version=version)


def types(state: State | Missing) -> list[str]:
    """The alert types that a customer with a permission wants."""
    assert isinstance(state, State), state
    permitted = {permission.customer_id for permission in state.permissions}
    return [preference.alert_type for preference in state.preferences if preference.customer_id in permitted]


def test_nothing_is_known_before_the_end_was_seen() -> None:
    snapshot = StateSnapshot()
    change(snapshot, 1)
    assert snapshot.at("a", 1) is Missing.BEHIND
    snapshot.follow()
    assert types(snapshot.at("a", 1)) == ["T"]
    assert snapshot.at("b", 1) is Missing.BEHIND
    snapshot.unfollow()
    assert snapshot.at("a", 1) is Missing.BEHIND


def test_rows_go_when_they_are_deleted() -> None:
    snapshot = StateSnapshot()
    snapshot.follow()
    change(snapshot, 1)
    change(snapshot, 2, alert_type="U")
    send(snapshot, {"account_id": "a", "customer_id": 1, "alert_type": "T", "preference_no": 1})
    send(snapshot, {"account_id": "a"}, state_version=3)
    assert [types(snapshot.at("a", version)) for version in (1, 2, 3)] == [["T"], ["T", "U"], ["U"]]
    send(snapshot, {"account_id": "a", "customer_id": 1})
    send(snapshot, {"account_id": "a"}, state_version=4)
    assert types(snapshot.at("a", 4)) == []


def test_an_account_that_is_deleted_and_comes_back() -> None:
    snapshot = StateSnapshot()
    snapshot.follow()
    change(snapshot, 1)
    send(snapshot, {"account_id": "a"})
    assert len(snapshot) == 0
    send(snapshot, {"account_id": "a"}, state_version=2)
    assert types(snapshot.at("a", 2)) == []


def test_an_account_with_a_record_that_cannot_be_decoded_is_asked_of_the_history() -> None:
    """A state without that row would be a wrong state, and the next marker would call it whole."""
    snapshot = StateSnapshot()
    snapshot.follow()
    change(snapshot, 1)
    change(snapshot, 1, account="b")
    with pytest.raises(Undecodable):
        snapshot.apply(b'{"account_id": "a", "customer_id": 1}', b'{"customer_id": "one"}')
    change(snapshot, 2)
    assert snapshot.at("a", 1) is Missing.PASSED
    assert snapshot.at("a", 2) is Missing.PASSED
    assert types(snapshot.at("b", 1)) == ["T"]


def test_the_catalogue_by_version() -> None:
    snapshot = CatalogueSnapshot()
    snapshot.follow()
    for version in (1, 2):
        send(snapshot, {"alert_type": f"T{version}"}, **TYPE)
        send(snapshot, {"only_row": True}, catalogue_version=version)
    found = [snapshot.at(version) for version in (1, 2)]
    assert [list(one.by_kind["ACCOUNT_ENTRY"]) for one in found if isinstance(one, Catalogue)] == [["T1"], ["T1", "T2"]]
    assert snapshot.at(3) is Missing.BEHIND


def test_a_catalogue_with_a_record_that_cannot_be_decoded_is_asked_of_the_history() -> None:
    snapshot = CatalogueSnapshot()
    snapshot.follow()
    send(snapshot, {"only_row": True}, catalogue_version=1)
    with pytest.raises(Undecodable):
        snapshot.apply(b'{"alert_type": "T"}', b"{}")
    send(snapshot, {"only_row": True}, catalogue_version=2)
    assert snapshot.at(2) is Missing.PASSED


def test_tidying_changes_no_state() -> None:
    """In a quiet moment logs become whole states, some at a time; what waits for its marker stays as it is."""
    snapshot, untouched = StateSnapshot(), StateSnapshot()
    for each in (snapshot, untouched):
        for account in ("a", "b", "c"):
            change(each, 1, account=account)
        send(each, {"account_id": "d", "customer_id": 1}, **PERMISSION, state_version=1)
        each.follow()
    assert [snapshot.tidy(2), snapshot.tidy(2)] == [True, False]
    assert [is_whole(snapshot.packed[account]) for account in ("a", "b", "c", "d")] == [True, True, True, False]
    for account in ("a", "b", "c", "d"):
        assert snapshot.at(account, 1) == untouched.at(account, 1)
