"""The commands `bankalerts doctor` and `bankalerts metrics`."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from bankalerts import settings
from bankalerts.errors import BankalertsError

out = Console()
EXIT = {"OK": 0, "WARNING": 1, "FAULT": 2}
COLOUR = {"OK": "green", "WARNING": "yellow", "FAULT": "red"}
ANSWERS_WITHIN_S = 5.0


def register(app: typer.Typer) -> None:
    """Add the commands to `bankalerts`."""
    app.command()(doctor)
    app.command()(metrics)


def doctor(
    only: Annotated[list[str] | None, typer.Option(metavar="CHECK", help="Only this check; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_metrics: Annotated[bool, typer.Option("--metrics", help="Print figures for Prometheus' textfile collector.")] = False,
) -> None:
    """Look for what is wrong, or will be, with database, capture and delivery; each finding has its remedy.

    Nothing is changed. Exit code 0 when all is well, 1 with a warning, 2 with a fault.

    Examples: `bankalerts doctor`, `bankalerts doctor --metrics > /var/lib/node_exporter/bankalerts.prom`,
    `bankalerts doctor --only slot --json`
    """
    from bankalerts.doctor.check import SEVERITIES, Asked
    from bankalerts.doctor.examine import examine

    found = examine(Asked(settings.load()), only or ())
    worst = max((each.severity for each in found), key=SEVERITIES.index)
    if as_metrics:
        from bankalerts.doctor.figures import figures

        print(figures(found), end="")
    elif as_json:
        print(json.dumps({"severity": worst, "checks": [_as_json(each) for each in found]}, indent=2))
    else:
        _show(found)
    raise typer.Exit(EXIT[worst])


def metrics() -> None:
    """Print the figures of all running parts of the local stack, as Prometheus gets them.

    Exit code 1 when a part does not answer. Example: `bankalerts metrics | grep lag`
    """
    from bankalerts.metrics import targets

    found = targets(settings.home() / "run")
    if not found:
        raise BankalertsError(f"no part of the stack in {settings.home()} tells its figures: start one with `bankalerts up`")
    silent = False
    for part, address in found.items():
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=ANSWERS_WITHIN_S) as answer:
                print(f"# {part} at {address}\n{answer.read().decode()}", end="")
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"{part} does not answer at {address} ({error}): `bankalerts status` says how it is", file=sys.stderr)
            silent = True
    if silent:
        raise typer.Exit(1)


def _as_json(outcome: Any) -> dict[str, Any]:
    return {"check": outcome.check, "severity": outcome.severity, "findings": [vars(each) for each in outcome.findings]}


def _show(found: Sequence[Any]) -> None:
    for outcome in found:
        out.print(f"[{COLOUR[outcome.severity]}]{outcome.severity:8}[/]{outcome.check}", highlight=False)
        for finding in outcome.findings:
            for name, text in (("", finding.text), ("remedy: ", finding.remedy), ("note: ", finding.note)):
                if text:
                    out.print(f"        {name}{escape(text)}", soft_wrap=True, highlight=False)
