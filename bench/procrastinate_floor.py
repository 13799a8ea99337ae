"""The peer of the notifier: procrastinate, a job queue on PostgreSQL, with a task that does nothing."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from procrastinate import App, PsycopgConnector

IN_FLIGHT = 64


async def drain(url: str, count: int) -> float:
    """Have so many jobs done by one worker process, IN_FLIGHT at once; the seconds from its start to the last one."""
    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        """Do nothing."""

    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        jobs: list[dict[str, Any]] = [{"number": number} for number in range(count)]
        await nothing.batch_defer_async(*jobs)
        started = time.perf_counter()
        await app.run_worker_async(concurrency=IN_FLIGHT, wait=False, listen_notify=False, install_signal_handlers=False)
        return time.perf_counter() - started


def main() -> None:
    """python -m bench.procrastinate_floor URL COUNT: jobs and seconds, as JSON."""
    url, count = sys.argv[1], int(sys.argv[2])
    print(json.dumps({"jobs": count, "seconds": asyncio.run(drain(url, count))}))


if __name__ == "__main__":
    main()
