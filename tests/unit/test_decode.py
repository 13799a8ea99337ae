"""Records of Kafka become values, or Undecodable with a reason that shows no value of theirs (fault 31)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine import decode
from engine.decode import COLUMNS, AccountEntry, CardAuthorisation, CustomerActivity, PaymentOrder, Timer, Undecodable

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
    "transaction_id": 815,
    "seen_below": 814,
    "__op": "c",
    "__source_ts_us": 1767256200123456,
}
STAMP = {name: ENTRY[name] for name in ("event_time", "state_version", "catalogue_version", "inserted_at", "__op")}
# one record of each other kind: key and value
OTHERS: dict[type, tuple[dict[str, Any], dict[str, Any]]] = {
    CardAuthorisation: (
        {"authorisation_id": "c-1", "authorised_on": 20454},
        {
            "authorisation_id": "c-1",
            "authorised_on": 20454,
            "account_id": "a-1",
            "card_token": "tok",
            "amount_minor": -1,
            "currency": "EUR",
            "merchant_id": None,
            "country": "NL",
            "card_present": True,
            "outcome": "DECLINED",
            "decline_reason": "LIMIT_EXCEEDED",
            **STAMP,
        },
    ),
    PaymentOrder: (
        {"status_change_id": "s-1", "changed_on": 20454},
        {
            "status_change_id": "s-1",
            "changed_on": 20454,
            "account_id": "a-1",
            "order_id": "o-1",
            "status": "REJECTED",
            "disclosable_reason": None,
            "amount_minor": -5,
            "currency": "EUR",
            **STAMP,
        },
    ),
    CustomerActivity: (
        {"activity_id": "x-1", "occurred_on": 20454},
        {
            "activity_id": "x-1",
            "occurred_on": 20454,
            "customer_id": 42,
            "activity_type": "LOAN_STARTED",
            "properties": '{"application_id": "7", "n": 1}',
            **STAMP,
        },
    ),
    Timer: (
        {"timer_id": "t-1", "due_on": 20454},
        {
            "timer_id": "t-1",
            "due_on": 20454,
            "account_id": None,
            "customer_id": 42,
            "alert_type": "LOAN",
            "preference_no": 1,
            "timer_key": "",
            "time_zone": "UTC",
            "starts": False,
            **STAMP,
        },
    ),
}


def entry(**changes: object) -> bytes:
    return json.dumps({**ENTRY, **changes}).encode()


def decoded(value: bytes) -> AccountEntry:
    event = decode.event(b'{"entry_id":"e-1","booking_date":20454}', value)
    assert isinstance(event, AccountEntry)
    return event


def raw(name: str, value: bytes) -> bytes:
    """An entry with a value that json.dumps would not write."""
    return entry(**{name: "@"}).replace(b'"@"', value)


def test_an_entry() -> None:
    event = decoded(entry())
    assert (event.event_id, event.event_date, event.amount_minor, event.balance_after_minor) == (
        "e-1",
        date(2026, 1, 1),
        -5000,
        9000,
    )
    assert event.inserted_at == datetime(2026, 1, 1, 8, 30, 0, 123456, tzinfo=UTC)
    assert (event.state_version, event.catalogue_version, event.committed_us) == (7, 4, 1767256200123456)
    assert (event.transaction_id, event.seen_below) == (815, 814)
    assert (event.kind, event.entity, event.customer_id) == ("ACCOUNT_ENTRY", "a-1", None)


def test_what_an_entry_may_lack() -> None:
    event = decoded(entry(balance_after_minor=None, entry_type=None, __source_ts_us=None))
    assert (event.balance_after_minor, event.entry_type, event.committed_us) == (None, None, None)
    assert decoded(entry(later_column=1)) == decoded(entry())


@pytest.mark.parametrize("kind", OTHERS)
def test_the_other_kinds(kind: type) -> None:
    key, value = OTHERS[kind]
    event = decode.event(json.dumps(key, separators=(",", ":")).encode(), json.dumps(value).encode())
    assert type(event) is kind
    assert event.event_id == next(iter(key.values()))
    assert event.event_date == date(2026, 1, 1)
    assert (event.transaction_id, event.seen_below) == (0, 0), "an event from elsewhere has no transaction of ours"
    by_account = kind in (CardAuthorisation, PaymentOrder)
    assert (event.account_id, event.customer_id) == (("a-1", None) if by_account else (None, 42))
    assert event.entity == ("a-1" if by_account else "\x00customer/42")
    assert event.status == {CardAuthorisation: "DECLINED", PaymentOrder: "REJECTED"}.get(kind)
    assert event.currency == ("EUR" if by_account else None)
    for column, (_, nullable) in COLUMNS[event.kind].items():
        assert nullable or getattr(event, column) is not None


def test_properties_are_an_object() -> None:
    key, value = OTHERS[CustomerActivity]
    event = decode.event(json.dumps(key, separators=(",", ":")).encode(), json.dumps(value).encode())
    assert isinstance(event, CustomerActivity)
    assert event.properties == {"application_id": "7", "n": 1}
    for wrong in ("", "[]", "{", "null", '{"a": "\\u0000"}', "[" * 100_000):
        with pytest.raises(Undecodable):
            decode.event(b'{"activity_id":1}', json.dumps({**value, "properties": wrong}).encode())


@pytest.mark.parametrize("key", [None, b"", b"{", b"{}", b"null", b'{"account_id":"a-1"}', b"poison", b"\xff" * 20])
def test_a_key_that_names_no_kind_is_undecodable(key: bytes | None) -> None:
    with pytest.raises(Undecodable):
        decode.event(key, entry())


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
        *(entry(**{name: value}) for name in ("transaction_id", "seen_below") for value in (-1, "7", 2**63)),
        *(entry(description=value) for value in ("", "x" * 1001, "a\0b")),
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
        decoded(value)
    assert 0 < len(str(refused.value)) < 200


def test_a_reason_shows_no_value() -> None:
    with pytest.raises(Undecodable) as refused:
        decoded(entry(amount_minor="NL91ABNA0417164300"))
    assert "ABNA" not in str(refused.value)


def test_20_mb_are_undecodable() -> None:
    with pytest.raises(Undecodable):
        decoded(entry(entry_id="x" * 20_000_000))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert decoded(entry(entry_type="\\u0000")).entry_type == "\\u0000"
