"""The state and the catalogue of any version, from the history tables: where memory does not have it (any more)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from engine.catalogue import Catalogue, build_catalogue
from engine.packed import RowKey, State, key_of, state_of
from engine.rows import AlertTypeRow, Permission, Preference, Row
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
AccountVersion = tuple[str, int]


def states(connection: Connection, wanted: Collection[AccountVersion]) -> dict[AccountVersion, State]:
    """The states of these (account, version) pairs. A pair is left out where the database has not reached the version."""
    sql = queries("engine", "psycopg")
    pairs = sorted(set(wanted))
    where = {"accounts": [account for account, _ in pairs], "versions": [version for _, version in pairs]}
    rows: dict[AccountVersion, dict[RowKey, Row]] = {pair: {} for pair in pairs}
    for account, version, *columns in sql.read_permissions_at(connection, **where):
        permission = Permission(*columns)
        rows[account, version][key_of(permission)] = permission
    for account, version, *columns in sql.read_preferences_at(connection, **where):
        preference = preference_of(*columns)
        rows[account, version][key_of(preference)] = preference
    for account, version in sql.read_unknown_versions(connection, **where):
        del rows[account, version]
    return {(account, version): state_of(version, of_pair) for (account, version), of_pair in rows.items()}


def preference_of(
    customer_id: int,
    alert_type: str,
    preference_no: int,
    currency: str | None,
    parameters: dict[str, Any],
    channels: list[str],
    enabled: bool,
    version: int,
) -> Preference:
    """From the columns of a history table."""
    return Preference(customer_id, alert_type, preference_no, currency, parameters, tuple(channels), enabled, version)


def catalogue(connection: Connection, version: int) -> Catalogue | None:
    """The catalogue of a version; None where the database has not reached it."""
    sql = queries("engine", "psycopg")
    if sql.read_catalogue_version(connection) < version:
        return None
    rows = sql.read_alert_types_at(connection, version=version)
    return build_catalogue({row[0]: AlertTypeRow(*row) for row in rows})
