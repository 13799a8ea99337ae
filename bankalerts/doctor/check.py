"""What a check is, what it is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg

from bankalerts.database import connected
from bankalerts.settings import Settings
from sql import queries

Bad = Literal["WARNING", "FAULT"]
Severity = Literal["OK", "WARNING", "FAULT"]
SEVERITIES: tuple[Severity, ...] = ("OK", "WARNING", "FAULT")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    `remedy` is a statement of SQL, ended by a semicolon, or a command, to be run as it is; `note` says what else to know.
    """

    severity: Bad
    text: str
    remedy: str
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one check found."""

    check: str
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """The worst of its findings."""
        return max((finding.severity for finding in self.findings), key=SEVERITIES.index, default="OK")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Asked:
    """Where to look. `clock` is this machine's."""

    settings: Settings
    clock: Callable[[], datetime] = field(default=_now)

    def rows(self, block: str, file: str = "doctor", **values: Any) -> list[Any]:
        """The rows of a block of sql/. Raises BankalertsError where PostgreSQL does not answer or refuses."""
        with connected(self.settings.database_url, "doctor") as connection:
            return list(getattr(queries(file, "psycopg"), block)(connection, **values))

    def one(self, block: str, file: str = "doctor", **values: Any) -> Any:
        """The one row, or the one value, of a block; None where there is none."""
        with connected(self.settings.database_url, "doctor") as connection:
            return getattr(queries(file, "psycopg"), block)(connection, **values)

    def connecting(self, ask: Callable[[psycopg.Connection[Any]], Any]) -> Any:
        """What a function of a connection answers."""
        with connected(self.settings.database_url, "doctor") as connection:
            return ask(connection)


@dataclass(frozen=True)
class Check:
    """A question with a name; `run` raises BankalertsError when it cannot be answered."""

    name: str
    run: Callable[[Asked], Sequence[Finding]]
