"""WEBHOOK to a receiver that verifies as Standard Webhooks says, behind a relay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from notifier.channels.webhook import Channel
from notifier.message import Target
from tests import relay
from tests.notifying import free_port
from tests.rigs import Stage, settings

NAME = "WEBHOOK"
CHANNEL = "WEBHOOK"
SECRET = "whsec_" + "c2VjcmV0IG9mIGEgcmVjZWl2ZXIgaW4gdGVzdHM="
# The target is known before its server runs.
PORT = free_port()
TARGET = Target("hook", f"http://127.0.0.1:{PORT}/alerts?of=ada", None, (SECRET,))
IS_IDEMPOTENT = True
HAS_REF = False

STATUS = {"refuse": 410, "tempfail": 503}
RELAY = {"down": relay.DOWN, "hang": relay.SILENT, "nonsense": relay.GARBLED}


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A receiver and WEBHOOK."""
    taken: list[dict[str, Any]] = []
    mode = ["accept"]

    async def take(request: web.Request) -> web.StreamResponse:
        content = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        if mode[0] in STATUS:
            return web.Response(status=STATUS[mode[0]], text=json.dumps(content))
        data = content["data"]
        message = {"to": TARGET.address, "subject": data["title"], "body": data["body"], "message_id": data["message_id"]}
        taken.append({**message, "key": request.headers["webhook-id"]})
        if mode[0] == "drop_answer" and request.transport is not None:
            request.transport.abort()
        return web.Response(text="thank you")

    application = web.Application()
    application.add_routes([web.post("/alerts", take)])
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with relay.relay(runner.addresses[0][1], PORT) as front:
        channel = Channel(settings(folder, webhook_networks="127.0.0.1/32"))

        async def behave(to: str) -> None:
            mode[0] = to
            await front.behave(RELAY.get(to, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return taken

        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
    await runner.cleanup()
