"""Asks a statement of sql/ by its file and name, where its rows are wanted by column or its answer is one value."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from bankalerts.database import Connection
from sql import queries


def rows(connection: Connection, file: str, name: str, **values: object) -> list[dict[str, Any]]:
    """All rows, each by column."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text(file, name), values).fetchall()


def one(connection: Connection, file: str, name: str, **values: object) -> Any:
    """The first value of the first row; None where there is no row."""
    row = connection.execute(text(file, name), values).fetchone()
    return row[0] if row else None


def text(file: str, name: str) -> bytes:
    """The statement with %(name)s for its parameters."""
    found: str = getattr(queries(file, "psycopg"), name).sql
    return found.encode()
