"""A server that a test listens with for webhooks, and WEBHOOK as the notifier calls it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from notifier.channels.webhook import Receivers
from notifier.message import Outgoing, Result, Target, Text

OLDEST, OLD, NEW = (f"whsec_{letter * 32}" for letter in "ABC")
OUTGOING = Outgoing(
    UUID(int=7), Text("Your balance", "€90.00 <b>\n"), "BALANCE_BELOW", 1, "nl-NL", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
)
# A connection that is kept stays with the address that was checked: here each message needs a new one.
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


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
