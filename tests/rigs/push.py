"""PUSH to an HTTP provider: the local provider of the stack, behind a relay."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from notifier.channels.push import Channel
from notifier.message import Target
from tests.relayed_provider import staged
from tests.rigs import Stage

NAME = "PUSH"
CHANNEL = "PUSH"
TARGET = Target("device-1", "device-1", "local")
IS_IDEMPOTENT = True


def stage(folder: Path) -> AbstractAsyncContextManager[Stage]:
    """The local provider and PUSH."""
    return staged(folder, "PUSH", Channel)
