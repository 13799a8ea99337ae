"""How these files are shared out among processes of tests (`--numprocesses 2 --dist loadfile`), and how their JVMs are run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

STACKS_OF_THEIR_OWN = {
    *("test_bulk", "test_capture", "test_latency", "test_loans", "test_mail_down", "test_new_type", "test_seeded_bugs"),
    "test_windows",
}


class OneSharedStack(LoadFileScheduling):  # type: ignore[misc]
    """One process takes all files that share the stack, in their order; the others go one by one to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return file if Path(file).stem in STACKS_OF_THEIR_OWN else "stack"


def pytest_configure() -> None:
    """Every JVM lives for seconds here: what its second compiler costs it does not earn back, a fifth of all processor time."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneSharedStack:
    return OneSharedStack(config, log)
