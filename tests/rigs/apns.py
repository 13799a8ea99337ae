"""PUSH to APNs: Hypercorn, an HTTP/2 server, with the answers of APNs, behind a relay."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypercorn.asyncio import serve
from hypercorn.config import Config

from notifier.channels.push import Channel
from notifier.message import Target
from tests import relay
from tests.rigs import Stage, settings

NAME = "APNS"
CHANNEL = "PUSH"
TARGET = Target("device-1", "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0", "apns")
IS_IDEMPOTENT = True

RELAY = {"down": relay.DOWN}
TOPIC, TEAM, KEY = "com.example.bank", "TEAM123456", "KEY1234567"


class ApnsServer:
    """What it took, how it answers; an ASGI application."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.mode = "accept"
        self.error: tuple[int, str] = (410, "Unregistered")  # what `refuse` answers
        self.oldest_token = 0.0  # tokens that were signed before it are refused
        self.taken: list[dict[str, Any]] = []
        self.front: relay.Relay | None = None

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, reason = self._judge(scope, headers)
        if status == 200:
            self._keep(scope["path"].removeprefix("/3/device/"), headers, json.loads(body))
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode == "drop_answer" and self.front is not None:
            self.front.cut()
        answer = json.dumps({"reason": reason}).encode() if reason else b""
        given = [(b"apns-id", headers.get("apns-id", "").encode())]
        if self.mode == "nonsense":
            given, answer = [], b"<html>" + body
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": answer})

    def _judge(self, scope: Any, headers: dict[str, str]) -> tuple[int, str]:
        assert scope["http_version"] == "2"
        assert (scope["method"], headers["apns-topic"], headers["apns-push-type"]) == ("POST", TOPIC, "alert")
        token = headers["authorization"].removeprefix("bearer ")
        assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEY, "typ": "JWT"}
        claims = jwt.decode(token, self.key.public_key(), algorithms=["ES256"])
        assert claims["iss"] == TEAM
        if claims["iat"] < max(self.oldest_token, time.time() - 3600):
            return 403, "ExpiredProviderToken"
        if self.mode == "tempfail":
            return 503, "ServiceUnavailable"
        return self.error if self.mode == "refuse" else (200, "")

    def _keep(self, device: str, headers: dict[str, str], content: dict[str, Any]) -> None:
        alert = content["aps"]["alert"]
        self.taken.append(
            {
                "to": device,
                "subject": alert["title"],
                "body": alert["body"],
                "message_id": content["message_id"],
                "key": headers["apns-id"],
                "collapse": headers["apns-collapse-id"],
            }
        )


def _config(listener: socket.socket, folder: Path) -> tuple[Config, Path]:
    root = trustme.CA()
    own = root.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(folder / "server.key")
    for number, certificate in enumerate(own.cert_chain_pems):
        certificate.write_to_path(folder / "server.pem", append=number > 0)
    root.cert_pem.write_to_path(folder / "root.pem")
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile, config.keyfile = str(folder / "server.pem"), str(folder / "server.key")
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0
    # Hypercorn ends a connection at so many requests, and does not answer the last one.
    config.keep_alive_max_requests = 1_000_000
    return config, folder / "root.pem"


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[ApnsServer, str]]:
    """The server, and the URL with which PUSH reaches it."""
    server, stop = ApnsServer(), asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    config, root = _config(listener, folder)
    pem = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.p8").write_bytes(pem)
    running = asyncio.create_task(serve(server, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
    try:
        async with relay.relay(listener.getsockname()[1]) as front:
            server.front = front
            options = f"key={folder / 'key.p8'}&key_id={KEY}&team_id={TEAM}&topic={TOPIC}&ca={root}"
            yield server, f"apns+https://127.0.0.1:{front.port}/?{options}"
    finally:
        stop.set()
        await running


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """APNs and PUSH."""
    async with serving(folder) as (server, url):
        channel = Channel(settings(folder, push_url=url))

        async def behave(mode: str) -> None:
            server.mode = mode
            assert server.front is not None
            await server.front.behave(RELAY.get(mode, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return server.taken

        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
