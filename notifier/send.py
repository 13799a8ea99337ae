"""Send one message to its targets, whatever the channel does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from notifier.message import Attempt, Outgoing, Result, Retry, Target, Unknown
from notifier.providers import NOBODY, Providers

# No provider that works takes this long; a third of the lease, so that a slow send never loses it.
SEND_WITHIN_S = 10.0
# Of several targets a slow one is given up before all are: the others' answers are kept.
SEND_ONE_OF_MANY_WITHIN_S = SEND_WITHIN_S - 0.5


async def send_to_all(providers: Providers, outgoing: Outgoing, targets: Sequence[Target]) -> list[Attempt]:
    """One attempt per target, all at once. Never raises but for cancellation, which bounds the only one of a single target."""
    if len(targets) == 1:
        started_at = datetime.now(UTC)
        name, result = await providers.send(targets[0], outgoing)
        return [Attempt(targets[0], started_at, datetime.now(UTC), result, name)]
    return list(await asyncio.gather(*(_attempt(providers, outgoing, target) for target in targets)))


async def _attempt(providers: Providers, outgoing: Outgoing, target: Target) -> Attempt:
    started_at = datetime.now(UTC)
    name, result = await _bounded(providers, outgoing, target)
    return Attempt(target, started_at, datetime.now(UTC), result, name)


async def _bounded(providers: Providers, outgoing: Outgoing, target: Target) -> tuple[str, Result]:
    try:
        async with asyncio.timeout(SEND_ONE_OF_MANY_WITHIN_S):
            return await providers.send(target, outgoing)
    except TimeoutError:
        return given_up(providers, outgoing, target)


def given_up(providers: Providers, outgoing: Outgoing, target: Target) -> tuple[str, Result]:
    """What a send that took too long comes to: who was called may have it; where nobody was, nobody has."""
    name = providers.interrupted(target, outgoing)
    if name == NOBODY:
        return NOBODY, Retry("no provider could be called in time")
    return name, Unknown(f"no answer within {SEND_WITHIN_S:.0f} s")
