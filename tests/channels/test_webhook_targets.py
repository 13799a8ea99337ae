"""A webhook's address is a customer's choice: none of them leads into the bank's own networks, whatever it says and becomes.

A listener on every address of this machine counts connections; Python's audit of `socket.connect` counts attempts at any other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bankalerts.errors import BankalertsError
from notifier.channels.webhook import Receivers
from notifier.message import Drop, Retry, Sent
from notifier.public_address import is_public
from tests.webhook_listener import Listener, listening, play, receivers, send

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
