"""Deletes old rows, some at a time, where their policy says so."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.rows import dict_row

from bankalerts.database import Connection
from bankalerts.maintain.step import Step
from sql import queries

AT_A_TIME = 10_000  # a short transaction: vacuum and slots must not wait for it


def delete_old(connection: Connection, *, dry_run: bool) -> Iterator[Step]:
    """Delete what each policy with DELETE lets go."""
    statements = queries("maintain", "psycopg")
    with connection.cursor(row_factory=dict_row) as cursor:
        policies = cursor.execute(statements.read_deletions.sql).fetchall()
    for policy in policies:
        if dry_run:
            yield Step("WOULD_DELETE", policy["relation"], f"rows older than {policy['keeps']}")
            continue
        deleted = 0
        asking = {"data_class": policy["data_class"], "most": AT_A_TIME}
        while portion := int((connection.execute(statements.delete_old.sql, asking).fetchone() or (0,))[0]):
            deleted += portion
        if deleted:
            yield Step("DELETED", policy["relation"], f"{deleted} rows older than {policy['keeps']}")
