"""The local provider of the stack behind a relay: what the rigs of the channels share that post to an HTTP provider."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bankalerts.settings import Settings
from notifier.channels import Channel
from tests import relay
from tests.notifying import servers
from tests.rigs import Stage

PROVIDER: dict[str, dict[str, Any]] = {
    "refuse": {"status": 400},
    "tempfail": {"status": 503},
    "drop_answer": {"drop_answer": True},
    "nonsense": {"body": "nonsense"},
}
RELAY = {"down": relay.DOWN, "hang": relay.SILENT}


@asynccontextmanager
async def staged(folder: Path, name: str, make: Callable[[Settings], Channel]) -> AsyncIterator[Stage]:
    """The local provider, and the channel called `name` that posts to it."""
    path = name.lower()
    async with servers(folder) as running, relay.relay(urlsplit(str(running.settings.provider_url)).port or 0) as front:
        posted_to: dict[str, Any] = {f"{path}_url": f"http://127.0.0.1:{front.port}/{path}"}
        settings = dataclasses.replace(running.settings, **posted_to)

        async def behave(mode: str) -> None:
            await running.behave(name, **PROVIDER.get(mode, {}))
            await front.behave(RELAY.get(mode, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return [{**message, "key": message["idempotency_key"]} for message in await running.received(name)]

        channel = make(settings)
        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
