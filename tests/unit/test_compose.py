"""docker-compose.yml is a valid Compose file and gives our parts exactly the settings that the code reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bankalerts import settings
from bankalerts.stack import postgres

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = sorted(name for name, service in COMPOSE["services"].items() if service["image"] == "bankalerts")
SAME_AS_LOCAL = (
    "wal_level",
    "fsync",
    "synchronous_commit",
    "track_commit_timestamp",
    "max_slot_wal_keep_size",
    "timezone",
    "log_min_error_statement",
    "log_error_verbosity",
)


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/data/compose_spec.json").read_text(encoding="utf-8"))
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_the_schema_would_notice_a_mistake() -> None:
    schema = json.loads((ROOT / "tests/data/compose_spec.json").read_text(encoding="utf-8"))
    wrong = {"services": {"engine": {"image": "bankalerts", "comand": "python -m engine"}}}
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.Draft201909Validator(schema).validate(wrong)


def test_it_has_every_part_of_the_local_stack() -> None:
    assert set(COMPOSE["services"]) == {
        "postgres", "kafka", "connect", "set-up", "engine", "notifier", "mail-server", "provider",
    }  # fmt: skip


@pytest.mark.parametrize("service", OURS)
def test_each_variable_of_ours_is_a_setting(service: str) -> None:
    known = {settings.variable(field) for field in settings.FIELDS}
    given = {name for name in COMPOSE["services"][service]["environment"] if name.startswith(settings.PREFIX)}
    assert given <= known


@pytest.mark.parametrize("service", OURS)
def test_its_environment_is_all_that_a_part_needs(service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in settings.FIELDS:
        monkeypatch.delenv(settings.variable(field), raising=False)
    monkeypatch.setenv("BANKALERTS_HOME", str(tmp_path))
    for name, value in COMPOSE["services"][service]["environment"].items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert found.name.startswith(service)
    hosts = {found.kafka.split(":")[0], *(url.split("/")[2].split(":")[0] for url in (found.smtp_url, found.sms_url))}
    assert hosts <= set(COMPOSE["services"])


def test_postgres_is_set_up_as_in_the_local_stack() -> None:
    words = COMPOSE["services"]["postgres"]["command"]
    given = dict(word.split("=") for word in words if "=" in word)
    assert given == {name: postgres.OPTIONS[name] for name in SAME_AS_LOCAL}
