"""`bankalerts connectors` answers with one line when PostgreSQL or Kafka is down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bankalerts import settings
from tests.fake_connect import RUNNING, fake_connect
from tests.notifying import free_port

COMMANDS = ("ensure", "status")


@pytest.fixture
def connect() -> Iterator[str]:
    with fake_connect(RUNNING) as (url, _):
        yield url


def failure(command: str, database_url: str, kafka: str, connect: str, home: Path) -> str:
    """What the command says when it fails, with exit code 1."""
    given = {"home": str(home), "database_url": database_url, "kafka": kafka, "connect_url": connect}
    unused = dict.fromkeys(("smtp_url", "sms_url", "push_url"), "unused")
    failed = subprocess.run(
        (sys.executable, "-m", "bankalerts.cli", "connectors", command),
        env={settings.variable(field): value for field, value in {**given, **unused}.items()},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_postgresql_down_is_one_line(command: str, connect: str, tmp_path: Path) -> None:
    port = free_port()
    line = failure(command, f"postgresql://bankalerts:x@127.0.0.1:{port}/bank", f"127.0.0.1:{free_port()}", connect, tmp_path)
    assert line.startswith(f"PostgreSQL at 127.0.0.1:{port} is out of reach")
    assert "start it with `bankalerts up`" in line


def test_kafka_down_is_one_line(database: str, connect: str, tmp_path: Path) -> None:
    """Of all commands at once: each waits ten seconds for Kafka."""
    kafka = f"127.0.0.1:{free_port()}"
    with ThreadPoolExecutor() as pool:
        lines = list(pool.map(lambda command: failure(command, database, kafka, connect, tmp_path), COMMANDS))
    for line in lines:
        assert line.startswith(f"Kafka at {kafka} does not answer")
        assert "start it with 'bankalerts up'" in line
