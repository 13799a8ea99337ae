"""Work that goes on beside judging, on a thread and a connection of its own, so that no batch pays for it."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Any, Self

import psycopg

from bankalerts import faults
from bankalerts.settings import Settings

log = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[Any, ...]]


class Beside:
    """Does `work` for the block, and connects again when PostgreSQL was away.

    `name` is that of the thread, and ends the connection's; `undone` says in the log what is not done meanwhile.
    """

    def __init__(self, settings: Settings, name: str, undone: str, statement_timeout_s: int, again_after_s: float) -> None:
        self._url = settings.database_url
        self._name = f"{settings.name}-{name}"
        self._undone = undone
        self._options = f"-c statement_timeout={statement_timeout_s}s"
        self._again_after_s = again_after_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_on, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(self._again_after_s)

    def work(self, connection: Connection, stop: threading.Event) -> None:
        """What is to be done until `stop`, in autocommit mode. psycopg.Error: it is done again on another connection."""
        raise NotImplementedError

    def _keep_on(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, application_name=self._name, connect_timeout=5, options=self._options
                ) as connection:
                    self.work(connection, self._stop)
            except psycopg.Error as error:
                log.warning("%s (%s), again in %.0f s", self._undone, faults.told(error), self._again_after_s)
                self._stop.wait(self._again_after_s)
