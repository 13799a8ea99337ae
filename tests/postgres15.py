"""A server of PostgreSQL 15, the oldest that the migrations are for, of Debian's packages: for tests, where it is installed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bankalerts.stack import postgres
from tests.notifying import free_port
from tests.waiting import wait_until

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
IS_INSTALLED = (PROGRAMS / "postgres").exists()
PASSWORD = "fifteen"


@contextmanager
def server() -> Iterator[str]:
    """The URL of its database `postgres`, for the block; what it wrote is removed after."""
    folder = Path(tempfile.mkdtemp(prefix="bankalerts-15-"))
    data, password = folder / "data", folder / "password"
    password.write_text(PASSWORD, encoding="ascii")
    data.mkdir(mode=0o700)
    postgres._give_to_server_user(folder, data, password)
    port = free_port()
    as_user = postgres._as_server_user(data)
    initdb = ("-D", data, "-U", "bankalerts", "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8")
    started = None
    try:
        subprocess.run((*as_user, PROGRAMS / "initdb", *initdb), cwd=folder, check=True, capture_output=True)
        options = {**postgres.OPTIONS, "port": str(port), "fsync": "off"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            started = subprocess.Popen(
                (*as_user, PROGRAMS / "postgres", "-D", data, *settings), cwd=folder, stdout=log, stderr=log
            )
        url = postgres.server_url(port, PASSWORD)
        wait_until(lambda: not postgres._check(url), 60, "PostgreSQL 15 is ready")
        yield url
    finally:
        if started is not None:
            started.send_signal(signal.SIGINT)
            started.wait(timeout=60)
        shutil.rmtree(folder)


def create_database(url: str, name: str) -> str:
    """The URL of a new, empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
    return f"{url.rpartition('/')[0]}/{name}"
