"""SMS to an HTTP provider: the local provider of the stack, behind a relay."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from notifier.channels.sms import Channel
from notifier.message import Target
from tests.relayed_provider import staged
from tests.rigs import Stage

NAME = "SMS"
CHANNEL = "SMS"
TARGET = Target("key", "+31612345678")
IS_IDEMPOTENT = True


def stage(folder: Path) -> AbstractAsyncContextManager[Stage]:
    """The local provider and SMS."""
    return staged(folder, "SMS", Channel)
