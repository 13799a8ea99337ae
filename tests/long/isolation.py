"""One provider slow, one answering 500, one refusing connections: the other channels do not notice.

Five channels that post to an HTTP provider each, one notifier, a steady load on all. Five pairs of windows, alternating: all
providers well, then three of them in trouble. For each pair the p99 of the two that are well (message written to handed over)
during the trouble is divided by that before; the median of the five is at most 1.3. Before the next pair what had to wait is
delivered, so that it burdens no window.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from tests.lean_provider import LeanProvider, lean_provider
from tests.long.drain import Databases
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.latency import percentile
from tests.long.outbox_load import Outbox, dropped_channels, local_settings, running_notifier
from tests.notifying import free_port
from tests.running_stack import ALL_BUT_POSTGRES

WELL = ("WELLA", "WELLB")
TROUBLED: dict[str, dict[str, Any]] = {"SLOW": {}, "FAULTY": {"status": 500}, "REFUSING": {"listens": False}}
SLOW_MS = 3_000
CHANNELS = (*WELL, *TROUBLED)
TURNS_A_SECOND = 20
MOST_TIMES = 1.3

CHANNEL = '''
"""Posts to an HTTP provider."""

from notifier.http_post import HttpPost
from notifier.message import Reach
from notifier.provider_url import provider_urls


class Channel:
    reach = Reach.ADDRESSES
    most_in_flight = 64

    def __init__(self, settings):
        self._post = HttpPost(provider_urls("PORT", "http://127.0.0.1:{port}/", "{name}", ("http",))[0], 64)

    async def send(self, address, outgoing):
        content = {{"to": address, "body": outgoing.text.body, "message_id": str(outgoing.message_id)}}
        return await self._post.post(outgoing.message_id, address, content)

    async def close(self):
        await self._post.close()
'''

HANDED_MS = """
select extract(epoch from handed_at - written_at)::float8 * 1000
  from alerting.outbox
 where channel = %s and written_at >= %s and written_at < %s and state = 'ACCEPTED'
"""
OF_WINDOW = """
select count(*) from alerting.outbox
 where channel = any(%s) and written_at >= %s and written_at < %s and state = 'PENDING'
"""
ENDED = "select state, count(*) from alerting.outbox group by state"


def run(options: Options, report: Report) -> None:
    """On PostgreSQL alone."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    pairs, seconds = (1, 2) if options.small else (5, 20)
    with fresh_stack(*without) as stack, tempfile.TemporaryDirectory() as folder:
        url = Databases(stack.settings.database_url).clone()
        measure(url, Path(folder), pairs, seconds, report, judged=not options.small)


def measure(
    url: str, folder: Path, pairs: int, seconds: float, report: Report, *, judged: bool, slow_ms: float = SLOW_MS
) -> None:
    """`pairs` pairs of windows of `seconds` each; `judged`: whether their figures mean anything."""
    ports = {name: free_port() for name in CHANNELS}
    control = free_port()
    outbox = Outbox(url)
    outbox.fill_bank(list(CHANNELS))
    tree = dropped_channels(
        folder / "tree", {name.lower(): CHANNEL.format(port=port, name=name) for name, port in ports.items()}
    )
    settings = local_settings(folder, url, free_port())
    ratios: dict[str, list[float]] = {name: [] for name in WELL}
    with (
        lean_provider(folder, list(ports.values()), control=control) as providers,
        running_notifier(settings, tree, folder / "notifier.ready"),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        with steady_load(outbox):
            p99_ms(connection, min(seconds, 5.0))  # warm
        for number in range(1, pairs + 1):
            with steady_load(outbox):
                before = p99_ms(connection, seconds)
                trouble(providers, ports, slow_ms)
                # The first second is the change itself: half of what is in flight meets the trouble.
                during = p99_ms(connection, seconds)
            for name in WELL:
                ratios[name].append(during[name] / before[name])
                say(f"pair {number}, {name}: p99 {before[name]:.1f} ms, with three in trouble {during[name]:.1f} ms")
                report.figure(f"{name} p99 before, pair {number}, ms", before[name])
                report.figure(f"{name} p99 during, pair {number}, ms", during[name])
            for port in ports.values():
                providers.behave(port)
            connection.execute("update alerting.outbox_due set due_at = now() where lease_token is null")
            outbox.is_drained(within_s=60)
        states = {str(state): int(str(count)) for state, count in connection.execute(ENDED).fetchall()}
    report.figure("messages", sum(states.values()))
    report.line(set(states) == {"ACCEPTED"}, f"every message was accepted in the end: {states}")
    retried = outbox.value("select count(*) from alerting.delivery_attempt where outcome <> 'SENT'")
    report.line(retried > 0, f"the three were in trouble: {retried} attempts failed")
    for name in WELL if judged else ():
        times = median(ratios[name])
        report.figure(f"{name} p99 during, times that before, median", times)
        report.line(
            times <= MOST_TIMES, f"{name}: p99 with three providers in trouble is {times:.2f} times that before, at most 1.3"
        )


def trouble(providers: LeanProvider, ports: dict[str, int], slow_ms: float) -> None:
    """From now on."""
    for name, behaviour in TROUBLED.items():
        providers.behave(ports[name], **(behaviour or {"delay_ms": slow_ms}))


def p99_ms(connection: psycopg.Connection[Any], seconds: float) -> dict[str, float]:
    """Of the messages written in the next `seconds`, by channel."""
    begin = now(connection)
    threading.Event().wait(seconds)
    end = now(connection)
    deadline = time.monotonic() + 20
    while connection.execute(OF_WINDOW, [list(WELL), begin, end]).fetchone() != (0,):
        assert time.monotonic() < deadline, "the window's messages were not sent within 20 s"
    found = {}
    for name in WELL:
        rows = connection.execute(HANDED_MS, [name, begin, end]).fetchall()
        found[name] = percentile([float(ms) for (ms,) in rows], 99)
    return found


def now(connection: psycopg.Connection[Any]) -> Any:
    """By the clock that writes messages."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


@contextmanager
def steady_load(outbox: Outbox) -> Iterator[None]:
    """Until the end of the block an alert for all channels, twenty times a second."""
    stop = threading.Event()

    def write() -> None:
        with outbox.writer(list(CHANNELS)) as write_one:
            started = time.monotonic()
            turn = 0
            while not stop.wait(max(0.0, started + turn / TURNS_A_SECOND - time.monotonic())):
                write_one(2)
                turn += 1

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
