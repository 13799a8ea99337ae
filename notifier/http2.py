"""POST over one kept HTTP/2 connection, many requests at once on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, NoAvailableStreamIDError
from h2.settings import SettingCodes

from notifier.http_answer import ANSWER_BYTES_MAX, Answer, NoAnswerError, NotSentError

# At DEBUG it writes every header: tokens, and the device in the path.
logging.getLogger("hpack").setLevel(logging.INFO)

CONNECT_WITHIN_S = 3.0
# Before the next connection, after so many in a row on which nothing was answered: one is an accident.
PAUSE_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
BODY_BYTES_MAX = 16384  # one frame, whatever the server allows beyond
FRAME_HEAD_BYTES = 9
FRAME_BYTES_MAX = 16384  # what HTTP/2 allows a server that was not told to send more
GOAWAY = 7


class Http2:
    """One server, with a connection that is made when it is needed and given up when it is suspect.

    A server that ends connections before it answers anything is left alone for a while: each request would make another.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        """`tls` is changed: it offers HTTP/2 and nothing else."""
        tls.set_alpn_protocols(["h2"])
        self._host = host
        self._port = port
        self._tls = tls
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._in_vain = 0  # connections in a row
        self._not_before = 0.0

    async def post(self, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """POST and read the answer. Raises NotSentError or NoAnswerError, whose texts hold kinds of failures only.

        `body` is at most BODY_BYTES_MAX. It has no bound in time; when it is cancelled, the stream is reset.
        """
        while True:
            connection = await self._usable()
            stream_id = await connection.begin([*self._pseudo(path), *headers], body)
            if stream_id is not None:
                return await connection.answer(stream_id)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.abort()

    def _pseudo(self, path: str) -> list[tuple[str, str]]:
        return [(":method", "POST"), (":scheme", "https"), (":authority", f"{self._host}:{self._port}"), (":path", path)]

    async def _usable(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.is_retired:
                self._connection = await self._anew()
            return self._connection

    async def _anew(self) -> _Connection:
        if self._connection is not None:
            self._note_end(self._connection.has_answered)
            self._connection = None
        if asyncio.get_running_loop().time() < self._not_before:
            raise NotSentError("the server ended the last connections at once")
        try:
            return await self._connected()
        except NotSentError:
            self._note_end(has_answered=False)
            raise

    def _note_end(self, has_answered: bool) -> None:
        self._in_vain = 0 if has_answered else self._in_vain + 1
        pause_s = PAUSE_S[min(self._in_vain, len(PAUSE_S)) - 1] if self._in_vain else 0.0
        self._not_before = asyncio.get_running_loop().time() + pause_s

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                _, made = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except OSError as error:  # TimeoutError and ssl.SSLError are among them
            raise NotSentError(f"no connection: {type(error).__name__}") from error
        if made.is_retired:
            raise NotSentError("the server speaks no HTTP/2")
        return made


@dataclass(slots=True)
class _Stream:
    """One request that waits for its answer."""

    done: asyncio.Future[None]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Connection(asyncio.Protocol):
    """One connection. `is_retired`: it takes no new request, and ends with the last one that it has."""

    def __init__(self) -> None:
        self.is_retired = False
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._unread = b""
        self._answers_heard = 0
        self._moved = asyncio.Event()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the server, if it speaks HTTP/2."""
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            self.abort()
            return
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.ENABLE_PUSH: 0})
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what the server says."""
        self._unread += data
        try:
            while (frame := self._next_frame()) is not None:
                self._take_frame(frame)
        except (H2Error, ValueError):  # what it sent is no HTTP/2, or no text
            self.abort()
            return
        self._flush()
        self._let_others_look()
        self._end_if_idle()

    def connection_lost(self, _exc: Exception | None) -> None:
        """No answer comes any more."""
        self.is_retired = True
        for stream in self._streams.values():
            _fail(stream, NoAnswerError("the connection ended"))
        self._let_others_look()

    # What Http2 calls

    @property
    def has_answered(self) -> bool:
        """Whether the server said anything of any request."""
        return self._answers_heard > 0

    async def begin(self, headers: list[tuple[str, str]], body: bytes) -> int | None:
        """Send the request, once the server takes another; None when the connection takes no more, and nothing was sent."""
        while not self.is_retired and self._is_full(len(body)):
            await self._next_move()
        if self.is_retired:
            return None
        try:
            stream_id = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream_id, headers)
            self._h2.send_data(stream_id, body, end_stream=True)
        except NoAvailableStreamIDError:
            self.is_retired = True
            self._end_if_idle()
            return None
        self._streams[stream_id] = _Stream(asyncio.get_running_loop().create_future())
        self._flush()
        return stream_id

    async def answer(self, stream_id: int) -> Answer:
        """The answer to a request that was begun."""
        stream = self._streams[stream_id]
        heard_before = self._answers_heard
        try:
            await stream.done
        except asyncio.CancelledError:
            self._reset(stream_id)
            # No answer to anybody all the time: it is probably dead, and what comes next had better take another.
            self.is_retired = self.is_retired or self._answers_heard == heard_before
            raise
        finally:
            del self._streams[stream_id]
            self._let_others_look()
            self._end_if_idle()
        return Answer(stream.status, stream.headers, stream.body)

    def abort(self) -> None:
        """End it now."""
        self.is_retired = True
        if self._transport is not None:
            self._transport.abort()

    # What happens on it

    def _next_frame(self) -> bytes | None:
        if len(self._unread) < FRAME_HEAD_BYTES:
            return None
        length = int.from_bytes(self._unread[:3], "big")
        if length > FRAME_BYTES_MAX:
            raise ValueError("no frame of HTTP/2 is so long")
        end = FRAME_HEAD_BYTES + length
        if len(self._unread) < end:
            return None
        frame, self._unread = self._unread[:end], self._unread[end:]
        return frame

    def _take_frame(self, frame: bytes) -> None:
        # h2 takes a connection for closed at once when the server goes away, and would drop the answers that still come.
        if frame[3] == GOAWAY:
            self._retire(int.from_bytes(frame[FRAME_HEAD_BYTES : FRAME_HEAD_BYTES + 4], "big"))
            return
        for event in self._h2.receive_data(frame):
            self._take(event)

    def _take(self, event: events.Event) -> None:
        stream = self._streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        if stream is None or stream.done.done():
            return
        self._answers_heard += 1
        if isinstance(event, events.ResponseReceived):
            stream.headers = {str(name): str(value) for name, value in event.headers or ()}
            stream.status = int(stream.headers[":status"])
        elif isinstance(event, events.DataReceived):
            stream.body += event.data or b""
            if len(stream.body) > ANSWER_BYTES_MAX:
                self._reset(event.stream_id)
                _fail(stream, NoAnswerError("the answer is too long"))
        elif isinstance(event, events.StreamEnded):
            stream.done.set_result(None)
        elif isinstance(event, events.StreamReset):
            refused = event.error_code == ErrorCodes.REFUSED_STREAM
            _fail(stream, NotSentError("refused the stream") if refused else NoAnswerError("the server reset the stream"))

    def _retire(self, last_stream_id: int) -> None:
        # The server promises that it did not look at later streams; those up to it are answered still.
        self.is_retired = True
        for stream_id, stream in self._streams.items():
            if stream_id > last_stream_id:
                _fail(stream, NotSentError("the server goes away"))

    def _is_full(self, length: int) -> bool:
        if self._h2.open_outbound_streams >= self._h2.remote_settings.max_concurrent_streams:
            return True
        window = min(self._h2.outbound_flow_control_window, self._h2.remote_settings.initial_window_size)
        return length > window

    def _reset(self, stream_id: int) -> None:
        with contextlib.suppress(H2Error):
            self._h2.reset_stream(stream_id, ErrorCodes.CANCEL)
        self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _let_others_look(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _next_move(self) -> None:
        await self._moved.wait()

    def _end_if_idle(self) -> None:
        if self.is_retired and not self._streams and self._transport is not None:
            self._transport.close()


def _fail(stream: _Stream, error: Exception) -> None:
    if not stream.done.done():
        stream.done.set_exception(error)
