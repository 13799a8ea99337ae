"""The only reader of the environment: every address and name that a part needs to run.

A value comes from its variable (BANKALERTS_ and the field's name in capitals), else from the local stack's
`$BANKALERTS_HOME/stack.json`, which `bankalerts up` writes, else from the field's default.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankalerts.errors import BankalertsError

PREFIX = "BANKALERTS_"
DEFAULT_HOME = ".bankalerts"
STACK_FILE = "stack.json"
CHECKPOINTS = ("data", "checkpoints")


@dataclass(frozen=True)
class Settings:
    """Where everything is. Addresses without a default are required; `load` fails when one is missing."""

    home: Path  # folder of the local stack's state
    database_url: str  # postgresql://user:password@host:port/bank
    kafka: str  # bootstrap servers, host:port
    connect_url: str  # Kafka Connect's REST interface, http://host:port
    smtp_url: str  # providers of EMAIL, the preferred first, separated by spaces: smtp://host:port
    sms_url: str  # of SMS: http://host:port/sms, smpp://system_id:password@host:port
    push_url: str  # of PUSH: http://host:port/push, fcm+https://..., apns+https://...
    capture_database_url: str  # how Kafka Connect reaches PostgreSQL; database_url unless given
    provider_url: str | None = None  # the local provider, to show what it received
    mail_url: str | None = None  # the local mail server's page, to show what it received
    webhook_networks: str = ""  # private networks that WEBHOOK may reach all the same, separated by spaces: 127.0.0.1/32
    receipts_listen: str = ""  # host:port where the notifier takes receipts; empty: it takes none
    receipts_secrets: str = ""  # whsec_..., or provider=whsec_..., separated by spaces: any of them may have signed a receipt
    metrics_listen: str = ""  # host:port where Prometheus is answered, port 0: a free one; empty: nowhere
    log: str = "text"  # json: each line of the logs is one JSON object
    topic_prefix: str = "bankalerts"
    timekeeper: str = "on"  # off: this engine process rings no timers; another one, or nobody, does
    mail_from: str = "alerts@bankalerts.example"  # the sender of EMAIL messages
    checkpoints: Path = Path(DEFAULT_HOME, *CHECKPOINTS)  # folder of the engine's checkpoints; below home unless given
    ready_file: Path | None = None  # written by a part when it is ready
    name: str = "bankalerts"  # this process: engine-1, notifier; goes into logs, client.id, application_name


FIELDS = tuple(field.name for field in dataclasses.fields(Settings))
REQUIRED = ("database_url", "kafka", "connect_url", "smtp_url", "sms_url", "push_url")
OF_ONE_PROCESS = ("home", "checkpoints", "ready_file", "name")  # never read from the local stack's file


def variable(field: str) -> str:
    """The environment variable of a field: `database_url` is BANKALERTS_DATABASE_URL."""
    return PREFIX + field.upper()


def home() -> Path:
    """The folder of the local stack's state, absolute."""
    return Path(os.environ.get(variable("home")) or DEFAULT_HOME).absolute()


def load() -> Settings:
    """All settings. Raises BankalertsError naming the first missing one."""
    local, given = _of_local_stack(), _of_environment()
    if "database_url" in given:
        local.pop("capture_database_url", None)  # it goes with the local one
    values: dict[str, Any] = {**local, **given, "home": home()}
    for field in REQUIRED:
        _required(values, field)
    values.setdefault("capture_database_url", values["database_url"])
    values["checkpoints"] = Path(values.get("checkpoints") or home().joinpath(*CHECKPOINTS)).absolute()
    if "ready_file" in values:
        values["ready_file"] = Path(values["ready_file"])
    return Settings(**values)


def database_url() -> str:
    """The database's URL alone: a migration needs no Kafka. Raises BankalertsError when it is missing."""
    return _required({**_of_local_stack(), **_of_environment()}, "database_url")


def variables(settings: Settings) -> dict[str, str]:
    """These settings as environment variables."""
    fields = {field: getattr(settings, field) for field in FIELDS}
    return {variable(field): str(value) for field, value in fields.items() if value}


def environment(added: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: ours, and what is added."""
    return {**os.environ, **added}


def _required(values: dict[str, Any], field: str) -> str:
    value = values.get(field)
    if not value:
        raise BankalertsError(
            f"{variable(field)} is not set and there is no local stack in {home()}:"
            " start one with `bankalerts up`, go to the folder where you started it, or set the variable"
        )
    return str(value)


def _of_environment() -> dict[str, str]:
    found = {field: os.environ.get(variable(field), "") for field in FIELDS}
    return {field: value for field, value in found.items() if value}


def _of_local_stack() -> dict[str, str]:
    path = home() / STACK_FILE
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BankalertsError(f"{path} cannot be read ({error}): delete it, then `bankalerts up`") from error
    settings = written.get("settings", {})
    return {field: settings[field] for field in FIELDS if field in settings and field not in OF_ONE_PROCESS}
