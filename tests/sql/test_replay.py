"""The Berka bank in a real database: loaded once for all tests here, all of its entries."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from rich.console import Console
from rich.progress import Progress

from bankalerts.bank import load, replay
from bankalerts.bank.rows import Account, Bank, Entry
from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from bankalerts.report.golden import compare_with_golden
from sql import catalogue
from tests.conftest import Server
from tests.shared_data import shared_data
from tests.waiting import wait_until

ENTRIES, PREFERENCES = 49_102, 26_845


def play_berka(
    url: str,
    *,
    preferences: str = "five",
    rate: float | None = None,
    limit: int | None = None,
    stop: threading.Event | None = None,
) -> replay.Played:
    progress = Progress(console=Console(file=io.StringIO()))
    return replay.replay(url, shared_data("berka"), preferences, rate, limit, stop or threading.Event(), progress)


def with_catalogue(url: str) -> str:
    with psycopg.connect(url) as connection:
        catalogue.apply(connection)
    return url


@pytest.fixture(scope="module")
def berka(server: Server) -> Iterator[str]:
    """The URL of a database in which the whole bank was played."""
    url = with_catalogue(server.clone())
    done = play_berka(url)
    assert (done.added, done.played, done.preferences_changed) == (ENTRIES, ENTRIES, PREFERENCES)
    yield url
    server.drop(url)


@pytest.fixture
def empty(database: str) -> str:
    """The URL of a database with the catalogue and nothing else."""
    return with_catalogue(database)


def test_the_reference_equals_the_independent_golden(berka: str) -> None:
    golden = shared_data("berka", "expected_alerts.csv")
    with connected(berka, "test") as connection:
        assert compare_with_golden(connection, golden, of_reference=True) == ([], [])
        missing, extra = compare_with_golden(connection, golden)
    assert (len(missing), extra) == (12_555, []), "no engine ran: every alert is missing"


def test_played_again_nothing_changes(berka: str) -> None:
    state = """select (select sum(state_version) from bank.account), (select count(*) from audit.alert_preference_history),
                      count(*), max(inserted_at) from bank.account_entry"""
    with psycopg.connect(berka) as connection:
        before = connection.execute(state).fetchone()
    done = play_berka(berka)
    with psycopg.connect(berka) as connection:
        assert connection.execute(state).fetchone() == before
    assert (done.played, done.added, done.preferences_changed) == (ENTRIES, 0, 0)


def test_entries_are_inserted_in_date_order_into_their_partitions(berka: str) -> None:
    with psycopg.connect(berka) as connection:
        out_of_order = connection.execute(
            "select count(*) from (select booking_date, lag(booking_date) over (order by inserted_at) as before"
            " from bank.account_entry) entry where before > booking_date"
        ).fetchone()
        in_default = connection.execute("select count(*) from bank.account_entry_default").fetchone()
    assert (out_of_order, in_default) == ((0,), (0,))


def test_each_client_can_be_reached_on_every_channel(berka: str) -> None:
    with psycopg.connect(berka) as connection:
        reached = connection.execute(
            "select count(*) from bank.customer c"
            " where exists (select from bank.push_device d where d.customer_id = c.customer_id)"
            " and 2 = (select count(verified_at) from bank.contact_address a where a.customer_id = c.customer_id)"
        ).fetchone()
    assert reached == (5369,)


def test_a_paced_replay_keeps_its_rate_with_a_transaction_for_each_entry(empty: str) -> None:
    rate, count = 200.0, 100
    play_berka(empty, rate=rate, limit=count)
    with psycopg.connect(empty) as connection:
        row = connection.execute(
            "select extract(epoch from max(inserted_at) - min(inserted_at))::float, count(distinct xmin::text)"
            " from bank.account_entry"
        ).fetchone()
    assert row is not None
    span_s, transactions = row
    assert transactions == count
    # an entry is never early, and the last of a hundred no more than a moment late
    assert (count - 1) / rate - 0.02 <= span_s <= (count - 1) / rate + 0.5


def test_a_stop_ends_the_replay_and_says_what_was_done(empty: str) -> None:
    stop = threading.Event()
    stop.set()
    done = play_berka(empty, limit=10, stop=stop)
    assert (done.stopped, done.played, done.entries) == (True, 0, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_cleanly(empty: str, number: signal.Signals) -> None:
    command = ["replay", "berka", str(shared_data("berka")), "--rate", "50", "--json"]
    with (
        subprocess.Popen(
            [sys.executable, "-m", "bankalerts.cli", *command],
            env={**os.environ, "BANKALERTS_DATABASE_URL": empty},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as playing,
        psycopg.connect(empty, autocommit=True) as connection,
    ):

        def count_entries() -> int:
            row = connection.execute("select count(*) from bank.account_entry").fetchone()
            return row[0] if row else 0

        wait_until(count_entries, 60, "the first entry")
        playing.send_signal(number)
        output, _ = playing.communicate(timeout=30)
        inserted = count_entries()
    assert playing.returncode == 130
    done = json.loads(output)
    assert (done["stopped"], done["played"], done["added"]) == (True, inserted, inserted)


def test_preferences_of_a_file_change_and_number_as_written(empty: str, tmp_path: Path) -> None:
    file = tmp_path / "preferences.csv"
    header = "customer_id,account_id,alert_type,threshold_minor,channels\n"
    file.write_text(header + "2,2,BALANCE_BELOW,100,EMAIL\n2,2,BALANCE_BELOW,200,SMS PUSH\n")
    assert play_berka(empty, preferences=str(file), limit=1).preferences_changed == 2
    file.write_text(header + "2,2,BALANCE_BELOW,100,EMAIL\n2,2,BALANCE_BELOW,300,SMS PUSH\n")
    assert play_berka(empty, preferences=str(file), limit=1).preferences_changed == 1
    with psycopg.connect(empty) as connection:
        rows = connection.execute(
            "select preference_no, parameters, channels from bank.alert_preference order by preference_no"
        ).fetchall()
    assert rows == [(1, {"threshold_minor": 100}, ["EMAIL"]), (2, {"threshold_minor": 300}, ["SMS", "PUSH"])]


def test_an_empty_catalogue_is_one_line(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("delete from bank.message_template")
        connection.execute("delete from bank.alert_type")
    with pytest.raises(BankalertsError, match=r"bank\.alert_type is empty"):
        play_berka(database, limit=1)


def test_a_row_that_the_database_refuses_is_one_line_with_value_and_remedy(empty: str) -> None:
    bad = Bank(accounts=[Account("a-1", "NL00DEMO0000000001", "EUR", None, "UTC")])
    with pytest.raises(BankalertsError) as refused, connected(empty, "test") as connection:
        load.add_bank(connection, bad)
    assert str(refused.value).startswith("bank.account.iban is refused: its check digits are wrong; ")
    assert "NL00DEMO0000000001" in str(refused.value)


def test_the_last_balance_of_an_account_is_found(empty: str) -> None:
    account = Account("a-1", None, "EUR", None, "UTC")
    days = [date(2026, 1, 2), date(2026, 1, 1)]
    with connected(empty, "test") as connection:
        load.add_bank(connection, Bank(accounts=[account, Account("a-2", None, "EUR", None, "UTC")]))
        load.add_entries(connection, [Entry(f"e-{day}", day, "a-1", 1, "EUR", day.day * 100) for day in days])
        assert load.read_balances(connection, [account, Account("a-2", None, "EUR", None, "UTC")]) == {"a-1": 200}


def test_a_database_out_of_reach_is_one_line() -> None:
    with pytest.raises(BankalertsError, match=r"PostgreSQL at 127\.0\.0\.1:1 is out of reach .*`bankalerts up`"):
        play_berka("postgresql://someone@127.0.0.1:1/bank", limit=1)
