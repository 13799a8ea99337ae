"""What a preference costs: memory, a cold start against the floor, one from the checkpoint, pauses, the time to find a state.

    python -m bench.snapshots [--preferences N] [--partitions N] [--without-kafka]

The state is the benchmarks' own (bench/workload.py), table by table as Debezium's initial snapshot has it: all permissions, all
preferences, all markers. Each figure comes from a process of its own. The floor reads and decodes the same records and does
nothing else. What needs no Kafka is measured in seconds of CPU.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bench.workload import STATE_VERSION, Record, Workload, account_id, partition_of
from bench.world import fresh_world
from engine import judged
from engine.catalogue import build_catalogue
from engine.checkpoint import Checkpoint, Checkpoints, Source
from engine.outbox import Topic
from engine.readers import admin_client, describe, kafka_config, source
from engine.rows import state_key, state_row
from engine.snapshot import StateSnapshot
from engine.state_follower import StateFollower, settle_memory
from engine.wishes import Wishes

AT_ONCE = 5_000
CHUNK = 20_000
ASKED = 300_000
TURN = 1_000
Figures = dict[str, Any]


class Asked(NamedTuple):
    """What an event says of the state it is to be judged on."""

    entity: str
    state_version: int
    catalogue_version: int
    kind: str = "NO_KIND"  # nothing is told at a glance of it: its state is looked for


def by_table(workload: Workload) -> Iterator[Record]:
    """Permissions, then preferences, then markers: told by the number of columns of the key."""
    for columns in (2, 4, 1):
        for record in workload.state_records():
            if record.key.count(b":") == columns:
                yield record


def measure_memory(workload: Workload) -> Figures:
    """Bytes a preference, permissions, accounts and versions included: what the process grew by, everything in it."""
    before, snapshots = rss(), fill(workload)
    loaded = grown(before)
    accounts = [account_id(number) for number in range(workload.accounts)]
    for account in accounts:
        snapshots[partition_of(account, workload.partitions)].at(account, STATE_VERSION)
    del accounts
    asked = grown(before)
    packed = sum(len(state) for snapshot in snapshots.values() for state in snapshot.packed.values())
    return {
        "preferences": workload.preferences,
        "accounts": workload.accounts,
        "bytes_a_preference": round(loaded / workload.preferences),
        "bytes_a_preference_each_asked_once": round(asked / workload.preferences),
        "packed_bytes_a_preference": round(packed / workload.preferences),
    }


def measure_apply(workload: Workload) -> Figures:
    """Records a second without Kafka: applied, and decoded only."""
    snapshots = {partition: StateSnapshot() for partition in range(workload.partitions)}
    spent = {"apply": 0.0, "decode": 0.0}
    wishes = Wishes()
    count = 0
    for chunk in chunks(by_table(workload)):
        count += len(chunk)
        began = time.process_time()
        for record in chunk:
            snapshots[record.partition].apply(record.key, record.value)
        spent["apply"] += time.process_time() - began
        began = time.process_time()
        for record in chunk:
            state_row(state_key(record.key), record.value, wishes)
        spent["decode"] += time.process_time() - began
    return {f"{name}_records_per_s": round(count / seconds) for name, seconds in spent.items()}


def measure_checkpoint(workload: Workload) -> Figures:
    """Writing and loading the files of all partitions, without Kafka; `records` are those of the topic they stand for."""
    snapshots = fill(workload)
    records = workload.permissions + workload.preferences + workload.accounts
    with tempfile.TemporaryDirectory() as folder:
        kept = Checkpoints(Path(folder), Source("bench", Topic("state", "bench"), workload.partitions, timedelta(days=1)))
        began = time.process_time()
        copying = 0.0
        for partition, snapshot in snapshots.items():
            copied = time.process_time()
            checkpoint = Checkpoint(0, snapshot.packed.copy(), frozenset())
            copying = max(copying, time.process_time() - copied)
            kept.save(partition, checkpoint)
        kept.close()
        written = time.process_time() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.checkpoint"))
        snapshots.clear()
        began = time.process_time()
        again = {partition: kept.load(partition, 0, 0) for partition in range(workload.partitions)}
        loaded = time.process_time() - began
    return {
        "file_bytes": size,
        "write_s": round(written, 2),
        "longest_copy_ms": round(copying * 1000, 1),
        "load_s": round(loaded, 2),
        "load_records_per_s": round(records / loaded),
        "states": sum(len(found.packed) for found in again.values() if found is not None),
    }


def measure_stamped(workload: Workload) -> Figures:
    """Microseconds an event to find what it is judged on, all in memory, and the collector's pauses meanwhile."""
    follower: Any = StateFollower.__new__(StateFollower)
    vars(follower).update(_snapshots=fill(workload), _late=set(), _told={"in memory": 0})
    catalogue = build_catalogue({})
    follower._catalogue_in_memory = lambda _version: catalogue
    chance = random.Random(1)  # noqa: S311
    everywhere = [chance.randrange(workload.accounts) for _ in range(ASKED)]
    few = [number % 2_000 for number in everywhere]
    found: Figures = {}
    settle_memory()
    pauses = Pauses()
    for name, numbers in (("first", everywhere), ("again", everywhere), ("busy", few), ("busy", few)):
        spent = 0.0
        for turn in turned(numbers, workload.partitions):
            records: list[Any] = [judged.Record(partition, 0, None, event) for partition, event in turn]  # type: ignore[arg-type]
            began = time.process_time()
            follower.find(records)
            spent += time.process_time() - began
        found[f"us_an_event_{name}"] = round(spent / ASKED * 1e6, 2)
    found["longest_pause_ms"] = round(pauses.longest() * 1000, 2)
    found["pauses"] = pauses.count
    return found


class Pauses:
    """How long the garbage collector took, each time."""

    def __init__(self) -> None:
        self.count = 0
        self._longest = self._began = 0.0
        gc.callbacks.append(self._tell)

    def longest(self) -> float:
        gc.callbacks.remove(self._tell)
        return self._longest

    def _tell(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
        else:
            self.count += 1
            self._longest = max(self._longest, time.process_time() - self._began)


def turned(numbers: list[int], partitions: int) -> Iterator[list[tuple[int, Asked]]]:
    """Events of these accounts, a thousand at a time; each says its account anew, as a record does."""
    for begin in range(0, len(numbers), TURN):
        accounts = [account_id(number) for number in numbers[begin : begin + TURN]]
        yield [(partition_of(account, partitions), Asked(account, STATE_VERSION, 1)) for account in accounts]


def fill(workload: Workload) -> dict[int, StateSnapshot]:
    """Snapshots as they are when the end of the topic was seen."""
    snapshots = {partition: StateSnapshot() for partition in range(workload.partitions)}
    for record in by_table(workload):
        snapshots[record.partition].apply(record.key, record.value)
    for snapshot in snapshots.values():
        snapshot.follow()
    return snapshots


def chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(itertools.islice(records, CHUNK)):
        yield chunk


def rss() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def grown(before: int) -> int:
    return rss() - before


def measure_floor(kafka: str, topic: str, partitions: int, count: int) -> Figures:
    """Records a second, read and decoded."""
    consumer = Consumer({**kafka_config(kafka, "floor"), "group.id": "floor"})
    wishes = Wishes()
    began = time.perf_counter()
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    found = 0
    while found < count:
        for message in consumer.consume(AT_ONCE, 1.0):
            key, value = message.key(), message.value()
            if message.error() is None and value is not None:
                state_row(state_key(key), value, wishes)
                found += 1
    seconds = time.perf_counter() - began
    consumer.close()
    return {"seconds": round(seconds, 2), "records_per_s": round(found / seconds)}


def measure_start(kafka: str, topic: str, catalogue: str, folder: Path) -> Figures:
    """Seconds until the snapshots are there, cold or from the checkpoints in `folder`, and what memory grew by."""
    admin = admin_client(kafka, "bench")
    topics = describe(admin, [topic, catalogue])
    states, partitions = topics[topic]
    config = kafka_config(kafka, "bench")
    checkpoints = Checkpoints(folder, source(admin, states, partitions))
    before = rss()
    follower = StateFollower(config, "bench", admin, states, topics[catalogue][0], checkpoints, lambda _: None)
    began = time.perf_counter()
    follower.add(range(partitions))
    seconds = time.perf_counter() - began
    grew = grown(before)
    follower.close()
    return {"seconds": round(seconds, 2), "rss_bytes": grew}


def with_kafka(workload: Workload, say: Callable[[str], None]) -> Figures:
    """The floor, a cold start and one from the checkpoint, of the same topic."""
    with fresh_world(say) as world, tempfile.TemporaryDirectory() as folder:
        workload = replace(workload, partitions=world.partitions)
        records = world.produce(world.topics.state, by_table(workload))
        say(f"{records:,} state records of {workload.preferences:,} preferences")
        where = (world.kafka, world.topics.state)
        found: Figures = {"preferences": workload.preferences, "records": records}
        found["floor"] = child("floor", *where, str(world.partitions), str(records))
        say(f"floor: {found['floor']}")
        for name in ("cold", "checkpoint"):
            found[name] = child("start", *where, world.topics.catalogue, folder)
            found[name]["records_per_s"] = round(records / found[name]["seconds"])
            found[name]["bytes_a_preference"] = round(found[name]["rss_bytes"] / workload.preferences)
            say(f"{name}: {found[name]}")
    found["cold_of_floor"] = round(found["cold"]["records_per_s"] / found["floor"]["records_per_s"], 2)
    found["checkpoint_times_cold"] = round(found["cold"]["seconds"] / found["checkpoint"]["seconds"], 1)
    return found


def child(*words: str) -> Figures:
    """The figures of another process."""
    done = subprocess.run((sys.executable, "-m", "bench.snapshots", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench.snapshots {' '.join(words)}: {done.stderr[-2_000:]}")
    return dict(json.loads(done.stdout))


ALONE = {"memory": measure_memory, "apply": measure_apply, "checkpoint": measure_checkpoint, "stamped": measure_stamped}


def measure(preferences: int, partitions: int, say: Callable[[str], None], kafka: bool = True) -> Figures:
    """Everything, at one size."""
    found: Figures = {}
    for name in ALONE:
        found[name] = child(name, str(preferences), str(partitions))
        say(f"{name}: {found[name]}")
    if kafka:
        found["starts"] = with_kafka(Workload(preferences * 2 // 5, 0, partitions), say)
    return found


def main() -> None:
    words = sys.argv[1:]
    if words and words[0] in ALONE:
        found = ALONE[words[0]](Workload(int(words[1]) * 2 // 5, 0, int(words[2])))
    elif words and words[0] == "floor":
        found = measure_floor(words[1], words[2], int(words[3]), int(words[4]))
    elif words and words[0] == "start":
        found = measure_start(words[1], words[2], words[3], Path(words[4]))
    else:
        parser = argparse.ArgumentParser(prog="python -m bench.snapshots")
        parser.add_argument("--preferences", type=int, default=1_000_000)
        parser.add_argument("--partitions", type=int, default=8)
        parser.add_argument("--without-kafka", action="store_true")
        given = parser.parse_args()
        found = measure(given.preferences, given.partitions, lambda text: print(text, file=sys.stderr), not given.without_kafka)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
