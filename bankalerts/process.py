"""What every process of the product does alike: logging, being ready, stopping, failing with one line."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn

from bankalerts import faults
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings

log = logging.getLogger(__name__)


class Formatter(logging.Formatter):
    """Writes of an exception, whoever logs it, where it came from and what kind it is: its text may be personal data."""

    def formatException(  # noqa: N802  the name is logging's
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """The traceback without the texts of exceptions."""
        return faults.trace(ei[1]) if ei[1] is not None else ""


class JsonFormatter(Formatter):
    """Writes each record as one JSON object in one line: time, process, level, logger, message; a trace where there is one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def format(self, record: logging.LogRecord) -> str:
        """One line; a message of several lines stays one, as JSON writes them."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "process": self._name,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def formatter_of(name: str, form: str) -> logging.Formatter:
    """How the records of this process are written. Raises BankalertsError where the setting names no form."""
    if form == "json":
        return JsonFormatter(name)
    if form != "text":
        raise BankalertsError(f"BANKALERTS_LOG {form!r} is no form of the logs: set it to text or json")
    formatter = Formatter(f"%(asctime)s.%(msecs)03dZ {name} %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter


def configure_logging(name: str, form: str = "text") -> None:
    """One line per record on stderr, times in UTC; no exception is told with its text, those that nobody caught neither.

    `name` is the process's name, e.g. engine-1; `form` is text or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_of(name, form))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a line that cannot be formatted would be shown with what it was to hold
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        name = ended.thread.name if ended.thread else "?"
        log.error("thread %s ended", name, exc_info=ended.exc_value)


def log_uncaught(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For `loop.set_exception_handler`: asyncio's own would write the task, and in it the exception, as they are."""
    log.error("an exception that nobody awaited", exc_info=context.get("exception"))


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
    """Run a part: exit 0 when it returns, 1 with one line on stderr when it cannot run, and with where it failed by a fault."""
    try:
        main()
    except BankalertsError as error:
        sys.exit(str(error))
    except Exception as error:
        sys.exit(
            f"{faults.trace(error)}\nstopped by a fault of its own: report it with these lines, which hold nothing personal"
        )
    sys.exit(0)
