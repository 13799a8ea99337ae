"""The Berka bank on a running stack: its entries played as the command line plays them, its alerts against the golden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bankalerts.bank.berka import read_bank, read_entries
from bankalerts.bank.replay import play
from bankalerts.bank.rows import Entry
from bankalerts.report.golden import EVENT_FROM, EVENT_UNTIL, compare_with_golden
from bankalerts.report.verify import verify
from tests.chain import Chain, Connection

ENTRIES, ALERTS = 49_102, 12_555


@dataclass(frozen=True)
class Difference:
    """Alerts that the first entries should have led to, against the golden and against the reference; messages too."""

    expected: int
    missing: int
    extra: int
    missing_by_stamps: int
    extra_by_stamps: int

    @property
    def none(self) -> bool:
        return not (self.missing or self.extra or self.missing_by_stamps or self.extra_by_stamps)

    def __str__(self) -> str:
        return (
            f"{self.expected:,} alerts expected, {self.missing} missing, {self.extra} extra; by the stamps"
            f" {self.missing_by_stamps} missing, {self.extra_by_stamps} extra (messages included)"
        )


@dataclass(frozen=True)
class BerkaBank:
    """The bank of one stack; `folder` holds the files."""

    chain: Chain
    folder: Path

    def play(self, limit: int, rate: float | None = None) -> dict[str, Any]:
        """Insert the first `limit` entries, those there are already once more; returns what the command prints as JSON."""
        return played(self.start(limit, rate))

    def start(self, limit: int, rate: float | None = None) -> subprocess.Popen[str]:
        """The same in the background: end it with `played`."""
        arguments = ["replay", "berka", str(self.folder), "--limit", str(limit), "--json"]
        if rate is not None:
            arguments += ["--rate", str(rate)]
        return subprocess.Popen(
            (sys.executable, "-m", "bankalerts.cli", *arguments),
            env=self.chain.stack.environment(),
            cwd=os.sep,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_paced(self, limit: int, rate: float) -> Future[None]:
        """Insert those of the first `limit` entries that are not there yet, `rate` a second, in the background."""
        if not self.there():
            self.play(1)  # brings the accounts and the preferences
        pool = ThreadPoolExecutor(1)
        playing = pool.submit(self._play_new, self._entries[self.there() : limit], rate)
        pool.shutdown(wait=False)
        return playing

    def there(self) -> int:
        """How many of the bank's entries are in the database."""
        with self.chain.database() as connection:
            return self._count(connection, "bank.account_entry", "booking_date")

    def written(self) -> tuple[int, int]:
        """How many alerts and messages there are."""
        with self.chain.database() as connection:
            return (
                self._count(connection, "alerting.alert", "event_date"),
                self._count(connection, "alerting.outbox", "event_date"),
            )

    def difference(self, limit: int) -> Difference:
        """After the first `limit` entries, and no other, were played."""
        there = {entry.entry_id for entry in self._entries[:limit]}
        with self.chain.database() as connection:
            missing, extra = compare_with_golden(connection, self.folder / "expected_alerts.csv")
            found = verify(self.chain.settings.database_url)
        due = [alert for alert in missing if alert.trans_id in there]
        expected = self.written()[0] + len(due) - len(extra)
        return Difference(
            expected=expected,
            missing=len(due),
            extra=len(extra),
            missing_by_stamps=found.alerts.missing + found.messages.missing,
            extra_by_stamps=found.alerts.extra + found.messages.extra,
        )

    @cached_property
    def _entries(self) -> list[Entry]:
        return read_entries(self.folder, {account.account_id for account in read_bank(self.folder).accounts})

    def _play_new(self, entries: list[Entry], rate: float) -> None:
        with self.chain.database() as connection:
            play(connection, entries, rate, threading.Event(), lambda _count: None)

    def _count(self, connection: Connection, table: str, date_column: str) -> int:
        query = f"select count(*) from {table} where {date_column} between %s and %s"
        row = connection.execute(query, [EVENT_FROM, EVENT_UNTIL]).fetchone()
        assert row is not None
        return int(row[0])


def played(playing: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a replay."""
    output, errors = playing.communicate(timeout=600)
    assert playing.returncode == 0, f"bankalerts replay berka: {playing.returncode}\n{errors}"
    result: dict[str, Any] = json.loads(output)
    return result
