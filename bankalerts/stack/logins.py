"""As whom each part of a local stack logs in: the parts that run all the time have roles of their own, which may do little."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from psycopg import sql

from bankalerts.database import connected

CAPTURE = "bankalerts_capture"
ENGINE = "bankalerts_engine"
NOTIFIER = "bankalerts_notifier"
PASSWORD_CHARACTERS = 24


def role_of(part: str) -> str | None:
    """The role of a part that is ours; None for commands, which act as the DBA."""
    if part.startswith("engine-"):
        return ENGINE
    return NOTIFIER if part == "notifier" else None


def url_of(role: str, database_url: str) -> str:
    """The same database, as this role. Its password follows from the DBA's: nothing more has to be remembered."""
    parts = urlsplit(database_url)
    return database_url.replace(
        f"//{parts.username}:{parts.password}@", f"//{role}:{_password(role, parts.password or '')}@", 1
    )


def give_logins(database_url: str, roles: Sequence[str] = (CAPTURE, ENGINE, NOTIFIER)) -> None:
    """Let these roles log in with the passwords of `url_of`. The server gets what verifies them, not them. Safe to repeat."""
    master = urlsplit(database_url).password or ""
    with connected(database_url, "logins") as connection:
        for role in roles:
            verifier = connection.pgconn.encrypt_password(_password(role, master).encode(), role.encode(), b"scram-sha-256")
            login = sql.SQL("alter role {} login password {}").format(sql.Identifier(role), verifier.decode())
            connection.execute(login)


def _password(role: str, master: str) -> str:
    digest = hmac.new(master.encode(), role.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:PASSWORD_CHARACTERS]
