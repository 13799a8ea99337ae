"""`bankalerts down`: end every process of the stack, in the order that loses nothing."""

from __future__ import annotations

import signal

import psutil
from rich.console import Console

from bankalerts.stack.home import Home
from bankalerts.stack.parts import ENGINE
from bankalerts.stack.processes import marked, read_record, stop
from bankalerts.stack.purge import remove

# Who writes to whom: the later ones are ended when nobody writes to them any more.
ORDER = (("engine", "notifier"), ("connect",), ("kafka", "mail-server", "provider", "postgres"))
STOP_WITHIN_S = 20.0


def down(home: Home, purge: bool, console: Console) -> None:
    """End all processes; the data stays unless `purge`. Nothing to do is no error."""
    if not home.exists():
        console.print(f"no local stack in {home.path}")
        return
    with home.locked(lambda: console.print("waiting for another command that changes this stack")):
        started = [path.stem for path in (home.path / "run").glob("*.json")]
        for group in ORDER:
            end_parts(home, [name for name in started if _kind(name) in group])
        end_parts(home, [name for name in started if home.record(name).exists()])
        forgotten = [process for processes in marked(home).values() for process in processes]
        stop(forgotten, signal.SIGTERM, STOP_WITHIN_S)
        left = remove(home) if purge else []
    console.print(f"the stack in {home.path} is {'removed' if purge else 'down'}")
    if left:
        console.print(f"left alone, it is not the stack's: {', '.join(map(str, left))}")


def end_parts(home: Home, names: list[str]) -> None:
    """End some parts and forget their processes: PostgreSQL by its fast shutdown, the others by SIGTERM."""
    found = {name: _process(home, name) for name in names}
    for name, process in found.items():
        if process is not None and name == "postgres":
            stop([process], signal.SIGINT, STOP_WITHIN_S)
    others = [process for name, process in found.items() if process is not None and name != "postgres"]
    stop(others, signal.SIGTERM, STOP_WITHIN_S)
    for name in names:
        home.record(name).unlink(missing_ok=True)
        home.ready_file(name).unlink(missing_ok=True)


def _process(home: Home, name: str) -> psutil.Process | None:
    record = read_record(home, name)
    return record.process() if record else None


def _kind(name: str) -> str:
    return "engine" if name.startswith(ENGINE) else name
