"""Erases a customer: what happened is sealed first, then the key is destroyed, and that is sealed too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bankalerts.database import connected
from bankalerts.seal.sealer import seal_all
from sql import queries


def erase(database_url: str, customer_id: int, reason: str, key_file: Path, heads_file: Path) -> dict[str, Any]:
    """What was erased, by table; `key_destroyed` is False when it was erased before.

    Raises BankalertsError when there is no such customer, or messages are on their way.
    """
    seal_all(database_url, key_file, heads_file)
    with connected(database_url, "erase") as connection:
        told: dict[str, Any] = queries("seal", "psycopg").erase_customer(connection, customer_id=customer_id, reason=reason)
        queries("seal", "psycopg").forget_key(connection)
    seal_all(database_url, key_file, heads_file)
    return told
