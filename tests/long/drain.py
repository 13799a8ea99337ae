"""The notifier's rates beside their floors, in one run: a channel that does nothing beside the bare statements that claim and
finish, a push channel beside the bare HTTP client, procrastinate's task that does nothing; how long a claim takes beside a
million old messages and under a transaction that is held open; how soon messages are picked up when nobody gives notice.

Rounds alternate, the best of each counts. All of them see the same tables, emptied before each.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg

from tests.lean_provider import LOOPBACK, lean_provider
from tests.long.claim_probe import claim_times_ms
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.latency import percentile
from tests.long.outbox_load import Outbox, dropped_channels, local_settings, running_notifier
from tests.notifying import free_port
from tests.running_stack import ALL_BUT_POSTGRES

NOOP_LEAST = 0.5  # of the bare statements
PUSH_LEAST = 0.7  # of the bare HTTP client
CLAIM_MOST_TIMES = 1.5  # an empty outbox's p99
WINDOWS = 5
POLL_MS = 1_000
PICKED_UP_WITHIN_MS = POLL_MS + 250  # the claim itself, on a machine that does more than this

NOOP = '''
"""NOOP: does nothing, at once."""

from notifier.message import Reach, Sent


class Channel:
    reach = Reach.ADDRESSES
    most_in_flight = 64

    def __init__(self, settings):
        pass

    async def send(self, address, outgoing):
        return Sent("noop")

    async def close(self):
        pass
'''

# From the first claim to the last end.
SECONDS_TAKEN = """
select extract(epoch from max(finished_at) - min(claimed_at))::float8 from alerting.outbox where state = 'ACCEPTED'
"""
ACCEPTED = "select count(*) from alerting.outbox where state = 'ACCEPTED'"
PICK_UP_MS = "select extract(epoch from claimed_at - written_at)::float8 * 1000 from alerting.outbox where channel = 'NOOP'"
# The trigger as it is, without its notice.
IN_SILENCE = """
do $$
begin
  execute replace(pg_get_functiondef('alerting.make_due'::regproc), 'perform pg_notify(', 'perform concat(');
end
$$
"""


@dataclass(frozen=True)
class Sizes:
    """How much a run does. `open_s`: how long the transaction is held open."""

    rounds: int
    messages: int
    jobs: int
    history: int
    open_s: float
    pick_ups: int


FULL = Sizes(rounds=3, messages=100_000, jobs=2_000, history=1_000_000, open_s=600, pick_ups=20)
SMALL = Sizes(rounds=1, messages=2_000, jobs=100, history=2_000, open_s=2, pick_ups=1)


def run(options: Options, report: Report, sizes: Sizes | None = None) -> None:
    """On PostgreSQL alone."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    sizes = sizes or (SMALL if options.small else FULL)
    with fresh_stack(*without) as stack, tempfile.TemporaryDirectory() as folder:
        url = stack.settings.database_url
        databases = Databases(url)
        rates(databases.clone(), Path(folder), sizes, report)
        # Under an open transaction dead rows stay; what the rates left behind must burden no claim.
        claims([databases.clone() for _ in range(3)], sizes, report)
    if not options.small:
        judge(report)


class Databases:
    """Copies of the migrated database, as many as wanted."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = 0

    def clone(self) -> str:
        """The URL of a new one."""
        self._count += 1
        name = f"drain_{self._count}"
        template = self._url.rpartition("/")[2]
        with psycopg.connect(self._url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        return self._url.rpartition("/")[0] + "/" + name


def rates(url: str, folder: Path, sizes: Sizes, report: Report) -> None:
    """Each way of draining in turn, `rounds` times; then pick-ups without a notice."""
    port = free_port()
    outbox = Outbox(url)
    outbox.fill_bank(["NOOP"])
    drained = Drained(outbox, folder, port, sizes, report)
    with lean_provider(folder, [port]):
        for number in range(1, sizes.rounds + 1):
            say(f"round {number} of {sizes.rounds}")
            drained.measure("bare claim and finish", drained.bare_statements)
            drained.measure("channel that does nothing", lambda: drained.notifier("NOOP"))
            drained.measure("bare HTTP client", drained.bare_client)
            drained.measure("push", lambda: drained.notifier("PUSH"))
            if sizes.jobs:
                drained.measure("procrastinate, task that does nothing", drained.procrastinate)
        if sizes.pick_ups:
            pick_up(drained, report)


@dataclass
class Drained:
    """Ways to drain, each returns its messages a second."""

    outbox: Outbox
    folder: Path
    port: int
    sizes: Sizes
    report: Report
    tree: Path = field(init=False)

    def __post_init__(self) -> None:
        self.tree = dropped_channels(self.folder / "tree", {"noop": NOOP})

    def measure(self, name: str, drain: Callable[[], float]) -> None:
        """Keep the best of the rounds."""
        self.outbox.empty()
        rate = drain()
        say(f"{name}: {rate:,.0f} a second")
        figure = f"{name}, messages/s"
        self.report.figure(figure, max(rate, self.report.figures.get(figure, 0.0)))

    def bare_statements(self) -> float:
        self.outbox.write(["NOOP"], self.sizes.messages)
        found = python("bench.claim_floor", self.outbox.url, "NOOP")
        return found["messages"] / found["seconds"]

    def bare_client(self) -> float:
        found = python("bench.http_floor", f"http://{LOOPBACK}:{self.port}/push", str(self.sizes.messages))
        return found["messages"] / found["seconds"]

    def procrastinate(self) -> float:
        found = python("bench.procrastinate_floor", self.outbox.url, str(self.sizes.jobs))
        return found["jobs"] / found["seconds"]

    def notifier(self, channel: str) -> float:
        self.outbox.write([channel], self.sizes.messages)
        settings = local_settings(self.folder, self.outbox.url, self.port)
        with running_notifier(settings, self.tree, self.folder / "notifier.ready"):
            self.outbox.is_drained(within_s=30 + self.sizes.messages / 500)
        accepted = self.outbox.value(ACCEPTED)
        assert accepted == self.sizes.messages, f"{accepted} of {self.sizes.messages} messages on {channel} were accepted"
        return self.sizes.messages / float(self.outbox.value(SECONDS_TAKEN))


def pick_up(drained: Drained, report: Report) -> None:
    """Without a notice a message is found by asking."""
    outbox = drained.outbox
    outbox.empty()
    outbox.run(IN_SILENCE)
    settings = local_settings(drained.folder, outbox.url, drained.port)
    with running_notifier(settings, drained.tree, drained.folder / "notifier.ready"):
        for _ in range(drained.sizes.pick_ups):
            outbox.write(["NOOP"], 1)
            outbox.is_drained(within_s=10)
    with psycopg.connect(outbox.url) as connection:
        longest = max(float(ms) for (ms,) in connection.execute(PICK_UP_MS).fetchall())
    report.figure("longest pick-up without NOTIFY, ms", longest)
    report.line(longest <= PICKED_UP_WITHIN_MS, f"without NOTIFY a message was picked up after {longest:.0f} ms at most")


def claims(urls: list[str], sizes: Sizes, report: Report) -> None:
    """Claims on three databases in turn, one by one: an empty outbox, one with history, one under an open transaction."""
    empty, old, held = urls
    for url in urls:
        Outbox(url).fill_bank(["NOOP"])
    say(f"writing {sizes.history:,} messages of history")
    Outbox(old).write_history(sizes.history)
    with psycopg.connect(held) as elsewhere:
        elsewhere.execute("set transaction isolation level repeatable read")
        elsewhere.execute("select count(*) from alerting.outbox_due")
        say(f"a transaction is held open for {sizes.open_s:.0f} s")
        times = asyncio.run(claim_times_ms(urls, "NOOP", sizes.open_s))
        elsewhere.rollback()
    for name, url in (("an empty outbox", empty), ("history", old), ("an open transaction", held)):
        # The last half: by then many rows are dead and cannot be removed.
        last = times[url][len(times[url]) // 2 :]
        report.figure(f"claims with {name}", len(last))
        report.figure(f"claim p50 with {name}, ms", percentile(last, 50))
        report.figure(f"claim p99 with {name}, ms", p99_of_windows(last))
    report.figure("transaction held open, s", sizes.open_s)
    dead = Outbox(held).value("select count(*) from alerting.outbox where state = 'ACCEPTED'")
    report.figure("messages that ended meanwhile", dead)


def p99_of_windows(values: Sequence[float]) -> float:
    """The median of five windows' p99: what else the machine did in one of them does not count."""
    size = max(1, len(values) // WINDOWS)
    starts = range(0, min(len(values), size * WINDOWS), size)
    return median(percentile(values[begin : begin + size], 99) for begin in starts)


def judge(report: Report) -> None:
    """The lines that hold at full size; at a small size the figures mean nothing."""

    def ratio(name: str, floor: str, least: float, what: str) -> None:
        found = report.figures[name] / report.figures[floor]
        report.figure(f"{what}, ratio", found)
        report.line(found >= least, f"{what}: {found:.2f}, at least {least}")

    ratio(
        "channel that does nothing, messages/s",
        "bare claim and finish, messages/s",
        NOOP_LEAST,
        "channel that does nothing to bare claim and finish",
    )
    ratio("push, messages/s", "bare HTTP client, messages/s", PUSH_LEAST, "push to bare HTTP client")
    for name in ("history", "an open transaction"):
        times = report.figures[f"claim p99 with {name}, ms"] / report.figures["claim p99 with an empty outbox, ms"]
        report.line(times <= CLAIM_MOST_TIMES, f"claim p99 with {name} is {times:.2f} times that without, at most 1.5")


def python(module: str, *arguments: str) -> dict[str, float]:
    """What a module prints as JSON; the module's processor time is its own."""
    done = subprocess.run((sys.executable, "-m", module, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"python -m {module}: {done.stderr}"
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
