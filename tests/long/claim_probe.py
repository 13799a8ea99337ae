"""How long the notifier's claims take on several databases, measured one by one in turn, so that all see the same machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import asyncpg

from notifier import outbox
from notifier.database import SERVER_SETTINGS
from notifier.due_window import DueWindow
from notifier.message import Claimed, Conclusion
from notifier.outbox import Record
from tests.long.outbox_load import WRITE_ALERTS_ASYNCPG

MESSAGES_A_TURN = 10
MOST = 500


@dataclass
class Probe:
    """One database: writes messages, claims them, ends them."""

    connection: asyncpg.Connection
    channel: str
    number: int = 0
    window: DueWindow = field(default_factory=DueWindow)
    times_ms: list[float] = field(default_factory=list)

    async def turn(self) -> None:
        """Write some messages, claim them with the clock running, end them."""
        self.number += 1
        await self.connection.execute(WRITE_ALERTS_ASYNCPG, f"probe-{self.number}", [self.channel], MESSAGES_A_TURN)
        began = time.perf_counter()
        claimed = await outbox.claim(self.connection, self.channel, MOST, self.window.due_from(began))
        ended_at = time.perf_counter()
        self.window.claimed(claimed, began, ended_at)
        self.times_ms.append((ended_at - began) * 1000)
        assert len(claimed) == MESSAGES_A_TURN, f"{len(claimed)} messages were claimed instead of {MESSAGES_A_TURN}"
        await outbox.record(self.connection, [ended(message) for message in claimed])


def ended(message: Claimed) -> Record:
    """As if a provider took it."""
    return Record(message, Conclusion("ACCEPTED", handed_at=message.claimed_at))


async def claim_times_ms(urls: list[str], channel: str, seconds: float) -> dict[str, list[float]]:
    """The time of each claim by database, oldest first; every database is claimed from as often."""
    probes = {}
    for url in urls:
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
        probes[url] = Probe(connection, channel)
    for probe in probes.values():
        await probe.turn()  # warm
        probe.times_ms.clear()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for probe in probes.values():
            await probe.turn()
    for probe in probes.values():
        await probe.connection.close()
    return {url: probe.times_ms for url, probe in probes.items()}
