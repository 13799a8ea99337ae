"""Plays a real bank: accounts, clients and permissions first, then its entries by date, as SQL inserts."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bankalerts import process
from bankalerts.bank import berka, load
from bankalerts.bank.preference_file import Allowed, read_preferences
from bankalerts.bank.rows import Bank, Entry, Preference
from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError

FIVE = "five"
# 43,000 entries a second into PostgreSQL alone; sending a batch before the last one is done gained nothing.
BATCH = 500


@dataclass(frozen=True)
class Played:
    """What a replay did. `added` entries were new, the other played ones were there already."""

    accounts: int
    customers: int
    preferences_changed: int
    entries: int
    played: int
    added: int
    seconds: float
    entries_per_s: float
    stopped: bool


def run(
    database_url: str,
    folder: Path,
    *,
    preferences: str = FIVE,
    rate: float | None = None,
    limit: int | None = None,
    as_json: bool = False,
) -> bool:
    """The command `bankalerts replay berka`: returns False when a signal stopped it before the end.

    `rate` is in entries a second, each in its own transaction; `preferences` is "five" or a CSV file.
    """
    for option, value in (("--rate", rate), ("--limit", limit)):
        if value is not None and value <= 0:
            raise BankalertsError(f"{option} is {value}: give a number above 0, or leave the option out")
    stop = process.stop_event()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        done = replay(database_url, folder, preferences, rate, limit, stop, progress)
    _say(done, rate, as_json)
    return not done.stopped


def replay(
    database_url: str,
    folder: Path,
    preferences: str,
    rate: float | None,
    limit: int | None,
    stop: threading.Event,
    progress: Progress,
) -> Played:
    """Load the bank and its preferences and play its entries, until `stop` is set."""
    loading = progress.add_task("bank", total=None)
    bank = berka.read_bank(folder)
    entries = berka.read_entries(folder, {account.account_id for account in bank.accounts})[:limit]
    with connected(database_url, "replay") as connection:
        load.add_partitions(connection, [entry.booking_date for entry in entries])
        wanted = _preferences(connection, bank, preferences)
        load.add_bank(connection, bank)
        changed = load.put_preferences(connection, wanted)
        progress.update(loading, total=len(wanted), completed=len(wanted), description="preferences")
        playing = progress.add_task("entries", total=len(entries))
        began = time.monotonic()
        played, added = play(connection, entries, rate, stop, lambda count: progress.advance(playing, count))
        seconds = time.monotonic() - began
    return Played(
        accounts=len(bank.accounts),
        customers=len(bank.customers),
        preferences_changed=changed,
        entries=len(entries),
        played=played,
        added=added,
        seconds=round(seconds, 3),
        entries_per_s=round(played / seconds, 1) if seconds else 0.0,
        stopped=played < len(entries),
    )


def play(
    connection: Connection,
    entries: Sequence[Entry],
    rate: float | None,
    stop: threading.Event,
    on_progress: Callable[[int], object],
) -> tuple[int, int]:
    """Insert the entries, paced by `rate` or at once; returns how many were played and how many were new.

    Paced, entry number i goes at i / rate seconds after the first: one that is late does not delay the next.
    """
    size = BATCH if rate is None else 1
    began = time.monotonic()
    played = added = 0
    while played < len(entries):
        due = began + played / rate if rate else began
        if stop.wait(max(0.0, due - time.monotonic())):
            break
        batch = entries[played : played + size]
        added += load.add_entries(connection, batch)
        played += len(batch)
        on_progress(len(batch))
    return played, added


def _preferences(connection: Connection, bank: Bank, preferences: str) -> list[Preference]:
    alert_types = load.read_threshold_types(connection)
    if not alert_types:
        raise BankalertsError("bank.alert_type is empty: `bankalerts up` applies the catalogue, then replay again")
    if preferences == FIVE:
        return berka.five_preferences(bank.permissions)
    allowed = Allowed.of(bank, alert_types, load.read_channels(connection))
    return read_preferences(Path(preferences), allowed)


def _say(done: Played, rate: float | None, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(dataclasses.asdict(done)) + "\n")
        return
    asked = f" ({rate:g}/s asked for)" if rate else ""
    there = done.played - done.added
    sys.stdout.write(
        f"{done.accounts:,} accounts, {done.customers:,} customers,"
        f" {done.preferences_changed:,} preferences changed\n"
        f"{'stopped: ' if done.stopped else ''}{done.played:,} of {done.entries:,} entries played"
        f" in {done.seconds:.1f} s, {done.entries_per_s:,.0f}/s{asked}:"
        f" {done.added:,} new, {there:,} there already\n"
    )
