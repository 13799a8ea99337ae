"""Events, from the bytes of event topics. Pure. What stands in state topics is decoded by engine/rows.py.

The shapes are those of connectors/debezium.py: Debezium's flattened JSON, a date as days since 1970, a timestamptz as an ISO
string, jsonb as a string. What does not fit raises Undecodable, with a reason that holds no value of the record.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta, structs

from engine.condition import Column

EPOCH = date(1970, 1, 1).toordinal()
BACKSLASH = ord("\\")  # looked for first: a byte is found twenty times as fast as several
ESCAPED_NUL = b"\\u0000"
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
ENTRY_KEY = b'{"entry_id"'
CUSTOMER = "\x00customer/"
T = TypeVar("T")

# What PostgreSQL and Python can both hold: an event that was made elsewhere may say anything.
BigInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Days = Annotated[int, Meta(ge=date.min.toordinal() - EPOCH, le=date.max.toordinal() - EPOCH)]
Microseconds = Annotated[int, Meta(ge=0, le=253_402_300_799_999_999)]  # up to the end of the year 9999
ShortText = Annotated[str, Meta(min_length=1, max_length=64)]
LongText = Annotated[str, Meta(min_length=1, max_length=1_000)]
Time = Annotated[datetime, Meta(tz=True)]


class Undecodable(ValueError):
    """The record cannot be decoded; the text says why."""


class _Stamped(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What every event has: its time, and its stamp (design 4.5)."""

    event_time: Time
    state_version: Version
    catalogue_version: Version
    inserted_at: Time
    op: str = msgspec.field(name="__op")
    transaction_id: Version = 0
    seen_below: Version = 0  # every transaction below this one had ended when the event was inserted
    committed_us: Microseconds | None = msgspec.field(name="__source_ts_us", default=None)  # epoch


class _OfAccount(_Stamped, frozen=True, gc=False, kw_only=True):
    customer_id: ClassVar[None] = None

    account_id: ShortText
    amount_minor: BigInt  # what leaves the account is negative
    currency: ShortText

    @property
    def entity(self) -> str:
        """The key of the state that it is judged on."""
        return self.account_id


class AccountEntry(_OfAccount, frozen=True, gc=False, kw_only=True):
    """An event: one row of bank.account_entry, with its stamp. Money in minor units."""

    kind: ClassVar[str] = "ACCOUNT_ENTRY"

    entry_id: ShortText
    booking_date: Days  # since 1970-01-01
    status: ShortText
    balance_after_minor: BigInt | None = None
    entry_type: ShortText | None = None
    original_amount_minor: BigInt | None = None
    original_currency: ShortText | None = None
    counterparty_account: ShortText | None = None
    description: LongText | None = None

    @property
    def event_id(self) -> str:
        return self.entry_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.booking_date)


class CardAuthorisation(_OfAccount, frozen=True, gc=False, kw_only=True):
    """An event: one row of bank.card_authorisation."""

    kind: ClassVar[str] = "CARD_AUTHORISATION"

    authorisation_id: ShortText
    authorised_on: Days
    card_token: ShortText
    card_present: bool
    outcome: ShortText
    original_amount_minor: BigInt | None = None
    original_currency: ShortText | None = None
    merchant_id: ShortText | None = None
    merchant_category: ShortText | None = None
    country: ShortText | None = None
    decline_reason: ShortText | None = None

    @property
    def event_id(self) -> str:
        return self.authorisation_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.authorised_on)

    @property
    def status(self) -> str:
        return self.outcome


class PaymentOrder(_OfAccount, frozen=True, gc=False, kw_only=True):
    """An event: one row of bank.payment_order, a change of an order's status."""

    kind: ClassVar[str] = "PAYMENT_ORDER"

    status_change_id: ShortText
    changed_on: Days
    order_id: ShortText
    status: ShortText
    disclosable_reason: ShortText | None = None

    @property
    def event_id(self) -> str:
        return self.status_change_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.changed_on)


class _Activity(_Stamped, frozen=True, gc=False, kw_only=True):
    activity_id: ShortText
    occurred_on: Days
    customer_id: BigInt
    activity_type: ShortText


class _SentActivity(_Activity, frozen=True, gc=False, kw_only=True):
    """As Debezium sends it: jsonb as text."""

    properties: str


class CustomerActivity(_Activity, frozen=True, gc=False, kw_only=True):
    """An event: one row of bank.customer_activity."""

    kind: ClassVar[str] = "CUSTOMER_ACTIVITY"
    account_id: ClassVar[None] = None
    currency: ClassVar[None] = None
    status: ClassVar[None] = None

    properties: dict[str, Any]

    @property
    def event_id(self) -> str:
        return self.activity_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.occurred_on)

    @property
    def entity(self) -> str:
        return customer_entity(self.customer_id)


class Timer(_Stamped, frozen=True, gc=False, kw_only=True):
    """An event: one row of bank.timer_event. Its event_time is when it was due."""

    kind: ClassVar[str] = "TIMER"
    currency: ClassVar[None] = None
    status: ClassVar[None] = None

    timer_id: ShortText
    due_on: Days
    customer_id: BigInt
    alert_type: ShortText
    preference_no: int
    timer_key: Annotated[str, Meta(max_length=2_000)]
    time_zone: ShortText
    starts: bool  # a schedule begins: nothing was due
    account_id: ShortText | None = None

    @property
    def event_id(self) -> str:
        return self.timer_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.due_on)

    @property
    def entity(self) -> str:
        return customer_entity(self.customer_id) if self.account_id is None else self.account_id


Event = AccountEntry | CardAuthorisation | PaymentOrder | CustomerActivity | Timer

# What expressions of an alert type may read of each kind; bank.readable_columns has the same.
COLUMNS: dict[str, dict[str, Column]] = {
    "ACCOUNT_ENTRY": {
        **dict.fromkeys(("entry_id", "account_id", "currency", "status"), Column("text", False)),
        **dict.fromkeys(("entry_type", "original_currency", "counterparty_account", "description"), Column("text", True)),
        "amount_minor": Column("integer", False),
        **dict.fromkeys(("balance_after_minor", "original_amount_minor"), Column("integer", True)),
        "event_time": Column("time", False),
    },
    "CARD_AUTHORISATION": {
        **dict.fromkeys(("authorisation_id", "account_id", "card_token", "currency", "outcome"), Column("text", False)),
        **dict.fromkeys(
            ("original_currency", "merchant_id", "merchant_category", "country", "decline_reason"), Column("text", True)
        ),
        "amount_minor": Column("integer", False),
        "original_amount_minor": Column("integer", True),
        "card_present": Column("boolean", False),
        "event_time": Column("time", False),
    },
    "PAYMENT_ORDER": {
        **dict.fromkeys(("status_change_id", "order_id", "account_id", "status", "currency"), Column("text", False)),
        "disclosable_reason": Column("text", True),
        "amount_minor": Column("integer", False),
        "event_time": Column("time", False),
    },
    "CUSTOMER_ACTIVITY": {
        **dict.fromkeys(("activity_id", "activity_type"), Column("text", False)),
        "customer_id": Column("integer", False),
        "properties": Column("json", False),
        "event_time": Column("time", False),
    },
    "TIMER": {"event_time": Column("time", False)},
}


def customer_entity(customer_id: int) -> str:
    """The key of a customer's state; no account has it, for PostgreSQL's text holds no NUL."""
    return f"{CUSTOMER}{customer_id}"


def customer_of(entity: str) -> int | None:
    """The customer of such a key; None for an account's."""
    return int(entity.removeprefix(CUSTOMER)) if entity.startswith(CUSTOMER) else None


def event(key: bytes | None, value: bytes | None) -> Event:
    """A record of the event topic; the first field of its key says of which kind. Raises Undecodable."""
    # most events are entries, and to look it up takes three times as long
    is_entry = key is not None and key.startswith(ENTRY_KEY)
    decoder = _ENTRY if is_entry else _DECODERS.get(key[2 : key.find(b'"', 2)]) if key is not None else None
    if decoder is None:
        raise Undecodable("its key names no kind of event")
    found: Any = decode_with(decoder, value)
    if found.op != "c":
        raise Undecodable("its operation is not c: an event is an INSERT, history never alerts")
    if type(found) is _SentActivity:
        found = _activity(found)
    if found.event_time.tzinfo is not UTC or found.inserted_at.tzinfo is not UTC:
        found = _in_utc(found)
    decoded: Event = found
    return decoded


def _activity(sent: _SentActivity) -> CustomerActivity:
    return CustomerActivity(**{**structs.asdict(sent), "properties": decode_with(_properties, sent.properties.encode())})


def _in_utc(found: _Stamped) -> _Stamped:
    try:
        times = {"event_time": found.event_time.astimezone(UTC), "inserted_at": found.inserted_at.astimezone(UTC)}
    except OverflowError as error:
        raise Undecodable("a time of it is in no calendar") from error
    return structs.replace(found, **times)


_DECODERS: dict[bytes, msgspec.json.Decoder[Any]] = {
    b"entry_id": msgspec.json.Decoder(AccountEntry),
    b"authorisation_id": msgspec.json.Decoder(CardAuthorisation),
    b"status_change_id": msgspec.json.Decoder(PaymentOrder),
    b"activity_id": msgspec.json.Decoder(_SentActivity),
    b"timer_id": msgspec.json.Decoder(Timer),
}
_ENTRY = _DECODERS[b"entry_id"]
_properties = msgspec.json.Decoder(dict[str, Any])


def decode_with(decoder: msgspec.json.Decoder[T], data: bytes | None) -> T:
    """Raises Undecodable, with a reason that holds no value."""
    if data is None:
        raise Undecodable("it is empty")
    if BACKSLASH in data and ESCAPED_NUL in data and NUL.search(data):
        raise Undecodable("it holds NUL, which no text of PostgreSQL can")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error
    except RecursionError as error:
        raise Undecodable("it is nested too deep") from error
