"""The schema of a database as text, and `python -m tests.schema_dump`: writes sql/schema.sql anew (make schema)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from bankalerts.stack.postgres import program
from tests.running_stack import ALL_BUT_POSTGRES, running_stack

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "sql" / "schema.sql"
# of the server's and pg_dump's minor versions, and a token that is another one each time
VARYING = re.compile(r"^(-- Dumped .*|\\(un)?restrict .*|SET transaction_timeout = 0;)\n", re.MULTILINE)
HEADING = """-- The schema at the head of the migrations, for reading: pg_dump's output. `make schema` writes it anew.
"""


def dump(url: str) -> str:
    """`pg_dump --schema-only` of a database, without what varies."""
    words = (str(program("pg_dump")), "--schema-only", "--no-owner", "--no-privileges", url)
    return VARYING.sub("", subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def migrate(url: str, target: str) -> None:
    """Upgrade or downgrade a database to a revision, or to "base" or "head"."""
    config = Config(ROOT / "alembic.ini")
    with create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        step = command.downgrade if target == "base" or target < revision(url) else command.upgrade
        step(config, target)


def revision(url: str) -> str:
    """The revision a database is at, "" for one that was never migrated."""
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return ""
        row = connection.execute("select version_num from alembic_version").fetchone()
    return "" if row is None else str(row[0])


def main() -> None:
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "home", *without) as running:
        url = running.settings.database_url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create database head template template0")
        url = url.rpartition("/")[0] + "/head"
        migrate(url, "head")
        SCHEMA.write_text(HEADING + dump(url), encoding="utf-8")


if __name__ == "__main__":
    main()
