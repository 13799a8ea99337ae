"""Rows of the state tables, from the bytes of state topics. Pure.

The shapes are those of connectors/debezium.py. A record's key tells the table by the columns it has:

    {"account_id"}                                                        marker of an account
    {"account_id", "customer_id"}                                         permission
    {"account_id", "customer_id", "alert_type", "preference_no"}          preference
    {"customer_id"}                                                       marker of a customer
    {"customer_id", "alert_type", "preference_no"}                        customer preference

What does not fit raises Undecodable, with a reason that holds no value of the record.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from engine.decode import BigInt, ShortText, Time, Undecodable, Version, customer_entity, decode_with
from engine.wishes import NONE, Wishes

UNAVAILABLE = b"__debezium_unavailable_value"
T = TypeVar("T")


class StateKey(msgspec.Struct, frozen=True, gc=False):
    """The key of a state record of an account or a customer."""

    account_id: str | None = None
    customer_id: int | None = None
    alert_type: str | None = None
    preference_no: int | None = None

    @property
    def entity(self) -> str:
        """What its versions belong to: the account, or the customer."""
        return self.account_id if self.account_id is not None else customer_entity(self.customer_id or 0)

    @property
    def is_marker(self) -> bool:
        return self.alert_type is None and (self.account_id is None or self.customer_id is None)


class Permission(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A customer may see an account."""

    customer_id: BigInt
    may_see_balance: bool
    valid_from: Time
    valid_until: Time | None
    state_version: Version


class Preference(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A customer wants an alert type. `parameters` as given, without defaults; no currency: a customer preference.

    `wish`: the number under which its partition's pool has what it asks for (engine/wishes.py); 0: not there.
    """

    customer_id: int
    alert_type: str
    preference_no: int
    currency: str | None
    parameters: dict[str, Any]
    channels: tuple[str, ...]
    enabled: bool
    state_version: int
    wish: int = NONE


class Marker(msgspec.Struct, frozen=True, gc=False):
    """The row of an account or a customer: everything up to this version is here."""

    state_version: Version


Row = Permission | Preference


class AlertTypeRow(msgspec.Struct, frozen=True):
    """A row of bank.alert_type: what is captured of it, in the order of sql/engine.sql, read_alert_types_at."""

    alert_type: str
    event_kind: str
    statuses: list[str]
    condition: str
    parameters: dict[str, dict[str, Any]]  # name -> type, bounds, default
    uses_balance: bool
    mandatory: bool = False
    default_channels: list[str] = []
    purpose: str = "SERVICE"
    window_aggregate: str | None = None
    window_value: str | None = None
    window_group: list[str] = []
    window_condition: str | None = None
    window_length: str | None = None
    window_lateness: int = 3600  # seconds
    cool_down: str | None = None
    rearm_margin: str | None = None
    rearm_condition: str | None = None
    timer_arm: str | None = None
    timer_cancel: str | None = None
    timer_key: str | None = None
    timer_after: str | None = None
    timer_schedule: dict[str, Any] | None = None


class CatalogueKey(msgspec.Struct, frozen=True, gc=False):
    """The key of a catalogue record: alert_type of an alert type, only_row of the marker."""

    alert_type: str | None = None
    only_row: bool | None = None


class CatalogueMarker(msgspec.Struct, frozen=True, gc=False):
    catalogue_version: Version


class _SentPermission(msgspec.Struct, frozen=True, gc=False):
    """A permission as Debezium sends it."""

    customer_id: BigInt
    may_see_balance: bool
    valid_from: Time
    valid_until: Time | None
    state_version: Version


class _SentPreference(msgspec.Struct, frozen=True, gc=False):
    """A preference as Debezium sends it: its parameters are JSON text."""

    customer_id: BigInt
    alert_type: str
    preference_no: BigInt
    parameters: str
    channels: tuple[str, ...]
    enabled: bool
    state_version: Version
    currency: ShortText | None = None


def state_key(key: bytes | None) -> StateKey:
    found = decode_with(_state_key, key)
    if found.account_id is None and found.customer_id is None:
        raise Undecodable("its key names neither an account nor a customer")
    if (found.alert_type is None) != (found.preference_no is None) or (found.alert_type and found.customer_id is None):
        raise Undecodable("its key is that of no state table")
    return found


def state_row(key: StateKey, value: bytes, wishes: Wishes) -> Permission | Preference | Marker:
    if UNAVAILABLE in value:
        raise Undecodable(f"it holds {UNAVAILABLE.decode()}: an unchanged TOAST value never enters state")
    if key.alert_type is not None:
        return _preference(key, decode_with(_sent_preference, value), wishes)
    if key.is_marker:
        return decode_with(_marker, value)
    sent = decode_with(_sent_permission, value)
    return Permission(sent.customer_id, sent.may_see_balance, sent.valid_from, sent.valid_until, sent.state_version)


def catalogue_key(key: bytes | None) -> CatalogueKey:
    return decode_with(_catalogue_key, key)


def catalogue_row(key: CatalogueKey, value: bytes) -> AlertTypeRow | CatalogueMarker:
    if UNAVAILABLE in value:
        raise Undecodable(f"it holds {UNAVAILABLE.decode()}: an unchanged TOAST value never enters state")
    if key.alert_type is not None:
        return _alert_type(decode_with(_row, value))
    return decode_with(_catalogue_marker, value)


_state_key = msgspec.json.Decoder(StateKey)
_sent_permission = msgspec.json.Decoder(_SentPermission)
_sent_preference = msgspec.json.Decoder(_SentPreference)
_parameters = msgspec.json.Decoder(dict[str, Any])
_marker = msgspec.json.Decoder(Marker)
_catalogue_key = msgspec.json.Decoder(CatalogueKey)
_row = msgspec.json.Decoder(dict[str, Any])
_catalogue_marker = msgspec.json.Decoder(CatalogueMarker)


def _preference(key: StateKey, sent: _SentPreference, wishes: Wishes) -> Preference:
    if key.account_id is not None and sent.currency is None:
        raise Undecodable("it has no currency")
    wish_key = (sent.alert_type, sent.currency, sent.parameters, sent.channels, sent.enabled)
    wish = wishes.find(wish_key)
    if wish is not None:
        return as_wished(wish, sent.customer_id, sent.preference_no, sent.state_version)
    parameters = decode_with(_parameters, sent.parameters.encode())
    try:
        msgspec.msgpack.encode(parameters)
    except (OverflowError, RecursionError) as error:
        raise Undecodable("a value of it is beyond what a state can hold") from error
    found = Preference(
        *(sent.customer_id, sent.alert_type, sent.preference_no, sent.currency),
        *(parameters, sent.channels, sent.enabled, sent.state_version),
    )
    return wishes.add(wish_key, found)


def as_wished(wish: Preference, customer_id: int, preference_no: int, version: int) -> Preference:
    """The preference of a customer who asks for what `wish` says."""
    return Preference(
        customer_id,
        wish.alert_type,
        preference_no,
        wish.currency,
        wish.parameters,
        wish.channels,
        wish.enabled,
        version,
        wish.wish,
    )


def _alert_type(row: dict[str, Any]) -> AlertTypeRow:
    """Its parameters and its schedule are JSON text as well."""
    try:
        schedule = row.get("timer_schedule")
        texts = {"parameters": msgspec.json.decode(row.get("parameters", "")), "timer_schedule": schedule}
        if schedule is not None:
            texts["timer_schedule"] = msgspec.json.decode(schedule)
        return msgspec.convert({**row, **texts}, AlertTypeRow)
    except (msgspec.MsgspecError, TypeError) as error:
        raise Undecodable(str(error)) from error
