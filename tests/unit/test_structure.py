"""The rules that keep the tree readable, held by a test so that nobody has to remember them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
PACKAGES = ("bankalerts", "connectors", "engine", "notifier", "migrations", "sql")
LEAVES = {f"bankalerts.{leaf}" for leaf in ("errors", "settings", "process", "topics", "database")}
# Who may import whom, besides itself and the leaves. The outbox table is all that engine and notifier share.
MAY_IMPORT: dict[str, set[str]] = {
    "sql": set(),
    "migrations": {"sql"},
    "connectors": {"sql"},
    "engine": {"sql"},
    "notifier": {"sql"},
    "bankalerts.bank": {"sql"},
    "bankalerts.report": {"sql", "bankalerts.bank"},
    "bankalerts.stack": {"sql", "connectors", "bankalerts.bank"},
    "bankalerts.demo": {"sql", "connectors", "bankalerts.bank", "bankalerts.report", "bankalerts.stack"},
    "bankalerts.cli": {"connectors", "bankalerts.bank", "bankalerts.report", "bankalerts.stack", "bankalerts.demo"},
}
# Decisions are values in, values out: no clock, no connection, no consumer.
PURE = ("engine.match", "engine.decode", "engine.condition", "engine.snapshot", "engine.state")
IMPURE = {"confluent_kafka", "psycopg", "asyncpg", "time", "random", "threading", "socket", "requests"}


def unit_of(module: str) -> str:
    """The unit of the rules that a module belongs to: `engine` of engine.match, `bankalerts.stack` of its modules."""
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "bankalerts" else names[0]


def imported(path: Path) -> Iterator[str]:
    """Each module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (full_name(node.module, alias.name) for alias in node.names)


def full_name(module: str, name: str) -> str:
    """`from engine import match` imports engine.match; `from engine.match import judge` imports engine.match."""
    inner = ROOT / Path(*module.split("."), name)
    return f"{module}.{name}" if inner.is_dir() or inner.with_suffix(".py").exists() else module


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(("git", "ls-files", "-z", *patterns), cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def places(pattern: str, paths: list[Path]) -> list[str]:
    """Each `file:line: text` where the pattern matches."""
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    unit = unit_of(module)
    allowed = LEAVES if unit in LEAVES | {"bankalerts"} else MAY_IMPORT[unit] | LEAVES | {unit}
    of_ours = {name for name in imported(MODULES[module]) if name.split(".")[0] in PACKAGES}
    assert {name for name in of_ours if unit_of(name) not in allowed} == set()


@pytest.mark.parametrize("module", PURE)
def test_decisions_are_pure(module: str) -> None:
    reached, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        path = MODULES.get(name)
        waiting += [found for found in imported(path) if found not in reached] if path else []
    assert {name.split(".")[0] for name in reached} & IMPURE == set()


def test_files_are_short() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in tracked("*.py", "*.sql")}
    assert {path: length for path, length in lengths.items() if length > LINES_MAX and path.name != "schema.sql"} == {}


def test_tests_wait_for_signals_and_never_sleep() -> None:
    assert places(r"\bsleep\(", [path for path in tracked("tests/**.py") if path != Path(__file__)]) == []


def test_nothing_is_left_unfinished() -> None:
    unfinished = "|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"))
    assert places(rf"\b({unfinished})\b", tracked("*.py", "*.sql", "*.toml", "*.yml", "Makefile")) == []


def test_nothing_names_a_folder_of_one_machine() -> None:
    assert places(r"""(^|[\s"'=(`])/(work|tmp|root|home)/[a-z]""", tracked("*.py", "*.sql", "*.md", "*.toml", "*.yml")) == []


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(("make", "help"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert {line.split()[1] for line in shown.splitlines()} == targets
    assert {"demo", "test", "lint", "help"} <= targets


def test_continuous_integration_runs_make_test() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
