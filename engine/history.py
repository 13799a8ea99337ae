"""The state and the catalogue of any version, from the history tables: where memory does not have it (any more)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from engine.catalogue import Catalogue, build_catalogue
from engine.decode import customer_entity, customer_of
from engine.packed import RowKey, State, key_of, state_of
from engine.rows import AlertTypeRow, Permission, Preference, Row
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
EntityVersion = tuple[str, int]
Rows = dict[EntityVersion, dict[RowKey, Row]]


def states(connection: Connection, wanted: Collection[EntityVersion]) -> dict[EntityVersion, State]:
    """The states of these (entity, version) pairs. A pair is left out where the database has not reached the version."""
    customers = {pair: customer for pair in sorted(set(wanted)) if (customer := customer_of(pair[0])) is not None}
    accounts = [pair for pair in sorted(set(wanted)) if pair not in customers]
    rows: Rows = {pair: {} for pair in (*accounts, *customers)}
    if accounts:
        _read_accounts(connection, accounts, rows)
    if customers:
        _read_customers(connection, customers, rows)
    return {(entity, version): state_of(version, found) for (entity, version), found in rows.items()}


def _read_accounts(connection: Connection, accounts: list[EntityVersion], rows: Rows) -> None:
    sql = queries("engine", "psycopg")
    where = {"accounts": [account for account, _ in accounts], "versions": [version for _, version in accounts]}
    for account, version, *columns in sql.read_permissions_at(connection, **where):
        permission = Permission(*columns)
        rows[account, version][key_of(permission)] = permission
    for account, version, *columns in sql.read_preferences_at(connection, **where):
        preference = preference_of(*columns)
        rows[account, version][key_of(preference)] = preference
    for account, version in sql.read_unknown_versions(connection, **where):
        del rows[account, version]


def _read_customers(connection: Connection, customers: dict[EntityVersion, int], rows: Rows) -> None:
    sql = queries("engine", "psycopg")
    where = {"customers": list(customers.values()), "versions": [version for _, version in customers]}
    for customer, version, alert_type, number, *columns in sql.read_customer_preferences_at(connection, **where):
        preference = preference_of(customer, alert_type, number, None, *columns)
        rows[customer_entity(customer), version][key_of(preference)] = preference
    for customer, version in sql.read_unknown_customer_versions(connection, **where):
        del rows[customer_entity(customer), version]


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
