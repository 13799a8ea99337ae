"""An e-mail read by readers of their own: which headers it has, and what its page says and is made of."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

from notifier.mail import Composer
from notifier.message import Outgoing

HEADERS = ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"]
ATTRIBUTES = {"html": ["lang"], "meta": ["charset"], "body": ["style"], "div": ["dir"], "head": [], "title": [], "br": []}
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# HTML cannot hold them.
NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
COMPOSER = Composer("alerts@bank.example")


class Page(HTMLParser):
    """The lines that a page shows, and what it has that our pages have not."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.strange: list[str] = []
        self._in = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if [name for name, _ in attrs] != ATTRIBUTES.get(tag):
            self.strange.append(tag)
        if tag == "div":
            self.lines.append("")
        self._in = tag

    def handle_endtag(self, _tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "div":
            self.lines[-1] += data

    def handle_comment(self, data: str) -> None:
        self.strange.append(data)

    def handle_pi(self, data: str) -> None:
        self.strange.append(data)

    def unknown_decl(self, data: str) -> None:
        self.strange.append(data)


def fault_of_mail(address: str, outgoing: Outgoing) -> str | None:
    """What the mail of this message has that it should not have, or lacks; None when it is as it should be."""
    mail = message_from_bytes(COMPOSER.compose(address, outgoing), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    if sorted(mail.keys()) != HEADERS:
        return f"headers {mail.keys()}"
    if [found.addr_spec for found in mail["To"].addresses] != [address]:
        return f"addressees {mail['To']}"
    parts = [part.get_content_type() for part in mail.walk()]
    if parts != ["multipart/alternative", "text/plain", "text/html"]:
        return f"parts {parts}"
    html = mail.get_body(("html",))
    page = Page(str(html.get_content()).replace("\r\n", "\n") if html else "")
    wanted = [NOT_IN_HTML.sub("\ufffd", line) for line in outgoing.text.body.replace("\r\n", "\n").split("\n")]
    if page.strange or page.lines != wanted:
        return f"page {page.strange} {page.lines} for {wanted}"
    return None
