"""Fixtures that several folders of tests use: the real stack, and a migrated database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from bankalerts.settings import Settings
from tests.running_stack import ALL_BUT_POSTGRES, RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The whole stack, with one engine. Tests share it: each leaves every part running."""
    with running_stack(tmp_path_factory.mktemp("stack") / "home") as running:
        yield running


@dataclass
class Server:
    """An embedded PostgreSQL whose database `bank` is at the head of the migrations and never written to."""

    settings: Settings
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def clone(self) -> str:
        """The URL of a new database like `bank`."""
        name = f"test_{next(self._numbers)}"
        self._run(f"create database {name} template bank")
        return self._url(name)

    def empty(self) -> str:
        """The URL of a new database without a schema."""
        name = f"test_{next(self._numbers)}"
        self._run(f"create database {name} template template0")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove a clone, whoever is still connected."""
        self._run(f"drop database {url.rpartition('/')[2]} with (force)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, name: str) -> str:
        return self.settings.database_url.rpartition("/")[0] + "/" + name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL alone, for tests that need no Kafka."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with running_stack(tmp_path_factory.mktemp("server") / "home", *without) as running:
        yield Server(running.settings)


@pytest.fixture(scope="module")
def database_of_file(server: Server) -> Iterator[str]:
    """The URL of a migrated database for all tests of a file that commit nothing: making and dropping one costs 0.2 s."""
    url = server.clone()
    yield url
    server.drop(url)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of a migrated database that belongs to this test alone."""
    url = server.clone()
    yield url
    server.drop(url)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """An open connection to the test's own database; what is not committed is rolled back."""
    with psycopg.connect(database) as opened:
        yield opened
        opened.rollback()
