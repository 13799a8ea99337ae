"""The command line teaches by --help, and answers a mistake with one line and an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (
    ("up",), ("down",), ("status",), ("prepare",), ("connectors", "ensure"), ("connectors", "status"), ("messages",),
    ("replay", "berka"), ("verify",), ("latency",), ("types",), ("demo",), ("psql",),
)  # fmt: skip
HEAVY = ("psycopg", "confluent_kafka", "requests", "sqlglot", "alembic", "aiohttp", "sqlalchemy")


def bankalerts(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "bankalerts.cli", *arguments),
        env={"BANKALERTS_HOME": str(home), "COLUMNS": "100"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does(command: tuple[str, ...], tmp_path: Path) -> None:
    shown = bankalerts(*command, "--help", home=tmp_path)
    assert shown.returncode == 0
    assert f"Usage: bankalerts {' '.join(command)}" in shown.stdout


@pytest.mark.parametrize("command", [("verify",), ("latency",), ("types",), ("messages",), ("connectors", "status")])
def test_without_a_stack_one_line_says_how_to_start_it(command: tuple[str, ...], tmp_path: Path) -> None:
    failed = bankalerts(*command, home=tmp_path)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert "start one with `bankalerts up`" in line


def test_a_mistake_in_the_command_itself_is_exit_code_2(tmp_path: Path) -> None:
    failed = bankalerts("up", "--engines", "none", home=tmp_path)
    assert failed.returncode == 2
    assert "Invalid value for '--engines'" in failed.stderr


def test_help_is_quick_because_it_imports_none_of_the_work() -> None:
    asked = f"import sys, bankalerts.cli; print([name for name in {HEAVY} if name in sys.modules])"
    shown = subprocess.run((sys.executable, "-c", asked), capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
