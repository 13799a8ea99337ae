"""A million entries in one transaction, a reload of 500,000 permissions, a burst on an account with 5,000 customers; while 50
entries a second, each in its own transaction, go on (faults 37, 38). The live ones' delay is measured.

Capture hands transactions on in the order they committed, one after the other: live entries wait behind a large one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from tests.chain import Chain, Connection
from tests.long.bulk_bank import Sizes, burst, load, million, reload
from tests.long.bulk_proof import LIVE_DELAYS, differences
from tests.long.frame import Options, Report, fresh_stack, say

LIVE_PER_S = 50
SETTLE_S = 900.0
WAL_MIB_MAX = 4_096  # max_slot_wal_keep_size
ENGINE_MIB_MAX = 2_048
CONNECT_MIB_MAX = 1_536
ALERTS_IN_ONE_MAX = 10_000
DELAYS = ("p50", "p99", "worst", "p99 of capture alone", "p99 from Kafka to the decision", "p99 until that is written")

FULL = Sizes(
    entries=1_000_000, accounts=10_000, customers_each=50, burst_customers=5_000, burst_entries=10_000, bursts=5, calm_s=15
)
SMALL = Sizes(entries=20_000, accounts=200, customers_each=10, burst_customers=500, burst_entries=500, bursts=1, calm_s=4)


@dataclass
class Watch:
    """The most of each that was seen, MiB."""

    most: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, mib: float) -> None:
        self.most[name] = round(max(mib, self.most.get(name, 0.0)), 1)


def run(options: Options, report: Report) -> None:
    """Load the bank, then each of the three beside the live entries, then compare every alert."""
    sizes = SMALL if options.small else FULL
    with bank(sizes) as chain, measured(chain, sizes, report, judge_delay=not options.small) as connection:
        phase(chain, connection, "million", lambda: million(connection, sizes), report)
        phase(chain, connection, "reload", lambda: reload(connection), report)


@contextmanager
def bank(sizes: Sizes) -> Iterator[Chain]:
    """A stack with the bank."""
    with fresh_stack("--without", "notifier") as stack:
        chain = Chain(stack)
        with chain.database() as connection:
            say(f"loading {sizes.accounts:,} accounts with {sizes.customers_each} customers each")
            load(connection, sizes)
        chain.settle(SETTLE_S)
        yield chain


@contextmanager
def measured(chain: Chain, sizes: Sizes, report: Report, judge_delay: bool) -> Iterator[Connection]:
    """The block's phases beside live entries, with a calm time before them and bursts after them; then all is compared."""
    watch = Watch()
    with chain.database() as connection, watched(chain, watch), live_entries(chain):
        calm = phase(chain, connection, "calm", lambda: threading.Event().wait(sizes.calm_s), report)
        yield connection
        busy = phase(chain, connection, "burst", lambda: bursts(chain, connection, sizes), report)
    chain.settle(SETTLE_S)
    fair = f"bursts on one account: the others' p99 is {busy:.0f} ms, at most twice the {calm:.0f} ms of a calm time"
    if judge_delay:
        report.line(busy <= 2 * calm, fair)
    compare(chain, watch, report)


def bursts(chain: Chain, connection: Connection, sizes: Sizes) -> None:
    """Some, each when the one before was judged: of the live entries beside one of them p99 would be the worst."""
    for number in range(sizes.bursts):
        burst(connection, sizes, number)
        chain.settle(SETTLE_S)


def compare(chain: Chain, watch: Watch, report: Report) -> None:
    """What was taken stayed bounded, and every alert is there, once."""
    for name, most in (("engine-1", ENGINE_MIB_MAX), ("connect", CONNECT_MIB_MAX), ("wal", WAL_MIB_MAX)):
        report.figure(f"{name}, most MiB", watch.most.get(name, 0.0))
        report.line(watch.most.get(name, 0.0) <= most, f"{name} stays below {most:,} MiB")
    with chain.database() as connection:
        largest = one(connection, "select max(n) from (select count(*) n from alerting.alert group by xmin) each") or 0
        report.figure("alerts in one transaction, most", largest)
        report.line(largest <= ALERTS_IN_ONE_MAX, f"transactions stay bounded: at most {ALERTS_IN_ONE_MAX:,} alerts in one")
        found = differences(connection)
    report.figure("alerts", found.alerts)
    report.line(found.missing == found.extra == 0, f"{found.alerts:,} alerts: {found.missing} missing, {found.extra} extra")
    report.line(found.quarantined == 0, f"{found.quarantined} records in the quarantine")


def phase(chain: Chain, connection: Connection, name: str, act: Callable[[], object], report: Report) -> float:
    """Do it, wait until it was judged, and tell what the live entries of this time had to wait; returns their p99, ms."""
    say(name)
    began = one(connection, "select clock_timestamp()")
    started = time.monotonic()
    act()
    done = time.monotonic() - started
    chain.settle(SETTLE_S)
    ended = one(connection, "select clock_timestamp()")
    row = connection.execute(LIVE_DELAYS, {"began": began, "ended": ended}).fetchone()
    assert row is not None
    count, *delays_ms = row
    assert count, "no live entry led to an alert"
    report.figure(f"{name}: seconds to commit", round(done, 1))
    report.figure(f"{name}: seconds until all was judged", round(time.monotonic() - started, 1))
    for what, value in zip(DELAYS, delays_ms, strict=True):
        report.figure(f"{name}: live entries' delay, {what} ms", round(float(value), 1))
    return float(delays_ms[1])


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have work go on in a thread of its own until it is told to stop."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def live_entries(chain: Chain) -> Iterator[None]:
    """50 entries a second on 50 accounts of their own, each of which leads to an alert."""
    with beside(lambda stop: play(chain.settings.database_url, stop)):
        yield


def play(database_url: str, stop: threading.Event) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        started, number = time.monotonic(), 0
        while not stop.wait(max(0.0, started + number / LIVE_PER_S - time.monotonic())):
            connection.execute(
                "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, description)"
                " values (%s, current_date, %s, -60000, 'EUR', 'live')",
                [f"live-{number}", f"live-{number % LIVE_PER_S}"],
            )
            number += 1


@contextmanager
def watched(chain: Chain, watch: Watch) -> Iterator[None]:
    """Memory of engine and Connect, and the WAL that the slot holds, looked at four times a second."""
    processes = {name: psutil.Process(chain.pid(name)) for name in ("engine-1", "connect")}

    def look(stop: threading.Event) -> None:
        with chain.database() as connection:
            while not stop.wait(0.25):
                for name, process in processes.items():
                    watch.note(name, process.memory_info().rss / 2**20)
                held = one(
                    connection,
                    "select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0) from pg_replication_slots",
                )
                watch.note("wal", float(held) / 2**20)

    try:
        with beside(look):
            yield
    finally:
        say(json.dumps(watch.most))


def one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
