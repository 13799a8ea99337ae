"""EMAIL: SMTP with kept connections. Settings: smtp_url, mail_from."""

from __future__ import annotations

import base64
import contextlib
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from urllib.parse import urlsplit

import aiosmtplib

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier.message import Drop, Outgoing, Reach, Result, Retry, Sent

CONNECT_WITHIN_S = 3.0
# Servers close a connection that is idle for some minutes: one that was idle this long is not used again.
IDLE_S_MAX = 60.0
QUEUED_AS = re.compile(r"queued as ([A-Za-z0-9.-]{1,80})\b")
ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
DISPLAY_NAME = "Bank alerts"
ALWAYS = {
    "Auto-Submitted": "auto-generated",
    "MIME-Version": "1.0",
    "Content-Type": 'text/plain; charset="utf-8"',
    "Content-Transfer-Encoding": "base64",
}


class Channel:
    """E-mail as plain text."""

    reach = Reach.ADDRESSES
    most_in_flight = 8

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.smtp_url)
        if parts.scheme != "smtp" or not parts.hostname or not parts.port:
            raise BankalertsError(f"BANKALERTS_SMTP_URL is {settings.smtp_url!r}: write it as smtp://host:port")
        self._host, self._port = parts.hostname, parts.port
        self._sender = settings.mail_from
        try:
            sender = Address(DISPLAY_NAME, addr_spec=settings.mail_from)
        except (ValueError, IndexError) as error:
            raise BankalertsError(f"BANKALERTS_MAIL_FROM is {settings.mail_from!r}: write it as name@example.org") from error
        self._domain = sender.domain
        # Made once: parsing and checking headers is most of the work of composing a mail, and these never change.
        constant = {"From": sender, **ALWAYS}
        self._always = [SMTP_POLICY.header_factory(name, value) for name, value in constant.items()]
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """`address` is one address; Message-ID comes from the message's id, so a repetition can be known by it."""
        try:
            content = self.compose(address, outgoing)
        except (ValueError, IndexError, MessageError):
            return Drop("it is no e-mail address")
        try:
            async with self._connection() as connection:
                _, answer = await connection.sendmail(self._sender, [address], content)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return judge(error.recipients[0].code, error.recipients[0].message)
        except aiosmtplib.SMTPDataError as error:
            return judge(error.code, error.message)
        except aiosmtplib.SMTPResponseException as error:
            # Refused before the recipient was named: it is about the server or us, whatever the first digit.
            return Retry(_codes(error.code, error.message), provider_down=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(f"SMTP failed with {type(error).__name__}", provider_down=True)
        queued = QUEUED_AS.search(answer)
        return Sent(queued.group(1) if queued else None)

    async def close(self) -> None:
        """Let go of all connections."""
        while self._idle:
            self._idle.pop()[1].close()

    def compose(self, address: str, outgoing: Outgoing) -> bytes:
        """The mail as it goes over the wire. No text in it can make a header."""
        mail = EmailMessage(policy=SMTP_POLICY)
        for header in self._always:
            mail[header.name] = header
        mail["To"] = Address(addr_spec=address)
        mail["Subject"] = header_text(outgoing.text.subject or "")
        mail["Message-ID"] = f"<{outgoing.message_id}@{self._domain}>"
        mail["Date"] = datetime.now(UTC)
        # Base64 takes any text as it is; lines of text end in CR LF before it is encoded (RFC 2045).
        body = outgoing.text.body.replace("\r\n", "\n").replace("\n", "\r\n")
        mail.set_payload(base64.encodebytes(body.encode()).decode("ascii"))
        return mail.as_bytes()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        connection = self._kept() or await self._connected()
        try:
            yield connection
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused):
            self._keep(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def _kept(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_connected and time.monotonic() - since < IDLE_S_MAX:
                return connection
            connection.close()
        return None

    def _keep(self, connection: aiosmtplib.SMTP) -> None:
        if connection.is_connected:
            self._idle.append((time.monotonic(), connection))

    async def _connected(self) -> aiosmtplib.SMTP:
        # TLS is used where the server offers it. An answer has no bound of its own here: send.py bounds the whole.
        connection = aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=None)
        await connection.connect(timeout=CONNECT_WITHIN_S)
        return connection


def header_text(text: str) -> str:
    """A text that can stand in a header: line breaks and control characters become one space."""
    return UNPRINTABLE.sub(" ", text).strip()


def judge(code: int, message: str) -> Result:
    """What a refusal of the recipient or of the content means. The server's text may echo the address: codes only."""
    if code == 421:
        return Retry(_codes(code, message), provider_down=True)
    return Drop(_codes(code, message)) if 500 <= code < 600 else Retry(_codes(code, message))


def _codes(code: int, message: str) -> str:
    enhanced = ENHANCED_CODE.match(message)
    return f"SMTP {code} {enhanced.group()}" if enhanced else f"SMTP {code}"
