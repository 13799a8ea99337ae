"""E-mails: headers that cannot be injected, answers without addresses."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier.channels.email import Channel, header_text, judge
from notifier.message import Drop, Outgoing, Result, Retry, Text

SETTINGS = Settings(Path(), "", "", "", "smtp://mail.example:25", "", "", "", mail_from="alerts@bank.example")
CHANNEL = Channel(SETTINGS)
HEADERS = {"From", "To", "Subject", "Message-ID", "Auto-Submitted", "Date"} | {
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_makes_a_header(subject: str, body: str) -> None:
    message_id = uuid4()
    content = CHANNEL.compose("ada@example.org", Outgoing(message_id, Text(subject, body)))
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert (mail["To"], mail["From"]) == ("ada@example.org", "Bank alerts <alerts@bank.example>")
    assert mail["Message-ID"] == f"<{message_id}@bank.example>"


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@", "@b", "a@b\r\nBcc: c@d.example", "a@b.example, c@d.example", "ada@exämple\x00"]
)
def test_what_is_no_address_is_dropped(address: str) -> None:
    result = asyncio.run(CHANNEL.send(address, Outgoing(uuid4(), Text("subject", "body"))))
    assert result == Drop("it is no e-mail address")


def test_a_subject_on_one_line() -> None:
    assert header_text("Robert\r\nBcc: victim@example.org") == "Robert Bcc: victim@example.org"
    assert header_text("\x00a\u2028b\x85") == "a b"


@pytest.mark.parametrize(
    ("code", "answer", "result"),
    [
        (550, "5.1.1 <ada@example.org> no such user", Drop("SMTP 550 5.1.1")),
        (554, "ada@example.org rejected", Drop("SMTP 554")),
        (451, "4.7.1 greylisted", Retry("SMTP 451 4.7.1")),
        (452, "mailbox of ada@example.org is full", Retry("SMTP 452")),
        (421, "4.3.2 closing", Retry("SMTP 421 4.3.2", provider_down=True)),
    ],
)
def test_answers_are_reduced_to_codes(code: int, answer: str, result: Result) -> None:
    assert judge(code, answer) == result


@pytest.mark.parametrize("changes", [{"smtp_url": "http://x:1"}, {"smtp_url": "smtp://x"}, {"mail_from": "nobody"}])
def test_a_wrong_setting_is_named(changes: dict[str, str]) -> None:
    with pytest.raises(BankalertsError, match=f"BANKALERTS_{next(iter(changes)).upper()}") as raised:
        Channel(dataclasses.replace(SETTINGS, **changes))  # type: ignore[arg-type]
    assert repr(next(iter(changes.values()))) in str(raised.value)
