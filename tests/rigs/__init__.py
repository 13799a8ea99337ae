"""Rigs: each file here puts one way of sending against a real server on the loopback address, which it starts.

A rig has
NAME: its own name in capitals; a channel may have several rigs;
CHANNEL: the channel that it tries;
TARGET: whom it sends to;
IS_IDEMPOTENT: whether the server can know a repetition, by `key`;
stage(folder): the server and the channel that sends to it, up to the end of the block; what they keep goes below `folder`.
It may have
HAS_REF = False: the server gives a message no name of its own;
NEEDS_DATABASE = True: `stage` finds the URL of a database of the test's own in the file DATABASE_URL of `folder`;
seen_as(text): how a body that was sent is read at the other end, where that differs (an e-mail's line ends).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from bankalerts.settings import REQUIRED, Settings
from notifier.channels import Channel
from notifier.message import Target

# accept: takes it. refuse: not this message, for good. tempfail: not now. drop_answer: takes it and says nothing, hangs up.
# down: nobody listens. nonsense: answers something that is no answer. hang: takes the data and is silent.
MODES = ("accept", "refuse", "tempfail", "drop_answer", "down", "nonsense", "hang")


DATABASE_URL = "database_url"


class UnsupportedError(Exception):
    """The protocol has no such behaviour."""


@dataclass
class Stage:
    """A channel and its server.

    `behave(mode)` changes how the server answers from now on, to one of MODES; it raises UnsupportedError for one that the
    protocol cannot have. `received()` is what the server took, oldest first: to, subject (None where the channel has none),
    body, key (by which it knows a repetition, None where it cannot).
    """

    channel: Channel
    behave: Callable[[str], Awaitable[None]]
    received: Callable[[], Awaitable[list[dict[str, Any]]]]


class Rig(Protocol):
    """A module of this package."""

    NAME: str
    CHANNEL: str
    TARGET: Target
    IS_IDEMPOTENT: bool

    def stage(self, folder: Path) -> AbstractAsyncContextManager[Stage]:
        """The stage, until the end of the block."""


def settings(folder: Path, **given: str) -> Settings:
    """Settings with these values, and nothing in all the others that have no default."""
    nothing = dict.fromkeys(REQUIRED, "")
    return Settings(home=folder, **{"capture_database_url": "", **nothing, **given})  # type: ignore[arg-type]


def rigs() -> dict[str, Rig]:
    """All rigs by their name, sorted by file."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [cast("Rig", importlib.import_module(f"{__name__}.{name}")) for name in names]
    return {rig.NAME: rig for rig in found}
