"""The state and the catalogue of any version, from the history tables: where memory does not have it (any more)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from engine.catalogue import Catalogue, build_catalogue
from engine.decode import AccountKey, AlertTypeRow, Permission, Preference
from engine.snapshot import AccountRow, AccountState, build_account
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
AccountVersion = tuple[str, int]


def account_states(connection: Connection, wanted: Collection[AccountVersion]) -> dict[AccountVersion, AccountState]:
    """The states of these (account, version) pairs. A pair is left out where the database has not reached the version."""
    sql = queries("engine", "psycopg")
    pairs = sorted(set(wanted))
    where = {"accounts": [account for account, _ in pairs], "versions": [version for _, version in pairs]}
    rows: dict[AccountVersion, dict[AccountKey, AccountRow]] = {pair: {} for pair in pairs}
    for account, version, *columns in sql.read_permissions_at(connection, **where):
        permission = Permission(*columns)
        rows[account, version][AccountKey(account, permission.customer_id)] = permission
    for account, version, *columns in sql.read_preferences_at(connection, **where):
        row = Preference(*columns)
        rows[account, version][AccountKey(account, row.customer_id, row.alert_type, row.preference_no)] = row
    for account, version in sql.read_unknown_versions(connection, **where):
        del rows[account, version]
    return {pair: build_account(of_pair) for pair, of_pair in rows.items()}


def catalogue(connection: Connection, version: int) -> Catalogue | None:
    """The catalogue of a version; None where the database has not reached it."""
    sql = queries("engine", "psycopg")
    if sql.read_catalogue_version(connection) < version:
        return None
    rows = sql.read_alert_types_at(connection, version=version)
    return build_catalogue({row[0]: AlertTypeRow(*row) for row in rows})
