"""Alert types that are parked: the engine could not compile them, and nothing is judged by them."""

from __future__ import annotations

from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from sql import queries


def parked(url: str) -> dict[str, str]:
    """Alert type -> reason, of those that are parked as they are now; none where the database cannot say."""
    try:
        with connected(url, "status") as connection:
            return dict(queries("engine", "psycopg").list_parked(connection))
    except BankalertsError:
        return {}
