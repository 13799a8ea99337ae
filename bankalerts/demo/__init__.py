"""`bankalerts demo`: the whole chain at work on a small bank that does not exist, and whether it was right.

Each run adds entries to the same bank: they go on from the balances that the last run left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from bankalerts import settings as settings_module
from bankalerts.bank import generator, load
from bankalerts.bank.rows import Bank, Entry, Preference
from bankalerts.database import Connection, connected
from bankalerts.demo import ending, life
from bankalerts.demo.screen import Screen
from bankalerts.report.figures import Figures, read_figures
from bankalerts.report.verify import Verdict, verify
from bankalerts.settings import Settings
from bankalerts.stack.home import Home
from bankalerts.stack.received import Received
from bankalerts.stack.up import up

SEED = 1
ENTRIES = 3_000
RATE = 200.0
REDRAW_S = 0.25
SETTLED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Act:
    """One run: the bank, what is going to happen, and since when."""

    bank: Bank
    preferences: list[Preference]
    entries: list[Entry]
    run: str
    since: datetime


def run() -> bool:
    """Start the stack, let the bank live for a moment and show it; True when all is as the reference says, and sent."""
    console = Console()
    up(Home(settings_module.home()), None, frozenset(), console)
    settings = settings_module.load()
    with connected(settings.database_url, "demo") as connection:
        act = _prepare(connection)
        verdict, figures = _watch(settings, connection, act, console)
        ending.show(console, connection, act.bank, len(act.entries), verdict, figures, act.since)
    return verdict.is_equal and not figures.in_state("PENDING")


def _prepare(connection: Connection) -> Act:
    bank, preferences = generator.make_bank(SEED)
    load.add_bank(connection, bank)
    load.put_preferences(connection, preferences)
    since = datetime.now(UTC)
    load.add_partitions(connection, [since.date()])
    run_name = f"demo-{since:%Y%m%dT%H%M%S}"
    balances = load.read_balances(connection, bank.accounts)
    entries = generator.make_entries(bank, balances, SEED, run_name, ENTRIES, since, RATE)
    return Act(bank, preferences, entries, run_name, since)


def _watch(settings: Settings, connection: Connection, act: Act, console: Console) -> tuple[Verdict, Figures]:
    """Draw what happens until every entry was judged and every message sent, or the time for that is up."""
    changes = generator.make_changes(act.bank, act.preferences, SEED, act.run)
    received = Received(settings)
    received.new()  # what earlier runs received
    with (
        life.going_on(settings.database_url, act.entries, RATE, changes) as living,
        Screen(console, len(act.entries)).shown() as screen,
    ):
        deadline_s = len(act.entries) / RATE + SETTLED_WITHIN_S
        while True:
            over = living.wait(REDRAW_S)
            figures = read_figures(connection, act.since)
            screen.draw(living, figures, received.new())
            late = living.seconds > deadline_s
            if over and (late or not figures.in_state("PENDING")):
                verdict = verify(settings.database_url)
                if late or not verdict.alerts.missing:
                    figures = read_figures(connection, act.since)
                    screen.draw(living, figures, received.new(), last=True)
                    return verdict, figures
