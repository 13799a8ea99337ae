"""Runs the SQL script that stands beside a migration, online and with --sql alike."""

from pathlib import Path

from alembic import op


def run_script(migration: str) -> None:
    """Run `NNNN_name.sql` beside the migration file `NNNN_name.py`.

    The script goes to the driver whole and untouched: SQLAlchemy would take `:name` and `%` in it for parameters.
    """
    script = Path(migration).with_suffix(".sql").read_text()
    migration_context = op.get_context()
    if migration_context.as_sql:
        migration_context.impl.static_output(script)
    else:
        op.get_bind().connection.cursor().execute(script)
