"""All parts of the stack, in the order in which their data flows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bankalerts.errors import BankalertsError
from bankalerts.settings import variables
from bankalerts.stack import connect, kafka, postgres
from bankalerts.stack.home import Home, Remembered, addresses, settings_of
from bankalerts.stack.part import Part, check_announced, check_listening
from bankalerts.stack.processes import Launch

# Steps of `up` that parts need and that are no processes themselves.
MIGRATIONS = "migrations"
CONNECTORS = "connectors"

PROJECT = Path(__file__).parents[2]
SINGLE = ("postgres", "kafka", "connect", "mail-server", "provider", "notifier")
ENGINE = "engine-"


def all_parts(home: Home, stack: Remembered, without: frozenset[str]) -> list[Part]:
    """The parts of this stack but for those left out; "engine" leaves out every engine process."""
    ports = stack.ports
    makers: dict[str, Callable[[], Part]] = {
        "postgres": lambda: postgres.part(home, ports["postgres"], stack.password),
        "kafka": lambda: kafka.part(home, ports["kafka"], ports["kafka-controller"]),
        "connect": lambda: connect.part(home, ports["connect"], addresses(stack)["kafka"]),
        "mail-server": lambda: _mail_server(home, stack),
        "provider": lambda: _provider(home, stack),
    }
    for name in engine_names(stack.engines):
        makers[name] = partial(_worker, home, stack, name, "engine", (CONNECTORS,))
    notifier_needs = (MIGRATIONS, "mail-server", "provider")
    makers["notifier"] = partial(_worker, home, stack, "notifier", "notifier", notifier_needs)
    return [make() for name, make in makers.items() if not is_left_out(name, without)]


def engine_names(count: int) -> list[str]:
    """engine-1 to engine-count."""
    return [f"{ENGINE}{number}" for number in range(1, count + 1)]


def is_left_out(name: str, without: frozenset[str]) -> bool:
    """Whether `--without` named the part, itself or as "engine"."""
    return name in without or (name.startswith(ENGINE) and "engine" in without)


def check_names(without: frozenset[str], engines: int) -> None:
    """Raises BankalertsError naming a part that does not exist."""
    known = [*SINGLE, "engine", *engine_names(engines), MIGRATIONS, CONNECTORS]
    for name in without:
        if name not in known:
            raise BankalertsError(f"--without {name}: there is no such part; there are {', '.join(known)}")


def _worker(home: Home, stack: Remembered, name: str, module: str, needs: tuple[str, ...]) -> Part:
    return Part(
        name=name,
        address="",
        launch=_python(home, stack, name, module),
        check=check_announced(home, name),
        needs=needs,
    )


def _mail_server(home: Home, stack: Remembered) -> Part:
    smtp, page = stack.ports["smtp"], stack.ports["mail"]
    arguments = ("--smtp-port", str(smtp), "--http-port", str(page), "--home", str(home.data("mail-server")))
    return Part(
        name="mail-server",
        address=addresses(stack)["smtp_url"],
        launch=_python(home, stack, "mail-server", "bankalerts.stack.mail_server", *arguments),
        check=lambda record: check_listening(smtp)(record) or check_listening(page)(record),
    )


def _provider(home: Home, stack: Remembered) -> Part:
    port = stack.ports["provider"]
    arguments = ("--port", str(port), "--home", str(home.data("provider")))
    return Part(
        name="provider",
        address=addresses(stack)["provider_url"],
        launch=_python(home, stack, "provider", "bankalerts.stack.provider", *arguments),
        check=check_listening(port),
    )


def _python(home: Home, stack: Remembered, name: str, module: str, *arguments: str) -> Launch:
    return Launch(
        command=(sys.executable, "-m", module, *arguments),
        variables=variables(settings_of(home, stack, name)),
        code=code_of(module),
    )


def code_of(module: str) -> tuple[Path, ...]:
    """The files and folders that a process of ours runs: its package, the statements, and what all parts share."""
    package = PROJECT.joinpath(*module.split(".")[: 2 if module.startswith("bankalerts.") else 1])
    return (package, PROJECT / "sql", *sorted((PROJECT / "bankalerts").glob("*.py")))
