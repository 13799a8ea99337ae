"""A webhook's address is a customer's choice: none of them leads into the bank's own networks, whatever it says and becomes.

A listener on every address of this machine counts connections; Python's audit of `socket.connect` counts attempts at any other.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from bankalerts.errors import BankalertsError
from notifier.channels.webhook import Receivers
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text
from notifier.public_address import is_public

OLDEST, OLD, NEW = (f"whsec_{letter * 32}" for letter in "ABC")
OUTGOING = Outgoing(
    UUID(int=7), Text("Your balance", "€90.00 <b>\n"), "BALANCE_BELOW", 1, "nl-NL", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
)
# A connection that is kept stays with the address that was checked: here each message needs a new one.
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

# Beside them, everything is asked with https and with http.
FORBIDDEN = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[100::1]",
    "[2001::7f00:1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%251]",
    "[fec0::1]",
    "[ff02::1]",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "１２７.０.０.１",  # noqa: RUF001  digits that a browser takes for 127.0.0.1
]
NO_TARGETS = [
    "https://user@127.0.0.1:{port}/",
    "https://example.org@127.0.0.1:{port}/",
    "https://:secret@[::1]:{port}/",
    "https://127.0.0.1:{port}#@example.org/",
    "https://127.0.0.1:{port}\\@example.org/",
    "https://\t127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\r\nHost: example.org",
    "https://127.0.0.1:99999/",
    "https:///hook",
    "https://",
    "//127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "unix:///run/postgresql.sock",
    "",
]


class Audit:
    """What this process tries to connect to. A hook of the interpreter stays for good, so there is one, told when to look."""

    def __init__(self) -> None:
        self._tried: list[Any] | None = None
        sys.addaudithook(self._note)

    @contextmanager
    def watching(self) -> Iterator[list[Any]]:
        """The addresses that are tried within the block."""
        tried: list[Any] = []
        self._tried = tried
        try:
            yield tried
        finally:
            self._tried = None

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and self._tried is not None:
            self._tried.append(arguments[1])


@pytest.fixture(scope="session")
def audit() -> Audit:
    """The audit of this process."""
    return Audit()


@dataclass
class Listener:
    """An HTTP server that answers the same bytes to every request, and keeps what it got."""

    answer: bytes = OK
    hosts: tuple[str, ...] = ("0.0.0.0", "::")  # every address of this machine
    port: int = 0
    connections: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                headers = dict(line.split(": ", 1) for line in head)
                self.requests.append((headers, await reader.readexactly(int(headers["Content-Length"]))))
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[Listener]:
    """The listener until the end of the block, at one port of all its addresses."""
    servers = []
    for host in listener.hosts:
        servers.append(await asyncio.start_server(listener.serve, host, listener.port))
        listener.port = servers[-1].sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        for server in servers:
            server.close()


async def send(receivers: Receivers, url: str, secrets: tuple[str, ...] = (NEW,)) -> Result:
    """One message to this address."""
    async with asyncio.timeout(10):
        return await receivers.send(Target("hook", url, None, secrets), OUTGOING)


@asynccontextmanager
async def receivers(
    networks: str = "", resolve: Callable[[str], Awaitable[list[str]]] | None = None
) -> AsyncIterator[Receivers]:
    """WEBHOOK's provider."""
    made = Receivers(networks, 64, resolve)
    try:
        yield made
    finally:
        await made.close()


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario within a bound."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())


def test_forbidden_targets_get_no_connection(audit: Audit) -> None:
    async def scenario() -> None:
        assert len(FORBIDDEN) + len(NO_TARGETS) >= 40
        async with listening(Listener()) as listener, receivers() as provider:
            hosts = [f"{scheme}://{host}:{listener.port}/hook" for host in FORBIDDEN for scheme in ("https", "http")]
            with audit.watching() as tried:
                for url in hosts + [url.format(port=listener.port) for url in NO_TARGETS]:
                    result = await send(provider, url)
                    assert isinstance(result, Drop | Retry), url
                    assert not isinstance(result, Retry) or url.split("/")[2][:1] in "1１lL", url  # noqa: RUF001  a name may not be known
            assert tried == []
            assert listener.connections == 0

    play(scenario)


def test_what_the_operator_named_is_reached(audit: Audit) -> None:
    """The listener and the audit see connections, where there are any."""

    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.0/8") as provider:
            with audit.watching() as tried:
                assert isinstance(await send(provider, f"http://127.0.0.2:{listener.port}/hook"), Sent)
            assert tried == [("127.0.0.2", listener.port)]
            assert listener.connections == 1
            with audit.watching() as tried:
                assert isinstance(await send(provider, f"http://[::1]:{listener.port}/hook"), Drop)
            assert tried == []

    play(scenario)


def test_a_name_that_changes_its_address_gets_no_connection(audit: Audit) -> None:
    """Of whatever a name resolves to in turn: only what was checked is connected to, and each name is asked once for it."""

    async def scenario() -> None:
        answers = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.2", "::1"], [], ["127.0.0.2"]]
        asked: list[str] = []

        async def rebinding(host: str) -> list[str]:
            asked.append(host)
            return answers[len(asked) - 1]

        async with listening(Listener()) as listener, receivers("127.0.0.2/32", rebinding) as provider:
            with audit.watching() as tried:
                url = f"http://rebinding.example:{listener.port}/hook"
                results = [type(await send(provider, url)) for _ in answers]
            assert results == [Sent, Drop, Drop, Drop, Retry, Sent]
            assert set(tried) == {("127.0.0.2", listener.port)}
            assert len(tried) == listener.connections == 2
            assert asked == ["rebinding.example"] * len(answers)

    play(scenario)


def test_a_public_name_that_rebinds_gets_no_connection_over_tls(audit: Audit) -> None:
    async def scenario() -> None:
        asked = 0

        async def rebinding(_host: str) -> list[str]:
            nonlocal asked
            asked += 1
            return ["127.0.0.1"] if asked % 2 else ["93.184.215.14", "169.254.169.254"]

        async with listening(Listener()) as listener, receivers("", rebinding) as provider:
            with audit.watching() as tried:
                for _ in range(4):
                    assert isinstance(await send(provider, f"https://rebinding.example:{listener.port}/hook"), Drop)
            assert (tried, listener.connections, asked) == ([], 0, 4)

    play(scenario)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def scenario() -> None:
        async with listening(Listener()) as inside, listening(Listener(hosts=("127.0.0.2",))) as outside:
            location = f"http://127.0.0.2:{inside.port}/inside"
            outside.answer = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
            async with receivers("127.0.0.2/32") as provider:
                result = await send(provider, f"http://127.0.0.2:{outside.port}/hook")
            assert result == Retry(f"HTTP {status}")
            assert (outside.connections, inside.connections) == (1, 0)

    play(scenario)


def test_a_proxy_of_the_environment_is_not_used(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.2/32") as provider:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
            with audit.watching() as tried:
                assert isinstance(await send(provider, f"http://127.0.0.2:{listener.port}/hook"), Sent)
            assert tried == [("127.0.0.2", listener.port)]

    play(scenario)


def test_both_secrets_sign_while_they_are_exchanged() -> None:
    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.1/32") as provider:
            url = f"http://127.0.0.1:{listener.port}/hook?x=1"
            assert isinstance(await send(provider, url, (NEW, OLD, OLDEST)), Sent)
            assert isinstance(await send(provider, url, (NEW, OLD, OLDEST)), Sent)
            assert isinstance(await send(provider, url, (NEW,)), Sent)
        (headers, body), (again, _), (alone, _) = listener.requests
        for secret in (NEW, OLD):
            assert Webhook(secret).verify(body, headers) == {
                "type": "BALANCE_BELOW",
                "timestamp": "2026-03-01T12:30:00Z",
                "data": {
                    "message_id": str(OUTGOING.message_id),
                    "title": "Your balance",
                    "body": "€90.00 <b>\n",
                    "locale": "nl-NL",
                },
            }
        for secret, told in ((OLDEST, headers), (OLD, alone)):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body, told)
        assert headers["webhook-id"] == again["webhook-id"]
        assert "." not in headers["webhook-id"]
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(body.replace(b"90", b"99"), headers)

    play(scenario)


@pytest.mark.parametrize("secrets", [(), ("whsec_",), ("whsec_\x00",), (NEW, "nonsense!")])
def test_nothing_is_sent_unsigned(secrets: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.1/32") as provider:
            result = await send(provider, f"http://127.0.0.1:{listener.port}/hook", secrets)
            assert listener.connections == 0
            assert result == Drop("it has no secret to sign with")

    play(scenario)


def test_an_endless_answer_is_not_read() -> None:
    async def scenario() -> None:
        endless = Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100)
        async with listening(endless) as listener, receivers("127.0.0.1/32") as provider:
            assert isinstance(await send(provider, f"http://127.0.0.1:{listener.port}/hook"), Sent)

    play(scenario)


def test_one_receiver_that_hangs_leaves_room_for_the_others() -> None:
    async def scenario() -> None:
        async with (
            listening(Listener(b"", hosts=("127.0.0.2",))) as hanging,
            listening(Listener(hosts=("127.0.0.1",))) as working,
            receivers("127.0.0.0/8") as provider,
        ):
            held = [asyncio.create_task(send(provider, f"http://127.0.0.2:{hanging.port}/{n}")) for n in range(20)]
            done, waiting = await asyncio.wait(held, return_when=asyncio.ALL_COMPLETED, timeout=0.2)
            refused = [task.result() for task in done]
            assert refused
            assert all(isinstance(result, Retry) and result.after_s for result in refused)
            assert not any(isinstance(result, Retry) and result.provider_down for result in refused)
            assert isinstance(await send(provider, f"http://127.0.0.1:{working.port}/hook"), Sent)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    play(scenario)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", [host.strip("[]") for host in FORBIDDEN])
def test_no_forbidden_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("networks", ["127.0.0.1/99", "everything", "10.0.0.1/8"])
def test_a_wrong_network_is_named(networks: str) -> None:
    with pytest.raises(BankalertsError, match="BANKALERTS_WEBHOOK_NETWORKS"):
        Receivers(networks, 1)
