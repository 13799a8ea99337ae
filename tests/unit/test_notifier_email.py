"""E-mails: headers that cannot be injected, a page in which nothing is markup, answers without addresses."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier.channels.email import Channel
from notifier.mail import Composer, as_html, header_text
from notifier.message import Drop, Outgoing, Result, Retry, Target, Text, Unknown
from notifier.smtp import judge

SETTINGS = Settings(Path(), "", "", "", "smtp://mail.example:25", "", "", "", mail_from="alerts@bank.example")
COMPOSER = Composer(SETTINGS.mail_from)
HEADERS = {"From", "To", "Subject", "Message-ID", "Auto-Submitted", "Date", "MIME-Version", "Content-Type"}
LINE_LENGTH_MAX = 78
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def read(content: bytes) -> EmailMessage:
    """The mail as another reader has it."""
    return email.message_from_bytes(content, policy=email.policy.default)


class Page(HTMLParser):
    """What a page shows: its lines of text; its elements."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.lines: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag == "div":
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if self.elements[-1:] == ["div"]:
            self.lines[-1] += data.rstrip("\n") if data.strip("\n") == "" else data


@given(TEXTS, TEXTS)
def test_no_text_makes_a_header(subject: str, body: str) -> None:
    message_id = uuid4()
    content = COMPOSER.compose("ada@example.org", Outgoing(message_id, Text(subject, body)))
    mail = read(content)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert (mail["To"], mail["From"]) == ("ada@example.org", "Bank alerts <alerts@bank.example>")
    assert mail["Message-ID"] == f"<{message_id}@bank.example>"
    assert max(len(line) for line in content.split(b"\r\n")) <= LINE_LENGTH_MAX
    assert b"\n" not in content.replace(b"\r\n", b"")


@given(TEXTS)
def test_the_text_arrives_as_it_is(body: str) -> None:
    mail = read(COMPOSER.compose("ada@example.org", Outgoing(uuid4(), Text("s", body))))
    plain, page = mail.iter_parts()
    payload = plain.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode() == body.replace("\r\n", "\n").replace("\n", "\r\n")
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")


@pytest.mark.parametrize(
    "subject",
    ["Balance below €100.00", "=?utf-8?q?hey?=", "x" * 1000, "Υπόλοιπο κάτω από " * 20, "a  b " * 40, "\u202eabc", "plain", ""],
)
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    assert read(COMPOSER.compose("ada@example.org", Outgoing(uuid4(), Text(subject, ""))))["Subject"] == subject.strip()


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("<script>alert(1)</script>\n\n& &amp; \"'", ["<script>alert(1)</script>", "", "& &amp; \"'"]),
        ("</div></body><img src=x onerror=y>", ["</div></body><img src=x onerror=y>"]),
        ("<!-- --> ]]> &#60;b&#62;\r\n{{ 7 * 7 }}", ["<!-- --> ]]> &#60;b&#62;", "{{ 7 * 7 }}"]),
        ("\u202egnirts \x07bell", ["\u202egnirts \ufffdbell"]),
    ],
)
def test_nothing_in_a_page_is_markup(body: str, lines: list[str]) -> None:
    page = Page(as_html("</title><script>", body, 'en"><script>'))
    assert page.lines == lines
    assert set(page.elements) <= {"html", "head", "meta", "title", "body", "div", "br"}
    assert set(page.attributes) <= {"lang", "charset", "dir", "style"}
    assert '<html lang="en">' in as_html("", "", 'en"><script>')
    assert '<html lang="nl-NL">' in as_html("", "", "nl-NL")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@b",
        "a@b\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "ada@exämple\x00",
        "a@b.example> SIZE=1",
        '"a b"@c.example',
        "a@[127.0.0.1]",
        "a..b@c.example",
        "a@b.example\n",
        "x" * 250 + "@b.example",
    ],
)
def test_what_is_no_address_is_dropped(address: str) -> None:
    (provider,) = Channel(SETTINGS).providers
    result = asyncio.run(provider.send(Target("key", address), Outgoing(uuid4(), Text("subject", "body"))))
    assert result == Drop("it is no e-mail address")


def test_a_subject_on_one_line() -> None:
    assert header_text("Robert\r\nBcc: victim@example.org") == "Robert Bcc: victim@example.org"
    assert header_text("\x00a\u2028b\x85") == "a b"


@pytest.mark.parametrize(
    ("code", "answer", "result"),
    [
        (550, "5.1.1 <ada@example.org> no such user", Drop("SMTP 550 5.1.1", address_is_dead=True)),
        (550, "5.1.10 <ada@example.org> takes no mail", Drop("SMTP 550 5.1.10", address_is_dead=True)),
        (550, "5.7.1 spam, ada@example.org", Drop("SMTP 550 5.7.1")),
        (554, "ada@example.org rejected", Drop("SMTP 554")),
        (451, "4.7.1 greylisted", Retry("SMTP 451 4.7.1")),
        (452, "mailbox of ada@example.org is full", Retry("SMTP 452")),
        (421, "4.3.2 closing", Retry("SMTP 421 4.3.2", provider_down=True)),
        (999, "ada@example.org", Unknown("SMTP 999")),
        (354, "go on", Unknown("SMTP 354")),
    ],
)
def test_answers_are_reduced_to_codes(code: int, answer: str, result: Result) -> None:
    assert judge(code, answer) == result


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"smtp_url": "http://x:1"}, "http://x:1"),
        ({"smtp_url": ""}, "is empty"),
        ({"smtp_url": "smtp://x:1?tls=sometimes"}, "tls=sometimes"),
        ({"smtp_url": "smtp://bank:secret@x:1?tls=try"}, "its password would be read by others"),
        ({"smtp_url": "smtps://x:1?tls=none"}, "'tls'"),
        ({"mail_from": "nobody"}, "'nobody'"),
        ({"mail_from": "a@b.example\r\nBcc: c@d.example"}, "write it as name@example.org"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], says: str) -> None:
    with pytest.raises(BankalertsError, match=f"BANKALERTS_{next(iter(changes)).upper()}") as raised:
        Channel(dataclasses.replace(SETTINGS, **changes))  # type: ignore[arg-type]
    assert says in str(raised.value)
    assert "secret" not in str(raised.value)
