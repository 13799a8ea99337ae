"""What audit.*_at say of a time is what was there at that time: random changes, remembered as they were, asked afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import psycopg
import pytest

from tests.sql.state_changes import ACCOUNTS, CUSTOMERS, SET_UP, statement
from tests.unguarded import unguarded

Connection = psycopg.Connection[Any]
Rows = list[tuple[Any, ...]]
ADDRESSES = ("+491701234561", "+491701234562", "+491701234563")
ADDRESS_CHANGES = (
    "insert into bank.contact_address values ({c}, 'SMS', '{a}', now()) on conflict do nothing",
    (
        "update bank.contact_address set address = '{a}' where customer_id = {c} and address <> '{a}'"
        " and not exists (select from bank.contact_address where customer_id = {c} and address = '{a}')"
    ),
    "update bank.contact_address set verified_at = now() where customer_id = {c}",
    "delete from bank.contact_address where customer_id = {c} and address = '{a}'",
    "delete from bank.contact_address",
    (
        "insert into bank.customer_consent values ({c}, 'MARKETING', {b}) on conflict (customer_id, purpose)"
        " do update set granted = excluded.granted"
    ),
    "delete from bank.customer_consent where customer_id = {c}",
    "update bank.customer set locale = '{l}' where customer_id = {c}",
)
# what there is now, and what was there at a time, in the same columns
ASKED: dict[str, tuple[str, str]] = {
    "preferences": (
        (
            "select account_id, alert_type, preference_no, currency, parameters, channels, enabled from bank.alert_preference"
            " where customer_id = %(customer)s order by 1, 2, 3"
        ),
        (
            "select account_id, alert_type, preference_no, currency, parameters, channels, enabled"
            "  from audit.preferences_at(%(customer)s, %(at)s) order by 1, 2, 3"
        ),
    ),
    "permissions": (
        (
            "select customer_id, role, may_see_balance, valid_from, valid_until from bank.account_permission"
            " where account_id = %(account)s order by 1"
        ),
        (
            "select customer_id, role, may_see_balance, valid_from, valid_until"
            "  from audit.permissions_at(%(account)s, %(at)s) order by 1"
        ),
    ),
    "addresses": (
        "select channel, address, verified_at from bank.contact_address where customer_id = %(customer)s order by 2",
        "select channel, address, verified_at from audit.addresses_at(%(customer)s, %(at)s) order by 2",
    ),
    "consents": (
        "select purpose, granted from bank.customer_consent where customer_id = %(customer)s",
        "select purpose, granted from audit.consents_at(%(customer)s, %(at)s)",
    ),
    "settings": (
        "select locale from bank.customer where customer_id = %(customer)s",
        "select \"row\" ->> 'locale' from audit.rows_at('bank.customer', %(customer)s, %(at)s)",
    ),
}


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_there_at_any_time(connection: Connection, seed: int) -> None:
    random = Random(seed)
    connection.execute(SET_UP)
    with unguarded(connection):  # written before anything was recorded
        connection.execute("insert into bank.contact_address values (1, 'SMS', '+491701234560', null)")
    connection.commit()
    moments = [(now(connection), state(connection, 0))]
    for _ in range(80):
        change(connection, random)
        moments.append((now(connection), state(connection, 0)))
    for at, was in moments:
        given = {"at": at}
        assert state(connection, 1, **given) == was, f"seed {seed}, at {at}"
    assert len({repr(was) for _, was in moments}) > 20, "too little to compare"


def change(connection: Connection, random: Random) -> None:
    """One more, committed, or refused."""
    chosen: Callable[[], str] = random.choice((lambda: statement(random), lambda: address_change(random)))
    try:
        with connection.transaction():
            connection.execute(chosen().encode())
    except psycopg.errors.IntegrityError:
        pass
    connection.commit()


def address_change(random: Random) -> str:
    """Of addresses, consents or settings."""
    words = {"c": random.choice(CUSTOMERS), "a": random.choice(ADDRESSES), "b": random.choice(("true", "false"))}
    return random.choice(ADDRESS_CHANGES).format(**words, l=random.choice(("en", "nl", "de")))


def state(connection: Connection, which: int, **given: Any) -> dict[tuple[str, Any], Rows]:
    """Of every account and customer: as it is (0), or was (1)."""
    return {
        (name, key): connection.execute(pair[which].encode(), {"customer": key, "account": key, **given}).fetchall()
        for name, pair in ASKED.items()
        for key in (ACCOUNTS if name == "permissions" else CUSTOMERS)
    }


def now(connection: Connection) -> datetime:
    """By the database's clock; nothing is open afterwards."""
    (at,) = connection.execute("select clock_timestamp()").fetchone() or (None,)
    connection.commit()
    assert isinstance(at, datetime)
    return at


def test_templates_as_they_were(connection: Connection) -> None:
    """The newest version of each channel and language, and one that was withdrawn until then."""
    connection.autocommit = True
    insert = (
        "insert into bank.message_template (alert_type, channel, locale, version, body)"
        " values ('BALANCE_BELOW', 'SMS', %s, %s, %s)"
    )
    connection.execute("delete from bank.message_template where alert_type = 'BALANCE_BELOW'")
    none = now(connection)
    connection.execute(insert, ["en", 1, "one"])
    one = now(connection)
    connection.execute("set bankalerts.app_user = 'designer-3'")
    connection.execute(insert, ["en", 2, "two"])
    two = now(connection)
    connection.execute("delete from bank.message_template where version = 2 and alert_type = 'BALANCE_BELOW'")
    again = now(connection)

    def bodies(at: datetime) -> Rows:
        return connection.execute("select body, app_user from audit.templates_at('BALANCE_BELOW', %s)", [at]).fetchall()

    assert [bodies(at) for at in (none, one, two, again)] == [[], [("one", None)], [("two", "designer-3")], [("one", None)]]


def test_they_had_agreed_when_the_first_message_was_sent_and_not_when_the_second_was(connection: Connection) -> None:
    connection.autocommit = True
    connection.execute(SET_UP)
    connection.execute("insert into bank.customer_consent values (1, 'MARKETING', true)")
    first = now(connection)
    connection.execute("update bank.customer_consent set granted = false, changed_at = '2020-01-01'")  # backdated by the app
    second = now(connection)
    asked = "select granted, said_at = '2020-01-01' from audit.consents_at(1, %s)"
    assert [connection.execute(asked, [at]).fetchall() for at in (first, second)] == [[(True, False)], [(False, True)]]


@pytest.mark.parametrize("role", ["app", "engine", "notifier", "designer", "operator"])
def test_auditors_alone_may_ask(connection: Connection, role: str) -> None:
    for call in ("addresses_at(1, now())", "rows_at('bank.customer', 1, now())", "changes_of(1, now(), now())"):
        connection.execute("set role bankalerts_auditor")
        connection.execute(f"select * from audit.{call}".encode())
        connection.execute(f"set role bankalerts_{role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(f"select * from audit.{call}".encode())
    connection.execute("reset role")
