"""What a part of the stack is: one process, how it starts, when it is ready, how it stops."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankalerts.stack.home import Home
from bankalerts.stack.processes import Launch, Record

CHECK_S = 2.0  # how long one question to a part may take


def nothing() -> None:
    """A part that needs no preparation."""


@dataclass(frozen=True)
class Part:
    """One process of the stack.

    `check` says why the part is not ready, or nothing when it is; it answers within CHECK_S.
    `needs` names the parts and steps that must be ready before this one is started.
    """

    name: str
    address: str
    launch: Launch
    check: Callable[[Record], str]
    needs: tuple[str, ...] = ()
    prepare: Callable[[], None] = nothing
    ready_within_s: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 15.0


def check_listening(port: int) -> Callable[[Record], str]:
    """Ready is: somebody takes connections at the port."""

    def check(_record: Record) -> str:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=CHECK_S).close()
        except OSError:
            return f"nothing takes connections on port {port}"
        return ""

    return check


def check_announced(home: Home, part: str) -> Callable[[Record], str]:
    """Ready is: the process of the record wrote its pid into its ready file."""
    path: Path = home.ready_file(part)

    def check(record: Record) -> str:
        try:
            announced = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            announced = ""
        return "" if announced == str(record.pid) else "it has not said that it is ready"

    return check
