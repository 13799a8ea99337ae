"""Posted to committed: from the producer's call to the moment another session sees the decision, at a steady rate.

The engine's decisions are seen by a session that listens on alerting_outbox, as the notifiers do; Kafka Streams' by a
read_committed consumer of its messages, as its senders would.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from confluent_kafka import Producer

from bankalerts.errors import BankalertsError
from bench.streams import Outbound, Peer, by_account
from bench.throughput import prepare
from bench.workload import Record, Workload
from bench.world import World, engine_process

ALERTING_PER_S = 100  # alerting entries a second, whatever the rate
PRODUCER: dict[str, Any] = {"linger.ms": 0, "acks": "all", "compression.type": "lz4"}
TICK_S = 0.0005
SETTLE_S = 120.0
COMMITTED = """
select event_id, pg_xact_commit_timestamp(xmin) as committed from alerting.alert where event_id like %s order by committed
"""
Say = Callable[[str], None]
Posted = dict[str, float]


def engine(world: World, workload: Workload, rates: Iterable[int], seconds: int, say: Say) -> dict[str, Any]:
    """By rate: p50, p99 and greatest, ms."""
    prepare(world, workload, say)
    process, ready = engine_process(world, "bench-latency")
    found = {}
    with process:
        process.wait_for(ready.exists, "the engine is ready", SETTLE_S)
        for rate in rates:
            run = f"latency-{rate}"
            records = entries(world, workload, run, rate, seconds)
            with Notices(world.settings.database_url) as notices:
                posted = post(world, world.topics.event, records, rate)
                wanted = sum(1 for _ in posted) // alerting_every(rate)
                process.wait_for(lambda run=run, wanted=wanted: decided(world, run) >= wanted, "all is decided", SETTLE_S)  # type: ignore[misc]
                seen = notices.by_event(f"{run}-%")
            found[str(rate)] = figures([(at - posted[event]) * 1_000 for event, at in seen.items()])
            say(f"engine at {rate}/s: {found[str(rate)]}")
    return found


def streams(world: World, workload: Workload, rates: Iterable[int], seconds: int, say: Say) -> dict[str, Any]:
    """The same of Kafka Streams, exactly once, at its commit interval of 100 ms."""
    peer = Peer(world)
    peer.make_topics()
    peer.put_state(workload)
    found = {}
    with peer.running() as process:
        peer.wait_until_loaded(process)
        for rate in rates:
            run = f"latency-{rate}"
            records = by_account(entries(world, workload, run, rate, seconds), run, workload)
            with Seen(Outbound(world, peer.outbound())) as seen:
                posted = post(world, f"{peer.prefix}.entry", records, rate)
                wanted = len(posted) // alerting_every(rate)
                process.wait_for(lambda wanted=wanted, seen=seen: len(seen.at) >= wanted, "all is decided", SETTLE_S)  # type: ignore[misc]
            found[str(rate)] = figures([(at - posted[event]) * 1_000 for event, at in seen.at.items()])
            say(f"Kafka Streams at {rate}/s: {found[str(rate)]}")
    return found


def entries(world: World, workload: Workload, run: str, rate: int, seconds: int) -> list[Record]:
    return list(workload.entry_records(run, world.stamps(), rate * seconds, alerting_every(rate)))


def alerting_every(rate: int) -> int:
    return max(1, rate // ALERTING_PER_S)


def decided(world: World, run: str) -> int:
    return int(world.one("select count(distinct event_id) from alerting.alert where event_id like %s", f"{run}-%"))


def post(world: World, topic: str, records: Iterable[Record], rate: int) -> Posted:
    """Each record at its own moment; a late one does not move the next. Returns when each entry was posted (time.time())."""
    producer = Producer({**PRODUCER, "bootstrap.servers": world.kafka})
    posted: Posted = {}
    started = time.time()
    for number, record in enumerate(records):
        due = started + number / rate
        while time.time() < due:
            producer.poll(0)
            time.sleep(TICK_S)
        entry_id = json.loads(record.value)["entry_id"]
        posted[entry_id] = time.time()
        producer.produce(topic, record.value, record.key, record.partition)
    producer.flush(30)
    return posted


class Notices:
    """When commits with alerts were seen, by a listener; from entering the block on."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._seen: list[float] = []
        self._stop = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Notices:
        self._thread.start()
        if not self._listening.wait(30):
            raise BankalertsError("no session listens to alerting_outbox")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def by_event(self, event_ids: str) -> dict[str, float]:
        """Event id -> when its alert was first seen. Each commit notifies once for each of the channels."""
        self._stop.set()
        self._thread.join()
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(COMMITTED, [event_ids]).fetchall()
        commits = list(dict.fromkeys(committed for _, committed in rows))
        each, rest = divmod(len(self._seen), len(commits))
        if rest or not each:
            raise BankalertsError(f"{len(commits)} commits with alerts, {len(self._seen)} notices: they cannot be told apart")
        seen = {commit: self._seen[number * each] for number, commit in enumerate(commits)}
        return {event: seen[commit] for event, commit in rows}

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("listen alerting_outbox")
            self._listening.set()
            while not self._stop.is_set():
                self._seen += [time.time() for _ in connection.notifies(timeout=0.5, stop_after=1)]
            self._seen += [time.time() for _ in connection.notifies(timeout=0.5)]


class Seen:
    """When each entry's first message was seen."""

    def __init__(self, outbound: Outbound) -> None:
        self.at: Posted = {}
        self._outbound = outbound
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take)

    def __enter__(self) -> Seen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._outbound.close()

    def _take(self) -> None:
        while not self._stop.is_set():
            for at, value in self._outbound.take(0.2):
                self.at.setdefault(json.loads(value)["entry_id"], at)


def figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "samples": len(ordered),
        "p50_ms": round(percentile(ordered, 50), 2),
        "p99_ms": round(percentile(ordered, 99), 2),
        "max_ms": round(ordered[-1], 2),
    }


def percentile(ordered: list[float], percent: int) -> float:
    """By nearest rank."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
