"""What is told of an exception: its kind, its place, the names in PostgreSQL's; never a value that it was raised over."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from bankalerts import faults, process
from bankalerts.errors import BankalertsError
from notifier import __main__ as notifier
from tests.rigs import settings

SECRET = "ada@example.com"


def refusal(**fields: str) -> asyncpg.PostgresError:
    """As asyncpg makes it of what the server sends: M is the message, D the detail, W the context."""
    made: asyncpg.PostgresError = asyncpg.PostgresError.new({"S": "ERROR", **fields})
    return made


def raised(error: BaseException) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_a_refused_row_is_told_by_its_constraint() -> None:
    error = refusal(
        C="23514",
        M=f"new row for relation violates check, {SECRET}",
        D=f"Failing row contains (1, {SECRET}).",
        W=f"COPY outbox, line 1: {SECRET}",
        H=SECRET,
        n="address_is_short",
        s="bank",
        t="contact_address",
        c="x",
    )
    told = "CheckViolationError, SQLSTATE 23514, constraint address_is_short, schema bank, table contact_address, column x"
    assert SECRET in str(error), "the test proves nothing"
    assert faults.told(error) == told


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("42P01", 'relation "alerting.outbox" does not exist', "UndefinedTableError, SQLSTATE 42P01: relation"),
        ("57P03", "the database system is starting up", "CannotConnectNowError, SQLSTATE 57P03: the database system is"),
        ("BA001", "bank.account.iban is refused: its check digits are wrong", "SQLSTATE BA001: bank.account.iban is refused"),
    ],
)
def test_what_is_about_the_server_or_the_statement_is_told(code: str, message: str, expected: str) -> None:
    told = faults.told(refusal(C=code, M=message, D=SECRET))
    assert expected in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(SECRET), "ValueError"),
        (KeyError(SECRET), "KeyError"),
        (refusal(C="22P02", M=f'invalid input syntax for type integer: "{SECRET}"'), "SQLSTATE 22P02"),
        (psycopg.DataError(f"can't parse timestamp {SECRET!r}"), "DataError"),
        (psycopg.errors.UniqueViolation(f"Key (address)=({SECRET}) already exists."), "UniqueViolation, SQLSTATE 23505"),
        (asyncpg.exceptions._base.DataError(f"invalid input for query argument $1: {SECRET!r}"), "DataError"),
        (UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET), "UnicodeDecodeError"),
        (FileNotFoundError(2, "No such file or directory", SECRET), "FileNotFoundError: No such file or directory"),
    ],
)
def test_a_value_is_not_told(error: Exception, expected: str) -> None:
    assert SECRET in f"{error} {error.__dict__} {error.args}", "the test proves nothing"
    for told in (faults.told(error), faults.where(raised(error)), faults.trace(raised(error))):
        assert expected in told
        assert SECRET not in told


def test_a_lost_connection_is_told_as_it_is() -> None:
    error = psycopg.OperationalError("connection failed: Connection refused\n\tIs the server running?")
    assert faults.told(error) == "OperationalError: connection failed: Connection refused"
    gone = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    assert faults.told(gone).endswith("SQLSTATE 08003: connection was closed in the middle of operation")


def test_a_place_and_a_traceback_say_where_and_not_what() -> None:
    def look_up() -> None:
        dict[str, str]()[SECRET]

    def fail() -> None:
        try:
            look_up()
        except KeyError as error:
            raise ExceptionGroup(SECRET, [ValueError(SECRET)]) from error

    with pytest.raises(ExceptionGroup) as caught:
        fail()
    traced = faults.trace(caught.value)
    assert faults.where(caught.value).startswith("ExceptionGroup at ")
    assert faults.where(caught.value).endswith("in fail")
    for expected in ("KeyError", "in look_up", "which led to", "in fail", "ExceptionGroup", "| ValueError"):
        assert expected in traced
    assert SECRET not in traced


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The process's own log."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's would be closed
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    level = logging.root.level
    process.configure_logging("test")
    yield stderr
    logging.root.setLevel(level)


def test_whoever_logs_an_exception_logs_no_text_of_it(written: io.StringIO) -> None:
    logging.getLogger("some.library").error("it failed", exc_info=raised(ValueError(SECRET)))
    told = written.getvalue()
    assert "some.library: it failed" in told
    assert "ValueError" in told
    assert SECRET not in told


def test_nor_does_a_thread_that_fails(written: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=fail, name="timekeeper")
    thread.start()
    thread.join()
    told = written.getvalue()
    assert "thread timekeeper ended" in told
    assert "ValueError" in told
    assert SECRET not in told


def test_nor_does_a_task_that_nobody_awaits(written: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(process.log_uncaught)
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task

    asyncio.run(scenario())
    told = written.getvalue()
    assert "an exception that nobody awaited" in told
    assert "ValueError" in told
    assert SECRET not in told


def test_a_part_that_fails_ends_without_the_text() -> None:
    code = f"from bankalerts import process\ndef main(): raise ValueError({SECRET!r})\nprocess.run(main)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert "report it" in done.stderr
    assert SECRET not in done.stderr


def test_a_notifier_that_postgresql_refuses_says_what_and_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(*_: object) -> None:
        refused = refusal(C="23514", M=f"violates check {SECRET}", D=f"Failing row contains ({SECRET}).", n="state_is_known")
        raise ExceptionGroup("a worker", [ExceptionGroup("its recorder", [refused])])

    monkeypatch.setattr(notifier, "serve", serve)
    with pytest.raises(BankalertsError) as caught:
        asyncio.run(notifier._serve_until_signalled(settings(Path())))
    assert "CheckViolationError, SQLSTATE 23514, constraint state_is_known" in str(caught.value)
    assert "alembic upgrade head" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("package", ["engine", "notifier"])
def test_no_log_line_takes_an_exception_as_it_is(package: str) -> None:
    """`log.exception` and exc_info go by the process's formatter; a library that embeds us has none."""
    for path in (Path(__file__).parents[2] / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "log.exception(" not in text, path
        assert "exc_info" not in text, path
