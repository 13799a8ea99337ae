"""Telling of messages that nobody sends: those of a channel that has no file in notifier/channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from notifier import outbox
from notifier.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0


async def warn_of_undrained(database: Database, drained: Sequence[str]) -> None:
    """Warn of due messages of channels other than `drained`: now, and each minute while there are any. Runs for ever.

    They are kept: once the channel has its file and the notifier was started again, they are sent, or given up if too old.
    """
    while True:
        found = await database.run(lambda connection: outbox.undrained(connection, drained))
        for channel, messages in found.items():
            log.warning(
                "%s: %d messages are due and wait, this notifier has no such channel: add notifier/channels/%s.py, or"
                " start one that has it",
                channel,
                messages,
                channel.lower(),
            )
        await asyncio.sleep(LOOK_EVERY_S)
