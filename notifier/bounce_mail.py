"""A bounce as a mail server sends it: a delivery status notification (RFC 3464) about one of our mails. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Literal
from uuid import UUID

from notifier.smtp import DEAD

MAIL_OCTETS_MAX = 1024 * 1024
RECIPIENTS_MAX = 100
OUR_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:@[A-Za-z0-9.-]{1,255})?>?")
CODE = re.compile(r"([245])\.\d{1,3}\.\d{1,3}")
# Some servers give the general code, and what they mean in the other server's own words.
GENERAL_CODE = "5.0.0"
CODE_IN_WORDS = re.compile(r"\b5\.[1-9]\d{0,2}\.\d{1,3}\b")
XTEXT = re.compile(r"\+([0-9A-F]{2})")

Outcome = Literal["BOUNCED", "FAILED", "DELAYED"]


class MalformedBounceError(ValueError):
    """The text says what is wrong, and quotes nothing of the mail."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of the mail at one address. `keys` are those that the address may have in alerting.delivery_attempt."""

    keys: frozenset[str]
    outcome: Outcome
    code: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A notification: the message that it is about, and one recipient or several."""

    message_id: UUID
    recipients: tuple[Recipient, ...]


def parse(mail: bytes) -> Bounce:
    """Read a notification. Raises MalformedBounceError for any other mail."""
    if len(mail) > MAIL_OCTETS_MAX:
        raise MalformedBounceError(f"it is longer than {MAIL_OCTETS_MAX} octets")
    try:
        return _bounce(message_from_bytes(mail))
    except MalformedBounceError:
        raise
    except Exception as error:  # the email package raises what it likes over hostile mail
        raise MalformedBounceError(f"it cannot be read as a mail ({type(error).__name__})") from error


def _bounce(mail: Message) -> Bounce:
    # A notification has no sender (RFC 3464, 2): what has one is a reply or an answering machine, or somebody pretending.
    if mail["Return-Path"] is not None and _text(mail["Return-Path"]) != "<>":
        raise MalformedBounceError("it has a sender in Return-Path, and a notification has none")
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        raise MalformedBounceError("it is no delivery status notification: its content type is not multipart/report")
    parts: Sequence[Message] = mail.get_payload()  # type: ignore[assignment]
    report = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if report is None or not report.is_multipart():
        raise MalformedBounceError("it has no part of type message/delivery-status")
    about, *recipients = [fields for fields in _fields(report) if fields.keys()]
    if not 1 <= len(recipients) <= RECIPIENTS_MAX:
        raise MalformedBounceError(f"it tells of {len(recipients)} recipients: 1 to {RECIPIENTS_MAX} are read")
    return Bounce(_message_id(about, parts), tuple(map(_recipient, recipients)))


def _fields(report: Message) -> Iterator[Message]:
    blocks: Sequence[Message] = report.get_payload()  # type: ignore[assignment]
    yield from blocks


def _message_id(about: Message, parts: Sequence[Message]) -> UUID:
    """The id that we gave it: in the mail that comes back, in its headers, or in the envelope."""
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            headers: Message = part.get_payload()[0]  # type: ignore[assignment,index]
        elif kind == "text/rfc822-headers":
            headers = message_from_bytes(part.get_payload(decode=True) or b"")  # type: ignore[arg-type]
        else:
            continue
        found = OUR_ID.fullmatch(_text(headers["Message-ID"]))
        if found:
            return UUID(found[1])
    found = OUR_ID.fullmatch(_text(about["Original-Envelope-Id"]))
    if found is None:
        raise MalformedBounceError("it names no message of ours: neither in Message-ID nor in Original-Envelope-Id")
    return UUID(found[1])


def _recipient(fields: Message) -> Recipient:
    action, status = _text(fields["Action"]).lower(), _text(fields["Status"])
    code = CODE.match(status)
    if code is None:
        raise MalformedBounceError("a recipient has no Status of the form 5.1.1")
    addresses = [address for name in ("Original-Recipient", "Final-Recipient") if (address := _address(fields[name]))]
    if not addresses:
        raise MalformedBounceError("a recipient has neither Final-Recipient nor Original-Recipient")
    keys = frozenset(hashlib.sha256(form.encode()).hexdigest() for address in addresses for form in _forms(address))
    said = code.group()
    if said == GENERAL_CODE:
        in_words = CODE_IN_WORDS.search(_text(fields["Diagnostic-Code"]))
        said = in_words.group() if in_words else said
    return Recipient(keys, _outcome(action, code[1], said), said)


def _outcome(action: str, kind: str, code: str) -> Outcome:
    if action == "failed" and kind in "45":  # 4: it was tried for days, and given up
        return "BOUNCED" if code in DEAD else "FAILED"
    if action == "delayed" and kind == "4":
        return "DELAYED"
    raise MalformedBounceError("a recipient's Action and Status are neither a failure nor a delay")


def _address(field: object) -> str:
    """The address of a field such as `rfc822; ada@example.org`."""
    kind, _, address = _text(field).partition(";")
    return address.strip().strip("<>") if kind.strip().lower() == "rfc822" else ""


def _forms(address: str) -> set[str]:
    """The address in the forms that we may have written it in: the name in a field may be encoded (RFC 3461), or lowered."""
    decoded = XTEXT.sub(lambda found: chr(int(found[1], 16)), address)
    local, _, domain = address.rpartition("@")
    return {address, decoded, address.lower(), f"{local}@{domain.lower()}"}


def _text(field: object) -> str:
    return " ".join(str(field or "").split())
