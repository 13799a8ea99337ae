"""The alert types that come with the product: one file each, with its row and its templates. Safe to apply again."""

from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).parent


def apply(connection: psycopg.Connection[Any]) -> list[str]:
    """Insert or update every alert type of this folder in one transaction; returns the files' names, sorted.

    The files go to the server as they are: they are SQL for psql as well.
    """
    files = sorted(FOLDER.glob("*.sql"))
    with connection.transaction():
        for file in files:
            connection.execute(file.read_bytes())
    return [file.stem for file in files]
