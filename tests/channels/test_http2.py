"""The HTTP/2 client against a server that breaks off at every stage: what was certainly not taken, and what may be."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest
import trustme
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from notifier import http2
from notifier.http2 import Http2
from notifier.http_answer import Answer, NoAnswerError, NotSentError

OK = [(":status", "200"), ("name", "value")]


class Server(asyncio.Protocol):
    """One connection. `act` is called with the stream of each whole request, and does with the connection what it likes."""

    act: Callable[[Server, int], None]
    settings: dict[SettingCodes | int, int] = {}  # noqa: RUF012
    connections: list[Server] = []  # noqa: RUF012
    greeting = b""  # written at once, behind the settings

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client."""
        self.transport = cast("asyncio.Transport", transport)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.update_settings(self.settings)
        self.streams: list[int] = []
        self.at_once = 0
        self.is_endless = False
        self.connections.append(self)
        self.flush()
        self.transport.write(self.greeting)

    def data_received(self, data: bytes) -> None:
        """Act on each whole request."""
        for event in self.h2.receive_data(data):
            if isinstance(event, events.RequestReceived):
                self.at_once = max(self.at_once, self.h2.open_inbound_streams)
            if isinstance(event, events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            if isinstance(event, events.WindowUpdated) and self.is_endless and self.h2.open_inbound_streams:
                self.h2.send_data(self.streams[0], b"x" * 1000)
            if isinstance(event, events.StreamEnded):
                self.streams.append(event.stream_id or 0)
                type(self).act(self, event.stream_id or 0)
        self.flush()

    def answer(self, stream_id: int, body: bytes = b"done") -> None:
        """Answer well."""
        self.h2.send_headers(stream_id, OK)
        self.h2.send_data(stream_id, body, end_stream=True)
        self.flush()

    def flush(self) -> None:
        """Send what is to be sent."""
        self.transport.write(self.h2.data_to_send())


class Stage:
    """A client, and the class of its server's connections."""

    def __init__(self, client: Http2, server: type[Server]) -> None:
        self.client = client
        self.server = server

    async def post(self, body: bytes = b"{}") -> Answer:
        """One request."""
        return await self.client.post("/path", [("x", "y")], body)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the server's certificate."""
    return trustme.CA()


Play = Callable[..., None]


@pytest.fixture
def play(authority: trustme.CA) -> Play:
    """Runs a scenario with a server that acts so."""

    def run(
        scenario: Callable[[Stage], Awaitable[None]],
        act: Callable[[Server, int], None] = Server.answer,
        settings: dict[SettingCodes | int, int] | None = None,
        alpn: str = "h2",
        greeting: bytes = b"",
    ) -> None:
        async def on_stage() -> None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("127.0.0.1").configure_cert(tls)
            tls.set_alpn_protocols([alpn])
            trusting = ssl.create_default_context()
            authority.configure_trust(trusting)
            given = {"act": act, "settings": settings or {}, "connections": [], "greeting": greeting}
            kind: type[Server] = type("Acting", (Server,), given)
            server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0, ssl=tls)
            client = Http2("127.0.0.1", server.sockets[0].getsockname()[1], trusting)
            async with asyncio.timeout(20):
                await scenario(Stage(client, kind))
            await client.close()
            server.close()
            for connection in kind.connections:
                connection.transport.abort()

        asyncio.run(on_stage())

    return run


def _then_well(first: Callable[[Server, int], None]) -> Callable[[Server, int], None]:
    """Acts so on the first connection, and well on all others."""

    def act(server: Server, stream_id: int) -> None:
        (first if server is server.connections[0] else Server.answer)(server, stream_id)

    return act


def test_many_requests_share_a_connection(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.post() for _ in range(50)))
        assert answers == [Answer(200, {":status": "200", "name": "value"}, b"done")] * 50
        assert len(stage.server.connections) == 1

    play(scenario)


def test_no_more_streams_than_the_server_allows(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.post()  # the server's settings are known from now on
        answers = await asyncio.gather(*(stage.post() for _ in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        assert stage.server.connections[0].at_once == 1

    play(scenario, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 1})


def test_a_full_window_is_waited_for(play: Play) -> None:
    held: list[tuple[Server, int]] = []

    def hold(server: Server, stream_id: int) -> None:
        held.append((server, stream_id))
        if len(held) == 100:
            for each in held:
                Server.answer(*each)

    async def scenario(stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.post(b"x" * 4096) for _ in range(100)))
        assert [answer.status for answer in answers] == [200] * 100

    play(scenario, hold)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda server, _: server.transport.abort(), NoAnswerError),
        (lambda server, _: server.transport.write(b"\x00\xff what? \r\n\r\n"), NoAnswerError),
        (lambda server, _: server.transport.write(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00?"), NoAnswerError),
        (lambda server, _: server.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NoAnswerError),
        (lambda server, stream: server.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM), NotSentError),
        (lambda server, stream: server.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR), NoAnswerError),
        (lambda server, _: server.h2.close_connection(last_stream_id=0), NotSentError),
    ],
    ids=["abort", "garbage", "no-stream", "http1", "refused", "reset", "goaway"],
)
def test_what_becomes_of_a_request_and_of_the_next(
    play: Play, act: Callable[[Server, int], None], error: type[Exception]
) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(error):
            await stage.post()
        stage.server.act = Server.answer
        assert (await stage.post()).body == b"done"

    play(scenario, act)


def test_a_server_that_goes_away_answers_what_it_has(play: Play) -> None:
    def act(server: Server, stream_id: int) -> None:
        if len(server.streams) == 2:
            server.transport.write(_goaway(last_stream_id=server.streams[0]))
            server.answer(server.streams[0])

    async def scenario(stage: Stage) -> None:
        first, second = await asyncio.gather(stage.post(), stage.post(), return_exceptions=True)
        assert isinstance(first, Answer)
        assert isinstance(second, NotSentError)
        assert (await stage.post()).status == 200
        assert len(stage.server.connections) == 2

    play(scenario, _then_well(act))


def test_a_server_that_goes_away_at_once_is_left_alone_for_a_while(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "PAUSE_S", (0.0, 3600.0))

    async def scenario(stage: Stage) -> None:
        found = await asyncio.gather(*(stage.post() for _ in range(50)), return_exceptions=True)
        found += await asyncio.gather(stage.post(), return_exceptions=True)
        assert {type(each) for each in found} == {NotSentError}
        assert len(stage.server.connections) == 2

    play(scenario, greeting=_goaway(last_stream_id=0))


def test_a_pause_ends_and_an_answer_ends_them_all(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "PAUSE_S", (0.0, 0.0, 3600.0))

    async def scenario(stage: Stage) -> None:
        for _ in range(2):
            stage.server.greeting = _goaway(last_stream_id=0)
            for _ in range(2):
                with pytest.raises(NotSentError, match="goes away"):
                    await stage.post()
            stage.server.greeting = b""
            assert (await stage.post()).status == 200
            stage.server.connections[-1].transport.abort()
            with pytest.raises(NoAnswerError):
                await stage.post()

    play(scenario)


def _goaway(last_stream_id: int) -> bytes:
    # By hand: h2 takes a connection for closed once it has written one.
    payload = last_stream_id.to_bytes(4, "big") + bytes(4)
    return len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload


def test_a_silent_connection_is_not_used_again(play: Play) -> None:
    is_silent: asyncio.Queue[None] = asyncio.Queue()

    async def scenario(stage: Stage) -> None:
        for _ in range(2):
            posting = asyncio.create_task(stage.post())
            await is_silent.get()
            posting.cancel()
            await asyncio.wait([posting])
            assert (await stage.post()).status == 200
        assert len(stage.server.connections) == 3

    def first_and_third(server: Server, stream_id: int) -> None:
        number = server.connections.index(server)
        if number == 0 or (number == 1 and len(server.streams) > 1):
            is_silent.put_nowait(None)
        else:
            server.answer(stream_id)

    play(scenario, first_and_third)


def test_an_endless_answer_is_not_read(play: Play) -> None:
    def endless(server: Server, stream_id: int) -> None:
        server.is_endless = True
        server.h2.send_headers(stream_id, OK)
        for _ in range(4):
            server.h2.send_data(stream_id, b"x" * 16000)

    async def scenario(stage: Stage) -> None:
        with pytest.raises(NoAnswerError, match="too long"):
            await stage.post()

    play(scenario, endless)


def test_a_server_without_http2_gets_nothing(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        with pytest.raises(NotSentError, match="speaks no HTTP/2"):
            await stage.post()

    play(scenario, alpn="http/1.1")


def test_a_certificate_that_is_not_trusted_gets_nothing(play: Play, tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stranger = Http2("127.0.0.1", stage.client._port, ssl.create_default_context())
        with pytest.raises(NotSentError, match="SSLCertVerificationError"):
            await stranger.post("/", [], b"")

    play(scenario)
