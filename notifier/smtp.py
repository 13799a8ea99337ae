"""A mail server of EMAIL: kept SMTP connections, and what the server's answers mean."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator
from uuid import UUID

import aiosmtplib

from notifier.mail import Composer, NoAddressError
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Unknown
from notifier.provider_url import ProviderUrl

CONNECT_WITHIN_S = 3.0
# Up to the recipient a silent server has certainly taken nothing; found out before the whole send is given up, of which
# nobody would know.
ANSWER_WITHIN_S = 4.0
# Servers close a connection that is idle for some minutes: one that was idle this long is not used again.
IDLE_S_MAX = 60.0
PORTS = {"smtp": 25, "smtps": 465}
QUEUED_AS = re.compile(r"queued as ([A-Za-z0-9.-]{1,80})\b")
ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)")
# The mailbox or its domain is not there, has moved, or takes no mail at all.
DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
# How TLS begins: always, never, or where the server offers it. aiosmtplib's `start_tls` by the option's word.
STARTTLS = {"starttls": True, "none": False, "try": None}
SHUTTING_DOWN = 421


class Smtp:
    """One server. URL: smtp://[user:password@]host:port?tls=starttls|none|try, smtps://[user:password@]host:port."""

    def __init__(self, url: ProviderUrl, composer: Composer, sender: str) -> None:
        """Raises BankalertsError naming what is wrong. A user's password goes over TLS only."""
        url.only(*(() if url.is_secure else ("tls",)))
        self._tls_option = url.options.get("tls", "starttls" if url.user else "try")
        if self._tls_option not in STARTTLS:
            raise url.error(f"has tls={self._tls_option}: write starttls, none or try")
        if url.user and not url.is_secure and self._tls_option != "starttls":
            raise url.error(f"has a user and tls={self._tls_option}: its password would be read by others, write tls=starttls")
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._url = url
        self._tls: ssl.SSLContext = url.tls_context()
        self._composer = composer
        self._sender = sender
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    def serves(self, _target: Target) -> bool:
        """Every address."""
        return True

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target` is one address."""
        try:
            content = self._composer.compose(target.address, outgoing)
        except NoAddressError:
            return Drop("it is no e-mail address")
        try:
            async with self._connection() as connection:
                return await self._transaction(connection, target.address, outgoing.message_id, content)
        except aiosmtplib.SMTPResponseException as error:
            # Refused before the recipient was named: it is about the server or us, whatever the first digit.
            return Retry(_codes(error.code, error.message), provider_down=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(f"SMTP failed with {type(error).__name__}", provider_down=True)

    async def close(self) -> None:
        """Let go of all connections."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _transaction(self, connection: aiosmtplib.SMTP, address: str, message_id: UUID, content: bytes) -> Result:
        """MAIL, RCPT, DATA. Raises what SMTP raises up to RCPT; from DATA on, no answer means that nobody knows."""
        tells = connection.supports_extension("dsn")
        # What comes back, should it bounce: the message's id and this address, and of the mail its headers alone.
        await connection.mail(self._sender, options=[f"ENVID={message_id}", "RET=HDRS"] if tells else [])
        try:
            await connection.rcpt(address, options=[f"ORCPT=rfc822;{xtext(address)}"] if tells else [])
        except aiosmtplib.SMTPRecipientRefused as error:
            await _end_transaction(connection)
            return judge(error.code, error.message)
        try:
            answer = await connection.data(content, timeout=None)
        except aiosmtplib.SMTPDataError as error:
            await _end_transaction(connection)
            return judge(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            # Its text may hold what the server said, and that an address.
            connection.close()
            return Unknown(f"no answer to the mail: {type(error).__name__}")
        queued = QUEUED_AS.search(answer.message)
        return Sent(queued.group(1) if queued else None)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        connection = self._kept() or await self._connected()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.is_connected:
            self._idle.append((time.monotonic(), connection))

    def _kept(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_connected and time.monotonic() - since < IDLE_S_MAX:
                return connection
            connection.close()
        return None

    async def _connected(self) -> aiosmtplib.SMTP:
        # The answer to a mail has no bound of its own: the whole send has one.
        connection = aiosmtplib.SMTP(
            hostname=self._url.host,
            port=self._url.port or PORTS[self._url.scheme],
            timeout=ANSWER_WITHIN_S,
            use_tls=self._url.is_secure,
            start_tls=False if self._url.is_secure else STARTTLS[self._tls_option],
            tls_context=self._tls,
            username=self._url.user,
            password=self._url.password or ("" if self._url.user else None),
        )
        try:
            await connection.connect(timeout=CONNECT_WITHIN_S)
        except BaseException:
            connection.close()
            raise
        return connection


def judge(code: int, message: str) -> Result:
    """What a refusal of the recipient or of the mail means. The server's text may echo the address: codes only."""
    said = _codes(code, message)
    if code == SHUTTING_DOWN:
        return Retry(said, provider_down=True)
    if 500 <= code < 600:
        enhanced = ENHANCED_CODE.match(message)
        return Drop(said, address_is_dead=enhanced is not None and enhanced.group() in DEAD)
    return Retry(said) if 400 <= code < 500 else Unknown(said)


def xtext(address: str) -> str:
    """An address as the extension for notifications takes it (RFC 3461, 4)."""
    return "".join(sign if "!" <= sign <= "~" and sign not in "+=" else f"+{ord(sign):02X}" for sign in address)


async def _end_transaction(connection: aiosmtplib.SMTP) -> None:
    """Have the server forget the sender, for the next mail on this connection. What cannot be ended is closed."""
    try:
        await connection.rset()
    except (aiosmtplib.SMTPException, OSError):
        connection.close()


def _codes(code: int, message: str) -> str:
    enhanced = ENHANCED_CODE.match(message)
    return f"SMTP {code} {enhanced.group()}" if enhanced else f"SMTP {code}"
