"""A real local stack for tests and long runs, driven by the command line as a person drives it."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankalerts.settings import Settings, variable
from bankalerts.stack.home import Home, remembered, settings_of

STARTS = Path(sys.prefix, "var", "bankalerts", "starts.lock")
ALL_BUT_POSTGRES = ("kafka", "connect", "mail-server", "provider", "engine", "notifier")


@dataclass(frozen=True)
class RunningStack:
    """A stack whose state is in the folder `path`."""

    path: Path

    def cli(self, *arguments: str, check: bool = True, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        """Run `bankalerts ...` on this stack; with `check`, a failure fails the test and says what was printed."""
        done = subprocess.run(
            (sys.executable, "-m", "bankalerts.cli", *arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"bankalerts {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def environment(self) -> dict[str, str]:
        """The environment of a process that is to find this stack, and no other address."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BANKALERTS_")}
        return {**kept, variable("home"): str(self.path)}

    def parts(self) -> dict[str, dict[str, Any]]:
        """The parts as `bankalerts status --json` tells them."""
        parts: dict[str, dict[str, Any]] = json.loads(self.cli("status", "--json").stdout)["parts"]
        return parts

    def pids(self) -> dict[str, int]:
        """The process of each running part."""
        return {name: part["pid"] for name, part in self.parts().items() if part["state"] == "running"}

    @property
    def settings(self) -> Settings:
        """The addresses of this stack."""
        home = Home(self.path)
        return dataclasses.replace(settings_of(home, remembered(home), "test"), ready_file=None)


@contextmanager
def running_stack(path: Path, *arguments: str) -> Iterator[RunningStack]:
    """Start a stack in `path`, with the arguments of `bankalerts up`; end it and delete its data afterwards."""
    stack = RunningStack(path)
    try:
        with no_other_start():
            stack.cli("up", *arguments)
        yield stack
    finally:
        stack.cli("down", "--purge")


@contextmanager
def no_other_start() -> Iterator[None]:
    """No stack of another process of tests is started first within the block: it could be given ports that are free just now.

    Those of a stack are chosen when its start begins, and each is taken when its part is there.
    """
    STARTS.parent.mkdir(parents=True, exist_ok=True)
    with STARTS.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
