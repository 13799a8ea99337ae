"""An e-mail as it goes over the wire: headers that no text can add to, the text, and the same text as HTML."""

from __future__ import annotations

import base64
import html
import re
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from notifier.message import Outgoing

DISPLAY_NAME = "Bank alerts"
# What bank.contact_address takes: anything else, quoted local parts too, would be a way to say something to the server.
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64})*"
    r"@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
)
ADDRESS_LENGTH_MAX = 254
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# HTML has no place for them: a reader shows the sign for what cannot be shown.
NOT_IN_HTML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
# Base64 has no underscore, so no text can end a part.
BOUNDARY = "=_bankalerts"
ALWAYS = (
    f'Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n'
)
# A longer one needs folding, for which a text without blanks has no place.
PLAIN_SUBJECT_LENGTH_MAX = 60


class NoAddressError(ValueError):
    """The text is no e-mail address."""


class Composer:
    """Writes e-mails from one sender."""

    def __init__(self, sender: str) -> None:
        """Raises NoAddressError when `sender` is no e-mail address."""
        self._domain = _checked(sender).rpartition("@")[2]
        self._always = f"From: {DISPLAY_NAME} <{sender}>\r\n{ALWAYS}"

    def compose(self, address: str, outgoing: Outgoing) -> bytes:
        """The mail to one address, the same at every attempt but for its Date. Raises NoAddressError.

        Message-ID comes from the message's id, so a repetition can be known by it.
        """
        text = outgoing.text
        # Written here, not by email.message: it takes an encoded word in a text for one, and loses blanks where it folds
        # long subjects (Python 3.11).
        headers = (
            f"{self._always}To: {_checked(address)}\r\nSubject: {subject_value(text.subject or '')}\r\n"
            f"Message-ID: <{outgoing.message_id}@{self._domain}>\r\nDate: {format_datetime(datetime.now(UTC))}\r\n\r\n"
        ).encode("ascii")
        page = as_html(text.subject, text.body, outgoing.locale)
        # Of parts that say the same, the best one comes last (RFC 2046).
        return b"".join([headers, _part("plain", text.body), _part("html", page), f"--{BOUNDARY}--\r\n".encode()])


def subject_value(text: str) -> str:
    """A subject as a header holds it, folded, in ASCII: what could be read as something else is encoded (RFC 2047)."""
    subject = header_text(text)
    if subject.isascii() and "=?" not in subject and len(subject) <= PLAIN_SUBJECT_LENGTH_MAX:
        return subject
    return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")


def header_text(text: str) -> str:
    """A text that can stand in a header: line breaks and control characters become one space."""
    return UNPRINTABLE.sub(" ", text).strip()


def as_html(subject: str | None, body: str, locale: str) -> str:
    """A page that reads as the text does: nothing in it is markup, nothing is fetched from anywhere."""
    language = locale if LOCALE.fullmatch(locale) else "en"
    # Each line takes its direction from its own first letter, as it does in the text.
    lines = "\n".join(f'<div dir="auto">{_escaped(line) or "<br>"}</div>' for line in body.replace("\r\n", "\n").split("\n"))
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{_escaped(header_text(subject or ""))}'
        f'</title></head>\n<body style="font-family: sans-serif; white-space: pre-wrap">\n{lines}\n</body>\n</html>\n'
    )


def _escaped(text: str) -> str:
    return html.escape(NOT_IN_HTML.sub("\ufffd", text))


def _checked(address: str) -> str:
    if len(address) > ADDRESS_LENGTH_MAX or not ADDRESS.fullmatch(address):
        raise NoAddressError(address)
    return address


def _part(kind: str, text: str) -> bytes:
    """A part of a mail. Base64 takes any text as it is; lines of text end in CR LF before it is encoded (RFC 2045)."""
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    encoded = base64.encodebytes(lines).replace(b"\n", b"\r\n")
    head = f"--{BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + encoded
