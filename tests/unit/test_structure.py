"""The structure of the project is a rule like any other: who imports whom, where SQL stands, how long a file is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("bankalerts", "connectors", "engine", "notifier", "sql", "migrations", "tests")
LONGEST = 400
# what may import what; the leaves may be imported by all
LEAVES = {
    f"bankalerts.{name}" for name in ("settings", "errors", "faults", "process", "metrics", "topics", "database", "kafka")
}
MAY_IMPORT = {
    "sql": {"sql"},
    "engine": {"engine", "sql"},
    "notifier": {"notifier", "sql"},
    "connectors": {"connectors", "sql"},
    "migrations": {"migrations", "sql"},
    "bankalerts": {"bankalerts", "connectors", "engine", "notifier", "sql"},
}
STATEMENT = re.compile(
    r"^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|with\s+\S+\s+as\s*\(|copy\s+\S+\s*\(|merge\s+into\s)",
    re.IGNORECASE | re.DOTALL,
)


def files(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """The modules that a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from engine import history` imports engine.history
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inner if is_module(name)} or {node.module}
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def path_of(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def reached_from(name: str) -> dict[str, str]:
    """Each module that is imported from a module, directly or not, and the one that imports it."""
    reached: dict[str, str] = {}
    waiting = [name]
    while waiting:
        importer = waiting.pop()
        for imported in imports(path_of(importer)):
            if imported not in reached:
                reached[imported] = importer
                if imported.split(".")[0] in OURS and is_module(imported):
                    waiting.append(imported)
    return reached


def ours() -> Iterator[Path]:
    for package in OURS:
        yield from files(package)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    for path in files(package):
        for imported in imports(path):
            if imported.split(".")[0] in OURS and imported not in LEAVES:
                assert imported.split(".")[0] in MAY_IMPORT[package], f"{module(path)} imports {imported}"


def test_the_leaves_import_nothing_else_of_ours() -> None:
    for leaf in LEAVES:
        wrong = {name for name in imports(path_of(leaf)) if name.split(".")[0] in OURS} - LEAVES
        assert not wrong, f"{leaf} imports {wrong}"


@pytest.mark.parametrize("pure", ["engine.match", "engine.decode", "engine.state", "engine.snapshot", "engine.condition"])
def test_matching_is_pure(pure: str) -> None:
    """Neither Kafka nor a database, nor a clock, nor chance, nor the system, however far one follows the imports."""
    impure = ("confluent_kafka", "psycopg", "asyncpg", "sqlalchemy", "aiosql", "requests", "time", "random", "os", "threading")
    for imported, importer in reached_from(pure).items():
        assert imported.split(".")[0] not in impure, f"{pure} reaches {imported} by {importer}"


def test_only_the_settings_read_the_environment() -> None:
    for path in ours():
        if path != ROOT / "bankalerts" / "settings.py" and "tests" not in path.parts:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\bos\.(environ|getenv)|from os import .*\b(environ|getenv)", text), f"{module(path)} does"


def test_no_file_is_too_long() -> None:
    written_by_hand = [
        *ours(),
        *(path for path in ROOT.glob("*/**/*.sql") if path.name != "schema.sql" and ".venv" not in path.parts),
    ]
    for path in written_by_hand:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines < LONGEST, f"{path.relative_to(ROOT)} has {lines} lines"


def texts(path: Path) -> Iterator[str]:
    """The texts of a file but for its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_statements_stand_in_sql() -> None:
    """What a person is shown to paste is no statement of ours: those are in bankalerts/demo."""
    for package in ("engine", "notifier", "connectors", "bankalerts"):
        for path in files(package):
            if "demo" not in path.parts:
                for text in texts(path):
                    assert not STATEMENT.match(text), f"{module(path)} has a statement: {text[:80]}"


def test_the_patterns_see_what_they_are_for() -> None:
    for statement in ("select a\n from b", "  INSERT INTO x", "update a set b = 1", "with x as (", "copy a (b) from stdin"):
        assert STATEMENT.match(statement), statement
    for text in ("select an account", "update the stack", "with care", "deleted from it", "copy it"):
        assert not STATEMENT.match(text), text


def test_every_alert_type_has_one_file() -> None:
    """Adding an alert type touches one file: each file has the row of the type that it is named after, and of no other."""
    for path in (ROOT / "sql" / "catalogue").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        # the row itself, and the first value of each row of templates and examples
        rows, others = re.findall(r"alert_type => '(\w+)'", text), re.findall(r"^    \('(\w+)', ", text, re.MULTILINE)
        assert rows == [path.stem.upper()], f"{path.name} has {rows}"
        assert set(others) == {path.stem.upper()}, f"{path.name} has {sorted(set(others))}"
