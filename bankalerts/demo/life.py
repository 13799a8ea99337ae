"""Entries and changes that happen at the same time, each in its own transaction and on its own connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from bankalerts.bank import load
from bankalerts.bank.generator import Change
from bankalerts.bank.replay import play
from bankalerts.bank.rows import Entry
from bankalerts.database import Connection, connected

CHANGES_PER_S = 40.0


class Living:
    """What has happened so far. Each count is written by one thread."""

    def __init__(self) -> None:
        self.played = 0
        self.changed = 0
        self.began = time.monotonic()
        self._over = threading.Event()
        self._stop = threading.Event()
        self._parts: list[Future[None]] = []

    def wait(self, timeout_s: float) -> bool:
        """Whether the last entry is in, at the latest after `timeout_s`. Raises what stopped a thread."""
        self._over.wait(timeout_s)
        for part in self._parts:
            if part.done():
                part.result()
        return self._over.is_set()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def _play(self, database_url: str, entries: Sequence[Entry], rate: float) -> None:
        try:
            with connected(database_url, "demo-entries") as connection:
                play(connection, entries, rate, self._stop, self._count_played)
        finally:
            self._over.set()

    def _change(self, database_url: str, changes: Iterator[Change]) -> None:
        with connected(database_url, "demo-changes") as connection:
            while not self._over.wait(1 / CHANGES_PER_S):
                apply(connection, next(changes))
                self.changed += 1

    def _count_played(self, count: int) -> None:
        self.played += count


@contextmanager
def going_on(database_url: str, entries: Sequence[Entry], rate: float, changes: Iterator[Change]) -> Iterator[Living]:
    """Let entries, `rate` a second, and changes happen while the block runs; the block's end stops what is left."""
    living = Living()
    with ThreadPoolExecutor(thread_name_prefix="demo") as threads:
        living._parts = [
            threads.submit(living._play, database_url, entries, rate),
            threads.submit(living._change, database_url, changes),
        ]
        try:
            yield living
        finally:
            living._stop.set()


def apply(connection: Connection, change: Change) -> None:
    """Make one change, in its own transaction where the connection commits by itself."""
    if change.preference is not None:
        if change.action == "put":
            load.put_preferences(connection, [change.preference])
        else:
            load.remove_preference(connection, change.preference)
    elif change.permission is not None:
        if change.action == "grant":
            load.grant_permission(connection, change.permission)
        else:
            load.revoke_permission(connection, change.permission)
