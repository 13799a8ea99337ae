"""How alembic reaches the database: online by the settings' URL, offline (--sql) as a script for psql."""

import re
import sys

import psycopg
import sqlalchemy
from alembic import context
from alembic.util import CommandError

from bankalerts import settings
from migrations import timeouts
from sql.model import metadata

PARTITION = re.compile(r"_(default|\d{4}_\d{2})$")


def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Partitions are made by the database as time goes on; the model has their parents."""
    return not (kind == "table" and name and PARTITION.search(name))


def configure(**where: object) -> None:
    context.configure(
        target_metadata=metadata,
        include_schemas=True,
        include_name=is_modelled,
        compare_server_default=False,
        autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
        transaction_per_migration=True,
        **where,  # type: ignore[arg-type]
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate(connection: sqlalchemy.Connection) -> None:
    """Run the migrations; raises CommandError for one that had to give up, with what to do about it."""
    timeouts.limit(connection)
    try:
        configure(connection=connection)
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        told = timeouts.explained(error, connection)
        if told is None:
            raise
        raise told from error


def database_url() -> str:
    return settings.database_url().replace("postgresql://", "postgresql+psycopg://", 1)


def run() -> None:
    if context.is_offline_mode():
        configure(dialect_name="postgresql", literal_binds=True)
    else:
        with sqlalchemy.create_engine(database_url(), poolclass=sqlalchemy.NullPool).connect() as connection:
            migrate(connection)


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    try:
        run()
    except CommandError as failed:
        sys.exit(str(failed))  # one line on stderr: alembic would wrap it, or mix it with a script
