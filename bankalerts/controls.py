"""What operators settle of delivery: pauses, pilots, suppressed addresses. Each is a row, and can be written in SQL as well."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bankalerts import statements
from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError

Row = dict[str, Any]


def pause(url: str, name: str, reason: str) -> Row:
    """Hold up everything (ALL), a channel or an alert type; repeatable. Raises BankalertsError for what there is not."""
    with connected(url, "pause") as connection:
        scope = scope_of(connection, name)
        statements.one(connection, "operate", "pause", scope=scope, reason=reason)
        return {"scope": scope, "paused": True, "held": statements.one(connection, "operate", "count_held", scope=scope)}


def resume(url: str, name: str) -> Row:
    """End a pause. Raises BankalertsError when there is none."""
    with connected(url, "resume") as connection:
        scope = scope_of(connection, name)
        held = statements.one(connection, "operate", "count_held", scope=scope)
        if not statements.one(connection, "operate", "resume", scope=scope):
            raise BankalertsError(f"{scope} is not paused: `bankalerts status` lists what is")
        return {"scope": scope, "paused": False, "held": held}


def open_pauses(url: str) -> list[Row]:
    """What is paused, with how many messages each pause holds. Raises BankalertsError."""
    with connected(url, "status") as connection:
        return statements.rows(connection, "operate", "read_open_pauses")


def grow_pilot(url: str, alert_type: str, customers: Sequence[int], *, starts: bool) -> Row:
    """Put customers into the cohort of a pilot, which begins if it `starts`. Raises BankalertsError."""
    with connected(url, "pilot") as connection:
        _known(alert_type, _names(connection, "read_alert_type_names"), "alert type")
        # the cohort first: a notifier that looked in between would send to nobody
        with connection.transaction():
            if starts:
                connection.execute(statements.text("operate", "start_pilot"), {"alert_type": alert_type})
            _running(connection, alert_type)
            asked = {"alert_type": alert_type, "customer_ids": list(customers)}
            connection.execute(statements.text("operate", "add_pilot_customers"), asked)
            statements.one(connection, "operate", "tell_control_changed", scope=f"PILOT:{alert_type}")
        return {"alert_type": alert_type, "customers": _running(connection, alert_type)["customers"]}


def end_pilot(url: str, alert_type: str) -> Row:
    """Send an alert type to everybody again. Raises BankalertsError when it is not piloted."""
    with connected(url, "pilot") as connection:
        _running(connection, alert_type)
        connection.execute(statements.text("operate", "end_pilot"), {"alert_type": alert_type})
        statements.one(connection, "operate", "tell_control_changed", scope=f"PILOT:{alert_type}")
    return {"alert_type": alert_type, "piloted": False}


def read_pilot(url: str, alert_type: str) -> Row:
    """Since when the pilot runs, and how many customers are in it. Raises BankalertsError when there is none."""
    with connected(url, "pilot") as connection:
        return _running(connection, alert_type)


def suppressed(url: str, channel: str | None) -> list[Row]:
    """The suppressed addresses by their hashes, the newest first, 1,000 at most. Raises BankalertsError."""
    with connected(url, "suppressions") as connection:
        return statements.rows(connection, "operate", "read_suppressed_addresses", channel=channel)


def suppress(url: str, channel: str, address: str, reason: str) -> Row:
    """Send nothing to an address any more; repeatable. Raises BankalertsError for a channel that there is not."""
    with connected(url, "suppressions") as connection:
        _known(channel, _names(connection, "read_channel_names"), "channel")
        values = {"channel": channel, "target": _target(channel, address), "reason": reason}
        connection.execute(statements.text("operate", "suppress_address"), values)
    return values


def allow(url: str, channel: str, address: str) -> Row:
    """Send to an address again. Raises BankalertsError when it is not suppressed."""
    with connected(url, "suppressions") as connection:
        values = {"channel": channel, "target": _target(channel, address)}
        if not connection.execute(statements.text("operate", "allow_address"), values).rowcount:
            raise BankalertsError(
                f"this address is not suppressed on {channel}: `bankalerts suppressions list` shows which are"
            )
    return values


def scope_of(connection: Connection, name: str) -> str:
    """ALL, CHANNEL:x or TYPE:x for what an operator calls it. Raises BankalertsError for what there is not."""
    channels, types = _names(connection, "read_channel_names"), _names(connection, "read_alert_type_names")
    known = {"ALL", *(f"CHANNEL:{channel}" for channel in channels), *(f"TYPE:{alert_type}" for alert_type in types)}
    found = sorted(known & {name, f"CHANNEL:{name}", f"TYPE:{name}"})
    if len(found) > 1:
        raise BankalertsError(f"{name} is a channel and an alert type: say {found[0]} or {found[1]}")
    if not found:
        raise BankalertsError(
            f"there is no channel or alert type {name}: use ALL, {', '.join(channels)}, or one that `bankalerts types` lists"
        )
    return found[0]


def numbers_of(customers: str | None, file: Path | None) -> list[int]:
    """The customers that were named. Raises BankalertsError for what is no number, and for none."""
    try:
        words = file.read_text(encoding="utf-8").split() if file else (customers or "").replace(",", " ").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BankalertsError(f"{file} cannot be read ({error}): give a file with a customer number on each line") from error
    wrong = next((word for word in words if not _is_number(word)), None if words else "nothing")
    if wrong is not None:
        raise BankalertsError(f"{wrong} is no customer number: write --customers 1,2,3, or --file with one on each line")
    return [int(word) for word in words]


def _is_number(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _running(connection: Connection, alert_type: str) -> Row:
    rows = statements.rows(connection, "operate", "read_pilot", alert_type=alert_type)
    if not rows:
        raise BankalertsError(f"{alert_type} is not piloted: `bankalerts pilot start {alert_type} --customers ...` begins it")
    return rows[0]


def _known(name: str, known: Sequence[str], kind: str) -> None:
    if name not in known:
        raise BankalertsError(f"there is no {kind} {name}: use one of {', '.join(known)}")


def _names(connection: Connection, statement: str) -> list[str]:
    return [name for (name,) in connection.execute(statements.text("operate", statement)).fetchall()]


def _target(channel: str, address: str) -> str:
    """What stands for an address in alerting.suppressed_address: its hash, or a device's push_id as it is."""
    if not address:
        raise BankalertsError("there is no address: give --address, or '-' and the address on standard input")
    return address if channel == "PUSH" else hashlib.sha256(address.encode()).hexdigest()
