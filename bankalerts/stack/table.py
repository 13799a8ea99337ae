"""The state of the stack as a table for a person."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bankalerts.stack.home import Remembered, addresses
from bankalerts.stack.state import RUNNING, STOPPED, State

COLOURS = {RUNNING: "green", STOPPED: "dim"}


def status_table(console: Console, stack: Remembered, found: dict[str, State]) -> None:
    """Print each part with its state; what is wrong and the log only where something is."""
    table = Table("part", "state", "pid", "address", "detail")
    for name, state in found.items():
        colour = COLOURS.get(state.state, "red")
        detail = f"{state.detail}; log: {state.log}" if state.detail else ""
        pid = "" if state.pid is None else str(state.pid)
        table.add_row(name, f"[{colour}]{state.state}[/]", pid, state.address, detail)
    console.print(table)
    console.print(f"database  {addresses(stack)['database_url']}", highlight=False, soft_wrap=True)
