"""What `up` shows while it waits: each step, for how long, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Display:
    """Steps in progress with a spinner on a terminal, and a line for each one that ended anywhere."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._lock = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[Display]:
        """Draw until the block ends."""
        with self._progress:
            yield self

    @contextmanager
    def step(self, name: str, waiting_for: str, done: str) -> Iterator[None]:
        """One step: `waiting_for` while it runs, `done` with its duration when it ended well."""
        started = time.monotonic()
        task = self._progress.add_task(f"{name}: {waiting_for}", total=None)
        try:
            yield
        except BaseException:
            self.line(f"[red]✗[/] {name} failed after {time.monotonic() - started:.1f} s")
            raise
        else:
            self.line(f"[green]✓[/] {name} {done} ({time.monotonic() - started:.1f} s)")
        finally:
            self._progress.remove_task(task)

    def line(self, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._progress.console.print(text, highlight=False, soft_wrap=True)
