"""Wait for something to become true: no test sleeps for a time that it hopes is long enough."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.05


def wait_until(predicate: Callable[[], T], deadline_s: float, what: str) -> T:
    """The first true answer of `predicate`, asked again and again.

    Fails the test with `what`, and the last answer, when none came within `deadline_s` seconds.
    """
    never = threading.Event()
    deadline = time.monotonic() + deadline_s
    while not (answer := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {deadline_s} s: {what} (last answer: {answer!r})")
        never.wait(POLL_S)
    return answer
