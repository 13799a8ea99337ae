"""Telling of messages that nobody sends: those of a channel that has no file in notifier/channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from notifier import measures, outbox
from notifier.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
LOOKS_AT_DUE = 4  # in that time: a scrape comes each 15 seconds


async def warn_of_undrained(database: Database, drained: Sequence[str]) -> None:
    """Warn of due messages of channels other than `drained`: now, and each minute while there are any. Runs for ever.

    They are kept: once the channel has its file and the notifier was started again, they are sent, or given up if too old.
    """
    while True:
        found = await database.run(lambda connection: outbox.undrained(connection, drained))
        measures.UNDRAINED.set(sum(found.values()))
        for channel, messages in found.items():
            log.warning(
                "%s: %d messages are due and wait, this notifier has no such channel: add notifier/channels/%s.py, or"
                " start one that has it",
                channel,
                messages,
                channel.lower(),
            )
        for _ in range(LOOKS_AT_DUE):
            oldest = await database.run(lambda connection: outbox.oldest_due(connection, drained))
            for channel, seconds in oldest.items():
                measures.OLDEST.labels(channel).set(seconds)
            await asyncio.sleep(LOOK_EVERY_S / LOOKS_AT_DUE)
