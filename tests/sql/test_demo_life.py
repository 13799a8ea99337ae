"""The demo's bank in a real database: entries and changes at the same time, and what a failure of either does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from bankalerts.bank import generator, load
from bankalerts.bank.rows import Bank, Entry, Preference
from bankalerts.database import connected
from bankalerts.demo import life
from bankalerts.errors import BankalertsError
from sql import catalogue

COUNT, RATE = 200, 400.0


@pytest.fixture
def bank(database: str) -> tuple[Bank, list[Preference]]:
    """The made-up bank, in the test's database."""
    with connected(database, "test") as connection:
        catalogue.apply(connection)
        bank, preferences = generator.make_bank(1)
        load.add_bank(connection, bank)
        load.put_preferences(connection, preferences)
    return bank, preferences


def entries_of(bank: Bank) -> list[Entry]:
    return generator.make_entries(bank, {}, 1, "run", COUNT, datetime(2026, 11, 22, tzinfo=UTC), RATE)


def live(url: str, entries: list[Entry], changes: Iterator[generator.Change]) -> life.Living:
    with life.going_on(url, entries, RATE, changes) as living:
        while not living.wait(1):
            pass
    return living


def test_every_made_up_row_is_taken_and_changes_happen_while_entries_do(
    database: str, bank: tuple[Bank, list[Preference]]
) -> None:
    changes = generator.make_changes(*bank, 1, "run")
    living = live(database, entries_of(bank[0]), changes)
    assert living.played == COUNT
    assert living.changed > 0
    with psycopg.connect(database) as connection:
        kinds = connection.execute("select distinct alert_type from audit.expected_alerts()").fetchall()
    assert {kind for (kind,) in kinds} == set(generator.THRESHOLDS_MINOR)


def test_what_the_database_refuses_stops_everything_and_is_told(database: str, bank: tuple[Bank, list[Preference]]) -> None:
    first, *rest = entries_of(bank[0])
    changes = generator.make_changes(*bank, 1, "run")
    bad = [replace(first, account_id="nobody"), *rest]
    with pytest.raises(BankalertsError, match=r"bank\.account_entry\.account_id is refused"):
        live(database, bad, changes)
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from bank.account_entry").fetchone() == (0,)
