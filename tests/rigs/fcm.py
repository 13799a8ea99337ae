"""PUSH to FCM: an HTTPS server that speaks HTTP v1, with the token server of a service account, behind a relay."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import trustme
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from notifier.channels.push import Channel
from notifier.message import Target
from tests import relay
from tests.rigs import Stage, settings

NAME = "FCM"
CHANNEL = "PUSH"
TARGET = Target("device-1", "fGx7:APA91b_device-1", "fcm")
IS_IDEMPOTENT = False

RELAY = {"down": relay.DOWN}
SERVICE = "alerts@project.example"


class FcmServer:
    """What it took, how it answers, and which tokens it gave out."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.mode = "accept"
        self.error: tuple[int, str] = (404, "UNREGISTERED")  # what `refuse` answers
        self.taken: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.lasts_s = 3600
        self.front: relay.Relay | None = None

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes([web.post("/token", self._give_token), web.post("/v1/projects/bank/messages:send", self._take)])
        return application

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        url = f"https://{request.host}/token"
        assertion = jwt.decode(str(form["assertion"]), self.key.public_key(), algorithms=["RS256"], audience=url)
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert assertion["iss"] == SERVICE
        assert assertion["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
        assert assertion["exp"] - assertion["iat"] <= 3600
        if self.mode == "silent_token":
            await asyncio.Event().wait()
        if self.mode == "no_token":
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.tokens.append(f"ya29.{len(self.tokens)}")
        return web.json_response({"access_token": self.tokens[-1], "expires_in": self.lasts_s, "token_type": "Bearer"})

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if not self.tokens or request.headers.get("Authorization") != f"Bearer {self.tokens[-1]}":
            return web.json_response({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, status=401)
        message = (await request.json())["message"]
        if self.mode == "tempfail":
            return web.json_response({"error": {"code": 503, "status": "UNAVAILABLE"}}, status=503)
        if self.mode == "refuse":
            status, code = self.error
            kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
            error = {"code": status, "message": message["token"], "details": [{"@type": kind, "errorCode": code}]}
            return web.json_response({"error": error}, status=status)
        self.taken.append(message)
        if self.mode == "nonsense":
            return web.Response(text=f"<html>{message['token']}", content_type="text/html")
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode == "drop_answer" and self.front is not None:
            self.front.cut()
        return web.json_response({"name": f"projects/bank/messages/0:{len(self.taken)}%31bd1c9631bd1c96"})


def certificates(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS for 127.0.0.1, and a file with the root to trust."""
    root = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    root.issue_cert("127.0.0.1").configure_cert(tls)
    path = folder / "root.pem"
    root.cert_pem.write_to_path(path)
    return tls, path


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[FcmServer, str]]:
    """The server, and the URL with which PUSH reaches it."""
    server, (tls, root) = FcmServer(), certificates(folder)
    runner = web.AppRunner(server.application(), shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        async with relay.relay(runner.addresses[0][1]) as front:
            server.front = front
            base = f"127.0.0.1:{front.port}"
            pem = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            account = {
                "client_email": SERVICE,
                "private_key": pem,
                "private_key_id": "k1",
                "token_uri": f"https://{base}/token",
            }
            (folder / "service.json").write_text(json.dumps(account))
            yield server, f"fcm+https://{base}/v1/projects/bank?key={folder / 'service.json'}&ca={root}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """FCM and PUSH."""
    async with serving(folder) as (server, url):
        channel = Channel(settings(folder, push_url=url))

        async def behave(mode: str) -> None:
            server.mode = mode
            assert server.front is not None
            await server.front.behave(RELAY.get(mode, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return [
                {
                    "to": message["token"],
                    "subject": message["notification"]["title"],
                    "body": message["notification"]["body"],
                    "message_id": message["data"]["message_id"],
                    "key": None,
                }
                for message in server.taken
            ]

        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
