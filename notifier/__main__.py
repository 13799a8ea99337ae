"""python -m notifier: one process that drains the outbox, one worker per channel."""

from __future__ import annotations

import asyncio
import gc
import logging

import asyncpg

from bankalerts import faults, metrics, process, settings
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier import receipts
from notifier.channels import Opened, discover
from notifier.controls import Controls
from notifier.database import Database, listen
from notifier.keeper import Keeper
from notifier.undrained import warn_of_undrained
from notifier.worker import Worker

log = logging.getLogger("notifier")

# A worker claims on one connection, looks up on another and records on a third.
CONNECTIONS_PER_WORKER = 3
# Objects that live as long as their batch are no garbage: looking for cycles among them each 700 costs a tenth of the time.
OBJECTS_BETWEEN_COLLECTIONS = 50_000
CONNECTIONS_BESIDE = 4  # for the keeper, for warn_of_undrained, for receipts, for what a channel writes itself


async def serve(given: Settings, stop: asyncio.Event) -> None:
    """Drain the outbox until `stop` is set. Raises BankalertsError when PostgreSQL cannot be used at the start.

    1. Make every channel; a wrong setting ends it here.
    2. Connect; learn what operators have paused, and only then start one worker per channel.
       Listen for notices; ready when it listens. Warn of channels without a worker.
    3. Take receipts, where the settings say so.
    4. At the stop: claim no more, let messages in flight land, record them.
    """
    channels = {name: make(given) for name, make in discover().items()}
    connections = CONNECTIONS_PER_WORKER * len(channels) + CONNECTIONS_BESIDE
    database = await Database.connect(given.database_url, given.name, connections)
    controls = Controls()
    workers = {name: Worker(name, channel, database, controls) for name, channel in channels.items()}

    def wake(name: str | None) -> None:
        for worker_name, worker in workers.items():
            if name in (None, worker_name):
                worker.wake()

    keeper = Keeper(database, controls, wake)
    try:
        await keeper.look()
        for channel in channels.values():
            if isinstance(channel, Opened):
                await channel.open(database)
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(receipts.serve(given, database, stop))
            running = [group.create_task(worker.run()) for worker in workers.values()]
            listens = asyncio.Event()
            listening = group.create_task(listen(given.database_url, given.name, wake, keeper.wake, listens))
            keeping = group.create_task(keeper.run())
            warning = group.create_task(warn_of_undrained(database, list(workers)))
            await listens.wait()
            process.announce_ready(given)
            log.info("draining %s", ", ".join(workers))
            await stop.wait()
            for worker in workers.values():
                worker.stop()
            await asyncio.wait([*running, taking])
            keeping.cancel()
            await keeper.tell()
            listening.cancel()
            warning.cancel()
    finally:
        await database.close()


async def _serve_until_signalled(given: Settings) -> None:
    stop = process.stop_event_of_loop()
    asyncio.get_running_loop().set_exception_handler(process.log_uncaught)
    # What was imported stays: the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
    try:
        await serve(given, stop)
    except BaseExceptionGroup as group:
        refused = _first(group)
        if isinstance(refused, BankalertsError):
            raise refused from group
        if not isinstance(refused, asyncpg.PostgresError):
            raise
        raise BankalertsError(
            f"PostgreSQL refuses what the notifier asks ({faults.told(refused)}): run `alembic upgrade head`;"
            " where that is done, the server's log has the statement"
        ) from group


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def main() -> None:
    """Run as the settings say. Raises BankalertsError when it cannot."""
    given = settings.load()
    process.configure_logging(given.name, given.log)
    with metrics.served(given):
        asyncio.run(_serve_until_signalled(given))


if __name__ == "__main__":
    process.run(main)
