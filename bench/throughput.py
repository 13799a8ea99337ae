"""Entries a second: the floor, the engine, Kafka Streams and Quix Streams, one after the other on the same entries.

The entries come in one Kafka transaction, so that all contenders see them appear at one moment, with their state loaded and
their code warm (a tenth as many entries before, not counted). A contender is done when everything that it decided is committed
where others see it: rows of alerting.alert, or records that a read_committed consumer gets. What came out is counted: a
contender with other alerts than the entries lead to has no figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from bankalerts.errors import BankalertsError
from bench import quix
from bench.size import Size
from bench.streams import Outbound, Peer, by_account
from bench.workload import Workload
from bench.world import Process, World, engine_process

WARM = 10  # one of so many entries is run before, to warm up
DEADLINE_S = 900.0
LOOK_EVERY_S = 0.1  # seldom: who looks takes the processor from who is measured
STREAMS_COMMIT_MS = (100, 1_000)

Say = Callable[[str], None]


def measure(world: World, size: Size, say: Say) -> dict[str, Any]:
    """All contenders; Kafka Streams at the commit interval that suits it better."""
    workload = size.workload(world.partitions)
    prepare(world, workload, say)
    found: dict[str, Any] = {"entries": workload.entries, "accounts": workload.accounts, "preferences": workload.preferences}
    found["engine"] = engine(world, workload, say)
    found["floor"] = {"entries_per_s": floor(world, workload)}
    say(f"floor: {found['floor']['entries_per_s']:,.0f} entries a second")
    runs = [streams(world, workload, say, commit_ms) for commit_ms in STREAMS_COMMIT_MS]
    found["streams"] = max(runs, key=lambda run: float(run["entries_per_s"]))
    found["streams_runs"] = runs
    found["quix"] = quix_streams(world, workload, say)
    return found


def prepare(world: World, workload: Workload, say: Say) -> None:
    """State and the warm-up's entries into our topics."""
    began = time.monotonic()
    records = world.produce(world.topics.state, workload.state_records())
    say(f"{records:,} state records in Kafka after {time.monotonic() - began:.0f} s")


def floor(world: World, workload: Workload) -> float:
    """Entries a second; all of them are in the topic."""
    words = (sys.executable, "-m", "bench.floor", world.kafka, world.topics.event, str(world.partitions))
    count = workload.entries + workload.entries // WARM
    done = subprocess.run((*words, str(count)), capture_output=True, check=False)
    if done.returncode:
        raise BankalertsError(f"the floor failed: {done.stderr.decode()[-1_000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return float(found["entries"]) / float(found["seconds"])


def engine(world: World, workload: Workload, say: Say, processes: int = 1) -> dict[str, Any]:
    """Entries a second to committed alerts, messages, evidence and positions."""
    stamps = world.stamps()
    topic = world.topics.event
    began = time.time()
    with ExitStack() as stack:
        engines = []
        for number in range(processes):
            process, ready = engine_process(world, f"bench-engine-{number + 1}")
            stack.enter_context(process)
            process.wait_for(ready.exists, "the engine is ready", DEADLINE_S)
            engines.append(process)
        loaded_s = time.time() - began
        for run, count in (("warm", workload.entries // WARM), ("run", workload.entries)):
            before = alerts(world)
            due = before + workload.alerts(run, count)
            cpu_before = [cpu_s(process) for process in engines]
            started = world.produce_at_once({topic: workload.entry_records(run, stamps, count)})
            engines[0].wait_for(lambda due=due: alerts(world) >= due, f"{due} alerts are there", DEADLINE_S, LOOK_EVERY_S)  # type: ignore[misc]
            seconds = time.time() - started
            cpu = [cpu_s(process) - at for process, at in zip(engines, cpu_before, strict=True)]
            say(f"engine, {run}: {count / seconds:,.0f} entries a second")
        messages = world.one("select count(*) from alerting.outbox")
    if messages != 2 * alerts(world):
        raise BankalertsError(f"{messages} messages for {alerts(world)} alerts: two each were expected")
    return {
        "entries_per_s": workload.entries / seconds,
        "loaded_s": loaded_s,
        "cpu_s": cpu,
        "alerts": alerts(world),
    }


def alerts(world: World) -> int:
    """Alerts that are committed."""
    return int(world.one("select count(*) from alerting.alert"))


def cpu_s(process: Any) -> float:
    import psutil

    times = psutil.Process(process.child.pid).cpu_times()
    return float(times.user + times.system)


def streams(world: World, workload: Workload, say: Say, commit_ms: int) -> dict[str, Any]:
    """Kafka Streams, exactly once: entries a second to messages that a read_committed consumer gets."""
    peer = Peer(world, f"streams{commit_ms}")
    peer.make_topics()
    records = peer.put_state(workload)
    with peer.running(commit_ms) as process:
        began = time.time()
        peer.wait_until_loaded(process)
        loaded_s = time.time() - began
        say(f"Kafka Streams has read {records:,} state records after {loaded_s:.1f} s")
        found = played(world, workload, process, f"{peer.prefix}.entry", peer.outbound())
    say(f"Kafka Streams, commit every {commit_ms} ms: {found['entries_per_s']:,.0f} entries a second")
    return {**found, "loaded_s": loaded_s, "commit_ms": commit_ms}


def quix_streams(world: World, workload: Workload, say: Say) -> dict[str, Any]:
    """Quix Streams, exactly once: entries a second to messages that a read_committed consumer gets."""
    quix.make_topics(world)
    quix.put_state(world, workload)
    with quix.running(world) as process:
        found = played(world, workload, process, f"{quix.PREFIX}.entry", quix.outbound())
    say(f"Quix Streams: {found['entries_per_s']:,.0f} entries a second")
    return {**found, "commit_s": quix.COMMIT_S}


def played(world: World, workload: Workload, process: Process, topic: str, outbound: list[str]) -> dict[str, Any]:
    """A peer's figures of the run after the warm-up."""
    stamps = world.stamps()
    for run, count in (("warm", workload.entries // WARM), ("run", workload.entries)):
        seen = Outbound(world, outbound)
        cpu = cpu_s(process)
        entries = by_account(workload.entry_records(run, stamps, count), run, workload)
        due = 2 * workload.alerts(run, count)
        started = world.produce_at_once({topic: entries})
        ended = seen.wait_for(due, process, DEADLINE_S)
        cpu = cpu_s(process) - cpu
        seen.close()
    return {"entries_per_s": workload.entries / (ended - started), "cpu_s": cpu}
