"""Rows that decisions leave behind for later ones, written with the positions: what the engine remembers (sql/engine.sql)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]


class SeenEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that something remembered was judged on. Its place in the order is given where it is written."""

    event_kind: str
    event_id: str
    event_date: date
    account_id: str | None
    customer_id: int | None


class LastSeen(msgspec.Struct, frozen=True, gc=False):
    """An event time of a group of a window without a beginning; the newest one stays."""

    alert_type: str
    definition: str
    account_id: str | None
    customer_id: int | None
    group_key: str
    last_time: datetime


class PreferenceMemory(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of a preference from here on."""

    account_id: str | None
    customer_id: int
    alert_type: str
    preference_no: int
    armed: bool
    last_alert_time: datetime | None


def write_seen(connection: Connection, rows: Sequence[SeenEvent]) -> None:
    """In their order: that is the order that is remembered. Raises UniqueViolation where one is there already."""
    with connection.cursor().copy(queries("engine", "psycopg").copy_seen.sql) as copy:
        for row in rows:
            copy.write_row((row.event_kind, row.event_id, row.event_date, row.account_id, row.customer_id))


def write_preference_memory(connection: Connection, rows: Sequence[PreferenceMemory]) -> None:
    """The last one of a preference counts."""
    newest = {(row.account_id, row.customer_id, row.alert_type, row.preference_no): row for row in rows}
    _write(connection, queries("engine", "psycopg").put_preference_memory.sql, [*newest.values()])


def write_last_seen(connection: Connection, rows: Sequence[LastSeen]) -> None:
    newest: dict[tuple[Any, ...], LastSeen] = {}
    for row in rows:
        key = (row.account_id, row.customer_id, row.alert_type, row.definition, row.group_key)
        if key not in newest or newest[key].last_time < row.last_time:
            newest[key] = row
    _write(connection, queries("engine", "psycopg").put_last_seen.sql, [*newest.values()])


def _write(connection: Connection, statement: str, rows: Sequence[msgspec.Struct]) -> None:
    """One statement for all rows: each column goes as an array."""
    columns = [msgspec.structs.astuple(row) for row in rows]
    names = rows[0].__struct_fields__
    connection.execute(statement, dict(zip(names, map(list, zip(*columns, strict=True)), strict=True)))
