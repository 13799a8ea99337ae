"""Every runtime statement of the product, as named blocks in the *.sql files of this folder."""

from functools import cache
from pathlib import Path
from typing import Any

import aiosql

FOLDER = Path(__file__).parent


@cache
def queries(file: str, driver: str) -> Any:
    """The named blocks of `sql/<file>.sql` as functions: `queries("engine", "psycopg").read_positions(connection, ...)`.

    `driver` is "psycopg" or "asyncpg"; with asyncpg the functions are coroutines.
    """
    return aiosql.from_path(FOLDER / f"{file}.sql", driver, mandatory_parameters=False)
