"""The commands of operators: pause, resume, pilot, suppressions, bounces. Thin: what does the work is imported when needed."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bankalerts import settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Customers = Annotated[str | None, typer.Option(metavar="1,2,3", help="Customer numbers, with commas in between.")]
CustomersFile = Annotated[Path | None, typer.Option("--file", help="A file with a customer number on each line.")]
ChannelOption = Annotated[str, typer.Option(help="The channel, such as EMAIL.")]
AddressOption = Annotated[str, typer.Option(help="The address; '-' reads it from standard input: no history keeps it then.")]

pilot_app = typer.Typer(no_args_is_help=True, help="Decide an alert type for all, send it to a few.")
suppressions_app = typer.Typer(
    no_args_is_help=True, help="Addresses that nothing is sent to: their providers called them dead."
)
out = Console()


def register(app: typer.Typer) -> None:
    """Add the commands to `bankalerts`."""
    app.command()(pause)
    app.command()(resume)
    app.command()(bounces)
    app.add_typer(pilot_app, name="pilot")
    app.add_typer(suppressions_app, name="suppressions")


def pause(
    scope: Annotated[str, typer.Argument(help="ALL, a channel (EMAIL) or an alert type (BALANCE_BELOW).")],
    reason: Annotated[str, typer.Option(help="Why, for whoever finds it paused.")],
    as_json: Json = False,
) -> None:
    """Send nothing more of it, within 5 seconds. What falls due is held, and sent after `bankalerts resume`.

    Safe to repeat. Example: `bankalerts pause BALANCE_BELOW --reason 'wrong threshold'`
    """
    from bankalerts import controls

    done = controls.pause(settings.database_url(), scope, reason)
    _tell(as_json, done, f"{done['scope']} is paused: {done['held']} messages are held so far")


def resume(
    scope: Annotated[str, typer.Argument(help="As it was paused: ALL, a channel or an alert type.")], as_json: Json = False
) -> None:
    """End a pause: what it held is sent, unless it has become too old or may not be sent any more.

    Exit code 1 when it is not paused. Example: `bankalerts resume BALANCE_BELOW`
    """
    from bankalerts import controls

    done = controls.resume(settings.database_url(), scope)
    _tell(as_json, done, f"{done['scope']} goes on: {done['held']} held messages are sent")


def bounces(
    mail: Annotated[str, typer.Argument(metavar="FILE|-", help="The mail as it came; '-' reads it from standard input.")] = "-",
) -> None:
    """Take one bounce that came as mail (RFC 3464): for a mail server's pipe.

    What nobody has is suppressed, what failed is FAILED and goes out on the next channel, a delay is recorded. Safe to repeat.
    Exit codes are those of sysexits.h: 0 taken; 65 no bounce, or none that can be read; 67 of no message that was sent; 75 try
    again later. Example, in a mail server's aliases: `alerts: "|bankalerts bounces -"`
    """
    from bankalerts.report.bounces import run

    raise typer.Exit(run(mail))


@pilot_app.command("start")
def start_pilot(alert_type: str, customers: Customers = None, file: CustomersFile = None, as_json: Json = False) -> None:
    """Send an alert type to these customers alone. Alerts are decided for all, and kept.

    Safe to repeat: the cohort grows. Example: `bankalerts pilot start BALANCE_BELOW --customers 1,2,3`
    """
    _grow(alert_type, customers, file, as_json, starts=True)


@pilot_app.command("add")
def add_to_pilot(alert_type: str, customers: Customers = None, file: CustomersFile = None, as_json: Json = False) -> None:
    """Put more customers into the cohort of a pilot that runs."""
    _grow(alert_type, customers, file, as_json, starts=False)


@pilot_app.command("end")
def end_pilot(alert_type: str, as_json: Json = False) -> None:
    """Send an alert type to everybody from now on. What was not sent for the pilot stays unsent."""
    from bankalerts import controls

    _tell(as_json, controls.end_pilot(settings.database_url(), alert_type), f"{alert_type} is sent to everybody")


@pilot_app.command("show")
def show_pilot(
    alert_type: str, limit: Annotated[int, typer.Option(min=1, max=1000, help="So many messages.")] = 50, as_json: Json = False
) -> None:
    """What customers outside of the cohort would have got: the newest messages, rendered from what is kept of their alerts."""
    from bankalerts import controls
    from bankalerts.report.pilot import would_have_got

    url = settings.database_url()
    pilot = controls.read_pilot(url, alert_type)
    messages = would_have_got(url, alert_type, limit)
    if as_json:
        print(json.dumps({"alert_type": alert_type, **pilot, "messages": messages}, default=_text, indent=2))
        return
    print(f"{alert_type}: {pilot['customers']} customers since {_text(pilot['since'])}; others would have got:")
    for message in messages:
        heading = f"{message['written_at']:%Y-%m-%d %H:%M:%S} customer {message['customer_id']} {message['channel']}"
        print(f"{heading}: {message['body']}")


@suppressions_app.command("list")
def list_suppressions(
    channel: Annotated[str | None, typer.Option(help="This channel alone.")] = None, as_json: Json = False
) -> None:
    """The suppressed addresses by their hashes, the newest first: an address itself is in bank.contact_address alone."""
    from bankalerts import controls

    rows = controls.suppressed(settings.database_url(), channel)
    if as_json:
        print(json.dumps({"suppressed": rows}, default=_text, indent=2))
        return
    for row in rows:
        print(f"{row['channel']} {row['target']} since {_text(row['since'])}: {row['reason']}")
    if not rows:
        print("no address is suppressed")


@suppressions_app.command("add")
def add_suppression(
    channel: ChannelOption,
    address: AddressOption,
    reason: Annotated[str, typer.Option(help="Why.")] = "by an operator",
    as_json: Json = False,
) -> None:
    """Send nothing to an address any more."""
    from bankalerts import controls

    done = controls.suppress(settings.database_url(), channel, _address(address), reason)
    _tell(as_json, done, f"nothing is sent on {channel} to {done['target']}")


@suppressions_app.command("remove")
def remove_suppression(channel: ChannelOption, address: AddressOption, as_json: Json = False) -> None:
    """Send to an address again. Exit code 1 when it is not suppressed."""
    from bankalerts import controls

    done = controls.allow(settings.database_url(), channel, _address(address))
    _tell(as_json, done, f"messages on {channel} are sent to {done['target']} again")


def _grow(alert_type: str, customers: str | None, file: Path | None, as_json: bool, *, starts: bool) -> None:
    from bankalerts import controls

    numbers = controls.numbers_of(customers, file)
    done = controls.grow_pilot(settings.database_url(), alert_type, numbers, starts=starts)
    _tell(as_json, done, f"{alert_type} is sent to {done['customers']} customers alone")


def _address(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _tell(as_json: bool, values: dict[str, Any], sentence: str) -> None:
    if as_json:
        print(json.dumps(values))
    else:
        out.print(sentence, highlight=False, soft_wrap=True)
