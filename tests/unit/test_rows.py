"""Records of state topics become rows, or Undecodable with a reason that shows no value of theirs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from engine import rows
from engine.decode import Undecodable
from engine.rows import AlertTypeRow, CatalogueMarker, Marker, Permission, Preference, StateKey
from engine.wishes import Wishes

PREFERENCE = {
    "account_id": "a-1",
    "customer_id": 42,
    "alert_type": "BALANCE_BELOW",
    "preference_no": 1,
    "currency": "EUR",
    "parameters": '{"threshold_minor": 10000}',
    "channels": ["SMS", "PUSH"],
    "enabled": True,
    "state_version": 3,
    "__op": "u",
}

HALF_KEYS = (
    b'{"account_id": "a", "alert_type": "T", "preference_no": 1}',
    b'{"account_id": "a", "customer_id": 1, "alert_type": "T"}',
    b'{"customer_id": 1, "preference_no": 1}',
)


def test_the_key_tells_what_a_state_record_is() -> None:
    key = rows.state_key(b'{"account_id": "a-1", "customer_id": 42, "alert_type": "BALANCE_BELOW", "preference_no": 1}')
    assert key == StateKey("a-1", 42, "BALANCE_BELOW", 1)
    row = rows.state_row(key, json.dumps(PREFERENCE).encode(), Wishes())
    assert row == Preference(42, "BALANCE_BELOW", 1, "EUR", {"threshold_minor": 10000}, ("SMS", "PUSH"), True, 3, wish=1)
    permission = {"customer_id": 42, "may_see_balance": True, "valid_from": "2026-01-01T00:00:00Z", "valid_until": None}
    row = rows.state_row(StateKey("a-1", 42), json.dumps({**permission, "state_version": 2}).encode(), Wishes())
    assert row == Permission(42, True, datetime(2026, 1, 1, tzinfo=UTC), None, 2)
    assert rows.state_row(StateKey("a-1"), b'{"account_id": "a-1", "state_version": 5}', Wishes()) == Marker(5)


def test_records_of_a_customer() -> None:
    key = rows.state_key(b'{"customer_id": 42, "alert_type": "T", "preference_no": 1}')
    sent = {name: value for name, value in PREFERENCE.items() if name not in ("account_id", "currency")}
    row = rows.state_row(key, json.dumps({**sent, "alert_type": "T"}).encode(), Wishes())
    assert row == Preference(42, "T", 1, None, {"threshold_minor": 10000}, ("SMS", "PUSH"), True, 3, wish=1)
    assert rows.state_row(
        rows.state_key(b'{"customer_id": 42}'), b'{"customer_id": 42, "state_version": 5}', Wishes()
    ) == Marker(5)
    assert key.entity == rows.state_key(b'{"customer_id": 42}').entity != rows.state_key(b'{"account_id": "42"}').entity
    with pytest.raises(Undecodable, match="currency"):
        rows.state_row(StateKey("a-1", 42, "T", 1), json.dumps(sent).encode(), Wishes())


def test_an_alert_type_with_all_its_columns() -> None:
    sent = {
        "alert_type": "T",
        "event_kind": "CARD_AUTHORISATION",
        "statuses": [],
        "condition": "history.value > :n",
        "parameters": '{"n": {"type": "integer", "default": 3}}',
        "uses_balance": False,
        "mandatory": True,
        "default_channels": ["SMS"],
        "window_aggregate": "COUNT",
        "window_group": ["card_token"],
        "window_length": "600",
        "timer_schedule": '{"every": "day", "hour": 8}',
    }
    found = rows.catalogue_row(rows.catalogue_key(b'{"alert_type": "T"}'), json.dumps(sent).encode())
    assert isinstance(found, AlertTypeRow)
    assert (found.mandatory, found.default_channels, found.window_group) == (True, ["SMS"], ["card_token"])
    assert (found.timer_schedule, found.cool_down, found.window_lateness) == ({"every": "day", "hour": 8}, None, 3600)
    with pytest.raises(Undecodable):
        rows.catalogue_row(rows.catalogue_key(b'{"alert_type": "T"}'), json.dumps({**sent, "timer_schedule": "{"}).encode())


def test_catalogue_records() -> None:
    row = {"alert_type": "T", "event_kind": "ACCOUNT_ENTRY", "statuses": ["BOOKED"], "condition": "true", "uses_balance": False}
    key = rows.catalogue_key(b'{"alert_type": "T"}')
    found = rows.catalogue_row(key, json.dumps({**row, "parameters": '{"x": {"type": "text"}}'}).encode())
    assert found == AlertTypeRow("T", "ACCOUNT_ENTRY", ["BOOKED"], "true", {"x": {"type": "text"}}, False)
    marker = rows.catalogue_key(b'{"only_row": true}')
    assert rows.catalogue_row(marker, b'{"only_row": true, "catalogue_version": 9}') == CatalogueMarker(9)
    for parameters in ("{", "[]", '{"x": 1}', 5, None):
        with pytest.raises(Undecodable):
            rows.catalogue_row(key, json.dumps({**row, "parameters": parameters}).encode())


@pytest.mark.parametrize("column", ["parameters", "currency"])
def test_an_unchanged_toast_value_never_enters_state(column: str) -> None:
    key = StateKey("a-1", 42, "BALANCE_BELOW", 1)
    with pytest.raises(Undecodable, match="__debezium_unavailable_value"):
        rows.state_row(key, json.dumps({**PREFERENCE, column: "__debezium_unavailable_value"}).encode(), Wishes())


@pytest.mark.parametrize("key", [None, b"", b"{}", b"null", b'{"account_id": 1}', b"\xff", *HALF_KEYS])
def test_a_broken_key_is_undecodable(key: bytes | None) -> None:
    with pytest.raises(Undecodable):
        rows.state_key(key)


@pytest.mark.parametrize("parameters", [None, 5, "", "{", "[]", "null", '"x"', '{"a": NaN}', '{"a": 1e400}', {"a": 1}])
def test_broken_parameters_are_undecodable(parameters: object) -> None:
    with pytest.raises(Undecodable):
        rows.state_row(StateKey("a-1", 42, "T", 1), json.dumps({**PREFERENCE, "parameters": parameters}).encode(), Wishes())
