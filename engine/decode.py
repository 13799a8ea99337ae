"""Bytes from Kafka to values: events, and rows of the state tables. Pure.

The shapes are those of connectors/debezium.py: Debezium's flattened JSON, a date as days since 1970, a timestamptz as an ISO
string, jsonb as a string. What does not fit raises Undecodable, with a reason that holds no value of the record.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta

UNAVAILABLE = b"__debezium_unavailable_value"
EPOCH = date(1970, 1, 1).toordinal()
ESCAPED_NUL = b"\\u0000"
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
T = TypeVar("T")

# What PostgreSQL and Python can both hold: an event that was made elsewhere may say anything.
BigInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Days = Annotated[int, Meta(ge=date.min.toordinal() - EPOCH, le=date.max.toordinal() - EPOCH)]
Microseconds = Annotated[int, Meta(ge=0, le=253_402_300_799_999_999)]  # up to the end of the year 9999
ShortText = Annotated[str, Meta(min_length=1, max_length=64)]
Time = Annotated[datetime, Meta(tz=True)]


class Undecodable(ValueError):
    """The record cannot be decoded; the text says why."""


class AccountEntry(msgspec.Struct, frozen=True, gc=False):
    """An event: one row of bank.account_entry, with its stamp. Money in minor units."""

    kind: ClassVar[str] = "ACCOUNT_ENTRY"

    entry_id: ShortText
    booking_date: Days  # since 1970-01-01
    account_id: ShortText
    amount_minor: BigInt
    currency: ShortText
    status: ShortText
    event_time: Time
    state_version: Version
    catalogue_version: Version
    inserted_at: Time
    op: str = msgspec.field(name="__op")
    balance_after_minor: BigInt | None = None
    entry_type: ShortText | None = None
    committed_us: Microseconds | None = msgspec.field(name="__source_ts_us", default=None)  # epoch

    @property
    def event_id(self) -> str:
        return self.entry_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.booking_date)


class AccountKey(msgspec.Struct, frozen=True, gc=False):
    """The key of a state record of an account; which columns it has tells the table."""

    account_id: str
    customer_id: int | None = None
    alert_type: str | None = None
    preference_no: int | None = None


class Permission(msgspec.Struct, frozen=True, gc=False):
    customer_id: BigInt
    may_see_balance: bool
    valid_from: Time
    valid_until: Time | None
    state_version: Version


class Preference(msgspec.Struct, frozen=True):
    customer_id: int
    alert_type: str
    preference_no: int
    currency: str
    parameters: dict[str, Any]
    channels: list[str]
    enabled: bool
    state_version: int


class _SentPreference(msgspec.Struct, frozen=True):
    """A preference as Debezium sends it: its parameters are JSON text."""

    customer_id: int
    alert_type: str
    preference_no: int
    currency: str
    parameters: str
    channels: list[str]
    enabled: bool
    state_version: int


class Marker(msgspec.Struct, frozen=True, gc=False):
    """An account's row: everything up to this version is here."""

    state_version: Version


class AlertTypeRow(msgspec.Struct, frozen=True):
    alert_type: str
    event_kind: str
    statuses: list[str]
    condition: str
    parameters: dict[str, dict[str, Any]]  # name -> type and bounds
    uses_balance: bool


class CatalogueKey(msgspec.Struct, frozen=True, gc=False):
    """The key of a catalogue record: alert_type of an alert type, only_row of the marker."""

    alert_type: str | None = None
    only_row: bool | None = None


class CatalogueMarker(msgspec.Struct, frozen=True, gc=False):
    catalogue_version: Version


def account_entry(value: bytes) -> AccountEntry:
    event = _decode(_account_entry, value)
    if event.op != "c":
        raise Undecodable("its operation is not c: an event is an INSERT, history never alerts")
    if event.event_time.tzinfo is UTC and event.inserted_at.tzinfo is UTC:
        return event
    try:
        times = {"event_time": event.event_time.astimezone(UTC), "inserted_at": event.inserted_at.astimezone(UTC)}
    except OverflowError as error:
        raise Undecodable("a time of it is in no calendar") from error
    return msgspec.structs.replace(event, **times)


def account_key(key: bytes | None) -> AccountKey:
    return _decode(_account_key, key)


def account_row(key: AccountKey, value: bytes) -> Permission | Preference | Marker:
    if key.alert_type is not None:
        return _preference(_decode_state(_sent_preference, value))
    if key.customer_id is not None:
        return _decode_state(_permission, value)
    return _decode_state(_marker, value)


def catalogue_key(key: bytes | None) -> CatalogueKey:
    return _decode(_catalogue_key, key)


def catalogue_row(key: CatalogueKey, value: bytes) -> AlertTypeRow | CatalogueMarker:
    if key.alert_type is not None:
        return _alert_type(_decode_state(_row, value))
    return _decode_state(_catalogue_marker, value)


_account_entry = msgspec.json.Decoder(AccountEntry)
_account_key = msgspec.json.Decoder(AccountKey)
_permission = msgspec.json.Decoder(Permission)
_sent_preference = msgspec.json.Decoder(_SentPreference)
_parameters = msgspec.json.Decoder(dict[str, Any])
_marker = msgspec.json.Decoder(Marker)
_catalogue_key = msgspec.json.Decoder(CatalogueKey)
_row = msgspec.json.Decoder(dict[str, Any])
_catalogue_marker = msgspec.json.Decoder(CatalogueMarker)


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | None) -> T:
    if data is None:
        raise Undecodable("it is empty")
    if ESCAPED_NUL in data and NUL.search(data):
        raise Undecodable("it holds NUL, which no text of PostgreSQL can")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error
    except RecursionError as error:
        raise Undecodable("it is nested too deep") from error


def _decode_state(decoder: msgspec.json.Decoder[T], value: bytes) -> T:
    if UNAVAILABLE in value:
        raise Undecodable(f"it holds {UNAVAILABLE.decode()}: an unchanged TOAST value never enters state")
    return _decode(decoder, value)


def _preference(sent: _SentPreference) -> Preference:
    return Preference(
        *(sent.customer_id, sent.alert_type, sent.preference_no, sent.currency),
        *(_decode(_parameters, sent.parameters.encode()), sent.channels, sent.enabled, sent.state_version),
    )


def _alert_type(row: dict[str, Any]) -> AlertTypeRow:
    """Its parameters are JSON text as well."""
    try:
        return msgspec.convert({**row, "parameters": msgspec.json.decode(row.get("parameters", ""))}, AlertTypeRow)
    except (msgspec.MsgspecError, TypeError) as error:
        raise Undecodable(str(error)) from error
