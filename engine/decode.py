"""Bytes from Kafka to values: events, and rows of the state tables. Pure.

The shapes are those of connectors/debezium.py: Debezium's flattened JSON, a date as days since 1970, a timestamptz as an ISO
string, jsonb as a string. What does not fit raises Undecodable, with a reason that holds no value of the record.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

import msgspec

UNAVAILABLE = "__debezium_unavailable_value"
EPOCH = date(1970, 1, 1).toordinal()
T = TypeVar("T")


class Undecodable(ValueError):
    """The record cannot be decoded; the text says why."""


class AccountEntry(msgspec.Struct, frozen=True, gc=False):
    """An event: one row of bank.account_entry, with its stamp. Money in minor units."""

    kind: ClassVar[str] = "ACCOUNT_ENTRY"

    entry_id: str
    booking_date: int  # days since 1970-01-01
    account_id: str
    amount_minor: int
    currency: str
    status: str
    event_time: datetime
    state_version: int
    catalogue_version: int
    inserted_at: datetime
    op: str = msgspec.field(name="__op")
    balance_after_minor: int | None = None
    entry_type: str | None = None
    committed_us: int | None = msgspec.field(name="__source_ts_us", default=None)  # epoch, microseconds

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
    customer_id: int
    may_see_balance: bool
    valid_from: datetime
    valid_until: datetime | None
    state_version: int


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

    state_version: int


class AlertTypeRow(msgspec.Struct, frozen=True):
    alert_type: str
    event_kind: str
    statuses: list[str]
    condition: str
    uses_balance: bool


class CatalogueKey(msgspec.Struct, frozen=True, gc=False):
    """The key of a catalogue record: alert_type of an alert type, only_row of the marker."""

    alert_type: str | None = None
    only_row: bool | None = None


class CatalogueMarker(msgspec.Struct, frozen=True, gc=False):
    catalogue_version: int


def account_entry(value: bytes) -> AccountEntry:
    event = _decode(_account_entry, value)
    if event.op != "c":
        raise Undecodable(f"operation {event.op!r}: an event is an INSERT, history never alerts")
    return event


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
        return _decode_state(_alert_type, value)
    return _decode_state(_catalogue_marker, value)


_account_entry = msgspec.json.Decoder(AccountEntry)
_account_key = msgspec.json.Decoder(AccountKey)
_permission = msgspec.json.Decoder(Permission)
_sent_preference = msgspec.json.Decoder(_SentPreference)
_parameters = msgspec.json.Decoder(dict[str, Any])
_marker = msgspec.json.Decoder(Marker)
_catalogue_key = msgspec.json.Decoder(CatalogueKey)
_alert_type = msgspec.json.Decoder(AlertTypeRow)
_catalogue_marker = msgspec.json.Decoder(CatalogueMarker)


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | None) -> T:
    if data is None:
        raise Undecodable("it is empty")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error


def _decode_state(decoder: msgspec.json.Decoder[T], value: bytes) -> T:
    if UNAVAILABLE.encode() in value:
        raise Undecodable(f"it holds {UNAVAILABLE}: an unchanged TOAST value never enters state")
    return _decode(decoder, value)


def _preference(sent: _SentPreference) -> Preference:
    return Preference(
        *(sent.customer_id, sent.alert_type, sent.preference_no, sent.currency),
        *(_decode(_parameters, sent.parameters.encode()), sent.channels, sent.enabled, sent.state_version),
    )
