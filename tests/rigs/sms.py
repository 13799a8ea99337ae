"""SMS to an HTTP provider: the local provider of the stack, behind a relay."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from notifier.channels.sms import Channel
from notifier.message import Target
from tests import relay
from tests.notifying import servers
from tests.rigs import Stage

NAME = "SMS"
CHANNEL = "SMS"
TARGET = Target("key", "+31612345678")
IS_IDEMPOTENT = True

PROVIDER: dict[str, dict[str, Any]] = {
    "refuse": {"status": 400},
    "tempfail": {"status": 503},
    "drop_answer": {"drop_answer": True},
    "nonsense": {"body": "nonsense"},
}
RELAY = {"down": relay.DOWN, "hang": relay.SILENT}


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The local provider and SMS."""
    async with servers(folder) as running, relay.relay(urlsplit(str(running.settings.provider_url)).port or 0) as front:
        settings = dataclasses.replace(running.settings, sms_url=f"http://127.0.0.1:{front.port}/sms")

        async def behave(mode: str) -> None:
            await running.behave("SMS", **PROVIDER.get(mode, {}))
            await front.behave(RELAY.get(mode, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return [{**message, "key": message["idempotency_key"]} for message in await running.received("SMS")]

        channel = Channel(settings)
        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
