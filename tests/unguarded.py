"""What only a superuser can do: change alerts behind the system's back. Triggers, those that refuse it too, do not fire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def unguarded(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Have no trigger of this connection fire meanwhile."""
    connection.execute("set session_replication_role = replica")
    yield
    connection.execute("set session_replication_role = default")
