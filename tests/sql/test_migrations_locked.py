"""A migration that cannot get its lock gives up soon, leaves nothing behind, says who is in its way, and can be run again."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings, environment, variables
from bankalerts.stack import schema
from tests.conftest import Server
from tests.schema_dump import ROOT, dump, migrate, revision

HEAD = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head()
BEFORE = "0020"  # the next one needs each table for itself: it gives them to another owner


@pytest.fixture
def older(server: Server) -> Iterator[Settings]:
    """Settings whose database lacks the newest migrations."""
    url = server.clone()
    migrate(url, BEFORE)
    yield replace(server.settings, database_url=url)
    server.drop(url)


def alembic(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "alembic", *words),
        cwd=ROOT,
        env=environment(variables(settings)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_lock_that_is_held_ends_it_in_one_line_and_a_second_run_works(older: Settings) -> None:
    before = dump(older.database_url)
    with psycopg.connect(older.database_url, application_name="teller") as holding:
        holding.execute("lock table bank.account in access share mode")
        began = time.monotonic()
        failed = alembic(older, "upgrade", "head")
        took_s = time.monotonic() - began
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert re.search(
        r"could not get its lock within 2s \(locks are held by process \d+ \(teller as \w+, since [\d:]+\)\)", line
    )
    assert line.endswith(f"the database is at {BEFORE}: what was begun after it is rolled back, so run it again")
    assert took_s < 15
    assert (revision(older.database_url), dump(older.database_url)) == (BEFORE, before)
    assert alembic(older, "upgrade", "head").returncode == 0
    assert revision(older.database_url) == HEAD


def test_up_quotes_that_line(older: Settings, tmp_path: Path) -> None:
    with psycopg.connect(older.database_url) as holding:
        holding.execute("lock table bank.account in access share mode")
        with pytest.raises(
            BankalertsError, match=r"the migrations failed: a migration could not get its lock within 2s .* run it"
        ):
            schema.migrate(older, tmp_path / "migrations.log")


def test_other_timeouts_are_asked_for_by_name(older: Settings) -> None:
    with psycopg.connect(older.database_url) as holding:
        holding.execute("lock table bank.account in access share mode")
        failed = alembic(older, "-x", "lock_timeout=50ms", "upgrade", "head")
        assert "could not get its lock within 50ms" in failed.stderr
    slow = alembic(older, "-x", "statement_timeout=1ms", "upgrade", "head")
    assert "took longer than 1ms; the database is at" in slow.stderr


def test_a_script_for_psql_has_them_in_each_transaction(server: Server) -> None:
    script = alembic(server.settings, "-x", "lock_timeout=3s", "upgrade", f"{BEFORE}:head", "--sql").stdout
    timed = re.findall(r"^BEGIN;\s+set local lock_timeout = '3s';\s+set local statement_timeout = '60s';", script, re.MULTILINE)
    assert len(timed) == len(re.findall(r"^BEGIN;", script, re.MULTILINE)) > 1
    wrong = alembic(server.settings, "-x", "lock_timeout=2 s'; drop", "upgrade", "head", "--sql")
    assert (wrong.returncode != 0, "is no duration" in wrong.stderr) == (True, True)
