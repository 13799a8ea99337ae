"""Records of Kafka become values, or Undecodable with a reason that shows no value of theirs (fault 31)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine import decode
from engine.decode import AccountKey, AlertTypeRow, CatalogueMarker, Marker, Permission, Preference, Undecodable

# as Debezium sent it
ENTRY: dict[str, Any] = {
    "entry_id": "e-1",
    "booking_date": 20454,
    "account_id": "a-1",
    "amount_minor": -5000,
    "currency": "EUR",
    "balance_after_minor": 9000,
    "status": "BOOKED",
    "entry_type": "CARD",
    "event_time": "2026-01-01T00:00:00Z",
    "state_version": 7,
    "catalogue_version": 4,
    "inserted_at": "2026-01-01T08:30:00.123456Z",
    "__op": "c",
    "__source_ts_us": 1767256200123456,
}


def entry(**changes: object) -> bytes:
    return json.dumps({**ENTRY, **changes}).encode()


def raw(name: str, value: bytes) -> bytes:
    """An entry with a value that json.dumps would not write."""
    return entry(**{name: "@"}).replace(b'"@"', value)


def test_an_entry() -> None:
    event = decode.account_entry(entry())
    assert (event.event_id, event.event_date, event.amount_minor, event.balance_after_minor) == (
        "e-1",
        date(2026, 1, 1),
        -5000,
        9000,
    )
    assert event.inserted_at == datetime(2026, 1, 1, 8, 30, 0, 123456, tzinfo=UTC)
    assert (event.state_version, event.catalogue_version, event.committed_us) == (7, 4, 1767256200123456)


def test_what_an_entry_may_lack() -> None:
    event = decode.account_entry(entry(balance_after_minor=None, entry_type=None, __source_ts_us=None))
    assert (event.balance_after_minor, event.entry_type, event.committed_us) == (None, None, None)
    assert decode.account_entry(entry(later_column=1)) == decode.account_entry(entry())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\x00",
        b"{",
        b'{"entry_id": "e-1"}',
        entry() + b"x",
        entry()[:-1],
        *(entry(**{name: None}) for name in ("entry_id", "account_id", "amount_minor", "currency", "status", "event_time")),
        *(entry(**{name: None}) for name in ("state_version", "catalogue_version", "inserted_at", "booking_date", "__op")),
        *(entry(amount_minor=value) for value in ("5", 5.0, True, 2**63, -(2**63) - 1, 10**4000)),
        *(raw("amount_minor", value) for value in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1e2", b"01", b"0x1")),
        *(entry(booking_date=value) for value in ("2026-01-01", 2932897, -719163, 2**62)),
        *(entry(event_time=value) for value in ("2026-01-01", "2026-01-01T00:00:00", "+10000-01-01T00:00:00Z", "infinity", 0)),
        *(entry(state_version=value) for value in (-1, "7", 2**63)),
        *(entry(__source_ts_us=value) for value in (-1, 253402300800000000)),
        *(entry(entry_id=value) for value in ("", "x" * 65, "a\0b", 1)),
        raw("entry_id", b'"\\ud800"'),
        raw("entry_id", b'"\\udc00\\ud800"'),
        raw("entry_id", b'"\xed\xa0\x80"'),
        raw("entry_id", b'"\xff"'),
        entry(entry_type="\0"),
        entry(later_column="\0"),
        raw("later_column", b"[" * 100_000 + b"]" * 100_000),
        *(entry(__op=op) for op in ("r", "u", "d", "t", "")),
    ],
)
def test_poison_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        decode.account_entry(value)
    assert 0 < len(str(refused.value)) < 200


def test_a_reason_shows_no_value() -> None:
    with pytest.raises(Undecodable) as refused:
        decode.account_entry(entry(amount_minor="NL91ABNA0417164300"))
    assert "ABNA" not in str(refused.value)


def test_20_mb_are_undecodable() -> None:
    with pytest.raises(Undecodable):
        decode.account_entry(entry(entry_id="x" * 20_000_000))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert decode.account_entry(entry(entry_type="\\u0000")).entry_type == "\\u0000"


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


def test_the_key_tells_what_a_state_record_is() -> None:
    key = decode.account_key(b'{"account_id": "a-1", "customer_id": 42, "alert_type": "BALANCE_BELOW", "preference_no": 1}')
    assert key == AccountKey("a-1", 42, "BALANCE_BELOW", 1)
    row = decode.account_row(key, json.dumps(PREFERENCE).encode())
    assert row == Preference(42, "BALANCE_BELOW", 1, "EUR", {"threshold_minor": 10000}, ["SMS", "PUSH"], True, 3)
    permission = {"customer_id": 42, "may_see_balance": True, "valid_from": "2026-01-01T00:00:00Z", "valid_until": None}
    row = decode.account_row(AccountKey("a-1", 42), json.dumps({**permission, "state_version": 2}).encode())
    assert row == Permission(42, True, datetime(2026, 1, 1, tzinfo=UTC), None, 2)
    assert decode.account_row(AccountKey("a-1"), b'{"account_id": "a-1", "state_version": 5}') == Marker(5)


def test_catalogue_records() -> None:
    row = {"alert_type": "T", "event_kind": "ACCOUNT_ENTRY", "statuses": ["BOOKED"], "condition": "true", "uses_balance": False}
    key = decode.catalogue_key(b'{"alert_type": "T"}')
    found = decode.catalogue_row(key, json.dumps({**row, "parameters": '{"x": {"type": "text"}}'}).encode())
    assert found == AlertTypeRow("T", "ACCOUNT_ENTRY", ["BOOKED"], "true", {"x": {"type": "text"}}, False)
    marker = decode.catalogue_key(b'{"only_row": true}')
    assert decode.catalogue_row(marker, b'{"only_row": true, "catalogue_version": 9}') == CatalogueMarker(9)
    for parameters in ("{", "[]", '{"x": 1}', 5, None):
        with pytest.raises(Undecodable):
            decode.catalogue_row(key, json.dumps({**row, "parameters": parameters}).encode())


@pytest.mark.parametrize("column", ["parameters", "currency"])
def test_an_unchanged_toast_value_never_enters_state(column: str) -> None:
    key = AccountKey("a-1", 42, "BALANCE_BELOW", 1)
    with pytest.raises(Undecodable, match="__debezium_unavailable_value"):
        decode.account_row(key, json.dumps({**PREFERENCE, column: "__debezium_unavailable_value"}).encode())


@pytest.mark.parametrize("key", [None, b"", b"{}", b"null", b'{"customer_id": 42}', b'{"account_id": 1}', b"\xff"])
def test_a_broken_key_is_undecodable(key: bytes | None) -> None:
    with pytest.raises(Undecodable):
        decode.account_key(key)


@pytest.mark.parametrize("parameters", [None, 5, "", "{", "[]", "null", '"x"', '{"a": NaN}', '{"a": 1e400}', {"a": 1}])
def test_broken_parameters_are_undecodable(parameters: object) -> None:
    with pytest.raises(Undecodable):
        decode.account_row(AccountKey("a-1", 42, "T", 1), json.dumps({**PREFERENCE, "parameters": parameters}).encode())
