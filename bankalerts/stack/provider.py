"""The local provider of SMS and PUSH: a real HTTP server that takes one message per POST and keeps what it took.

POST /sms and /push: {"to", "title" (PUSH), "body", "message_id"}, header Idempotency-Key. Repetitions are kept like
any other message, with their key, so that they can be seen.
POST /behaviour {"channel": "PUSH", "status": 500, "delay_ms": 20, "drop_answer": true}: answer so until told otherwise.
`status` 200 accepts, anything else refuses; `drop_answer` takes the message and closes the connection.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from aiohttp import web

from bankalerts import process, settings
from bankalerts.stack.kept import LOOPBACK, Kept, arguments, routes, serve_http

CHANNELS = {"/sms": "SMS", "/push": "PUSH"}


@dataclass(frozen=True)
class Behaviour:
    """How a channel's requests are answered."""

    status: int = 200
    delay_ms: float = 0.0
    drop_answer: bool = False


class Provider:
    """Takes messages and behaves as it was told."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._behaviour = dict.fromkeys(CHANNELS.values(), Behaviour())

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application()
        application.add_routes(routes(self._kept, "SMS and push messages received", self.behave))
        application.add_routes([web.post(path, self._take) for path in CHANNELS])
        return application

    async def behave(self, channel: str, status: int = 200, delay_ms: float = 0.0, drop_answer: bool = False) -> None:
        """Change how a channel is answered; what is not given goes back to accepting at once. Raises ValueError."""
        if channel not in self._behaviour:
            raise ValueError(f"channel is {channel!r}: use {' or '.join(self._behaviour)}")
        if not 200 <= status <= 599:
            raise ValueError(f"status is {status}: use 200 to 599")
        self._behaviour[channel] = Behaviour(status, delay_ms, drop_answer)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        channel = CHANNELS[request.path]
        behaviour = self._behaviour[channel]
        try:
            given = await request.json()
            message = {name: given[name] for name in ("to", "body", "message_id")}
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": "send a JSON object with to, body, message_id"}, status=422)
        if behaviour.status < 300:
            key = request.headers.get("Idempotency-Key")
            self._kept.add(channel=channel, subject=given.get("title"), idempotency_key=key, **message)
        if behaviour.delay_ms:
            await asyncio.sleep(behaviour.delay_ms / 1000)
        if behaviour.drop_answer and request.transport is not None:
            request.transport.abort()
        return web.json_response({"provider_ref": uuid4().hex}, status=behaviour.status)


async def serve(port: int, home: Path, stop: asyncio.Event, ready: Callable[[], None], host: str = LOOPBACK) -> None:
    """Serve at `host` until `stop` is set; `ready` is called once requests are taken. Raises BankalertsError when it cannot."""
    kept = Kept(home)
    runner = await serve_http(Provider(kept).application(), port, host)
    ready()
    await stop.wait()
    await runner.cleanup()
    kept.close()


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    taken = arguments("The local provider of SMS and PUSH.")
    taken.add_argument("--port", type=int, required=True)
    return taken


def main() -> None:
    """Run on the port given. Raises BankalertsError when it cannot."""
    given = parser().parse_args()
    process.configure_logging("provider")

    async def until_signalled() -> None:
        stop = process.stop_event_of_loop()
        ready = partial(process.announce_ready, settings.load())
        await serve(given.port, given.home, stop, ready, given.host)

    asyncio.run(until_signalled())


if __name__ == "__main__":
    process.run(main)
