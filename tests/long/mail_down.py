"""The mail server refuses connections for 30 seconds under load: push goes on as before, and every e-mail arrives later, once.

Five pairs of windows, alternating: the server there, then down. For each pair the p99 of push (SQL commit to handed to the
provider) while down is divided by that before; the median of the five is at most 1.3. Before the next pair the e-mails that
had to wait are delivered, so that they burden no window.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

import psycopg
import requests

from bankalerts.bank import berka, load
from bankalerts.bank.rows import Entry, Preference
from bankalerts.stack.received import Received
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.latency import count, now, percentile
from tests.running_stack import RunningStack
from tests.waiting import wait_until

ENTRIES_PER_S = 50
MOST_TIMES = 1.3

# Of the messages whose events were committed in a window.
PUSH_MS = """
select extract(epoch from o.handed_at - a.committed_at) * 1000
  from alerting.outbox o join alerting.alert a using (alert_id, event_date)
 where o.channel = 'PUSH' and a.committed_at >= %s and a.committed_at < %s
"""
OLDER_PUSH = "alerting.outbox_due join alerting.alert using (alert_id) where channel = 'PUSH' and committed_at < '{}'"


def run(options: Options, report: Report) -> None:
    pairs, seconds = (1, 8) if options.small else (5, 30)
    with fresh_stack() as stack:
        measure(stack, options, pairs, seconds, report)


def measure(stack: RunningStack, options: Options, pairs: int, seconds: int, report: Report) -> None:
    """`pairs` pairs of windows of `seconds` each, under 50 entries a second, each of which leads to a push and an e-mail."""
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection, Load(stack, options) as entries:
        mails = Mails(stack)
        entries.wait_for(seconds * ENTRIES_PER_S // 2)  # warm
        ratios = []
        for number in range(1, pairs + 1):
            before = push_p99_ms(connection, seconds)
            mails.server_is("down")
            during = push_p99_ms(connection, seconds)
            mails.server_is("accept")
            ratios.append(during / before)
            say(f"pair {number} of {pairs}: push p99 {before:.1f} ms, with the mail server down {during:.1f} ms")
            report.figure(f"push p99 before, pair {number}, ms", before)
            report.figure(f"push p99 while down, pair {number}, ms", during)
            wait_until(
                lambda: count(connection, "alerting.outbox_due where channel = 'EMAIL'") < ENTRIES_PER_S,
                120,
                "the e-mails that waited are sent",
            )
        entries.end()
        wait_until(lambda: not count(connection, "alerting.outbox_due"), 120, "every message is sent")
        expected = count(connection, "alerting.outbox where channel = 'EMAIL'")
        accepted = count(connection, "alerting.outbox where channel = 'EMAIL' and state = 'ACCEPTED'")
        retried = count(connection, "alerting.delivery_attempt where outcome = 'RETRY'")
    arrived = mails.arrived()
    report.figure("e-mails", expected)
    report.figure("e-mail attempts that failed and were retried", retried)
    if not options.small:
        times = median(ratios)
        report.figure("push p99 while down, times that before, median", times)
        report.line(
            times <= MOST_TIMES, f"push p99 while the mail server is down is {times:.2f} times that before, at most 1.3"
        )
    report.line(retried > 0, f"the mail server was missed: {retried} attempts failed")
    report.line(accepted == expected, f"every e-mail was accepted in the end: {accepted} of {expected}")
    twice = [message for message, copies in arrived.items() if copies > 1]
    report.line(len(arrived) == expected and not twice, f"{len(arrived)} e-mails arrived, {len(twice)} of them more than once")


def push_p99_ms(connection: psycopg.Connection[tuple[object, ...]], seconds: float) -> float:
    """Of the next `seconds`."""
    begin = now(connection)
    threading.Event().wait(seconds)
    end = now(connection)
    wait_until(lambda: not count(connection, OLDER_PUSH.format(end.isoformat())), 30, "every push of the window is sent")
    values = [float(str(value)) for (value,) in connection.execute(PUSH_MS, [begin, end]).fetchall() if value is not None]
    return percentile(values, 99)


class Mails:
    """The local mail server: what it does to connections, and what arrived."""

    def __init__(self, stack: RunningStack) -> None:
        self._url = stack.settings.mail_url
        self._received = Received(stack.settings, "EMAIL")
        self._received.new()

    def server_is(self, mode: str) -> None:
        requests.post(f"{self._url}/behaviour", json={"mode": mode}, timeout=10).raise_for_status()

    def arrived(self) -> Counter[str]:
        """How many times each message arrived."""
        return Counter(str(message["message_id"]) for message in self._received.new())


@dataclass
class Load:
    """Inserts entries at 50 a second until ended; each is a debit on an account whose owner wants a push and an e-mail."""

    stack: RunningStack
    options: Options
    played: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Load:
        bank = berka.read_bank(self.options.data)
        owners = [permission for permission in bank.permissions if permission.role == "OWNER"][:500]
        wanted = [
            Preference(owner.account_id, owner.customer_id, "DEBITED_ABOVE", 1, berka.CURRENCY, 0, ("PUSH", "EMAIL"))
            for owner in owners
        ]
        with psycopg.connect(self.stack.settings.database_url, autocommit=True) as connection:
            load.add_bank(connection, bank)
            load.put_preferences(connection, wanted)
            today = now(connection).date()
        entries = (
            Entry(f"mail-down-{number}", today, preference.account_id, -100, berka.CURRENCY, 100_000)
            for number, preference in enumerate(itertools.cycle(wanted))
        )
        self._thread = threading.Thread(target=self._play, args=(entries,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def wait_for(self, entries: int) -> None:
        wait_until(lambda: self.played >= entries, 120, f"{entries} entries are played")

    def _play(self, entries: Iterator[Entry]) -> None:
        with psycopg.connect(self.stack.settings.database_url, autocommit=True) as connection:
            started = time.monotonic()
            for self.played, entry in enumerate(entries):
                if self._stop.wait(max(0.0, started + self.played / ENTRIES_PER_S - time.monotonic())):
                    return
                load.add_entries(connection, [entry])
