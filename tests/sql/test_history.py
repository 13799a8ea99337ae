"""What the engine reads from the history tables is the state that was there at that version."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg
import pytest

from connectors.capture import CATALOGUE
from engine import history
from engine.decode import customer_entity
from engine.packed import RowKey, State, key_of, state_of
from engine.rows import AlertTypeRow, Permission, Row
from sql import queries
from tests.sql.state_changes import ACCOUNTS, SET_UP, statement, versions

Connection = psycopg.Connection[tuple[Any, ...]]


def state_now(connection: Connection, account: str, version: int) -> State:
    """From the live tables, as the engine has it in memory."""
    rows: dict[RowKey, Row] = {}
    for columns in connection.execute(
        "select customer_id, may_see_balance, valid_from, valid_until, state_version from bank.account_permission"
        " where account_id = %s",
        [account],
    ):
        permission = Permission(*columns)
        rows[key_of(permission)] = permission
    for columns in connection.execute(
        "select customer_id, alert_type, preference_no, currency, parameters, channels, enabled, state_version"
        " from bank.alert_preference where account_id = %s",
        [account],
    ):
        preference = history.preference_of(*columns)
        rows[key_of(preference)] = preference
    return state_of(version, rows)


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_state_of_each_version(connection: Connection, seed: int) -> None:
    connection.execute(SET_UP)
    random = Random(seed)
    seen = {(account, 0): state_now(connection, account, 0) for account in ACCOUNTS}
    for _ in range(150):
        try:
            with connection.transaction():
                connection.execute(statement(random).encode())
        except psycopg.errors.IntegrityError:
            continue
        seen |= {
            (account, version): state_now(connection, account, version) for account, version in versions(connection).items()
        }
    assert sum(bool(state.permissions and state.preferences) for state in seen.values()) > 10, "too little to compare"
    assert history.states(connection, seen.keys()) == seen


def customer_now(connection: Connection, customer: int) -> tuple[int, State]:
    """His version, and his preferences on no account, from the live tables."""
    row = connection.execute("select state_version from bank.customer where customer_id = %s", [customer]).fetchone()
    assert row is not None
    rows: dict[RowKey, Row] = {}
    for columns in connection.execute(
        "select customer_id, alert_type, preference_no, null, parameters, channels, enabled, state_version"
        " from bank.customer_preference where customer_id = %s",
        [customer],
    ):
        preference = history.preference_of(*columns)
        rows[key_of(preference)] = preference
    return row[0], state_of(row[0], rows)


def test_the_state_of_each_version_of_customers(connection: Connection) -> None:
    connection.execute(SET_UP)
    connection.execute(
        "insert into bank.alert_type (alert_type, event_kind, statuses, condition, parameters, category, title)"
        " values ('MOVED', 'CUSTOMER_ACTIVITY', '{}', 'true', '{}', 'c', 't')"
    )
    changes = """
        insert into bank.customer_preference (customer_id, alert_type, parameters, channels)
        select c, 'MOVED', '{}', '{SMS}' from generate_series(1, 2) c;
        update bank.customer_preference set enabled = false where customer_id = 1;
        insert into bank.customer_preference (customer_id, alert_type, preference_no, parameters, channels)
        values (1, 'MOVED', 2, '{}', '{PUSH,EMAIL}');
        update bank.customer_preference set channels = '{EMAIL}' where preference_no = 1;
        delete from bank.customer_preference where customer_id = 1 and preference_no = 1;
        delete from bank.customer_preference
    """
    seen: dict[tuple[str, int], State] = {}
    for change in ("select 1", *changes.split(";")):
        connection.execute(change.encode())
        for customer in (1, 2, 3):
            version, state = customer_now(connection, customer)
            seen[customer_entity(customer), version] = state
    assert len(seen) > 8
    assert history.states(connection, seen.keys()) == seen
    mixed = [("a", 0), (customer_entity(2), 0), (customer_entity(2), 99), (customer_entity(77), 0)]
    assert set(history.states(connection, mixed)) == {("a", 0), (customer_entity(2), 0)}


def test_a_version_that_was_never_reached_is_left_out(connection: Connection) -> None:
    connection.execute(SET_UP)
    assert history.states(connection, [("a", 0), ("a", 1), ("b", 7)]) == {("a", 0): State(0, (), ())}
    assert history.states(connection, []) == {}


def test_the_catalogue_of_each_version(connection: Connection) -> None:
    def version() -> int:
        return int((connection.execute("select catalogue_version from bank.catalogue").fetchone() or (0,))[0])

    before = version()
    connection.execute(
        "insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)"
        " values ('LATER', 'ACCOUNT_ENTRY', 'event.amount_minor > :least', '{\"least\": {\"type\": \"integer\"}}', 'c', 't')"
    )
    earlier, now = (history.catalogue(connection, at) for at in (before, before + 1))
    assert earlier is not None
    assert now is not None
    assert set(now.by_kind["ACCOUNT_ENTRY"]) - set(earlier.by_kind["ACCOUNT_ENTRY"]) == {"LATER"}
    assert not earlier.broken
    assert not now.broken
    assert len(earlier.by_kind["ACCOUNT_ENTRY"]) > 4
    cursor = connection.execute(queries("engine", "psycopg").read_alert_types_at.sql, {"version": before})
    columns = tuple(column.name for column in cursor.description or ())
    assert columns == AlertTypeRow.__struct_fields__ == CATALOGUE["bank.alert_type"], "three lists of the same columns"
