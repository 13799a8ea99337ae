"""The channels: each file here is one, its name in capitals is the channel's name. A new channel is a new file.

A channel's file has a class `Channel` that is made from the settings; see the protocol below.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol

from bankalerts.settings import Settings
from notifier.message import Outgoing, Reach, Result


class Channel(Protocol):
    """A way to reach a customer.

    `reach` says what it sends to, `most_in_flight` how many messages it takes at once.
    """

    reach: Reach
    most_in_flight: int

    def __init__(self, settings: Settings) -> None:
        """Read what it needs from the settings. Raises BankalertsError naming a wrong value. Opens nothing yet."""

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """Send to one address or device. Failures that it knows are results, their reasons without personal data."""

    async def close(self) -> None:
        """Let go of all connections."""


def discover() -> dict[str, type[Channel]]:
    """All channels by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name.upper(): importlib.import_module(f"{__name__}.{name}").Channel for name in names}
