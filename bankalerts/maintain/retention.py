"""Deletes old rows, some at a time, where their policy says so."""

from __future__ import annotations

from collections.abc import Iterator

from bankalerts.database import Connection
from bankalerts.maintain.step import Step
from bankalerts.statements import one, rows

AT_A_TIME = 10_000  # a short transaction: vacuum and slots must not wait for it


def delete_old(connection: Connection, *, dry_run: bool) -> Iterator[Step]:
    """Delete what each policy with DELETE lets go."""
    for policy in rows(connection, "maintain", "read_deletions"):
        if dry_run:
            yield Step("WOULD_DELETE", policy["relation"], f"rows older than {policy['keeps']}")
            continue
        deleted = 0
        while portion := one(connection, "maintain", "delete_old", data_class=policy["data_class"], most=AT_A_TIME):
            deleted += portion
        if deleted:
            yield Step("DELETED", policy["relation"], f"{deleted} rows older than {policy['keeps']}")
