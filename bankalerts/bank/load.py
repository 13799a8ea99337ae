"""Writes a bank's rows with the statements of sql/bank.sql. Writing them again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bankalerts.bank.rows import (
    Account,
    Bank,
    ContactAddress,
    Customer,
    Entry,
    Permission,
    Preference,
    PushDevice,
    columns,
)
from bankalerts.database import Connection
from sql import queries

_bank = queries("bank", "psycopg")


def add_bank(connection: Connection, bank: Bank) -> int:
    """Add what is not there yet, in one transaction; returns how many rows that were."""
    with connection.transaction():
        return sum(
            int(add(connection, **columns(kind, rows)))
            for add, kind, rows in (
                (_bank.add_customers, Customer, bank.customers),
                (_bank.add_accounts, Account, bank.accounts),
                (_bank.add_permissions, Permission, bank.permissions),
                (_bank.add_addresses, ContactAddress, bank.addresses),
                (_bank.add_devices, PushDevice, bank.devices),
            )
        )


def put_preferences(connection: Connection, preferences: Sequence[Preference]) -> int:
    """Add or change preferences, in one transaction; returns how many were not so already."""
    given = columns(Preference, preferences)
    given["channels"] = [f"{{{','.join(channels)}}}" for channels in given["channels"]]
    return int(_bank.put_preferences(connection, **given))


def remove_preference(connection: Connection, preference: Preference) -> None:
    """Delete one preference, if it is there."""
    _bank.remove_preference(
        connection,
        account_id=preference.account_id,
        customer_id=preference.customer_id,
        alert_type=preference.alert_type,
        preference_no=preference.preference_no,
    )


def grant_permission(connection: Connection, permission: Permission) -> None:
    """Add one permission, unless it is there."""
    _bank.add_permissions(connection, **columns(Permission, [permission]))


def revoke_permission(connection: Connection, permission: Permission) -> None:
    """Delete one permission, if it is there."""
    _bank.revoke_permission(connection, account_id=permission.account_id, customer_id=permission.customer_id)


def add_entries(connection: Connection, entries: Sequence[Entry]) -> int:
    """Insert entries in one statement, in the order given; returns how many were not there yet."""
    return int(_bank.add_entries(connection, **columns(Entry, entries)))


def add_partitions(connection: Connection, days: Sequence[date]) -> int:
    """Make the partitions for events on these days; returns how many were made."""
    return int(_bank.add_partitions(connection, booked_from=min(days), booked_until=max(days)))


def read_threshold_types(connection: Connection) -> set[str]:
    """The alert types whose preferences give `threshold_minor`."""
    return {name for (name,) in _bank.read_threshold_types(connection)}


def read_channels(connection: Connection) -> set[str]:
    """The channels there are."""
    return {name for (name,) in _bank.read_channels(connection)}


def read_balances(connection: Connection, accounts: Sequence[Account]) -> dict[str, int]:
    """The balance in minor units after the last entry of each account that has one, by account_id."""
    return dict(_bank.read_balances(connection, account_id=[account.account_id for account in accounts]))
