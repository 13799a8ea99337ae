"""How alembic reaches the database: online by the settings' URL, offline (--sql) as a script for psql."""

import re

import sqlalchemy
from alembic import context

from bankalerts import settings
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


def database_url() -> str:
    return settings.database_url().replace("postgresql://", "postgresql+psycopg://", 1)


if context.is_offline_mode():
    configure(dialect_name="postgresql", literal_binds=True)
else:
    given = context.config.attributes.get("connection")
    if given is not None:
        configure(connection=given)
    else:
        with sqlalchemy.create_engine(database_url(), poolclass=sqlalchemy.NullPool).connect() as connection:
            configure(connection=connection)
