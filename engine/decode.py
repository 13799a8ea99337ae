"""Events, from the bytes of event topics. Pure. What stands in state topics is decoded by engine/rows.py.

The shapes are those of connectors/debezium.py: Debezium's flattened JSON, a date as days since 1970, a timestamptz as an ISO
string, jsonb as a string. What does not fit raises Undecodable, with a reason that holds no value of the record.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, TypeVar

import msgspec
from msgspec import Meta

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
    def entity(self) -> str:
        """The key of the state that it is judged on."""
        return self.account_id

    @property
    def event_date(self) -> date:
        return date.fromordinal(EPOCH + self.booking_date)


def customer_entity(customer_id: int) -> str:
    """The key of a customer's state; no account has it, for PostgreSQL's text holds no NUL."""
    return f"\x00customer/{customer_id}"


def account_entry(value: bytes) -> AccountEntry:
    event = decode_with(_account_entry, value)
    if event.op != "c":
        raise Undecodable("its operation is not c: an event is an INSERT, history never alerts")
    if event.event_time.tzinfo is UTC and event.inserted_at.tzinfo is UTC:
        return event
    try:
        times = {"event_time": event.event_time.astimezone(UTC), "inserted_at": event.inserted_at.astimezone(UTC)}
    except OverflowError as error:
        raise Undecodable("a time of it is in no calendar") from error
    return msgspec.structs.replace(event, **times)


_account_entry = msgspec.json.Decoder(AccountEntry)


def decode_with(decoder: msgspec.json.Decoder[T], data: bytes | None) -> T:
    """Raises Undecodable, with a reason that holds no value."""
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
