"""EMAIL by SMTP: the local mail server of the stack, behind a relay."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from notifier.channels.email import Channel
from notifier.message import Target
from tests import relay
from tests.notifying import servers
from tests.rigs import Stage

NAME = "EMAIL"
CHANNEL = "EMAIL"
TARGET = Target("key", "ada@example.org")
IS_IDEMPOTENT = True

SERVER = {"refuse": "refuse", "tempfail": "tempfail", "drop_answer": "drop", "nonsense": "nonsense", "hang": "hang"}
RELAY = {"down": relay.DOWN}


def seen_as(text: str) -> str:
    """Mail has one kind of line end, and the local mail server takes those at the end away."""
    return text.replace("\r\n", "\n").rstrip("\n")


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The local mail server and EMAIL."""
    # What the server writes of its own is not the channel's.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    async with servers(folder) as running, relay.relay(urlsplit(running.settings.smtp_url).port or 0) as front:
        settings = dataclasses.replace(running.settings, smtp_url=f"smtp://127.0.0.1:{front.port}")

        async def behave(mode: str) -> None:
            await running.behave("EMAIL", mode=SERVER.get(mode, "accept"))
            await front.behave(RELAY.get(mode, relay.PASS))

        async def received() -> list[dict[str, Any]]:
            return [{**mail, "key": mail["message_id"]} for mail in await running.received("EMAIL")]

        channel = Channel(settings)
        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
