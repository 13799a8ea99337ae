"""`bankalerts up`: bring every part of the stack to where it does its work, from whatever state it is in."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console

from bankalerts.bank import load
from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings, environment, variables
from bankalerts.stack import postgres
from bankalerts.stack.display import Display
from bankalerts.stack.down import end_parts
from bankalerts.stack.home import Home, Remembered, choose_ports, remembered, settings_of
from bankalerts.stack.part import Part
from bankalerts.stack.parts import CONNECTORS, MIGRATIONS, SINGLE, all_parts, check_names
from bankalerts.stack.processes import Record, last_line, marked, read_record, start, stop
from bankalerts.stack.state import paused, why_not_ready
from bankalerts.stack.steps import Step, run_steps
from sql import catalogue

POLL_S = 0.05
MIGRATE_WITHIN_S = 120.0
PARTITIONS_BACK, PARTITIONS_AHEAD = timedelta(days=31), timedelta(days=92)
PROJECT = Path(__file__).parents[2]


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
            run_steps(_steps(home, stack, parts, without, display))


def _steps(home: Home, stack: Remembered, parts: list[Part], without: frozenset[str], display: Display) -> list[Step]:
    """Steps in an order in which each comes after what it needs."""
    steps = {part.name: Step(part.name, partial(_bring_up, home, part, display), part.needs) for part in parts}
    settings = settings_of(home, stack, "bankalerts")
    if "postgres" in steps and MIGRATIONS not in without:
        run = partial(_migrate, home, stack, settings, display)
        steps[MIGRATIONS] = Step(MIGRATIONS, run, ("postgres",))
    if {"kafka", "connect"} <= steps.keys() and CONNECTORS not in without:
        ensure = partial(_ensure_connectors, home, settings, display)
        steps[CONNECTORS] = Step(CONNECTORS, ensure, (MIGRATIONS, "connect"))
    early = [*(name for name in SINGLE if name != "notifier"), MIGRATIONS, CONNECTORS]
    return [steps.pop(name) for name in early if name in steps] + list(steps.values())


def _bring_up(home: Home, part: Part, display: Display) -> None:
    """Leave a part alone that runs as wanted; else start it, and wait until it is ready."""
    record = read_record(home, part.name)
    process = record.process() if record else None
    wanted = part.launch.fingerprint()
    if record and process and record.fingerprint == wanted and not why_not_ready(part, record):
        display.line(f"[green]✓[/] {part.name} runs {part.address}".rstrip())
        return
    with display.step(part.name, "starting", f"is ready {part.address}".rstrip()):
        if record is None or process is None or record.fingerprint != wanted:
            _end_former(home, part)
            part.prepare()
            record = start(home, part.name, part.launch)
        _wait_until_ready(home, part, record)


def _end_former(home: Home, part: Part) -> None:
    """A process that runs otherwise than wanted, or that an `up` started and could not write down."""
    stop(marked(home).get(part.name, []), part.stop_signal, part.stop_within_s)


def _wait_until_ready(home: Home, part: Part, record: Record) -> None:
    deadline = time.monotonic() + part.ready_within_s
    log = home.log(part.name)
    while why := why_not_ready(part, record):
        if record.process() is None:
            raise BankalertsError(f"{part.name} is not ready, it ended: {last_line(log)}; its log is {log}")
        if paused(record) or time.monotonic() > deadline:
            raise BankalertsError(f"{part.name} is not ready: {why}; its log is {log}")
        threading.Event().wait(POLL_S)


def _migrate(home: Home, stack: Remembered, settings: Settings, display: Display) -> None:
    with display.step(MIGRATIONS, "alembic upgrade head", "are at head"):
        postgres.create_database(stack.ports["postgres"], stack.password)
        migrate(settings, home.log(MIGRATIONS))
        prepare(settings)


def prepare(settings: Settings) -> None:
    """Put the alert types that come with the product in place, and partitions for the entries of the coming months."""
    with connected(settings.database_url, MIGRATIONS) as connection:
        catalogue.apply(connection)
        today = datetime.now(UTC).date()
        load.add_partitions(connection, [today - PARTITIONS_BACK, today + PARTITIONS_AHEAD])


def migrate(settings: Settings, log: Path) -> None:
    """Bring the database to the head of the migrations; an error quotes the last line of the log."""
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                (sys.executable, "-m", "alembic", "upgrade", "head"),
                cwd=PROJECT,
                env=environment(variables(settings)),
                stdout=output,
                stderr=output,
                timeout=MIGRATE_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BankalertsError(f"the migrations did not end within {MIGRATE_WITHIN_S:.0f} s; their log is {log}") from error
    if done.returncode != 0:
        raise BankalertsError(f"the migrations failed: {last_line(log)}; their log is {log}")


def _ensure_connectors(home: Home, settings: Settings, display: Display) -> None:
    import connectors

    log = home.log(CONNECTORS)
    with display.step(CONNECTORS, "topics and capture", "are as they should be"), log.open("a") as output:
        connectors.ensure(settings, lambda text: print(text, file=output, flush=True))


def _superfluous(home: Home, wanted: set[str]) -> list[str]:
    """Parts that have a process and are not wanted any more: left out now, or engines beyond the number."""
    started = [path.stem for path in (home.path / "run").glob("*.json")]
    return [name for name in started if name not in wanted]


def _ports_in_use(home: Home) -> set[str]:
    """The names of ports that a living part of ours listens at: they are not free, and need not be."""
    names = {
        "postgres": ("postgres",),
        "kafka": ("kafka", "kafka-controller"),
        "connect": ("connect",),
        "mail-server": ("smtp", "mail"),
        "provider": ("provider",),
    }
    living = (part for part in names if (record := read_record(home, part)) and record.process())
    return {port for part in living for port in names[part]}
