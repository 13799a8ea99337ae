"""`bankalerts maintain`. Thin: what does the work is imported when needed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bankalerts import settings


def register(app: typer.Typer) -> None:
    """Add the command to `bankalerts`."""
    app.command()(maintain)


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make partitions ahead of time; let go of partitions and rows as `audit.retention_policy` says.

    Safe to repeat, and to run twice at once; run it each day. Exit code 1 when something was left undone: it was locked each
    time, or holds messages that are still to be sent.
    """
    from bankalerts import maintain as work

    done = work.maintain(settings.database_url(), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"done": done.is_whole, "dry_run": dry_run, "steps": [asdict(step) for step in done.steps]}))
    else:
        for step in done.steps:
            typer.echo(f"{step.result:14} {step.relation}" + (f": {step.note}" if step.note else ""))
        if not done.steps:
            typer.echo("Nothing is due: the partitions ahead are there, and all that is kept is to be kept.")
    if not done.is_whole:
        raise typer.Exit(1)
