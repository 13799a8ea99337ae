"""Settings come from the environment, else from the local stack's file, else from their defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bankalerts import settings
from bankalerts.errors import BankalertsError

REQUIRED = {
    "BANKALERTS_DATABASE_URL": "postgresql://u:p@db:5432/bank",
    "BANKALERTS_KAFKA": "kafka:9092",
    "BANKALERTS_CONNECT_URL": "http://connect:8083",
    "BANKALERTS_SMTP_URL": "smtp://mail:25",
    "BANKALERTS_SMS_URL": "http://provider:80/sms",
    "BANKALERTS_PUSH_URL": "http://provider:80/push",
}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for field in settings.FIELDS:
        monkeypatch.delenv(settings.variable(field), raising=False)
    monkeypatch.setenv("BANKALERTS_HOME", str(tmp_path))
    return tmp_path


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    set_all(monkeypatch, REQUIRED)
    found = settings.load()
    assert found.home == home
    assert found.kafka == "kafka:9092"
    assert found.capture_database_url == found.database_url
    assert (found.topic_prefix, found.ready_file, found.name) == ("bankalerts", None, "bankalerts")


def test_the_environment_wins_over_the_local_stack(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    written = {settings.FIELDS[index]: "from the file" for index in range(1, len(settings.FIELDS))}
    (home / "stack.json").write_text(json.dumps({"settings": written}))
    monkeypatch.setenv("BANKALERTS_KAFKA", "from the environment")
    found = settings.load()
    assert found.kafka == "from the environment"
    assert found.database_url == "from the file"
    assert found.name == "bankalerts", "a process's own name is never taken from the stack's file"


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_address_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, missing: str, home: Path) -> None:
    set_all(monkeypatch, {name: value for name, value in REQUIRED.items() if name != missing})
    expected = f"{missing} is not set and there is no local stack in {home}: start one with `bankalerts up`"
    with pytest.raises(BankalertsError, match=re.escape(expected)):
        settings.load()


def test_a_migration_needs_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKALERTS_DATABASE_URL", "postgresql://db/bank")
    assert settings.database_url() == "postgresql://db/bank"


def test_a_damaged_stack_file_is_named(home: Path) -> None:
    (home / "stack.json").write_text("{")
    with pytest.raises(BankalertsError, match=r"stack\.json cannot be read .* delete it, then `bankalerts up`"):
        settings.load()


def test_checkpoints_stay_in_the_home_unless_a_folder_is_given(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    set_all(monkeypatch, REQUIRED)
    (home / "stack.json").write_text(json.dumps({"settings": {"checkpoints": "/of/another/home"}}))
    assert settings.load().checkpoints == home / "data" / "checkpoints"
    monkeypatch.setenv("BANKALERTS_CHECKPOINTS", "/somewhere/else")
    assert settings.load().checkpoints == Path("/somewhere/else")


def test_a_child_process_loads_the_settings_of_its_parent(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    set_all(monkeypatch, {**REQUIRED, "BANKALERTS_READY_FILE": str(home / "ready"), "BANKALERTS_NAME": "engine-7"})
    found = settings.load()
    set_all(monkeypatch, settings.environment(settings.variables(found)))
    assert settings.load() == found


def test_only_settings_reads_the_environment() -> None:
    root = Path(settings.__file__).parents[1]
    readers = {
        str(path.relative_to(root))
        for folder in ("bankalerts", "connectors", "engine", "notifier", "migrations")
        for path in (root / folder).rglob("*.py")
        if re.search(r"\bos\.environ\b|\bgetenv\b", path.read_text(encoding="utf-8"))
    }
    assert readers == {"bankalerts/settings.py"}
