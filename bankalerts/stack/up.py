"""`bankalerts up`: bring every part of the stack to where it does its work, from whatever state it is in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console

from bankalerts.errors import BankalertsError
from bankalerts.stack import logins, postgres, schema
from bankalerts.stack.display import Display
from bankalerts.stack.down import end_parts
from bankalerts.stack.home import Home, Remembered, choose_ports, remembered, settings_of
from bankalerts.stack.part import Part
from bankalerts.stack.parts import CONNECTORS, MIGRATIONS, SINGLE, all_parts, check_names
from bankalerts.stack.processes import Record, last_line, marked, read_record, start, stop
from bankalerts.stack.state import paused, why_not_ready
from bankalerts.stack.steps import Step, run_steps

POLL_S = 0.05
LISTENS_AT = {
    "postgres": ("postgres",),
    "kafka": ("kafka", "kafka-controller"),
    "connect": ("connect",),
    "mail-server": ("smtp", "mail"),
    "provider": ("provider",),
    "notifier": ("receipts",),
}


def up(home: Home, engines: int | None, without: frozenset[str], console: Console) -> None:
    """Start what is not running, start anew what died or would run differently, wait until all is ready.

    `engines` processes share the events; None keeps the number of last time. Parts in `without` are stopped.
    Raises BankalertsError with a line for each part that is not ready.
    """
    with home.locked(lambda: console.print("waiting for another command that changes this stack")):
        stack = remembered(home)
        stack.engines = engines or stack.engines
        check_names(without, stack.engines)
        stack.ports = choose_ports(stack.ports, _ports_in_use(home))
        parts = all_parts(home, stack, without)
        stack.save(home)
        end_parts(home, _superfluous(home, {part.name for part in parts}))
        with Display(console).shown() as display:
            ascent = _Ascent(home, stack, display)
            run_steps(ascent.steps(parts, without), ascent.interrupted)


@dataclass(frozen=True)
class _Ascent:
    """One `up` on its way."""

    home: Home
    stack: Remembered
    display: Display
    interrupted: threading.Event = field(default_factory=threading.Event)

    def steps(self, parts: list[Part], without: frozenset[str]) -> list[Step]:
        """Steps in an order in which each comes after what it needs."""
        steps = {part.name: Step(part.name, partial(self._bring_up, part), part.needs) for part in parts}
        if "postgres" in steps and MIGRATIONS not in without:
            steps[MIGRATIONS] = Step(MIGRATIONS, self._migrate, ("postgres",))
        if {"kafka", "connect"} <= steps.keys() and CONNECTORS not in without:
            steps[CONNECTORS] = Step(CONNECTORS, self._ensure_connectors, (MIGRATIONS, "kafka", "connect"))
        early = [*(name for name in SINGLE if name != "notifier"), MIGRATIONS, CONNECTORS]
        return [steps.pop(name) for name in early if name in steps] + list(steps.values())

    def _bring_up(self, part: Part) -> None:
        """Leave a part alone that runs as wanted; else start it, and wait until it is ready."""
        record = read_record(self.home, part.name)
        if record is not None and (record.process() is None or record.fingerprint != part.launch.fingerprint()):
            record = None
        if record is not None and not why_not_ready(part, record):
            self.display.line(f"[green]✓[/] {part.name} runs {part.address}".rstrip())
            return
        with self.display.step(part.name, "starting", f"is ready {part.address}".rstrip()):
            self._wait_until_ready(part, record or self._start(part))

    def _start(self, part: Part) -> Record:
        # What runs otherwise than wanted, or what an `up` started and could not write down.
        stop(marked(self.home).get(part.name, []), part.stop_signal, part.stop_within_s)
        part.prepare()
        return start(self.home, part.name, part.launch)

    def _wait_until_ready(self, part: Part, record: Record) -> None:
        deadline = time.monotonic() + part.ready_within_s
        log = self.home.log(part.name)
        while why := why_not_ready(part, record):
            if record.process() is None:
                raise BankalertsError(f"{part.name} is not ready, it ended: {last_line(log)}; its log is {log}")
            if paused(record) or time.monotonic() > deadline:
                raise BankalertsError(f"{part.name} is not ready: {why}; its log is {log}")
            if self.interrupted.wait(POLL_S):
                raise BankalertsError(f"{part.name} was not waited for: interrupted")

    def _migrate(self) -> None:
        with self.display.step(MIGRATIONS, "alembic upgrade head", "are at head"):
            postgres.create_database(self.stack.ports["postgres"], self.stack.password)
            settings = settings_of(self.home, self.stack, MIGRATIONS)
            schema.migrate(settings, self.home.log(MIGRATIONS))
            schema.prepare(settings.database_url, partial(self._note, MIGRATIONS))
            logins.give_logins(settings.database_url)

    def _ensure_connectors(self) -> None:
        import connectors

        settings = settings_of(self.home, self.stack, CONNECTORS)
        with self.display.step(CONNECTORS, "topics and capture", "are as they should be"):
            connectors.ensure(settings, partial(self._note, CONNECTORS))

    def _note(self, step: str, text: str) -> None:
        with self.home.log(step).open("a") as log:
            print(text, file=log)


def _superfluous(home: Home, wanted: set[str]) -> list[str]:
    """Parts that have a process and are not wanted any more: left out now, or engines beyond the number."""
    started = [path.stem for path in (home.path / "run").glob("*.json")]
    return [name for name in started if name not in wanted]


def _ports_in_use(home: Home) -> set[str]:
    """The names of ports that a living part of ours listens at: they are not free, and need not be."""
    living = (part for part in LISTENS_AT if (record := read_record(home, part)) and record.process())
    return {port for part in living for port in LISTENS_AT[part]}
