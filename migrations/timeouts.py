"""How long a migration may wait and work: a lock it cannot get must not hold up the bank, and its failure says what to do.

Whoever waits for a strong lock keeps out all who come after: a migration waits 2 seconds and gives up; nothing of it remains.
`alembic -x lock_timeout=10s -x statement_timeout=1h upgrade head` waits longer, also with --sql.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.util import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

DEFAULTS = {"lock_timeout": "2s", "statement_timeout": "60s"}
DURATION = re.compile(r"\d+(ms|s|min|h|d)?")
# the transactions that a migration may have waited for: the oldest is first
HOLDERS = """
select format('process %%s (%%s as %%s, since %%s)', a.pid, coalesce(nullif(a.application_name, ''), 'no name'), a.usename,
              to_char(a.xact_start, 'HH24:MI:SS'))
  from pg_stat_activity a
 where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
   and exists (select from pg_locks l
                 join pg_class c on c.oid = l.relation
                where l.pid = a.pid and l.granted
                  and c.relnamespace::regnamespace::text in ('bank', 'alerting', 'audit', 'vault'))
 order by a.xact_start
 limit 3
"""


class WithTimeouts(PostgresqlImpl):
    """Offline (--sql), each transaction of the script begins with the timeouts."""

    __dialect__ = "postgresql"

    def emit_begin(self) -> None:
        super().emit_begin()
        for statement in _statements():
            self.static_output(f"{statement};")


def limit(connection: Connection) -> None:
    """Online, each transaction of this connection has the timeouts; what a migration runs outside of one sets its own."""

    @event.listens_for(connection, "begin")
    def begun(begun_on: Connection) -> None:
        if not begun_on.connection.driver_connection.autocommit:  # type: ignore[union-attr]
            for statement in _statements():
                begun_on.exec_driver_sql(statement)


def explained(error: Exception, connection: Connection) -> CommandError | None:
    """What a person reads when a migration ran into a timeout; None for another error. Rolls the migration back."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled | psycopg.errors.DeadlockDetected):
        return None
    connection.rollback()
    applied = ", ".join(context.get_context().get_current_heads()) or "base"
    left = f"the database is at {applied}: what was begun after it is rolled back, so run it again"
    if isinstance(cause, psycopg.errors.QueryCanceled):
        return CommandError(f"a statement of a migration took longer than {_timeouts()['statement_timeout']}; {left}")
    if isinstance(cause, psycopg.errors.DeadlockDetected):
        return CommandError(f"a migration and a writer waited for each other, and PostgreSQL ended the migration; {left}")
    held: Any = connection.exec_driver_sql(HOLDERS).scalars().all()
    by = f" (locks are held by {'; '.join(held)})" if held else ""
    return CommandError(f"a migration could not get its lock within {_timeouts()['lock_timeout']}{by}; {left}")


def _timeouts() -> dict[str, str]:
    asked = context.get_x_argument(as_dictionary=True)
    found = {name: str(asked.get(name, default)) for name, default in DEFAULTS.items()}
    for name, value in found.items():
        if not DURATION.fullmatch(value):
            raise CommandError(f"-x {name}={value} is no duration: write it like 2s or 500ms")
    return found


def _statements() -> list[str]:
    return [f"set local {name} = '{value}'" for name, value in _timeouts().items()]
