"""What operators see and say of halts: why the engines decide nothing, and that they may go on."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from bankalerts import settings
from bankalerts.errors import BankalertsError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the halt.")]


def register(app: typer.Typer, connectors_app: typer.Typer) -> None:
    """Add the commands to `bankalerts` and to `bankalerts connectors`."""
    app.command()(halts)
    app.command()(halt)
    app.command()(unhalt)
    connectors_app.command("accept-restore")(accept_restore)


def halts(as_json: Json = False) -> None:
    """What holds up the engines, and what is wrong with capture now; exit code 1 when there is anything."""
    from bankalerts.database import connected
    from bankalerts.statements import rows

    with connected(settings.database_url(), "halts") as connection:
        found = {
            "halts": rows(connection, "halt", "read_open_halts"),
            "findings": rows(connection, "halt", "read_findings"),
        }
    if as_json:
        print(json.dumps(found, default=str, indent=2))
    else:
        for row in found["halts"]:
            print(f"{row['cause']} since {row['began_at']:%Y-%m-%d %H:%M:%S}: {row['detail']}")
        for row in found["findings"]:
            print(f"found now: {row['cause']}: {row['detail']}")
        if not any(found.values()):
            print("nothing holds up the engines")
    if any(found.values()):
        raise typer.Exit(1)


def halt(reason: Reason, as_json: Json = False) -> None:
    """Hold up all engines within 5 seconds; their positions stay. What was decided is sent on.

    Safe to repeat. Example: `bankalerts halt --reason 'wrong entries are being booked'`
    """
    _one("open_halt", cause="OPERATOR", detail=reason)
    _tell(as_json, {"cause": "OPERATOR", "halted": True}, "the engines halt until 'bankalerts unhalt OPERATOR'")


def unhalt(
    cause: Annotated[str, typer.Argument(help="SLOT, PUBLICATION, TABLE, RESTORE or OPERATOR, as `bankalerts halts` says.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Let the engines go on as far as this cause goes. Refused while what caused it is still there.

    After SLOT or PUBLICATION make capture whole first, as docs/operations.md tells.
    Example: `bankalerts unhalt PUBLICATION --reason 'table added again, snapshot taken anew'`
    """
    if not _one("end_halt", cause=cause, reason=reason):
        raise BankalertsError(f"nothing is halted for {cause}: see 'bankalerts halts'")
    _tell(as_json, {"cause": cause, "halted": False}, f"the halt {cause} has ended")


def accept_restore(reason: Reason, as_json: Json = False) -> None:
    """Say that the database as it is now is the right one, after a restore or a failover; engines go on with it.

    What has to be done before stands in docs/operations.md, "When capture was blind".
    """
    if not _one("accept_restore", reason=reason):
        raise BankalertsError("nothing is halted for RESTORE: see 'bankalerts halts'")
    _tell(as_json, {"cause": "RESTORE", "halted": False}, "the database is accepted as it is")


def _one(name: str, **values: str) -> Any:
    from bankalerts.database import connected
    from bankalerts.statements import one

    with connected(settings.database_url(), "halts") as connection:
        return one(connection, "halt", name, **values)


def _tell(as_json: bool, values: dict[str, Any], sentence: str) -> None:
    print(json.dumps(values) if as_json else sentence)
