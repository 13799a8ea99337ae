"""docker-compose.yml is a valid Compose file and gives our parts exactly the settings that the code reads."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from alembic.config import CommandLine

from bankalerts import settings
from bankalerts.stack import postgres
from bankalerts.stack.kept import LOOPBACK
from tests.command_line import mistake

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


def commands(service: str) -> list[list[str]]:
    """The commands of a service, each as its words: one, or several in one line for the shell."""
    words = COMPOSE["services"][service]["command"]
    return [shlex.split(one) for one in words[2].split("&&")] if words[:2] == ["sh", "-c"] else [words]


def take(words: list[str]) -> None:
    """Give the words to the parser that will get them; an option that it does not know ends this with SystemExit."""
    match words:
        case ["python", "-m", module]:
            assert importlib.util.find_spec(f"{module}.__main__")
        case ["python", "-m", module, *arguments]:
            importlib.import_module(module).parser().parse_args(arguments)
        case ["bankalerts", *arguments]:
            assert mistake(arguments) == ""
        case ["alembic", *arguments]:
            CommandLine().parser.parse_args(arguments)
        case _:
            raise AssertionError(f"nobody here knows {words}")


@pytest.mark.parametrize("service", OURS)
def test_its_command_is_one_that_the_part_takes(service: str) -> None:
    for words in commands(service):
        take(words)


@pytest.mark.parametrize("service", ["mail-server", "provider"])
def test_an_unknown_option_would_be_noticed(service: str) -> None:
    (words,) = commands(service)
    with pytest.raises(SystemExit):
        take([*words, "--colour", "red"])


@pytest.mark.parametrize("service", ["mail-server", "provider"])
def test_others_reach_the_receiving_servers_and_on_a_developers_machine_nobody_does(service: str) -> None:
    ((_, _, module, *arguments),) = commands(service)
    parser = importlib.import_module(module).parser()
    assert parser.parse_args(arguments).host == "0.0.0.0"
    at = arguments.index("--host")
    assert parser.parse_args(arguments[:at] + arguments[at + 2 :]).host == LOOPBACK


def test_postgres_is_set_up_as_in_the_local_stack() -> None:
    words = COMPOSE["services"]["postgres"]["command"]
    given = dict(word.split("=") for word in words if "=" in word)
    assert given == {name: postgres.OPTIONS[name] for name in SAME_AS_LOCAL}
