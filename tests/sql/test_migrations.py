"""The migrations: up, down and up again, online and as a script, give the schema that stands in sql/schema.sql."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from bankalerts.settings import variable
from bankalerts.stack.postgres import program
from tests.conftest import Server
from tests.schema_dump import HEADING, ROOT, SCHEMA, dump, migrate

REVISIONS = [script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][::-1]


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The URL of a database without a schema."""
    url = server.empty()
    yield url
    server.drop(url)


def schema_sql() -> str:
    return SCHEMA.read_text(encoding="utf-8").removeprefix(HEADING)


def test_head_is_what_schema_sql_says(empty: str) -> None:
    migrate(empty, "head")
    assert dump(empty) == schema_sql(), "a migration was changed: run `make schema` and look at the difference"


def test_each_step_down_undoes_its_step_up(empty: str) -> None:
    before = {}
    for revision in REVISIONS:
        migrate(empty, revision)
        before[revision] = dump(empty)
    for revision in REVISIONS[-2::-1]:
        migrate(empty, revision)
        assert dump(empty) == before[revision], f"the downgrade to {revision} leaves another schema than the upgrade to it"
    migrate(empty, "base")
    with psycopg.connect(empty) as connection:
        left = connection.execute(
            "select nspname from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault')"
            " union all select pubname from pg_publication"
        ).fetchall()
    assert left == []
    migrate(empty, "head")
    assert dump(empty) == schema_sql()


def test_a_database_with_rows_goes_down_and_up_again(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into bank.customer values (1, 'Anna');"
            "insert into bank.account (account_id, currency) values ('a', 'EUR');"
            "insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER');"
            "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
            " values ('a', 1, 'BALANCE_BELOW', 'EUR', '{\"threshold_minor\": 1}', '{PUSH}');"
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
            " values ('e', '2026-01-01', 'a', 1, 'EUR')"
        )
    migrate(database, "base")
    migrate(database, "head")
    assert dump(database) == schema_sql()


def test_the_script_for_psql_gives_the_same_schema(empty: str) -> None:
    """`alembic upgrade head --sql` asks no database; a DBA reads what it prints and runs it."""
    nowhere = {**os.environ, variable("database_url"): "postgresql://nobody@127.0.0.1:1/nowhere"}
    words = (sys.executable, "-m", "alembic", "upgrade", "head", "--sql")
    script = subprocess.run(words, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=True).stdout
    psql = (str(program("psql")), "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", empty)
    subprocess.run(psql, input=script, capture_output=True, text=True, check=True)
    assert dump(empty) == schema_sql()


def test_the_model_has_the_tables_of_head(server: Server) -> None:
    """`alembic check`: sql/model.py and the database are the same."""
    url = server.settings.database_url.replace("postgresql://", "postgresql+psycopg://")
    config = Config(ROOT / "alembic.ini")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)
