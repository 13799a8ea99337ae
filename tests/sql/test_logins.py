"""The roles of a local stack log in with passwords that the server does not know; capture reads the log and copies nothing."""

from __future__ import annotations

import psycopg
import pytest

from bankalerts.stack import logins
from tests.conftest import Server


@pytest.fixture
def given(server: Server) -> str:
    logins.give_logins(server.settings.database_url)
    return server.settings.database_url


@pytest.mark.parametrize("role", [logins.ENGINE, logins.NOTIFIER, logins.CAPTURE])
def test_a_part_logs_in_as_its_role(given: str, role: str) -> None:
    with psycopg.connect(logins.url_of(role, given)) as connection:
        assert connection.execute("select session_user, current_setting('is_superuser')").fetchone() == (role, "off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select rolpassword from pg_authid")


def test_the_server_keeps_what_verifies_a_password_alone(given: str) -> None:
    with psycopg.connect(given) as connection:
        rows = connection.execute("select rolpassword from pg_authid where rolpassword is not null").fetchall()
    assert len(rows) == 4
    assert all(password.startswith("SCRAM-SHA-256$") for (password,) in rows)


def test_a_wrong_password_is_refused(given: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(logins.url_of(logins.ENGINE, given.replace("@", "x@", 1)))


@pytest.mark.parametrize("role", [logins.CAPTURE, None])
def test_nobody_copies_the_server(given: str, role: str | None) -> None:
    """What pg_basebackup does first: a connection for physical replication."""
    url = given if role is None else logins.url_of(role, given)
    with pytest.raises(psycopg.OperationalError, match="rejects replication connection"):
        psycopg.connect(url, replication="true")


def test_capture_reads_the_log_by_a_slot(given: str) -> None:
    with psycopg.connect(logins.url_of(logins.CAPTURE, given), replication="database", autocommit=True) as connection:
        assert connection.pgconn.exec_(b"IDENTIFY_SYSTEM").ntuples == 1
    with pytest.raises(psycopg.OperationalError, match="permission denied to start WAL sender"):
        psycopg.connect(logins.url_of(logins.ENGINE, given), replication="database")
