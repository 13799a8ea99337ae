"""Send one message to its targets, each within a bound, whatever the channel does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from notifier.channels import Channel, providers_of
from notifier.message import Attempt, Outgoing, Result, Retry, Target

log = logging.getLogger(__name__)

# No provider that works takes this long; a third of the lease, so that a slow send never loses it.
SEND_WITHIN_S = 10.0


async def send(channel: Channel, outgoing: Outgoing, targets: Sequence[Target]) -> list[Attempt]:
    """One attempt per target, all at once. Never raises but for cancellation."""
    if len(targets) == 1:
        return [await _attempt(channel, outgoing, targets[0])]
    return list(await asyncio.gather(*(_attempt(channel, outgoing, target) for target in targets)))


async def _attempt(channel: Channel, outgoing: Outgoing, target: Target) -> Attempt:
    started_at = datetime.now(UTC)
    result = await _bounded(channel, outgoing, target)
    return Attempt(target, started_at, datetime.now(UTC), result)


async def _bounded(channel: Channel, outgoing: Outgoing, target: Target) -> Result:
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            provider = next(provider for provider in providers_of(channel) if provider.serves(target))
            return await provider.send(target, outgoing)
    except TimeoutError:
        return Retry(f"no answer within {SEND_WITHIN_S:.0f} s", provider_down=True)
    except Exception as error:  # a channel's fault must stop neither its worker nor the others
        # Its text may hold an address, so only the kind of the error is told.
        log.error("channel %s failed with %s", type(channel).__module__, type(error).__name__)  # noqa: TRY400
        return Retry(f"the channel failed with {type(error).__name__}")
