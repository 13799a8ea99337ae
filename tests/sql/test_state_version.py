"""Each change makes one version, each version means one state, and the history tells it for ever (design 4.5)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
import pytest

from tests.sql.state_changes import ACCOUNTS, SET_UP, State, state_at, statement, states, versions
from tests.waiting import wait_until

Connection = psycopg.Connection[tuple[Any, ...]]
Copies = dict[tuple[str, int], State]
OVERLAPS = """
    select 'permission', account_id from audit.account_permission_history one
      join audit.account_permission_history other using (account_id, customer_id)
     where one.from_version < other.from_version and (one.until_version is null or one.until_version > other.from_version)
    union all
    select 'preference', account_id from audit.alert_preference_history one
      join audit.alert_preference_history other using (account_id, customer_id, alert_type, preference_no)
     where one.from_version < other.from_version and (one.until_version is null or one.until_version > other.from_version)
    union all
    select 'row of another version', account_id from bank.alert_preference p
      left join audit.alert_preference_history h using (account_id, customer_id, alert_type, preference_no)
     where h.until_version is null and h.from_version is distinct from p.state_version
    union all
    select 'empty', account_id from audit.alert_preference_history where from_version >= until_version
"""


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(SET_UP)
    connection.commit()
    return connection


def run(connection: Connection, text: str) -> bool:
    """Run a statement in a savepoint of its own; False where a key is there already."""
    try:
        with connection.transaction():
            connection.execute(text.encode())
    except (psycopg.errors.UniqueViolation, psycopg.errors.CardinalityViolation):
        return False
    return True


def step(connection: Connection, text: str, copies: Copies) -> None:
    """Run a statement and take a copy of each state it led to."""
    versions_before, states_before = versions(connection), states(connection)
    if not run(connection, text):
        return
    states_now = states(connection)
    for account, version in versions(connection).items():
        raised = version - versions_before[account]
        assert 0 <= raised <= (2 if text.startswith(("do", "with gone")) else 1), f"{text} raised {account} by {raised}"
        assert raised or states_now[account] == states_before[account], f"{text} changed {account} without a new version"
        assert copies.setdefault((account, version), states_now[account]) == states_now[account], f"{account} {version}: {text}"


def assert_history_tells(connection: Connection, copies: Copies) -> None:
    for (account, version), copy in copies.items():
        assert state_at(connection, account, version) == copy, f"account {account} at version {version}"
    assert connection.execute(OVERLAPS).fetchall() == []


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_history_at_each_version_is_the_copy_taken_then(bank: Connection, seed: int) -> None:
    random, copies = Random(seed), {(account, 0): list[Any]() for account in ACCOUNTS}
    for _ in range(40):
        tried = dict(copies)
        with bank.transaction() as outer:
            for _ in range(random.randint(1, 4)):
                step(bank, statement(random), tried)
            if undone := random.random() < 0.2:
                raise psycopg.Rollback(outer)
        if not undone:
            copies = tried
    assert len(copies) > 50, "too little happened"
    assert_history_tells(bank, copies)


def test_only_the_accounts_that_a_statement_touches_get_a_version(bank: Connection) -> None:
    def raised(text: str) -> dict[str, int]:
        before = versions(bank)
        bank.execute(text.encode())
        return {account: version - before[account] for account, version in versions(bank).items() if version != before[account]}

    permission = "insert into bank.account_permission (account_id, customer_id, role)"
    assert raised(f"{permission} values ('a', 1, 'OWNER'), ('a', 2, 'OWNER'), ('b', 1, 'OWNER')") == {"a": 1, "b": 1}
    assert raised("update bank.account_permission set role = role where account_id = 'a'") == {"a": 1}
    assert raised("update bank.account_permission set account_id = 'c' where (account_id, customer_id) = ('a', 2)") == {
        "a": 1,
        "c": 1,
    }
    assert raised(f"{permission} values ('b', 1, 'VIEWER') on conflict do nothing") == {}
    assert raised("delete from bank.account_permission where customer_id = 3") == {}
    assert raised("delete from bank.account_permission where customer_id = 1") == {"a": 1, "b": 1}


def test_an_account_that_comes_back_goes_on_from_its_last_version(bank: Connection) -> None:
    bank.execute("insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER')")
    bank.execute("delete from bank.account_permission")
    bank.execute("delete from bank.account where account_id = 'a'")
    bank.execute("insert into bank.account (account_id, currency, state_version) values ('a', 'EUR', 0)")
    assert versions(bank)["a"] == 2
    assert state_at(bank, "a", 2) == []


def test_an_account_does_not_go_with_its_permissions_in_one_statement(bank: Connection) -> None:
    """Its last version would be of no account, and the history could not end its permissions."""
    bank.execute("insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER')")
    with pytest.raises(psycopg.Error) as refused, bank.transaction():
        bank.execute("with gone as (delete from bank.account_permission) delete from bank.account where account_id = 'a'")
    assert refused.value.sqlstate == "BA001"
    assert (
        refused.value.diag.message_primary == "bank.account.account_id is refused: the account has permissions or preferences"
    )


@contextmanager
def running(connection: Connection, text: str) -> Iterator[threading.Event]:
    """Runs a statement in a thread; the event is set when it is done. On leaving, waits for it."""
    done = threading.Event()

    def work() -> None:
        connection.execute(text.encode())
        done.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield done
        future.result(timeout=20)


def wait_until_blocked(watcher: Connection, blocked: Connection) -> None:
    pid = blocked.info.backend_pid
    wait_until(
        lambda: watcher.execute("select cardinality(pg_blocking_pids(%s))", [pid]).fetchone() == (1,),
        20,
        f"{pid} waits for a lock",
    )


WRITE_1 = "insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER')"
WRITE_2 = (
    "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
    " values ('a', 2, 'BALANCE_BELOW', 'EUR', '{\"threshold_minor\": 1}', '{SMS}')"
)
ENTRY = (
    "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
    " values ('{id}', '2026-01-01', 'a', 1, 'EUR') returning state_version"
)


def test_two_writers_of_one_account_take_turns(bank: Connection, database: str) -> None:
    """The order of versions is the order of commits: the second waits, and an entry meanwhile sees neither."""
    with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as third:
        bank.execute(WRITE_1)
        with running(other, WRITE_2) as done:
            wait_until_blocked(third, other)
            assert not done.is_set()
            assert third.execute(ENTRY.format(id="before").encode()).fetchone() == (0,), "an entry waits for nobody"
            bank.commit()
        assert third.execute(ENTRY.format(id="between").encode()).fetchone() == (1,)
        other.commit()
        assert third.execute(ENTRY.format(id="after").encode()).fetchone() == (2,)
        assert [len(state_at(third, "a", version)) for version in range(3)] == [0, 1, 2]


def test_a_writer_that_waited_for_a_rollback_takes_the_version(bank: Connection, database: str) -> None:
    with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as third:
        bank.execute(WRITE_1)
        with running(other, WRITE_2):
            wait_until_blocked(third, other)
            bank.rollback()
        other.commit()
        assert versions(third)["a"] == 1
        assert [len(state_at(third, "a", version)) for version in range(2)] == [0, 1]


UPSERTS = {
    WRITE_1: " on conflict (account_id, customer_id) do update set role = 'VIEWER'",
    WRITE_2: " on conflict (account_id, customer_id, alert_type, preference_no) do update set enabled = true",
}


@pytest.mark.parametrize("write", UPSERTS, ids=["permission", "preference"])
@pytest.mark.parametrize("change", ["update {0} set {1} = {1}", "delete from {0}"], ids=["update", "delete"])
def test_an_upsert_and_another_change_of_the_row_do_not_deadlock(
    bank: Connection, database: str, write: str, change: str
) -> None:
    """Both have to wait for the account: whoever got it first must not need a row that the other one holds."""
    bank.execute(write.encode())
    bank.commit()
    table, column = ("bank.account_permission", "role") if write == WRITE_1 else ("bank.alert_preference", "enabled")
    with (
        psycopg.connect(database) as first,
        psycopg.connect(database) as second,
        psycopg.connect(database, autocommit=True) as watcher,
    ):
        bank.execute("select from bank.account where account_id = 'a' for no key update")
        with running(first, write + UPSERTS[write] + "; commit"):
            wait_until_blocked(watcher, first)
            with running(second, change.format(table, column) + "; commit"):
                wait_until_blocked(watcher, second)
                bank.commit()
        assert versions(watcher)["a"] == 3


def test_an_entry_is_stamped_with_what_its_own_transaction_wrote(bank: Connection) -> None:
    assert bank.execute(ENTRY.format(id="1").encode()).fetchone() == (0,)
    bank.execute(WRITE_1)
    assert bank.execute(ENTRY.format(id="2").encode()).fetchone() == (1,)
    with bank.transaction() as undone:
        bank.execute(WRITE_2)
        assert bank.execute(ENTRY.format(id="3").encode()).fetchone() == (2,)
        raise psycopg.Rollback(undone)
    assert bank.execute(ENTRY.format(id="3").encode()).fetchone() == (1,)


def test_an_entry_of_a_repeatable_read_sees_the_state_of_its_snapshot(bank: Connection, database: str) -> None:
    with psycopg.connect(database) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("select 1")
        bank.execute(WRITE_1)
        bank.commit()
        assert reader.execute(ENTRY.format(id="1").encode()).fetchone() == (0,)


MINE = "select account_id, state_version from bank.account where xmin = pg_current_xact_id()::xid"


def write_at_random(database: str, seed: int, transactions: int) -> Copies:
    """Commits random changes; returns the states it led to. Where it was the victim of a deadlock it goes on."""
    random, copies = Random(seed), Copies()
    with psycopg.connect(database) as connection:
        connection.execute("set deadlock_timeout = '20ms'")
        connection.commit()
        for _ in range(transactions):
            made = Copies()
            try:
                for _ in range(random.randint(1, 3)):
                    connection.execute(statement(random).encode())
                    # the accounts that this transaction raised are locked until its end: nobody else changes them
                    now = states(connection)
                    made |= {(account, version): now[account] for account, version in connection.execute(MINE).fetchall()}
                connection.commit()
            except psycopg.DatabaseError as error:
                # the victim of a deadlock, a key that is there, an account that another writer is deleting
                connection.rollback()
                if error.sqlstate not in ("40P01", "23505", "BA001"):
                    raise
            else:
                copies |= made
    return copies


@pytest.mark.parametrize("seed", [1, 2])
def test_writers_at_the_same_time(bank: Connection, database: str, seed: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_at_random, database, seed * 100 + n, 25) for n in range(3)]
        parts = [writer.result(timeout=60) for writer in writers]
    for copies in parts:
        assert copies, "nothing happened"
        assert_history_tells(bank, copies)


def test_the_catalogue_has_versions_too(bank: Connection) -> None:
    def catalogue() -> tuple[int, int]:
        found = bank.execute(
            "select c.catalogue_version, count(h) from bank.catalogue c left join audit.alert_type_history h"
            " on h.from_version <= c.catalogue_version and h.until_version is null group by 1"
        ).fetchone()
        assert found is not None
        return found[0], found[1]

    version, count = catalogue()
    bank.execute(
        "insert into bank.alert_type (alert_type, event_kind, condition, category, title)"
        " values ('ONE', 'ACCOUNT_ENTRY', 'event.amount_minor > 0', 'c', 't'), ('TWO', 'ACCOUNT_ENTRY', 'true', 'c', 't')"
    )
    assert catalogue() == (version + 1, count + 2)
    assert bank.execute(ENTRY.format(id="1").replace("state_version", "catalogue_version").encode()).fetchone() == (
        version + 1,
    )
    bank.execute("update bank.alert_type set condition = 'event.amount_minor > 5' where alert_type = 'ONE'")
    assert catalogue() == (version + 2, count + 2)
    bank.execute("delete from bank.alert_type where alert_type in ('ONE', 'TWO')")
    assert catalogue() == (version + 3, count)
    bank.execute("delete from bank.alert_type where alert_type = 'ONE'")
    assert catalogue() == (version + 3, count)
    told = bank.execute(
        "select from_version - %(v)s, until_version - %(v)s, condition from audit.alert_type_history"
        " where alert_type = 'ONE' order by 1",
        {"v": version},
    ).fetchall()
    assert told == [(1, 2, "event.amount_minor > 0"), (2, 3, "event.amount_minor > 5")]


def test_a_template_that_shows_the_balance_makes_the_type_need_may_see_balance(bank: Connection) -> None:
    def uses_balance() -> bool:
        found = bank.execute("select uses_balance from bank.alert_type where alert_type = 'CREDITED_ABOVE'").fetchone()
        assert found is not None
        return bool(found[0])

    def version() -> int:
        return int((bank.execute("select catalogue_version from bank.catalogue").fetchone() or (0,))[0])

    before = version()
    template = "insert into bank.message_template values ('CREDITED_ABOVE', 'SMS', 'en', {0}, null, '{1}')"
    assert not uses_balance()
    bank.execute(template.format(2, "Credited").encode())
    assert (uses_balance(), version()) == (False, before), "no decision depends on it: no version"
    bank.execute(template.format(3, "Now {{ event.balance_after_minor }}").encode())
    assert (uses_balance(), version()) == (True, before + 1)
    bank.execute("update bank.alert_type set uses_balance = false where alert_type = 'CREDITED_ABOVE'")
    assert uses_balance(), "triggers alone write it"
    bank.execute("delete from bank.message_template where version = 3")
    assert not uses_balance()
