"""Receipts as providers post them: {"receipts": [{"provider_ref", "status", "reason", "at"}, ...]}. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

RECEIPTS_MAX = 500
# A provider's clock may be a little ahead.
AHEAD_MAX = timedelta(minutes=5)
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
REASON = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# A run of digits like this could be a telephone number, and nothing that is personal is kept.
NUMBER = re.compile(r"\d{7}")
INDEX = re.compile(r"\$\.receipts\[(\d+)\]")

Reference = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._:-]{1,80}\Z")]
Status = Literal["DELIVERED", "BOUNCED", "FAILED"]


class Receipt(msgspec.Struct, frozen=True):
    """What a provider says of one message after it took it.

    `provider_ref` is the provider's own name for it, or the Idempotency-Key that it came with. BOUNCED: nobody has the address.
    FAILED: not delivered for another reason. `at` is when, by the provider's clock; None: when it is received.
    """

    provider_ref: Reference
    status: Status
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Payload(msgspec.Struct, frozen=True):
    """The body of one request."""

    receipts: Annotated[list[Receipt], msgspec.Meta(min_length=1, max_length=RECEIPTS_MAX)]


class MalformedReceiptError(ValueError):
    """The text says what is wrong; `index` is the receipt's place in the list, None where it is none of them."""

    def __init__(self, text: str, index: int | None) -> None:
        super().__init__(text)
        self.index = index


DECODER = msgspec.json.Decoder(Payload)


def parse(body: bytes, now: datetime) -> list[Receipt]:
    """The receipts of a body, with their times and with reasons that are codes. Raises MalformedReceiptError."""
    try:
        receipts = DECODER.decode(body).receipts
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = INDEX.search(str(error))
        raise MalformedReceiptError(str(error), int(found[1]) if found else None) from error
    for index, receipt in enumerate(receipts):
        if receipt.at is not None and not EARLIEST <= receipt.at <= now + AHEAD_MAX:
            raise MalformedReceiptError(f"`at` is in the future or before {EARLIEST:%Y} - at `$.receipts[{index}].at`", index)
    return [msgspec.structs.replace(receipt, reason=code(receipt.reason), at=receipt.at or now) for receipt in receipts]


def code(reason: str | None) -> str | None:
    """The reason where it is a code; None where it is a text, which may hold an address."""
    return reason if reason and REASON.fullmatch(reason) and not NUMBER.search(reason) else None
