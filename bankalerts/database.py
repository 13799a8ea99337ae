"""Connections to PostgreSQL for commands: named, autocommitting, failing with one line and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bankalerts.errors import BankalertsError

Connection = psycopg.Connection[Any]


@contextmanager
def connected(database_url: str, name: str) -> Iterator[Connection]:
    """A connection for the block, in autocommit mode; `name` is its application_name.

    Whatever PostgreSQL refuses inside the block becomes a BankalertsError with its message, value and remedy.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, application_name=f"bankalerts-{name}") as connection:
            yield connection
    except psycopg.Error as error:
        raise BankalertsError(_one_line(error, database_url)) from error


def _one_line(error: psycopg.Error, database_url: str) -> str:
    said = error.diag
    if isinstance(
        error,
        psycopg.errors.InvalidSchemaName | psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction,
    ):
        return f"{said.message_primary}: run `bankalerts up`, or `alembic upgrade head`"
    if said.message_primary:
        return "; ".join(part for part in (said.message_primary, said.message_detail, said.message_hint) if part)
    where = conninfo_to_dict(database_url)
    reason = str(error).strip().splitlines()
    return (
        f"PostgreSQL at {where.get('host')}:{where.get('port')} is out of reach"
        f" ({reason[-1] if reason else 'no reason given'}): start it with `bankalerts up`,"
        " or correct BANKALERTS_DATABASE_URL"
    )
