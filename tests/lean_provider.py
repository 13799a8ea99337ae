"""A provider that is never the limit: canned answers over bare asyncio, in a process of its own.

`python -m tests.lean_provider --port 1 --port 2 --ready FILE`: each port is a provider. A POST to /behaviour of the
port given by `--control` says how a port goes on: {"port": 1, "delay_ms": 0, "status": 200, "listens": true}. With `--ledger`
each message is written to a file before it is answered, a JSON list in a line: message_id, to, port. With `--drop-share 0.05`
so many of the answers are dropped: the message is taken and the connection closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

import requests

from tests.waiting import wait_until

LOOPBACK = "127.0.0.1"
END_OF_HEADERS = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass
class Port:
    """One provider: how it answers, and who is connected."""

    number: int
    delay_s: float = 0.0
    status: int = 200
    server: asyncio.Server | None = None
    connections: set[asyncio.Transport] = field(default_factory=set)


@dataclass
class Ledger:
    """What all ports share."""

    file: TextIO | None
    drop_share: float
    chance: random.Random
    taken: int = 0

    def take(self, port: Port, body: bytes) -> None:
        """Write a message down; it is on its way to the disk before the answer leaves."""
        self.taken += 1
        if self.file is not None:
            message = json.loads(body)
            self.file.write(json.dumps([message["message_id"], message["to"], port.number]) + "\n")
            self.file.flush()

    def drops(self) -> bool:
        """Whether the next answer is dropped."""
        return self.drop_share > 0 and self.chance.random() < self.drop_share


class Connection(asyncio.Protocol):
    """One client: reads requests by their Content-Length, answers each in order."""

    def __init__(self, port: Port, ledger: Ledger) -> None:
        self._port = port
        self._ledger = ledger
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._port.connections.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._port.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(END_OF_HEADERS)) >= 0:
            body_at = end + len(END_OF_HEADERS)
            body_end = body_at + content_length(self._received[:end])
            if len(self._received) < body_end:
                return
            body, self._received = self._received[body_at:body_end], self._received[body_end:]
            self._take(body)

    def _take(self, body: bytes) -> None:
        if self._port.status < 300:
            self._ledger.take(self._port, body)
        if self._ledger.drops():
            self._transport.abort()
        elif self._port.delay_s:
            asyncio.get_running_loop().call_later(self._port.delay_s, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer(self._port.status, b'{"provider_ref":"lean-%d"}' % self._ledger.taken))


class Control(asyncio.Protocol):
    """Takes one behaviour per request."""

    def __init__(self, ports: dict[int, Port], ledger: Ledger) -> None:
        self._ports = ports
        self._ledger = ledger
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(END_OF_HEADERS)
        if end < 0 or len(self._received) < end + len(END_OF_HEADERS) + content_length(self._received[:end]):
            return
        told = json.loads(self._received[end + len(END_OF_HEADERS) :])
        self._received = b""
        self._behaving = asyncio.ensure_future(self._behave(**told))

    async def _behave(self, port: int, delay_ms: float = 0.0, status: int = 200, listens: bool = True) -> None:
        told = self._ports[port]
        told.delay_s, told.status = delay_ms / 1000, status
        if listens and told.server is None:
            await listen(told, self._ledger)
        elif not listens and told.server is not None:
            told.server.close()
            told.server = None
            for connection in list(told.connections):
                connection.abort()
        self._transport.write(answer(200, b'{"taken":%d}' % self._ledger.taken))


def content_length(headers: bytes) -> int:
    """0 where there is none."""
    low = headers.lower()
    at = low.find(LENGTH)
    return int(low[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def answer(status: int, body: bytes) -> bytes:
    """A whole answer with this JSON body."""
    return b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def listen(port: Port, ledger: Ledger) -> None:
    """Take connections at the port."""
    loop = asyncio.get_running_loop()
    port.server = await loop.create_server(partial(Connection, port, ledger), LOOPBACK, port.number)


async def serve(numbers: list[int], control: int | None, ledger: Ledger, ready: Callable[[], None]) -> None:
    """Until SIGTERM; `ready` is called once all ports listen."""
    ports = {number: Port(number) for number in numbers}
    for port in ports.values():
        await listen(port, ledger)
    loop = asyncio.get_running_loop()
    if control is not None:
        await loop.create_server(partial(Control, ports, ledger), LOOPBACK, control)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    ready()
    await stop.wait()


@contextmanager
def lean_provider(folder: Path, ports: list[int], *arguments: str, control: int | None = None) -> Iterator[LeanProvider]:
    """A running one; ended afterwards."""
    ready = folder / f"lean-{ports[0]}.ready"
    words = [word for port in ports for word in ("--port", str(port))]
    if control is not None:
        words += ["--control", str(control)]
    process = subprocess.Popen((sys.executable, "-m", "tests.lean_provider", *words, "--ready", str(ready), *arguments))
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, 20, "the lean provider is ready")
        assert process.poll() is None, "the lean provider ended"
        yield LeanProvider(control)
    finally:
        process.terminate()
        process.wait(timeout=10)


@dataclass(frozen=True)
class LeanProvider:
    """How a test speaks with a running one."""

    control: int | None

    def behave(self, port: int, **told: float | bool) -> None:
        """From now on; what is not told goes back to accepting at once."""
        url = f"http://{LOOPBACK}:{self.control}/behaviour"
        requests.post(url, json={"port": port, **told}, timeout=10).raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--control", type=int)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--drop-share", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ready", type=Path, required=True)
    given = parser.parse_args()
    file = given.ledger.open("a", encoding="utf-8") if given.ledger else None
    ledger = Ledger(file, given.drop_share, random.Random(given.seed))
    asyncio.run(serve(given.port, given.control, ledger, given.ready.touch))


if __name__ == "__main__":
    main()
