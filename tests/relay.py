"""A TCP relay before a server of a test, which can be gone, silent, or talk nonsense, whatever the server does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

GARBAGE = b"\x00\xff what? \r\n\r\n"
PASS, DOWN, SILENT, GARBLED = "pass", "down", "silent", "garbled"


class Relay:
    """Listens at `port` and passes everything to a server on this machine and back, unless `mode` says otherwise.

    DOWN: nobody listens. SILENT: what the client sends arrives, and no answer comes back. GARBLED: the answer is none.
    """

    def __init__(self, server_port: int, port: int = 0) -> None:
        self.port = port
        self._server_port = server_port
        self._mode = PASS
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._relaying: set[asyncio.Task[None]] = set()

    async def behave(self, mode: str) -> None:
        """Change the mode; if it is another one, what is open ends."""
        if mode != self._mode:
            self.cut()
        self._mode = mode
        if mode == DOWN:
            await self.close()
        elif self._listener is None:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End all connections, without a word."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def close(self) -> None:
        """Listen no more."""
        self.cut()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in self._relaying:
            task.cancel()
        await asyncio.gather(*self._relaying, return_exceptions=True)

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._open |= {to_client, to_server}
        self._start(self._pump(from_client, to_server, to_server=True))
        self._start(self._pump(from_server, to_client, to_server=False))

    def _start(self, pump: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(pump)
        self._relaying.add(task)
        task.add_done_callback(self._relaying.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if to_server or self._mode == PASS:
                    writer.write(data)
                elif self._mode == GARBLED:
                    writer.write(GARBAGE)
                    writer.close()
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relay(server_port: int, port: int = 0) -> AsyncIterator[Relay]:
    """A relay that passes, until the end of the block; at `port`, at any unless given."""
    made = Relay(server_port, port)
    await made.behave(PASS)
    try:
        yield made
    finally:
        await made.close()
