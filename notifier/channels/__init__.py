"""The channels: each file here is one, its name in capitals is the channel's name. A new channel is a new file.

A channel's file has a class `Channel` that is made from the settings. It sends itself (PlainChannel), or it names the providers
that do, in order of preference (ChannelOfProviders). It may also have, looked at where they are needed:
`open(database)`, awaited before its first message is claimed; `has_subject` (true unless it says otherwise);
`balance_is_private` (false unless it says otherwise): no balance is written in it unless the customer chose so;
`plain_spaces` (false unless it says otherwise): amounts and dates are written in it without no-break spaces.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bankalerts.settings import Settings
from notifier.database import Database
from notifier.message import Outgoing, Reach, Result, Target


class Provider(Protocol):
    """One server that takes messages of a channel, by one protocol.

    `name` is the provider's own within its channel and stands in alerting.delivery_attempt; `rate_per_s` bounds the messages
    that it is sent, None leaves them unbounded. One that stands for many servers may say `is_many = True`: what one of them
    does then says nothing of the others, and none is left alone for it.
    """

    name: str
    rate_per_s: float | None

    def serves(self, target: Target) -> bool:
        """Whether it can reach this target at all."""

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """Send to one target. Failures that it knows are results, their reasons without personal data."""

    async def close(self) -> None:
        """Let go of all connections."""


class Channel(Protocol):
    """A way to reach a customer.

    `reach` says what it sends to, `most_in_flight` how many messages it takes at once.
    """

    reach: Reach
    most_in_flight: int

    def __init__(self, settings: Settings) -> None:
        """Read what it needs from the settings. Raises BankalertsError naming a wrong value. Opens nothing yet."""

    async def close(self) -> None:
        """Let go of all connections, those of its providers too."""


@runtime_checkable
class PlainChannel(Channel, Protocol):
    """A channel that is its own only provider."""

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """Send to one address or device. Failures that it knows are results, their reasons without personal data."""


@runtime_checkable
class Opened(Protocol):
    """A channel that needs PostgreSQL itself."""

    async def open(self, database: Database) -> None:
        """Called once, before the first message is claimed."""


@runtime_checkable
class ChannelOfProviders(Channel, Protocol):
    """A channel with one provider or several, the preferred first."""

    providers: Sequence[Provider]


@dataclass(frozen=True, slots=True)
class Traits:
    """What decisions know of a channel."""

    name: str
    reach: Reach
    most_in_flight: int
    has_subject: bool
    balance_is_private: bool
    plain_spaces: bool = False


class OnlyProvider:
    """A plain channel seen as a provider."""

    rate_per_s: float | None = None

    def __init__(self, name: str, channel: PlainChannel) -> None:
        self.name = name
        self._channel = channel

    def serves(self, _target: Target) -> bool:
        """Every one of its channel."""
        return True

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """As the channel does."""
        return await self._channel.send(target.address, outgoing)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._channel.close()


def discover() -> dict[str, type[Channel]]:
    """All channels by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name.upper(): importlib.import_module(f"{__name__}.{name}").Channel for name in names}


def traits_of(name: str, channel: Channel) -> Traits:
    """What is known of the channel called `name`, with what it leaves out filled in."""
    return Traits(
        name=name,
        reach=channel.reach,
        most_in_flight=channel.most_in_flight,
        has_subject=getattr(channel, "has_subject", True),
        balance_is_private=getattr(channel, "balance_is_private", False),
        plain_spaces=getattr(channel, "plain_spaces", False),
    )


def providers_of(channel: Channel) -> list[Provider]:
    """The channel's providers in order of preference; a plain channel is its own, named like its file.

    Raises TypeError for a channel that neither sends nor names providers.
    """
    if isinstance(channel, ChannelOfProviders):
        return list(channel.providers)
    if isinstance(channel, PlainChannel):
        return [OnlyProvider(type(channel).__module__.rpartition(".")[2], channel)]
    raise TypeError(f"{type(channel).__module__} has neither send() nor providers")
