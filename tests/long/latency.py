"""200 entries a second with everything running, against the floors that bare clients measure in the same seconds.

Posted on Kafka to outbox committed: at most 2.5 times (p50) and 4 times (p99) the floor of one Kafka hop and a one-row commit.
SQL commit to handed to the provider: at most 2.5 and 4 times the floor of an INSERT to a bare consumer through Debezium, two
commits and one HTTP request. Floors are summed per sample, ten samples a second; percentiles come after.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import psycopg

from bankalerts.bank import berka, load
from bankalerts.bank.rows import Entry
from bankalerts.report import latency
from bankalerts.settings import Settings
from tests.long.commits import SeenCommits
from tests.long.floors import BareClients, Sample
from tests.long.frame import Options, Report, fresh_stack, say
from tests.running_stack import RunningStack
from tests.waiting import wait_until

RATE_PER_S = 200
SAMPLES_PER_S = 10
P50_TIMES, P99_TIMES = 2.5, 4.0

MEASURED = """
select pg_xact_commit_timestamp(a.xmin), min(o.claimed_at), a.on_kafka_at,
       extract(epoch from min(o.handed_at) - a.committed_at) * 1000
  from alerting.alert a join alerting.outbox o using (alert_id, event_date)
 where a.inserted_at >= %s
 group by a.alert_id, a.event_date, a.xmin
"""


def run(options: Options, report: Report) -> None:
    warm_up_s, seconds = (5, 10) if options.small else (30, 60)
    with fresh_stack() as stack:
        measure(stack, options.data, warm_up_s, seconds, report)


def measure(stack: RunningStack, data: Path, warm_up_s: int, seconds: int, report: Report) -> None:
    """Play Berka's entries at 200 a second; after the warm-up, probe the floors while they go on."""
    settings = stack.settings
    entries = load_bank(settings, data)[: (warm_up_s + seconds) * RATE_PER_S]
    player = multiprocessing.get_context("spawn").Process(
        target=play_at_rate, args=(settings.database_url, entries, RATE_PER_S)
    )
    with (
        psycopg.connect(settings.database_url, autocommit=True) as connection,
        SeenCommits(settings.database_url) as commits,
        BareClients(settings) as bare,
    ):
        player.start()
        say(f"warming up for {warm_up_s} s")
        wait_until(lambda: count(connection, "bank.account_entry") > warm_up_s * RATE_PER_S, 60 + warm_up_s, "a warm start")
        since = now(connection)
        say(f"measuring for {seconds} s")
        samples = probe(bare, seconds)
        player.join(timeout=60)
        wait_until(lambda: not count(connection, "alerting.outbox_due"), 60, "every message handed over")
        seen = commits.by_commit()
        alerts = connection.execute(MEASURED, [since]).fetchall()
        for stage in latency.measure(connection, since):
            report.figure(
                f"stage {stage.stage} {stage.channel or ''}, p50 and p99 ms", f"{stage.p50_ms:.1f} {stage.p99_ms:.1f}"
            )
    report.figure("entries a second", RATE_PER_S)
    # committed is what another session has seen: a listener or the notifier's claim, whichever was first to get the processor
    to_outbox = [
        (min(seen[commit], claimed_at) - on_kafka_at).total_seconds() * 1000 for commit, claimed_at, on_kafka_at, _ in alerts
    ]
    to_provider = [float(value) for *_, value in alerts]
    report.figure("alerts measured", len(alerts))
    report.figure("floor samples", len(samples))
    for name, values in parts(samples).items():
        report.figure(f"{name}, p50 ms", percentile(values, 50))
        report.figure(f"{name}, p99 ms", percentile(values, 99))
    compare("posted on Kafka to outbox committed", to_outbox, [sample.to_outbox_ms for sample in samples], report)
    compare("SQL commit to handed to the provider", to_provider, [sample.to_provider_ms for sample in samples], report)


def load_bank(settings: Settings, data: Path) -> list[Entry]:
    """Load accounts, permissions and the five preferences; returns the entries in date order, not yet inserted."""
    bank = berka.read_bank(data)
    entries = berka.read_entries(data, {account.account_id for account in bank.accounts})
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        load.add_partitions(connection, [entry.booking_date for entry in entries])
        load.add_bank(connection, bank)
        load.put_preferences(connection, berka.five_preferences(bank.permissions))
    return entries


def play_at_rate(database_url: str, entries: Sequence[Entry], rate_per_s: float) -> None:
    """Insert each entry in its own transaction, at its own moment; a late one does not move the next."""
    pause = threading.Event()
    with psycopg.connect(database_url, autocommit=True) as connection:
        started = time.monotonic()
        for number, entry in enumerate(entries):
            pause.wait(max(0.0, started + number / rate_per_s - time.monotonic()))
            load.add_entries(connection, [entry])


def probe(bare: BareClients, seconds: float) -> list[Sample]:
    """Ten samples a second; where one takes longer, the next follows at once."""
    pause = threading.Event()
    started = time.monotonic()
    samples = []
    for number in range(int(seconds * SAMPLES_PER_S)):
        pause.wait(max(0.0, started + number / SAMPLES_PER_S - time.monotonic()))
        samples.append(bare.sample())
        if time.monotonic() > started + seconds:
            break
    return samples


def parts(samples: Sequence[Sample]) -> dict[str, list[float]]:
    return {
        "bare Kafka hop": [sample.kafka_hop_ms for sample in samples],
        "bare commit": [sample.commit_ms for sample in samples],
        "bare INSERT to consumer": [sample.insert_to_consumer_ms for sample in samples],
        "bare HTTP request": [sample.request_ms for sample in samples],
    }


def compare(what: str, measured: Sequence[float], floor: Sequence[float], report: Report) -> None:
    for percent, times in ((50, P50_TIMES), (99, P99_TIMES)):
        value, least = percentile(measured, percent), percentile(floor, percent)
        report.figure(f"{what}, p{percent} ms", value)
        report.figure(f"{what}, floor p{percent} ms", least)
        report.line(
            value <= times * least,
            f"{what}: p{percent} {value:.1f} ms is {value / least:.2f} times the floor of {least:.1f} ms, at most {times}",
        )


def percentile(values: Sequence[float], percent: int) -> float:
    """By nearest rank: a value that was measured."""
    ordered = sorted(float(value) for value in values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def count(connection: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(str(row[0])) if row else 0


def now(connection: psycopg.Connection[tuple[object, ...]]) -> datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]
