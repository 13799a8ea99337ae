"""EMAIL against a real mail server that asks for TLS and a login, or answers in its own ways."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme

from bankalerts.stack.kept import Kept
from bankalerts.stack.mail_server import MailServer, Security
from notifier.channels.email import Channel
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text, Unknown
from notifier.provider_url import provider_urls
from tests.notifying import free_port
from tests.rigs import settings

TARGET = Target("key", "ada@example.org")
OUTGOING = Outgoing(uuid4(), Text("Your balance", "€90.00 <b>"), "BALANCE_BELOW", 1, "nl-NL")
LOGIN = ("bank", "s3cret/ä")
USER = "bank:s3cret%2F%C3%A4@"


class Tls:
    """A root of certificates, the server's side of TLS with one for 127.0.0.1, and the file that trusts it."""

    def __init__(self, folder: Path) -> None:
        root = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        root.issue_cert("127.0.0.1").configure_cert(self.server)
        self.trusted = folder / "root.pem"
        root.cert_pem.write_to_path(self.trusted)


@asynccontextmanager
async def mail_server(folder: Path, security: Security | None) -> AsyncIterator[tuple[MailServer, Kept, int]]:
    """The local mail server until the end of the block, what it keeps, and its port."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    port = free_port()
    kept = Kept(folder)
    server = MailServer(kept, "127.0.0.1", port, security)
    await server.open()
    try:
        yield server, kept, port
    finally:
        await server.close()
        kept.close()


async def send(folder: Path, url: str, outgoing: Outgoing = OUTGOING) -> Result:
    """One mail by the provider that the URL names."""
    channel = Channel(settings(folder, smtp_url=url))
    try:
        async with asyncio.timeout(10):
            return await channel.providers[0].send(TARGET, outgoing)
    finally:
        await channel.close()


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario within a bound."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd knows of STARTTLS alone
@pytest.mark.parametrize(
    ("from_the_start", "url"),
    [
        (False, "smtp://{user}127.0.0.1:{port}?ca={ca}"),
        (False, "smtp://{user}127.0.0.1:{port}?tls=starttls&ca={ca}"),
        (True, "smtps://{user}127.0.0.1:{port}?ca={ca}"),
    ],
)
def test_a_mail_goes_over_tls_with_a_login(tmp_path: Path, from_the_start: bool, url: str) -> None:
    async def scenario() -> None:
        tls = Tls(tmp_path)
        async with mail_server(tmp_path, Security(tls.server, from_the_start, LOGIN)) as (_, kept, port):
            assert isinstance(await send(tmp_path, url.format(user=USER, port=port, ca=tls.trusted)), Sent)
            (mail,) = kept.since(0)
            assert (mail["to"], mail["subject"], mail["body"]) == (TARGET.address, "Your balance", "€90.00 <b>")
            for user in ("bank:wrong@", "nobody:s3cret@", "" if from_the_start else "bank@"):
                result = await send(tmp_path, url.format(user=user, port=port, ca=tls.trusted))
                assert isinstance(result, Retry), user
                assert result.provider_down, "it is about us, not about the recipient"
                assert "SMTP 53" in result.reason
            assert len(kept.since(0)) == 1

    play(scenario)


@pytest.mark.parametrize("option", ["", "&tls=starttls", "&tls=try"])
def test_a_server_that_nobody_vouches_for_gets_no_mail(tmp_path: Path, option: str) -> None:
    async def scenario() -> None:
        other = tmp_path / "other"
        other.mkdir()
        trusted = Tls(other).trusted
        async with mail_server(tmp_path, Security(Tls(tmp_path).server)) as (_, kept, port):
            result = await send(tmp_path, f"smtp://127.0.0.1:{port}?ca={trusted}{option}")
            assert isinstance(result, Retry)
            assert result.provider_down
            assert kept.since(0) == []

    play(scenario)


def test_no_password_and_no_mail_without_the_tls_that_is_asked_for(tmp_path: Path) -> None:
    """A server, or somebody on the way, that does not offer STARTTLS."""

    async def scenario() -> None:
        heard = b""

        async def listen_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal heard
            writer.write(b"220 mail.example ESMTP\r\n")
            while line := await reader.readline():
                heard += line
                writer.write(b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n" if line[:4].upper() == b"EHLO" else b"250 OK\r\n")
            writer.close()

        server = await asyncio.start_server(listen_in, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for url in (f"smtp://{USER}127.0.0.1:{port}", f"smtp://127.0.0.1:{port}?tls=starttls"):
            result = await send(tmp_path, url)
            assert isinstance(result, Retry)
            assert result.provider_down
        server.close()
        assert b"AUTH" not in heard
        assert b"MAIL" not in heard

    play(scenario)


def test_tls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    async def scenario() -> None:
        tls = Tls(tmp_path)
        # It takes no mail without.
        async with mail_server(tmp_path, Security(tls.server)) as (_, kept, port):
            assert isinstance(await send(tmp_path, f"smtp://127.0.0.1:{port}?ca={tls.trusted}"), Sent)
            refused = await send(tmp_path, f"smtp://127.0.0.1:{port}?tls=none")
            assert isinstance(refused, Retry)
            assert len(kept.since(0)) == 1
        async with mail_server(tmp_path, None) as (_, _, port):
            assert isinstance(await send(tmp_path, f"smtp://127.0.0.1:{port}"), Sent)

    play(scenario)


ANSWERS: list[tuple[dict[str, bytes | None], type[Any], str]] = [
    ({"MAIL": b"550 5.7.1 not you\r\n"}, Retry, "SMTP 550 5.7.1"),
    ({"MAIL": None}, Retry, "SMTP failed with SMTPServerDisconnected"),
    ({"RCPT": None}, Retry, "SMTP failed with SMTPServerDisconnected"),
    ({"RCPT": b"<html>ada@example.org\r\n"}, Retry, "SMTP -1"),
    ({"DATA": b"451 4.3.0 ada@example.org\r\n"}, Retry, "SMTP 451 4.3.0"),
    ({".": None}, Unknown, "no answer to the mail: SMTPServerDisconnected"),
    ({".": b"<html>ada@example.org\r\n"}, Unknown, "no answer to the mail: SMTPResponseException"),
    ({".": b"999 ada@example.org\r\n"}, Unknown, "SMTP 999"),
    ({".": b"2\r\n"}, Unknown, "SMTP 2"),
    ({".": b"250-" + b"x" * 100_000 + b"\r\n"}, Unknown, "no answer to the mail: SMTPResponseException"),
    ({".": b"452 4.2.2 ada@example.org is full\r\n"}, Retry, "SMTP 452 4.2.2"),
    ({"MAIL": b""}, Retry, "SMTP failed with SMTPReadTimeoutError"),
    ({"RCPT": b""}, Retry, "SMTP failed with SMTPReadTimeoutError"),
    ({"RSET": b"", "RCPT": b"550 5.1.1 ada@example.org\r\n"}, Drop, "SMTP 550 5.1.1"),
    ({"RSET": None, "RCPT": b"450 4.2.1 ada@example.org\r\n"}, Retry, "SMTP 450 4.2.1"),
]


@pytest.mark.parametrize(("answers", "kind", "reason"), ANSWERS)
def test_what_a_server_says_at_each_step(
    tmp_path: Path,
    answers: dict[str, bytes | None],
    kind: type[Any],
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`answers` by the command; None hangs up, nothing is silence."""
    monkeypatch.setattr("notifier.smtp.ANSWER_WITHIN_S", 0.2)
    usual = {"EHLO": b"250 mail.example\r\n", "DATA": b"354 go on\r\n"}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        is_data = False
        while line := await reader.readline():
            word = line.strip().decode()[:4].upper() if not is_data else line.strip().decode()
            if is_data and word != ".":
                continue
            is_data = word == "DATA"
            answer = {**usual, **answers}.get(word, b"250 2.0.0 OK\r\n")
            if answer is None:
                writer.transport.abort()
                return
            is_data = is_data and answer.startswith(b"354")
            writer.write(answer)
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with caplog.at_level(logging.DEBUG):
            result = await send(tmp_path, f"smtp://127.0.0.1:{port}")
        server.close()
        assert isinstance(result, kind)
        assert getattr(result, "reason", "").startswith(reason)
        assert TARGET.address not in caplog.text + getattr(result, "reason", "")

    play(scenario)


def test_a_connection_goes_on_after_a_refusal(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with mail_server(tmp_path, None) as (server, kept, port):
            url = f"smtp://127.0.0.1:{port}"
            channel = Channel(settings(tmp_path, smtp_url=url))
            (provider,) = channel.providers
            for mode in ("accept", "refuse", "accept", "tempfail", "accept"):
                await server.behave(mode)
                result = await provider.send(TARGET, OUTGOING)
                assert isinstance(result, Sent) == (mode == "accept")
            assert len(kept.since(0)) == 3
            await channel.close()
            assert provider_urls("X", url, "EMAIL", ("smtp",))[0].name == provider.name == "smtp"

    play(scenario)


@pytest.mark.parametrize(("offers", "mail", "rcpt"), [
    (b"250-mail.example\r\n250 DSN\r\n", f" ENVID={OUTGOING.message_id} RET=HDRS", " ORCPT=rfc822;ada+2Bb+3D@example.org"),
    (b"250 mail.example\r\n", "", ""),
], ids=["offers DSN", "offers nothing"])  # fmt: skip
def test_a_server_that_can_is_told_what_a_bounce_is_to_name(tmp_path: Path, offers: bytes, mail: str, rcpt: str) -> None:
    heard: list[str] = []
    answers = {b"EHLO": offers, b"DATA": b"354 go on\r\n"}

    async def listen_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := await reader.readline():
            heard.append(line.decode().strip())
            writer.write(answers.get(line[:4].upper(), b"250 2.0.0 OK\r\n"))
            if line == b"DATA\r\n":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 2.0.0 OK\r\n")
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(listen_in, "127.0.0.1", 0)
        channel = Channel(settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        assert isinstance(await channel.providers[0].send(Target("key", "ada+b=@example.org"), OUTGOING), Sent)
        await channel.close()
        server.close()
        (said_mail,) = [line for line in heard if line.startswith("MAIL")]
        (said_rcpt,) = [line for line in heard if line.startswith("RCPT")]
        assert said_mail.partition(">")[2] == mail
        assert said_rcpt == f"RCPT TO:<ada+b=@example.org>{rcpt}"

    play(scenario)
