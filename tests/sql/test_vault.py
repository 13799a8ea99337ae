"""The vault: what is sealed opens with its customer's key and nonce alone, and never again once the key is destroyed."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Server

SEED = 20261123
READERS = ("bankalerts_auditor", "bankalerts_caretaker")
OTHERS = ("app", "core", "capture", "engine", "notifier", "notifier_email", "designer", "approver", "operator")


def random_text(chance: random.Random) -> str:
    """Any text that PostgreSQL takes: no zero byte and no lone surrogate."""
    kinds = ((0x01, 0x7F), (0xA0, 0x17F), (0x4E00, 0x4FFF), (0x1F300, 0x1F5FF))
    length = chance.choice((0, 1, 63, 64, 65, chance.randrange(400)))
    return "".join(chr(chance.randint(*chance.choice(kinds))) for _ in range(length))


def test_ten_thousand_texts_open_again(connection: psycopg.Connection) -> None:
    chance = random.Random(SEED)
    texts = [random_text(chance) for _ in range(10_000)]
    connection.execute("select vault.make_keys('{0,1,2,3,4,5,6}')")  # what a statement makes it does not read itself
    rows = connection.execute(
        "select t, s, vault.open(mod(n, 7), 'text:' || n, s) from (select t, n, vault.seal(mod(n, 7), 'text:' || n, t) as s"
        " from unnest(%s::text[]) with ordinality as given (t, n) offset 0) sealed order by n",
        (texts,),
    ).fetchall()
    assert [opened for _text, _sealed, opened in rows] == texts, f"seed {SEED}"
    assert all(len(sealed) == len(text.encode()) for text, sealed, _opened in rows)
    assert not any(len(text) > 8 and text.encode() in sealed for text, sealed, _opened in rows)


def test_the_same_text_never_gives_the_same_bytes(connection: psycopg.Connection) -> None:
    sealed = [
        connection.execute("select vault.seal(%s, %s, %s)", (customer, f"row:{row}", "+49 170 1234567")).fetchone()
        for customer in (1, 2)
        for row in range(50)
    ]
    assert len(set(sealed)) == 100


@pytest.mark.parametrize(("customer", "nonce"), [(2, "row:1"), (1, "row:2"), (3, "row:1")])
def test_another_key_or_nonce_opens_nothing(connection: psycopg.Connection, customer: int, nonce: str) -> None:
    text = "a" * 100
    connection.execute("select vault.make_keys('{1,2}')")
    (sealed,) = connection.execute("select vault.seal(1, 'row:1', %s)", (text,)).fetchone() or ()
    with connection.transaction(force_rollback=True):
        try:
            opened = connection.execute("select vault.open(%s, %s, %s)", (customer, nonce, sealed)).fetchone()
        except psycopg.errors.CharacterNotInRepertoire:  # what comes out is no text at all
            return
    assert opened in (None, (None,)) or text not in opened[0]


def test_a_destroyed_key_takes_the_text_along_and_is_never_made_again(connection: psycopg.Connection) -> None:
    (sealed,) = connection.execute("select vault.seal(1, 'row:1', 'Anna')").fetchone() or ()
    assert connection.execute("select vault.destroy_key(1, 'asked to')").fetchone() == (True,)
    assert connection.execute("select vault.destroy_key(1, 'asked again')").fetchone() == (False,)
    connection.execute("select vault.make_keys('{1}')")
    found = connection.execute(
        "select vault.open(1, 'row:1', %s), vault.seal(1, 'row:2', 'Anna'), vault.commitment(1, 'r', 'Anna'), vault.key_for(1)",
        (sealed,),
    ).fetchone()
    assert found == (None, None, None, None)
    assert connection.execute("select customer_id, reason from vault.erased_customer").fetchall() == [(1, "asked to")]


def test_a_customer_without_a_key_is_erased_before_one_is_made(connection: psycopg.Connection) -> None:
    connection.execute("select vault.destroy_key(9, 'asked to')")
    assert connection.execute("select vault.seal(9, 'row:1', 'Anna')").fetchone() == (None,)


def test_a_commitment_tells_texts_apart_and_is_the_same_again(connection: psycopg.Connection) -> None:
    connection.execute("select vault.make_keys('{1,2}')")
    asked = [(1, "a", "x"), (1, "a", "y"), (1, "b", "x"), (2, "a", "x"), (1, "ax", ""), (1, "a", "x")]
    found = [connection.execute("select vault.commitment(%s, %s, %s)", words).fetchone() for words in asked]
    assert len(set(found)) == 5
    assert found[0] == found[5]


def test_two_writers_at_once_make_one_key(database: str) -> None:
    with psycopg.connect(database) as first, psycopg.connect(database, autocommit=True) as second:
        first.execute("select vault.make_keys('{1,2,3}')")
        others: list[object] = []
        waiting = threading.Thread(target=lambda: others.append(second.execute("select vault.key_for(2)").fetchone()))
        waiting.start()
        made = first.execute("select vault.key_for(2)").fetchone()
        first.commit()
        waiting.join(30)
        assert others == [made]


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_reads_keys_or_opens(connection: psycopg.Connection, role: str) -> None:
    statements = (
        "select key from vault.customer_key",
        "select vault.key_for(1)",
        "select vault.open(1, 'row:1', '')",
        "select vault.seal(1, 'row:1', '')",
        "select vault.commitment(1, 'row:1', '')",
        "select vault.destroy_key(1, 'why not')",
        "select vault.make_keys('{1}')",
    )
    refused(connection, role, *statements)


@pytest.mark.parametrize("role", READERS)
def test_readers_open_and_do_nothing_else(connection: psycopg.Connection, role: str) -> None:
    connection.execute("select vault.make_keys('{1}')")
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    assert connection.execute("select vault.open(1, 'row:1', '')").fetchone() == ("",)
    connection.execute("reset role")
    refused(connection, role.removeprefix("bankalerts_"), "select key from vault.customer_key", "select vault.key_for(1)")


def refused(connection: psycopg.Connection, role: str, *statements: str) -> None:
    for statement in statements:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(f"bankalerts_{role}")))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_vault_belongs_to_the_owner(server: Server) -> None:
    with psycopg.connect(server.settings.database_url) as connection:
        owners = connection.execute(
            "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'vault'::regnamespace union"
            " select pg_get_userbyid(proowner) from pg_proc where pronamespace = 'vault'::regnamespace"
        ).fetchall()
    assert owners == [("bankalerts_owner",)]
