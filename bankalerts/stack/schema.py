"""The database's schema and what the product needs in it: migrations, alert types, partitions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bankalerts.bank import load
from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings, environment, variables
from bankalerts.stack.processes import last_line
from sql import catalogue

MIGRATE_WITHIN_S = 120.0
PARTITIONS_BACK, PARTITIONS_AHEAD = timedelta(days=31), timedelta(days=92)
PROJECT = Path(__file__).parents[2]


def migrate(settings: Settings, log: Path) -> None:
    """Bring the database to the head of the migrations; an error quotes the last line of the log."""
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                (sys.executable, "-m", "alembic", "upgrade", "head"),
                cwd=PROJECT,
                env=environment(variables(settings)),
                stdout=output,
                stderr=output,
                timeout=MIGRATE_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BankalertsError(f"the migrations did not end within {MIGRATE_WITHIN_S:.0f} s; their log is {log}") from error
    if done.returncode != 0:
        raise BankalertsError(f"the migrations failed: {last_line(log)}; their log is {log}")


def prepare(database_url: str, report: Callable[[str], None]) -> None:
    """Put the alert types that come with the product in place, and partitions for the entries of the coming months.

    `report` gets a line for each thing that PostgreSQL warns of, such as a month without a partition.
    """
    with connected(database_url, "prepare") as connection:
        connection.add_notice_handler(lambda said: report(f"{said.message_primary}. {said.message_hint or ''}".rstrip()))
        catalogue.apply(connection)
        today = datetime.now(UTC).date()
        load.add_partitions(connection, [today - PARTITIONS_BACK, today + PARTITIONS_AHEAD])
