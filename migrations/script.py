"""Runs the SQL scripts that stand beside the migrations, online and with --sql alike."""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

VERSIONS = Path(__file__).with_name("versions")


def run_script(migration: str) -> None:
    """Run `NNNN_name.sql` beside the migration file `NNNN_name.py`."""
    run(Path(migration).with_suffix(".sql").read_text())


def run(script: str) -> None:
    """Run SQL as it is.

    It goes to the driver whole and untouched: SQLAlchemy would take `:name` and `%` in it for parameters.
    """
    migration_context = op.get_context()
    if migration_context.as_sql:
        migration_context.impl.static_output(script)
    else:
        op.get_bind().connection.cursor().execute(script)


def run_made_commands(query: str) -> None:
    """Run each command that the query's rows are, outside of a transaction: an index CONCURRENTLY on every partition, say."""
    with op.get_context().autocommit_block():
        if op.get_context().as_sql:
            run(f"{query}\n\\gexec\n")
        else:
            for command in op.get_bind().execute(text(query)).scalars().all():
                run(command)


def restore_functions(script: str, *functions: str) -> None:
    """Put functions back as a landed script made them: `restore_functions("0002_alert_types", "bank.check_declared")`.

    For downgrades. Raises ValueError when the script does not make a function exactly once.
    """
    made = (VERSIONS / f"{script}.sql").read_text()
    for function in functions:
        found = re.findall(rf"^create (function {re.escape(function)}\(.*?^\$\$;)$", made, re.MULTILINE | re.DOTALL)
        if len(found) != 1:
            raise ValueError(f"{script}.sql makes {function} {len(found)} times")
        run(f"create or replace {found[0]}\n")
