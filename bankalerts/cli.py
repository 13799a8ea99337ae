"""The command `bankalerts`. Thin: each command imports what does its work when it is called."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bankalerts import halts, operate, settings
from bankalerts.doctor import commands as doctor_commands
from bankalerts.errors import BankalertsError
from bankalerts.maintain import commands as maintain_commands
from bankalerts.seal import commands as seal_commands

if TYPE_CHECKING:
    from bankalerts.stack.home import Home

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Tell bank customers at once when something happens on their accounts.

[bold]Start here[/]

  bankalerts up                  start the whole stack on this machine
  bankalerts status              what runs, where, and the database's URL
  bankalerts messages --follow   the messages as customers get them
  bankalerts verify              compare the outbox with the SQL reference
  bankalerts down                end all processes; the data stays

Preferences, permissions and entries are written with plain SQL:

  bankalerts psql

The state is kept in the folder that BANKALERTS_HOME names, else in .bankalerts below the current folder.""",
)
connectors_app = typer.Typer(no_args_is_help=True, help="The topics and the connector that captures changes.")
replay_app = typer.Typer(no_args_is_help=True, help="Play a bank's history as SQL inserts.")
app.add_typer(connectors_app, name="connectors")
app.add_typer(replay_app, name="replay")
operate.register(app)
halts.register(app, connectors_app)
doctor_commands.register(app)
maintain_commands.register(app)
seal_commands.register(app)

out = Console()
INTERRUPTED = 130  # what a shell calls a command that Ctrl-C ended
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def main() -> None:
    """Entry of the console script: an error is one line that says what to do, and exit code 1."""
    try:
        app(prog_name="bankalerts")
    except BankalertsError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


@app.command()
def up(
    engines: Annotated[int | None, typer.Option(min=1, help="Engine processes; else as last time.")] = None,
    without: Annotated[list[str] | None, typer.Option(metavar="PART", help="Leave this part out.")] = None,
) -> None:
    """Start the local stack, or what is missing of it, and wait until every part is ready.

    Safe to repeat: what runs well is left alone, what died is started again.

    Examples: `bankalerts up`, `bankalerts up --engines 3`, `bankalerts up --without notifier`
    """
    from bankalerts.stack.up import up as bring_up

    bring_up(_home(), engines, frozenset(without or ()), out)


@app.command()
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Delete the stack's state too, with all data.")] = False,
) -> None:
    """End every process of the local stack. The data stays for the next `up`."""
    from bankalerts.stack.down import down as bring_down

    bring_down(_home(), purge, out)


@app.command()
def status(as_json: Json = False) -> None:
    """Show each part's state, process, address and log, and the database's URL.

    Exit code 1 when a part is dead (with --json, read the states). Example: `bankalerts status --json | jq -r .database_url`
    """
    from bankalerts.controls import open_pauses
    from bankalerts.report.parked import parked
    from bankalerts.stack import state
    from bankalerts.stack.home import addresses
    from bankalerts.stack.table import status_table

    stack, found = state.states(_home())
    can_say = stack is not None and found["postgres"].state == state.RUNNING
    waiting = parked(addresses(stack)["database_url"]) if stack and can_say else {}
    paused = open_pauses(addresses(stack)["database_url"]) if stack and can_say else []
    if as_json:
        print(json.dumps({**state.as_json(stack, found), "parked": waiting, "paused": paused}, indent=2, default=str))
        return
    if stack is None:
        raise BankalertsError(f"there is no local stack in {settings.home()}: start one with `bankalerts up`")
    status_table(out, stack, found)
    for alert_type, reason in sorted(waiting.items()):
        out.print(f"alert type {alert_type} is parked, nothing is judged by it: {reason}", soft_wrap=True, highlight=False)
    for row in paused:
        line = f"{row['scope']} is paused by {row['made_by']}, {row['held']} messages are held: {row['reason']}"
        out.print(line, soft_wrap=True, highlight=False, markup=False)
    if any(part.state == "dead" for part in found.values()):
        raise typer.Exit(1)


@app.command()
def outbox(
    channel: Annotated[str | None, typer.Option(help="Only this channel, such as EMAIL.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state, such as UNKNOWN.")] = None,
    as_json: Json = False,
) -> None:
    """What is in the outbox: messages by channel, state and reason; what is held, and why.

    All that wait, and what ended within a day. Messages of a channel that has no file in notifier/channels are parked: they
    wait, and nobody here sends them. The whole history of a message is in audit.outbox_history.

    Examples: `bankalerts outbox --state UNKNOWN`, `bankalerts outbox --json | jq .parked`
    """
    from bankalerts.report.outbox import show

    show(channel, state, as_json, out)


@app.command()
def prepare() -> None:
    """Put the product's alert types in place, and partitions for the coming months. Safe to repeat.

    `up` does so on the local stack; elsewhere it comes after `alembic upgrade head`.
    """
    from bankalerts.stack import schema

    schema.prepare(settings.database_url(), out.print)


@connectors_app.command("ensure")
def connectors_ensure() -> None:
    """Create missing topics and put the connector; says what changed. Safe to repeat."""
    import connectors

    connectors.ensure(settings.load(), out.print)


@connectors_app.command("status")
def connectors_status(as_json: Json = False) -> None:
    """Whether changes flow from PostgreSQL to Kafka; exit code 1 when they do not."""
    import connectors

    health = connectors.health(settings.load())
    if as_json:
        print(json.dumps({"healthy": health.healthy, "findings": health.findings}, indent=2))
    else:
        out.print("healthy" if health.healthy else "not healthy")
        for finding in health.findings:
            out.print(f"- {finding}")
    if not health.healthy:
        raise typer.Exit(1)


@app.command()
def messages(
    as_json: Json = False,
    channel: Annotated[str | None, typer.Option(help="Only this channel: EMAIL, SMS or PUSH.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show them as they come, until Ctrl-C.")] = False,
) -> None:
    """Show the messages that the local mail server and provider received.

    Examples: `bankalerts messages --channel SMS`, `bankalerts messages --follow`
    """
    from bankalerts.stack.received import show_messages

    show_messages(settings.load(), as_json=as_json, channel=channel, follow=follow)


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def psql(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="Passed on to psql.")] = None,
) -> None:
    """Open the database with the psql that came along.

    Example: `bankalerts psql -c 'select * from audit.outbox_history'`
    """
    from bankalerts.stack.postgres import program

    client = program("psql")
    # no pager, and of an error only what the reader can act on
    quiet = ("--pset=pager=off", "--set=SHOW_CONTEXT=never")
    os.execv(client, (client, *quiet, settings.database_url(), *(arguments or ())))  # noqa: S606


@replay_app.command("berka")
def replay_berka(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the Berka bank's files.")],
    rate: Annotated[float | None, typer.Option(help="Entries per second; else as fast as it goes.")] = None,
    preferences: Annotated[str, typer.Option(help="A file of preferences, or `five`.")] = "five",
    limit: Annotated[int | None, typer.Option(help="Only the first entries.")] = None,
    as_json: Json = False,
) -> None:
    """Load the Berka bank and insert its account entries in date order.

    Example: `bankalerts replay berka ../shared/data/berka --rate 200 --limit 5000`
    """
    from bankalerts.bank import replay

    ended = replay.run(settings.database_url(), folder, preferences=preferences, rate=rate, limit=limit, as_json=as_json)
    if not ended:
        raise typer.Exit(INTERRUPTED)


@app.command()
def verify(
    wait: Annotated[float, typer.Option(min=0.0, help="Seconds to wait for alerts on their way.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Compare the outbox with the SQL reference: events, expected, found, missing, extra.

    Exit code 1 when an alert is missing or extra.
    """
    from bankalerts.report import verify as report

    if not report.run(settings.database_url(), wait_s=wait, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def explain(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The event's kind: ACCOUNT_ENTRY, CARD_AUTHORISATION, ...")],
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="The id that the event was inserted with.")],
    customer: Annotated[int | None, typer.Option(help="Only this customer.")] = None,
    as_json: Json = False,
) -> None:
    """Say why an event led to an alert or not: one row per preference, with the values compared and who wrote what counted.

    Exit code 1 when an alert is due and not there, or there and not due, and when there is no such event.

    Example: `bankalerts explain ACCOUNT_ENTRY e-1001 --customer 42`
    """
    from bankalerts.report import explain as report

    if not report.run(settings.database_url(), kind, event_id, customer_id=customer, as_json=as_json):
        raise typer.Exit(1)


@app.command("dry-run")
def dry_run(
    alert_type: Annotated[str, typer.Argument(metavar="TYPE", help="The alert type, such as BALANCE_BELOW.")],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day of events to judge.")],
    file: Annotated[Path | None, typer.Option(help="SQL to run first and undo: a new or changed type or preference.")] = None,
    parameters: Annotated[str | None, typer.Option(help="JSON: as if each permitted customer had these.")] = None,
    customer: Annotated[int | None, typer.Option(help="Only this customer.")] = None,
    as_json: Json = False,
) -> None:
    """Say what an alert type would have sent on past events, by today's preferences and permissions. Nothing is changed.

    Examples: `bankalerts dry-run BALANCE_BELOW --since 2026-11-01`,
    `bankalerts dry-run CARD_ABOVE --since 2026-11-01 --file card_above.sql --parameters '{"threshold_minor": 5000}'`
    """
    from bankalerts.report import dry_run as report

    question = report.Question(alert_type, since.date(), file, parameters, customer)
    report.run(settings.database_url(), question, as_json=as_json)


@app.command()
def types(
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/alert-types.md.")] = False,
) -> None:
    """List the alert types: what each is about, whether it is mandatory, what its parameters are."""
    from bankalerts.report import alert_types as report

    report.run(settings.database_url(), as_json=as_json, as_markdown=as_markdown)


@app.command()
def preview(
    alert_type: Annotated[str, typer.Argument(metavar="TYPE", help="The alert type, such as BALANCE_BELOW.")],
    channel: Annotated[str | None, typer.Option(help="Only this channel, such as SMS.")] = None,
    locale: Annotated[str | None, typer.Option(help="Only this locale, such as nl-NL.")] = None,
    example: Annotated[int | None, typer.Option(help="The example's number; else the first that alerts.")] = None,
    subject: Annotated[str | None, typer.Option(help="A draft's subject.")] = None,
    body: Annotated[str | None, typer.Option(help="A draft's body.")] = None,
    file: Annotated[Path | None, typer.Option(help="A draft: TOML with `body` and, if it has one, `subject`.")] = None,
    show_balance: Annotated[bool, typer.Option("--show-balance", help="For a customer who chose to be shown it.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Of EMAIL, print the page.")] = False,
    as_json: Json = False,
) -> None:
    """Show what customers would read: an example of the type on each channel, in English and Dutch or any locale.

    A draft is checked and shown, and not stored. Exit code 1 when it is refused, or something cannot be shown.

    Examples: `bankalerts preview BALANCE_BELOW --channel SMS --locale nl-NL`,
    `bankalerts preview CARD_ABROAD --body 'Paid in {{ event.country | country }}.'`
    """
    from bankalerts.report import preview as report

    draft = report.draft(file, subject, body)
    asked = report.Asked(alert_type, channel, locale, example, draft, show_balance, html)
    if not report.run(settings.database_url(), asked, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def latency(
    since: Annotated[datetime | None, typer.Option(help="Only events inserted since then (UTC).")] = None,
    as_json: Json = False,
) -> None:
    """Show p50, p95 and p99 of each stage, from the commit of the event to the provider.

    Example: `bankalerts latency --since 2026-11-22T20:00:00`
    """
    from bankalerts.report import latency as report

    report.run(settings.database_url(), since=since.replace(tzinfo=UTC) if since else None, as_json=as_json)


@app.command()
def demo() -> None:
    """Start the stack, let a small bank live for a moment, watch its alerts arrive, and check them.

    Exit code 1 when an alert is missing or extra.
    """
    from bankalerts import demo as show

    if not show.run():
        raise typer.Exit(1)


def _home() -> Home:
    from bankalerts.stack.home import Home

    return Home(settings.home())


if __name__ == "__main__":
    main()
