"""What the long runs share: options, a stack of their own, figures and lines that must hold."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.running_stack import RunningStack, running_stack

LOG_LINES = 15  # of each part, of a run that failed


@dataclass(frozen=True)
class Options:
    """How a run is done. `small` is the size of the tests; `seed` decides every random choice; `data` holds Berka's files."""

    small: bool
    seed: int
    data: Path


@dataclass
class Report:
    """What a run found: figures by name, and for each line that must hold whether it did."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    lines: list[tuple[bool, str]] = field(default_factory=list)

    def figure(self, name: str, value: Any) -> None:
        """Keep a figure; the name ends in its unit."""
        self.figures[name] = value

    def line(self, holds: bool, what: str) -> None:
        """Say whether something that must hold does; told at once, as a run is long."""
        self.lines.append((holds, what))
        say(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")

    @property
    def holds(self) -> bool:
        """Whether every line holds, and there is one."""
        return bool(self.lines) and all(holds for holds, _ in self.lines)

    def show(self) -> None:
        """Print figures and lines as tables, then all of it as one line of JSON."""
        console = Console()
        figures = Table("figure", "value", title=self.name, title_justify="left")
        for name, value in self.figures.items():
            figures.add_row(name, _text(value))
        lines = Table("holds", "what")
        for holds, what in self.lines:
            lines.add_row("yes" if holds else "[red]NO[/]", what)
        console.print(figures, lines)
        sys.stdout.write(json.dumps({"name": self.name, "holds": self.holds, **self.figures}, default=str) + "\n")


def say(what: str) -> None:
    """Tell how far a run is, on stderr: stdout is for its report."""
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


@contextmanager
def fresh_stack(*arguments: str) -> Iterator[RunningStack]:
    """A stack in a temporary home, started with the arguments of `bankalerts up`; ended and deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="bankalerts-long-") as folder:
        say(f"bankalerts up {' '.join(arguments)}")
        with running_stack(Path(folder) / "home", *arguments) as stack:
            try:
                yield stack
            except BaseException:
                say_what_is(stack)
                raise


def say_what_is(stack: RunningStack) -> None:
    """The parts' states and the ends of their logs, before a failed run's stack is deleted."""
    for name, part in stack.parts().items():
        say(f"{name}: {part['state']} {part['detail']}")
        log = Path(part["log"])
        if log.exists():
            say("".join(f"    {line[:500]}\n" for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
