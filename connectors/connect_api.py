"""Kafka Connect over its REST interface."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from bankalerts.errors import BankalertsError

TIMEOUT_S = 30
# While its group rebalances, and before it has joined, Connect refuses what it will take a moment later.
BUSY = (requests.codes.conflict, requests.codes.service_unavailable)
PATIENCE_S = 30.0
ASK_AGAIN_S = 0.25


@dataclass(frozen=True)
class Status:
    """A connector's own view of itself. RUNNING is no proof of flow; see connectors.health."""

    connector: str  # RUNNING, FAILED, PAUSED, STOPPED, UNASSIGNED, or MISSING
    tasks: tuple[tuple[int, str, str], ...]  # (task id, state, first lines of its failure)


class ConnectApi:
    """Calls to one Connect cluster. Every failure is a BankalertsError that says what Connect answered.

    A call that meets a rebalance is repeated for `patience_s` seconds.
    """

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        self._url = url.rstrip("/")
        self._patience_s = patience_s
        self._session = requests.Session()

    def put_config(self, name: str, config: dict[str, str], report: Callable[[str], None]) -> None:
        """Make the connector have this config; reports what was created or changed, and puts nothing when nothing was."""
        now = self.config(name)
        if now is None:
            report(f"created connector {name}")
        else:
            changes = _changes(now, {**config, "name": name})
            if not changes:
                return
            for change in changes:
                report(f"connector {name}: {change}")
        self._call("PUT", f"/connectors/{name}/config", json=config)

    def config(self, name: str) -> dict[str, str] | None:
        """The connector's config, None when there is no such connector."""
        answer: dict[str, str] | None = self._call("GET", f"/connectors/{name}/config", missing_is_none=True)
        return answer

    def status(self, name: str) -> Status:
        answer = self._call("GET", f"/connectors/{name}/status", missing_is_none=True)
        if answer is None:
            return Status("MISSING", ())
        tasks = tuple((task["id"], task["state"], cause(task.get("trace", ""))) for task in answer["tasks"])
        return Status(answer["connector"]["state"], tasks)

    def restart_failed(self, name: str) -> None:
        self._call("POST", f"/connectors/{name}/restart", params={"includeTasks": "true", "onlyFailed": "true"})

    def pause(self, name: str) -> None:
        self._call("PUT", f"/connectors/{name}/pause")

    def resume(self, name: str) -> None:
        self._call("PUT", f"/connectors/{name}/resume")

    def _call(self, method: str, path: str, missing_is_none: bool = False, **more: Any) -> Any:
        deadline = time.monotonic() + self._patience_s
        while (answer := self._ask(method, path, **more)).status_code in BUSY and time.monotonic() < deadline:
            threading.Event().wait(ASK_AGAIN_S)
        if answer.status_code == 404 and missing_is_none:
            return None
        if answer.status_code >= 400:
            raise BankalertsError(f"Kafka Connect refused {method} {path} ({answer.status_code}): {_reason(answer)}")
        return answer.json() if answer.content else None

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, timeout=TIMEOUT_S, **more)
        except requests.RequestException as error:
            raise BankalertsError(
                f"Kafka Connect at {self._url} does not answer ({type(error).__name__}): start it with 'bankalerts up'"
            ) from error


def cause(trace: str) -> str:
    """The causes in a Java stack trace, outermost first, without its frames."""
    lines = [line.removeprefix("Caused by: ") for line in trace.splitlines() if line and not line.startswith("\t")]
    return " <- ".join(lines[:4])


def _changes(now: dict[str, str], wanted: dict[str, str]) -> list[str]:
    names = sorted(now.keys() | wanted.keys())
    return [
        f"{name} changed" if "password" in name else f"{name} was {now.get(name)}, is {wanted.get(name)}"
        for name in names
        if now.get(name) != wanted.get(name)
    ]


def _reason(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except requests.JSONDecodeError:
        return answer.text[:500]
