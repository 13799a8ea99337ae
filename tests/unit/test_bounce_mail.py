"""Bounces as mail servers send them: what is read of them, and what is refused and why."""

from __future__ import annotations

import contextlib
import hashlib
import random
from dataclasses import replace
from uuid import UUID

import pytest

from notifier.bounce_mail import MAIL_OCTETS_MAX, MalformedBounceError, parse
from tests.dsn import Notification

ID = UUID("7d0a3c1e-3f5b-4c8e-9a10-0123456789ab")
PLAIN = Notification(ID)


def key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("failed", "5.1.1", "BOUNCED"),
        ("Failed", "5.2.1 (mailbox disabled)", "BOUNCED"),
        ("failed", "5.1.10", "BOUNCED"),
        ("failed", "5.2.2", "FAILED"),  # full: somebody has it
        ("failed", "5.7.1", "FAILED"),  # about us or the mail, not about the address
        ("failed", "4.4.7", "FAILED"),  # given up after days
        ("delayed", "4.4.1", "DELAYED"),
    ],
)
def test_what_became_of_it(action: str, status: str, outcome: str) -> None:
    bounce = parse(PLAIN.with_recipient("ada@example.org", action, status).mail())
    (recipient,) = bounce.recipients
    assert (bounce.message_id, recipient.outcome, recipient.code) == (ID, outcome, status.partition(" ")[0])
    assert key("ada@example.org") in recipient.keys


@pytest.mark.parametrize(
    "notification",
    [
        PLAIN,
        replace(PLAIN, returned="text/rfc822-headers"),
        replace(PLAIN, returned=None, envelope_id=str(ID)),
        replace(PLAIN, return_path=None),
    ],
)
def test_the_message_is_known_by_the_id_that_we_gave_it(notification: Notification) -> None:
    assert parse(notification.mail()).message_id == ID
    assert parse(notification.mail().replace(b"\n", b"\r\n")).message_id == ID


def test_an_address_is_known_in_the_forms_it_may_have() -> None:
    forms = {
        "Ada@Example.ORG": "ada@example.org",
        "ADA@Example.org": "ADA@example.org",
        "ada+2Bbank@example.org": "ada+bank@example.org",
    }
    for written, ours in forms.items():
        (recipient,) = parse(PLAIN.with_recipient(written, "failed", "5.1.1").mail()).recipients
        assert key(ours) in recipient.keys, written
    forwarded = replace(PLAIN, original_recipient="ada@example.org").with_recipient("a.l@elsewhere.example", "failed", "5.1.1")
    (recipient,) = parse(forwarded.mail()).recipients
    assert {key("ada@example.org"), key("a.l@elsewhere.example")} <= recipient.keys


def test_a_general_code_is_made_out_by_the_other_servers_words() -> None:
    general = PLAIN.with_recipient("ada@example.org", "failed", "5.0.0")
    (recipient,) = parse(general.mail()).recipients
    assert (recipient.outcome, recipient.code) == ("BOUNCED", "5.1.1")
    (recipient,) = parse(replace(general, diagnostic="smtp; 550 no 5.10").mail()).recipients
    assert (recipient.outcome, recipient.code) == ("FAILED", "5.0.0")


def test_several_recipients_are_told_apart() -> None:
    told = (("ada@example.org", "failed", "5.1.1"), ("ada@work.example", "delayed", "4.2.2"))
    assert [each.outcome for each in parse(replace(PLAIN, recipients=told).mail()).recipients] == ["BOUNCED", "DELAYED"]


MAIL = PLAIN.mail()
REFUSED = {
    "nothing": (b"", "no delivery status notification"),
    "a reply": (b"From: ada@example.org\nSubject: Re: Your balance\n\nwho are you?\n", "no delivery status notification"),
    "a sender": (replace(PLAIN, return_path="<ada@example.org>").mail(), "it has a sender"),
    "another report": (MAIL.replace(b"message/delivery-status", b"message/feedback-report"), "no part of type"),
    "no parts": (MAIL.replace(b"9B095B5ADSN--", b"").replace(b"--9B095B5ADSN", b"--other"), "multipart/report"),
    "no recipient": (replace(PLAIN, recipients=()).mail(), "tells of 0 recipients"),
    "too many": (replace(PLAIN, recipients=[*PLAIN.recipients] * 101).mail(), "tells of 101 recipients"),
    "no status": (PLAIN.with_recipient("ada@example.org", "failed", "gone").mail(), "no Status of the form"),
    "delivered": (PLAIN.with_recipient("ada@example.org", "delivered", "2.1.5").mail(), "neither a failure nor a delay"),
    "relayed": (PLAIN.with_recipient("ada@example.org", "relayed", "2.0.0").mail(), "neither a failure nor a delay"),
    "delayed for good": (PLAIN.with_recipient("ada@example.org", "delayed", "5.1.1").mail(), "neither a failure nor a delay"),
    "no address": (MAIL.replace(b"Final-Recipient: rfc822;", b"Final-Recipient: x400;"), "neither Final-Recipient nor"),
    "nothing of ours": (replace(PLAIN, returned=None).mail(), "names no message of ours"),
    "another's mail": (MAIL.replace(str(ID).encode(), b"ada.1234"), "names no message of ours"),
    "too long": (MAIL + b" " * MAIL_OCTETS_MAX, "longer than"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_anything_else_is_refused_with_the_reason_and_without_an_address(what: str) -> None:
    mail, reason = REFUSED[what]
    with pytest.raises(MalformedBounceError, match=reason) as raised:
        parse(mail)
    assert "ada" not in str(raised.value)


def test_whatever_comes_is_read_or_refused() -> None:
    chance = random.Random(3464)
    pieces = [
        MAIL,
        b'Content-Type: multipart/report; boundary="a"\n\n' + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 500,
    ]
    for _ in range(300):
        mail = bytearray(chance.choice(pieces))
        for _ in range(chance.randrange(1, 8)):
            place = chance.randrange(len(mail))
            mail[place : place + chance.randrange(0, 40)] = chance.randbytes(chance.randrange(0, 10))
        with contextlib.suppress(MalformedBounceError):
            parse(bytes(mail))
