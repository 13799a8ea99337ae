"""What state each part is in, and the addresses: the answer to `bankalerts status`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil

from bankalerts.stack.home import Home, Remembered, addresses, remembered
from bankalerts.stack.part import Part
from bankalerts.stack.parts import all_parts
from bankalerts.stack.processes import Record, read_record

RUNNING, STOPPED, DEAD, NOT_READY = "running", "stopped", "dead", "not ready"


@dataclass(frozen=True)
class State:
    """One part: `running`, `stopped` (never started, or by us), `dead` (ended by itself) or `not ready`."""

    state: str
    pid: int | None
    address: str
    log: str
    detail: str = ""


def state_of(home: Home, part: Part) -> State:
    """Ask one part. Takes as long as its check."""
    log = str(home.log(part.name))
    record = read_record(home, part.name)
    if record is None:
        return State(STOPPED, None, part.address, log)
    if record.process() is None:
        return State(DEAD, record.pid, part.address, log, "it ended; `bankalerts up` starts it again")
    detail = why_not_ready(part, record)
    return State(NOT_READY if detail else RUNNING, record.pid, part.address, log, detail)


def why_not_ready(part: Part, record: Record) -> str:
    """Why the running process does not do its work; nothing when it does."""
    return paused(record) or part.check(record)


def paused(record: Record) -> str:
    """Says so when the process was stopped by a signal: it still takes connections, but never answers."""
    process = record.process()
    if process is not None and process.status() == psutil.STATUS_STOPPED:
        return f"its process is paused (SIGSTOP); `kill -CONT {record.pid}` lets it go on"
    return ""


def states(home: Home) -> tuple[Remembered | None, dict[str, State]]:
    """All parts of the stack of this home, asked at once. Nothing when none was ever started here."""
    if not home.exists():
        return None, {}
    stack = remembered(home)
    parts = all_parts(home, stack, frozenset())
    with ThreadPoolExecutor(len(parts)) as pool:
        found = list(pool.map(lambda part: state_of(home, part), parts))
    return stack, {part.name: state for part, state in zip(parts, found, strict=True)}


def as_json(stack: Remembered | None, found: dict[str, State]) -> dict[str, Any]:
    """The answer of `status --json`: {"parts": {name: state}, "database_url": ..., "kafka": ..., ...}."""
    return {
        "parts": {name: vars(state) for name, state in found.items()},
        **(addresses(stack) if stack else {}),
    }
