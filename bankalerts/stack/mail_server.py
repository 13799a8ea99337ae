"""The local mail server: a real SMTP server that keeps what it received, and a small HTTP page that shows it.

POST /behaviour {"mode": ...}: `accept` takes everything; `refuse` answers 550 to each recipient; `tempfail` answers 451;
`drop` takes the mail and closes the connection without its answer; `nonsense` takes it and answers what is no answer; `hang`
takes it and never answers; `down` refuses connections.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import logging
import ssl
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bankalerts import process, settings
from bankalerts.errors import BankalertsError
from bankalerts.stack.kept import LOOPBACK, Kept, arguments, routes, serve_http

MODES = ("accept", "refuse", "tempfail", "drop", "nonsense", "hang", "down")
RECIPIENT_ANSWERS = {"refuse": "550 5.1.1 No such user here", "tempfail": "451 4.7.1 Try again later"}


@dataclass(frozen=True, slots=True)
class Security:
    """What the server asks of its clients: TLS, which STARTTLS begins unless it is there from the start; a name and a password.

    It takes a password over TLS only.
    """

    tls: ssl.SSLContext
    from_the_start: bool = False
    login: tuple[str, str] | None = None


class MailServer:
    """The SMTP side: sessions, and how they are answered."""

    def __init__(self, kept: Kept, host: str, port: int, security: Security | None = None) -> None:
        self._security = security
        self._kept = kept
        self._host = host
        self._port = port
        self._mode = "accept"
        self._listener: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()

    async def open(self) -> None:
        """Take connections. Raises BankalertsError for a port in use."""
        loop = asyncio.get_running_loop()
        try:
            tls = self._security.tls if self._security and self._security.from_the_start else None
            self._listener = await loop.create_server(self._session, self._host, self._port, ssl=tls)
        except OSError as error:
            raise BankalertsError(
                f"port {self._port} cannot be used at {self._host} ({error.strerror}): choose another"
            ) from error

    async def close(self) -> None:
        """Refuse connections, end those that are open."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for session in list(self._sessions):
            _hang_up(session)

    async def behave(self, mode: str) -> None:
        """Change the mode. Raises ValueError for an unknown one."""
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}: use {', '.join(MODES)}")
        self._mode = mode
        if mode == "down":
            await self.close()
        elif self._listener is None:
            await self.open()

    async def handle_RCPT(  # noqa: N802  the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        if self._mode in RECIPIENT_ANSWERS:
            return RECIPIENT_ANSWERS[self._mode]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, then answer, or not."""
        # The older of the email package's two readers: it is five times as fast, and this server shares its machine.
        mail = email.message_from_bytes(envelope.original_content or b"")
        message_id = _decoded(mail["Message-ID"]).strip("<> ")
        for recipient in envelope.rcpt_tos:
            self._kept.add(
                channel="EMAIL",
                to=recipient,
                subject=_decoded(mail["Subject"]),
                body=_plain_text(mail),
                message_id=message_id.partition("@")[0],
            )
        if self._mode == "drop":
            _hang_up(server)
        elif self._mode == "hang":
            await asyncio.Event().wait()
        elif self._mode == "nonsense":
            return f"<html>{envelope.rcpt_tos[0]} got it"
        return f"250 2.0.0 OK: queued as {uuid4().hex[:12].upper()}"

    def _session(self) -> SMTP:
        session = SMTP(self, hostname="localhost", ident="bankalerts local mail server", **self._secured())
        self._sessions.add(session)
        return session

    def _secured(self) -> dict[str, Any]:
        if self._security is None:
            return {}
        by_command = {} if self._security.from_the_start else {"tls_context": self._security.tls, "require_starttls": True}
        if self._security.login is None:
            return by_command
        login = {"authenticator": partial(_authenticate, self._security.login), "auth_required": True}
        return {**by_command, **login, "auth_require_tls": not self._security.from_the_start}


def _authenticate(
    login: tuple[str, str], _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any
) -> AuthResult:
    is_right = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == login
    return AuthResult(success=is_right, handled=is_right)


def _hang_up(session: SMTP) -> None:
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()


def _decoded(header: str | None) -> str:
    return str(make_header(decode_header(header or "")))


def _plain_text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            content = part.get_payload(decode=True)
            text = content.decode(part.get_content_charset("utf-8"), "replace") if isinstance(content, bytes) else ""
            return text.replace("\r\n", "\n").rstrip("\n")
    return ""


async def serve(
    smtp_port: int, http_port: int, home: Path, stop: asyncio.Event, ready: Callable[[], None], host: str = LOOPBACK
) -> None:
    """Serve at `host` until `stop` is set; `ready` is called once mail is taken. Raises BankalertsError for a port in use."""
    kept = Kept(home)
    server = MailServer(kept, host, smtp_port)
    await server.open()
    application = web.Application()
    application.add_routes(routes(kept, "E-mails received", server.behave))
    runner = await serve_http(application, http_port, host)
    ready()
    await stop.wait()
    await server.close()
    await runner.cleanup()
    kept.close()


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    taken = arguments("The local mail server.")
    taken.add_argument("--smtp-port", type=int, required=True)
    taken.add_argument("--http-port", type=int, required=True, help="port of the page that shows what was received")
    return taken


def main() -> None:
    """Run on the ports given. Raises BankalertsError when it cannot."""
    given = parser().parse_args()
    process.configure_logging("mail-server")
    # It would write addresses at INFO.
    logging.getLogger("mail.log").setLevel(logging.ERROR)

    async def until_signalled() -> None:
        stop = process.stop_event_of_loop()
        ready = partial(process.announce_ready, settings.load())
        await serve(given.smtp_port, given.http_port, given.home, stop, ready, given.host)

    asyncio.run(until_signalled())


if __name__ == "__main__":
    process.run(main)
