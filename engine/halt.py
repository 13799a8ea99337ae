"""Whether engines may decide at all: not on what capture missed, nor for a database that was restored to an earlier point."""

from __future__ import annotations

import logging
import threading
import time

from bankalerts.settings import Settings
from engine.beside import Beside, Connection
from sql import queries

log = logging.getLogger(__name__)

EVERY_S = 5.0
LOOK_S = 0.05  # an engine that starts waits for the first look
REMEDY = "see 'bankalerts halts'"


def look(connection: Connection) -> str | None:
    """What holds up the engines, None when they may decide; halts them first for what is found now. In autocommit mode."""
    sql = queries("halt", "psycopg")
    for cause, detail in sql.open_halts_of_findings(connection):
        log.error("capture is not what it was set up to be: %s: %s", cause, detail)
    halts = [f"{cause}: {detail}" for cause, detail, *_ in sql.read_open_halts(connection)]
    return "; ".join(halts) or None


class Halt(Beside):
    """Looks every `every_s` seconds, for the block. `reason` is what it saw last; nothing is decided before it could look.

    A database that is away is no reason: an engine waits for it anyway.
    """

    def __init__(self, settings: Settings, every_s: float = EVERY_S) -> None:
        super().__init__(settings, "halt", "capture was not looked at", statement_timeout_s=5, again_after_s=every_s)
        self._every_s = every_s
        self.looked = False
        self.reason: str | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing may be decided."""
        return not self.looked or self.reason is not None

    def wait_for_leave(self, stop: threading.Event) -> None:
        """Until deciding is allowed, or `stop`. Says once why it is not, and once that it is again."""
        told = ""
        while self.holds and not stop.is_set():
            if self.reason is not None and self.reason != told:
                log.error("the engine halts, its positions stay: %s; %s", self.reason, REMEDY)
                told = self.reason
            stop.wait(LOOK_S)
        if told and not stop.is_set():
            log.info("the engine goes on")

    def work(self, connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            self.reason = look(connection)
            self.looked = True
            stop.wait(self._every_s)


class StopOrHalted(threading.Event):
    """Set when the process is to stop, or to halt: what the loop of an engine looks at."""

    def __init__(self, stop: threading.Event, halt: Halt) -> None:
        super().__init__()
        self._stop = stop
        self._halt = halt

    def is_set(self) -> bool:
        """Whether the loop is to end."""
        return self._stop.is_set() or self._halt.holds

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until then, at most `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = LOOK_S if deadline is None else min(LOOK_S, deadline - time.monotonic())
            if left <= 0 or self._stop.wait(left):
                break
        return self.is_set()
