"""Time to the first decision at a size of state, and the memory it takes: cold, from the checkpoint, and of Kafka Streams.

An entry that alerts waits in the topic; the clock runs from the start of the process to the moment its alert is committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from bankalerts.errors import BankalertsError
from bench.streams import Outbound, Peer, by_account
from bench.throughput import alerts
from bench.workload import Workload
from bench.world import Process, World, engine_process

WITHIN_S = 900.0
REST_S = 3.0
Say = Callable[[str], None]


def measure(world: World, preferences: int, say: Say) -> dict[str, Any]:
    """Figures of one size; `preferences` is rounded down to whole accounts. Topics of its own, so sizes do not add up."""
    world = world.with_prefix(f"starts{preferences}")
    workload = Workload(preferences * 2 // 5, 1, world.partitions)
    records = world.produce(world.topics.state, workload.state_records())
    say(f"{workload.preferences:,} preferences: {records:,} state records")
    found = {"preferences": workload.preferences, **engine(world, workload, say)}
    found["streams"] = streams(world, workload, say)
    return found


def engine(world: World, workload: Workload, say: Say) -> dict[str, Any]:
    with first_decision(world, workload, "cold") as cold:
        rss = rss_at_rest(cold.process)
    empty = bare_rss(world)
    with first_decision(world, workload, "checkpoint") as warm:
        pass
    found = {
        "cold_s": cold.seconds,
        "checkpoint_s": warm.seconds,
        "rss_bytes": rss,
        "bytes_a_preference": (rss - empty) / workload.preferences,
    }
    say(f"engine: first decision after {cold.seconds:.1f} s cold, {warm.seconds:.1f} s from the checkpoint")
    return found


class Decided:
    """A process that has decided, and how long that took from its start."""

    def __init__(self, process: Process, seconds: float) -> None:
        self.process = process
        self.seconds = seconds


@contextmanager
def first_decision(world: World, workload: Workload, run: str) -> Iterator[Decided]:
    """An engine that has decided on an entry which waited for it."""
    before = alerts(world)
    world.produce(world.topics.event, workload.entry_records(f"{world.topics.prefix}-{run}", world.stamps(), 1))
    started = time.monotonic()
    process, _ = engine_process(world, f"bench-{world.topics.prefix}")
    with process:
        process.wait_for(lambda: alerts(world) > before, "the first decision", WITHIN_S)
        yield Decided(process, time.monotonic() - started)
        # ended by its context, with a checkpoint written
        process.end(120)
        if process.child.returncode:
            raise BankalertsError(f"the engine ended with {process.child.returncode}: {process.tail()}")


def bare_rss(world: World) -> int:
    """Of an engine without state: what is subtracted, so that what remains is state."""
    empty = world.with_prefix(f"{world.topics.prefix}-empty")
    process, ready = engine_process(empty, "bench-empty")
    with process:
        process.wait_for(ready.exists, "the engine is ready", WITHIN_S)
        return rss_at_rest(process)


def rss_at_rest(process: Process) -> int:
    """Bytes, once it stands still: after a start the engine gives back what it read with, and tidies its states."""
    before, now = 0, rss_of(process)
    while before == 0 or abs(now - before) > now // 200:
        time.sleep(REST_S)
        before, now = now, rss_of(process)
    return now


def rss_of(process: Process) -> int:
    return int(psutil.Process(process.child.pid).memory_info().rss)


def streams(world: World, workload: Workload, say: Say) -> dict[str, Any]:
    """Kafka Streams: its tables read for the first time, then restored from Kafka after its folder was lost, then warm."""
    peer = Peer(world, f"streams-{world.topics.prefix}")
    peer.make_topics()
    records = peer.put_state(workload)
    began = time.monotonic()
    with peer.running() as process:
        peer.wait_until_loaded(process)
        first_s = time.monotonic() - began
        rss = psutil.Process(process.child.pid).memory_info().rss
    peer.forget_state()
    restored_s = decided_after(world, workload, peer, "restore")
    kept_s = decided_after(world, workload, peer, "kept")
    say(f"Kafka Streams: first decision after {restored_s:.1f} s of restore, {kept_s:.1f} s with its folder kept")
    return {"records": records, "first_fill_s": first_s, "restore_s": restored_s, "folder_kept_s": kept_s, "rss_bytes": rss}


def decided_after(world: World, workload: Workload, peer: Peer, run: str) -> float:
    run = f"{world.topics.prefix}-{run}"
    outbound = Outbound(world, peer.outbound())
    records = workload.entry_records(run, world.stamps(), 1)
    world.produce(f"{peer.prefix}.entry", by_account(records, run, workload))
    started = time.time()
    with peer.running() as process:
        seen = outbound.wait_for(2 * workload.alerts(run, 1), process, WITHIN_S)
    outbound.close()
    return seen - started
