"""The local provider of SMS and PUSH: a real HTTP server that takes one message per POST and keeps what it took.

POST /sms and /push, and /second/sms and /second/push for a provider that takes over: {"to", "title" (PUSH), "body",
"message_id"}, header Idempotency-Key. Repetitions are kept like any other message, with their key, so that they can be seen.
POST /behaviour {"channel": "PUSH", "status": 500, "delay_ms": 20, "drop_answer": true}: answer so until told otherwise;
SMS2 and PUSH2 are the second ones.
`status` 200 accepts, anything else refuses; `drop_answer` takes the message and closes the connection; `body` "nonsense"
answers with a page that no program understands; `rate_429_above` refuses with 429 what comes above so many a second;
`receipts` "DELIVERED", "BOUNCED" or "FAILED" posts a signed receipt for each message taken to the notifier.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from bankalerts import process, settings
from bankalerts.stack.kept import LOOPBACK, Kept, arguments, routes, serve_http
from bankalerts.stack.receipt_sender import STATUSES, Receipt, ReceiptSender

# Which provider a path is, and which channel it sends.
PATHS = {"/sms": ("SMS", "SMS"), "/push": ("PUSH", "PUSH"), "/second/sms": ("SMS2", "SMS"), "/second/push": ("PUSH2", "PUSH")}
NAMES = [name for name, _ in PATHS.values()]
BODIES = ("json", "nonsense")
NONSENSE = "<!doctype html><title>Welcome</title><p>It works!"


@dataclass(frozen=True)
class Behaviour:
    """How a provider's requests are answered. `rate_429_above` is in messages a second; None takes all."""

    status: int = 200
    delay_ms: float = 0.0
    drop_answer: bool = False
    body: str = "json"
    rate_429_above: float | None = None
    receipts: str | None = None

    def fault(self) -> str | None:
        """What is wrong with it, and the remedy."""
        if not 200 <= self.status <= 599:
            return f"status is {self.status}: use 200 to 599"
        if self.body not in BODIES:
            return f"body is {self.body!r}: use {' or '.join(BODIES)}"
        if self.receipts is not None and self.receipts not in STATUSES:
            return f"receipts is {self.receipts!r}: use {' or '.join(STATUSES)}"
        return None


class Rate:
    """Counts the requests of the current second."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0

    def another(self) -> int:
        """Count one more; how many there are in this second."""
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return self._count


class Provider:
    """Takes messages and behaves as it was told."""

    def __init__(self, kept: Kept, receipts: ReceiptSender) -> None:
        self._kept = kept
        self._receipts = receipts
        self._behaviour = dict.fromkeys(NAMES, Behaviour())
        self._rates = {name: Rate() for name in NAMES}

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application()
        application.add_routes(routes(self._kept, "SMS and push messages received", self.behave))
        application.add_routes([web.post(path, self._take) for path in PATHS])
        return application

    async def behave(self, channel: str, **told: Any) -> None:
        """Change how one provider answers; what is not given goes back to accepting at once. Raises ValueError, TypeError."""
        if channel not in self._behaviour:
            raise ValueError(f"channel is {channel!r}: use {', '.join(NAMES)}")
        behaviour = Behaviour(**told)
        fault = behaviour.fault()
        if fault:
            raise ValueError(fault)
        if behaviour.receipts and not self._receipts.can_send:
            raise ValueError("receipts cannot be sent: set BANKALERTS_RECEIPTS_LISTEN and BANKALERTS_RECEIPTS_SECRETS")
        self._behaviour[channel] = behaviour

    async def _take(self, request: web.Request) -> web.StreamResponse:
        name, channel = PATHS[request.path]
        behaviour = self._behaviour[name]
        try:
            given = await request.json()
            message = {field: given[field] for field in ("to", "body", "message_id")}
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": "send a JSON object with to, body, message_id"}, status=422)
        if behaviour.rate_429_above is not None and self._rates[name].another() > behaviour.rate_429_above:
            return web.json_response({"error": "too many"}, status=429, headers={"Retry-After": "1"})
        provider_ref = uuid4().hex
        key = request.headers.get("Idempotency-Key")
        if behaviour.status < 300:
            subject = given.get("title")
            self._kept.add(channel=channel, subject=subject, idempotency_key=key, path=request.path, **message)
        if behaviour.delay_ms:
            await asyncio.sleep(behaviour.delay_ms / 1000)
        if behaviour.drop_answer and request.transport is not None:
            request.transport.abort()
        if behaviour.receipts and behaviour.status < 300:
            # Who got no answer knows no provider_ref: the receipt names the key.
            named = key if behaviour.drop_answer and key else provider_ref
            self._receipts.add(Receipt(name.lower(), named, behaviour.receipts))
        if behaviour.body == "nonsense":
            return web.Response(text=NONSENSE, status=behaviour.status, content_type="text/html")
        return web.json_response({"provider_ref": provider_ref}, status=behaviour.status)


async def serve(
    port: int,
    home: Path,
    stop: asyncio.Event,
    ready: Callable[[], None],
    host: str = LOOPBACK,
    receipts: ReceiptSender | None = None,
) -> None:
    """Serve at `host` until `stop` is set; `ready` is called once requests are taken. Raises BankalertsError when it cannot."""
    kept = Kept(home)
    sender = receipts or ReceiptSender("", "")
    runner = await serve_http(Provider(kept, sender).application(), port, host)
    sending = asyncio.create_task(sender.run())
    ready()
    await stop.wait()
    sending.cancel()
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
        found = settings.load()
        receipts = ReceiptSender(found.receipts_listen, found.receipts_secrets)
        ready = partial(process.announce_ready, found)
        await serve(given.port, given.home, stop, ready, given.host, receipts)

    asyncio.run(until_signalled())


if __name__ == "__main__":
    process.run(main)
