"""POST over kept HTTP/1.1 connections, one request at a time on each.

aiohttp's client costs four times the processor for each request and would be the limit of PUSH and SMS.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from typing import cast

from notifier.http_answer import ANSWER_BYTES_MAX, Answer, NoAnswerError, NotSentError

CONNECT_WITHIN_S = 3.0
# Servers close a connection that is idle for some time: one that was idle this long is not used again.
IDLE_S_MAX = 15.0
HEAD_BYTES_MAX = 32768
END_OF_LINE = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\x00]*?)[ \t]*")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
WITHOUT_BODY = frozenset({204, 304})


class Http1:
    """One server, with its kept connections."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, connections: int) -> None:
        """So many `connections` at most; further requests wait for one."""
        self._host = host
        self._port = port
        self._tls = tls
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(connections)

    async def post(self, head: bytes, body: bytes) -> Answer:
        """POST and read the answer. `head` is all lines up to the body's length, each ended.

        Raises NotSentError or NoAnswerError. It has no bound in time; when it is cancelled, the connection goes.
        """
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        async with self._places:
            connection = self._kept() or await self._connected()
            answer = await connection.ask(request)
            if connection.is_usable:
                self._idle.append(connection)
            return answer

    async def close(self) -> None:
        """Let go of all connections."""
        while self._idle:
            self._idle.pop().end()

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and connection.idle_s() < IDLE_S_MAX:
                return connection
            connection.end()
        return None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                _, made = await loop.create_connection(
                    lambda: _Connection(loop), self._host, self._port, ssl=self._tls, happy_eyeballs_delay=0.25
                )
        except OSError as error:  # TimeoutError and ssl.SSLError are among them
            raise NotSentError(f"no connection: {type(error).__name__}") from error
        return made


class _Connection(asyncio.Protocol):
    """One connection. `is_usable`: another request may go over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_usable = True
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._reader = AnswerReader()
        self._last_used = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what the server says; nobody asked while no request waits."""
        if self._waiting is None or self._waiting.done():
            self.end()
            return
        self._advance(lambda: self._reader.feed(data))

    def eof_received(self) -> None:
        """An answer without a length ends so."""
        self.is_usable = False
        if self._reader.ends_with_connection:
            self._advance(self._reader.end)

    def connection_lost(self, _exc: Exception | None) -> None:
        """No answer comes any more."""
        self.is_usable = False
        self._fail("the connection ended")

    async def ask(self, request: bytes) -> Answer:
        """Send a request, wait for its answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise NotSentError("the connection ended before")
        self._waiting = self._loop.create_future()
        self._reader = AnswerReader()
        transport.write(request)
        try:
            return await self._waiting
        except BaseException:
            self.end()
            raise
        finally:
            self._waiting = None
            self._last_used = self._loop.time()

    def idle_s(self) -> float:
        """Seconds since its last answer."""
        return self._loop.time() - self._last_used

    def end(self) -> None:
        """End it now."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    def _advance(self, read: Callable[[], Answer | None]) -> None:
        try:
            answer = read()
        except ValueError:
            self._fail("what came is no HTTP")
            self.end()
            return
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)
            if not self._reader.leaves_usable:
                self.end()

    def _fail(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswerError(why))


class AnswerReader:
    """Reads one answer from what comes, however it is cut. `leaves_usable`: the connection may be used for another."""

    def __init__(self) -> None:
        self.leaves_usable = False
        self._unread = b""
        self._status = 0
        self._headers: dict[str, str] = {}
        self._read_body: Callable[[], bytes | None] | None = None
        self._length = 0
        self._chunks: list[bytes] = []
        self._is_too_long = False

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once it is whole. Raises ValueError for what is no answer of HTTP/1."""
        self._unread += data
        while self._read_body is None:
            if not self._read_head():
                return None
        body = self._read_body()
        if self._is_too_long:
            self.leaves_usable = False
            return Answer(self._status, self._headers, None)
        if body is None:
            return None
        self.leaves_usable = self.leaves_usable and not self._unread
        return Answer(self._status, self._headers, body)

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection makes the answer whole."""
        return self._read_body == self._until_end

    def end(self) -> Answer:
        """The answer that the end of the connection made whole."""
        self.leaves_usable = False
        return Answer(self._status, self._headers, self._unread)

    def _read_head(self) -> bool:
        end = self._unread.find(END_OF_HEAD)
        if end < 0:
            if len(self._unread) > HEAD_BYTES_MAX or not b"HTTP/1."[: len(self._unread)] == self._unread[:7]:
                raise ValueError("no head of an answer")
            return False
        first, *lines = self._unread[:end].split(END_OF_LINE)
        self._unread = self._unread[end + len(END_OF_HEAD) :]
        named = STATUS_LINE.fullmatch(first)
        if named is None:
            raise ValueError("no status line")
        self._status = int(named[2])
        self._headers = _headers(lines)
        if self._status >= 200:
            self._choose_body(is_newest=named[1] == b"1")
        elif self._status == 101:
            raise ValueError("nobody asked for another protocol")
        return True

    def _choose_body(self, is_newest: bool) -> None:
        coding, length = self._headers.get("transfer-encoding"), self._headers.get("content-length")
        said = self._headers.get("connection", "").lower()
        self.leaves_usable = "close" not in said and (is_newest or "keep-alive" in said)
        if self._status in WITHOUT_BODY:
            self._read_body = self._by_length
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise ValueError("a body of no known length")
            self._read_body = self._by_chunks
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise ValueError("no length")
            self._length = int(length[:20])
            self._is_too_long = self._length > ANSWER_BYTES_MAX
            self._read_body = self._by_length
        else:
            self._read_body = self._until_end

    def _by_length(self) -> bytes | None:
        return self._take(self._length)

    def _until_end(self) -> bytes | None:
        self._is_too_long = len(self._unread) > ANSWER_BYTES_MAX
        return None

    def _by_chunks(self) -> bytes | None:
        while True:
            end = self._unread.find(END_OF_LINE)
            if end < 0:
                if len(self._unread) > HEAD_BYTES_MAX:
                    raise ValueError("no chunk")
                return None
            named = CHUNK_SIZE.fullmatch(self._unread[:end])
            if named is None:
                raise ValueError("no chunk")
            size = int(named[1], 16)
            if size == 0:
                return self._trailer(end)
            self._is_too_long = self._length + size > ANSWER_BYTES_MAX
            whole = end + 2 * len(END_OF_LINE) + size
            if self._is_too_long or len(self._unread) < whole:
                return None
            chunk = self._unread[end + len(END_OF_LINE) : whole]
            if not chunk.endswith(END_OF_LINE):
                raise ValueError("a chunk of another length")
            self._chunks.append(chunk[: -len(END_OF_LINE)])
            self._length += size
            self._unread = self._unread[whole:]

    def _trailer(self, at: int) -> bytes | None:
        end = self._unread.find(END_OF_HEAD, at)
        if end < 0:
            if len(self._unread) > HEAD_BYTES_MAX:
                raise ValueError("no end of the chunks")
            return None
        self._unread = self._unread[end + len(END_OF_HEAD) :]
        return b"".join(self._chunks)

    def _take(self, count: int) -> bytes | None:
        if len(self._unread) < count:
            return None
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        named = HEADER.fullmatch(line)
        if named is None:
            raise ValueError("no header")
        name, value = named[1].decode("ascii").lower(), named[2].decode("latin-1")
        if name == "content-length" and headers.get(name, value) != value:
            raise ValueError("two lengths")
        headers[name] = value
    return headers
