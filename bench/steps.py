"""What a turn of the engine's loop costs in processor time, step by step, without Kafka and PostgreSQL: behind the figures.

`python -m bench.steps [ACCOUNTS [ENTRIES [VARIETY]]]` prints microseconds per event. The events and states are those of the
other benchmarks, from memory; with a VARIETY of 40000 hardly two accounts want the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from bench.workload import VARIETY, Stamps, Workload
from bench.workload import Record as Raw
from engine import loop
from engine.catalogue import build_catalogue
from engine.judged import batch_of, decide, in_portions
from engine.memory import Memory
from engine.outbox import Topic, _alert_row
from engine.packed import State
from engine.rows import AlertTypeRow
from engine.snapshot import StateSnapshot
from engine.state_follower import Stamped, settle_memory

PARTITIONS = 8
TURN = 500  # as engine.loop.AT_ONCE
AMOUNT = {"type": "integer", "minimum": -(10**15), "maximum": 10**15}
QUIET = {
    "rearm_margin_minor": {"type": "integer", "minimum": 0, "maximum": 10**15, "default": 0},
    "cool_down_minutes": {"type": "integer", "minimum": 0, "maximum": 43_200, "default": 0},
}
BEFORE = "event.balance_after_minor - event.amount_minor"
TYPES = {
    "BALANCE_BELOW": (f"event.balance_after_minor < :threshold_minor and {BEFORE} >= :threshold_minor", True),
    "BALANCE_ABOVE": (f"event.balance_after_minor > :threshold_minor and {BEFORE} <= :threshold_minor", True),
    "DEBITED_ABOVE": ("- event.amount_minor > :threshold_minor", False),
    "CREDITED_ABOVE": ("event.amount_minor > :threshold_minor", False),
}


class Message:
    """As confluent_kafka's."""

    __slots__ = ("_key", "_offset", "_partition", "_value")

    def __init__(self, raw: Raw, offset: int) -> None:
        self._key, self._value, self._partition, self._offset = raw.key, raw.value, raw.partition, offset

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes:
        return self._value

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return (1, 1_795_300_000_000)


def alert_types() -> dict[str, AlertTypeRow]:
    """The four types of the benchmarks' preferences, as the catalogue has them."""
    found = {}
    for name, (condition, balance) in TYPES.items():
        quiet: dict[str, Any] = {}
        if balance:
            sign = ">= :threshold_minor +" if name == "BALANCE_BELOW" else "<= :threshold_minor -"
            quiet = {
                "rearm_margin": ":rearm_margin_minor",
                "rearm_condition": f"event.balance_after_minor {sign} :rearm_margin_minor",
                "cool_down": ":cool_down_minutes * 60",
            }
        parameters = {"threshold_minor": AMOUNT, **(QUIET if balance else {})}
        found[name] = AlertTypeRow(name, "ACCOUNT_ENTRY", ["BOOKED"], condition, parameters, balance, **quiet)
    return found


def main() -> None:
    accounts, entries, variety = (
        int(given) for given in (*sys.argv[1:], *("50000", "100000", str(VARIETY))[len(sys.argv) - 1 :])
    )
    workload = Workload(accounts, entries, PARTITIONS, variety)
    snapshots = {partition: StateSnapshot() for partition in range(PARTITIONS)}
    timed("state: apply a record", workload.state_records, lambda raw: snapshots[raw.partition].apply(raw.key, raw.value))
    for snapshot in snapshots.values():
        snapshot.follow()
        while snapshot.tidy(10_000):
            pass
    catalogue = build_catalogue(alert_types())
    day = datetime(2026, 11, 22, tzinfo=UTC)
    messages = [Message(raw, number) for number, raw in enumerate(workload.entry_records("steps", Stamps(1, day)))]
    topic, memory = Topic("event", "id"), Memory()
    settle_memory()
    for round_ in ("first touch", "again"):
        spent: dict[str, float] = {}
        alerts = 0
        for turn in range(0, entries, TURN):
            alerts += one_turn(messages[turn : turn + TURN], snapshots, catalogue, memory, topic, spent)
        print(f"{round_}: {sum(spent.values()) / entries * 1e6:6.2f} us an event, {alerts} alerts")
        for step, seconds in spent.items():
            print(f"  {seconds / entries * 1e6:6.2f} {step}")


def one_turn(
    messages: list[Any],
    snapshots: dict[int, StateSnapshot],
    catalogue: Any,
    memory: Memory,
    topic: Topic,
    spent: dict[str, float],
) -> int:
    def step(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = work()
        spent[name] = spent.get(name, 0.0) + time.process_time() - began
        return found

    records = step("decode", lambda: [loop.decoded(m.partition(), m.offset(), m) for m in messages])
    step("state", lambda: stamp(records, snapshots, catalogue))
    portions = step("match", lambda: list(in_portions(records)))
    found = step("decide", lambda: [list(decide(portion, memory, set(), datetime.now(UTC))) for portion in portions])
    batches = step("batch", lambda: [batch_of(topic, some) for some in found])
    step("rows", lambda: [_alert_row(decision) for batch in batches for decision in batch.decisions])
    return sum(len(batch.decisions) for batch in batches)


def stamp(records: list[Any], snapshots: dict[int, StateSnapshot], catalogue: Any) -> None:
    for record in records:
        event, snapshot = record.event, snapshots[record.partition]
        if snapshot.is_quiet(event, catalogue):
            continue
        state = snapshot.at(event.entity, event.state_version)
        assert isinstance(state, State)
        record.found = Stamped(state, catalogue)


def timed(name: str, make: Callable[[], Iterator[Raw]], work: Callable[[Raw], Any]) -> None:
    raws = list(make())
    began = time.process_time()
    for raw in raws:
        work(raw)
    print(f"{name}: {(time.process_time() - began) / len(raws) * 1e6:.2f} us, {len(raws):,} records")


if __name__ == "__main__":
    main()
