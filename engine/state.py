"""Rows of state topics, by the version they belong to. Pure: no Kafka, no database, no clock.

A state topic tells an account's changes and then its marker, "everything up to version v is here". Changes wait for their
marker and come into force together with it. A marker that is not newer than what is in force moves nothing: after a restart,
capture sends the same changes again, and they wait, harmless, for the next newer marker (the last one of a key wins, and
capture always sends on to the newest). What waits may also belong to a newer version, whose marker was not sent before the
restart.

`earlier` versions are kept for events that come after their state has moved on. While a topic is read from its start,
compaction has taken changes away, so versions passed on the way are not whole: only the last one reached is, and none before
the end was seen (`following`). Nor is that one while changes wait that came before the end: they may have replaced, in the
compacted topic, what was in force. Then the history tables are asked, until a newer marker comes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
V = TypeVar("V")

KEPT_VERSIONS = 16


class Missing(Enum):
    """Why a version is not in memory."""

    BEHIND = "its marker has not come yet: read on"
    PASSED = "the state has moved on and that version was not kept: ask the history tables"


class Versions(Generic[K, R, V]):
    """The versions of one account's rows, or of the catalogue. `build` makes what the matching needs from the rows."""

    __slots__ = ("_build", "_earlier", "_view", "rows", "unsettled", "version", "waiting")

    def __init__(self, build: Callable[[Mapping[K, R]], V]) -> None:
        self._build = build
        self.version = -1  # in force; -1: no marker came yet
        self.rows: dict[K, R] = {}  # in force
        self._view: V | None = None
        self.waiting: dict[K, R | None] = {}
        self.unsettled = False  # changes wait that came before the end of the topic was seen
        self._earlier: OrderedDict[int, V] | None = None

    def begin(self, version: int, rows: dict[K, R]) -> None:
        """With what was in force when these versions were put away."""
        self.version = version
        self.rows = rows

    def change(self, key: K, row: R | None, following: bool) -> None:
        """A row was written (None: deleted); waits for the marker."""
        self.waiting[key] = row
        self.unsettled |= not following

    def mark(self, version: int, following: bool) -> bool:
        """Everything up to `version` is here. `following`: the version before is whole, and is kept; returns whether it is."""
        if version <= self.version:
            self._forget_repeated()
            return False
        keeps = following and self.version >= 0 and not self.unsettled
        if keeps:
            self._keep_earlier()
        for key, row in self.waiting.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.waiting.clear()
        self.unsettled = False
        self._view = None
        self.version = version
        return keeps

    def at(self, version: int) -> V | Missing:
        if version > self.version:
            return Missing.BEHIND
        if self.unsettled:
            return Missing.PASSED
        if version == self.version:
            return self._in_force()
        kept = self._earlier.get(version) if self._earlier else None
        return Missing.PASSED if kept is None else kept

    def _forget_repeated(self) -> None:
        """What was sent again and is in force as it is: nothing was lost of it."""
        self.waiting = {key: row for key, row in self.waiting.items() if self.rows.get(key) != row}
        self.unsettled &= bool(self.waiting)

    def forget_earlier(self) -> None:
        self._earlier = None

    def _in_force(self) -> V:
        if self._view is None:
            self._view = self._build(self.rows)
        return self._view

    def _keep_earlier(self) -> None:
        if self._earlier is None:
            self._earlier = OrderedDict()
        self._earlier[self.version] = self._in_force()
        if len(self._earlier) > KEPT_VERSIONS:
            self._earlier.popitem(last=False)
