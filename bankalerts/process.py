"""What every process of the product does alike: logging, being ready, stopping, failing with one line."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings


def configure_logging(name: str) -> None:
    """One line per record on stderr, times in UTC. `name` is the process's name, e.g. engine-1."""
    formatter = logging.Formatter(
        f"%(asctime)s.%(msecs)03dZ {name} %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def announce_ready(settings: Settings) -> None:
    """Tell the stack that this process does its work now: its pid goes into the ready file."""
    if settings.ready_file is None:
        return
    # Renamed into place, so that a reader never sees half a pid.
    unfinished = settings.ready_file.with_suffix(".unfinished")
    unfinished.write_text(f"{os.getpid()}\n", encoding="ascii")
    unfinished.replace(settings.ready_file)


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Call it from the main thread, once."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def stop_event_of_loop() -> asyncio.Event:
    """The same for a process that runs an event loop; call it from within."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def run(main: Callable[[], None]) -> NoReturn:
    """Run a part: exit 0 when it returns, 1 with one line on stderr when it cannot run."""
    try:
        main()
    except BankalertsError as error:
        sys.exit(str(error))
    sys.exit(0)
