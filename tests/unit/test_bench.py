"""The benchmarks' bank means what its figures say: its entries lead to the alerts that are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from bench import picture, report
from bench.steps import alert_types
from bench.streams import by_account
from bench.workload import Stamps, Workload, partition_of
from engine import decode, match
from engine.catalogue import build_catalogue
from engine.packed import State
from engine.snapshot import StateSnapshot

WORKLOAD = Workload(200, 2_000, 8)
STAMPS = Stamps(3, datetime(2026, 11, 22, tzinfo=UTC))


def test_entries_lead_to_the_alerts_that_are_counted() -> None:
    snapshots = {partition: StateSnapshot() for partition in range(8)}
    for record in WORKLOAD.state_records():
        snapshots[record.partition].apply(record.key, record.value)
    for snapshot in snapshots.values():
        snapshot.follow()
    catalogue = build_catalogue(alert_types())
    assert not catalogue.broken
    found, alerting = 0, 0
    for record in WORKLOAD.entry_records("run", STAMPS):
        event = decode.event(record.key, record.value)
        state = snapshots[record.partition].at(event.entity, event.state_version)
        assert isinstance(state, State)
        alerts, remembering = match.judge(event, state, catalogue)
        assert not remembering
        assert all(len(alert.channels) == 2 for alert in alerts)
        found += len(alerts)
        alerting += bool(alerts)
    assert found == WORKLOAD.alerts("run")
    assert alerting == WORKLOAD.entries * 5 // 100


def test_sizes() -> None:
    full = Workload(500_000, 1_000_000, 8)
    assert (full.permissions, full.preferences) == (625_000, 1_250_000)


def test_the_peers_get_the_same_entries_keyed_by_account() -> None:
    ours = list(WORKLOAD.entry_records("run", STAMPS))
    for record, theirs in zip(ours, by_account(ours, "run", WORKLOAD), strict=True):
        account = theirs.key.decode()
        assert theirs.value == record.value
        assert f'"account_id":"{account}"'.encode() in record.value
        assert theirs.partition == record.partition == partition_of(account, 8)


def test_the_partition_is_by_javas_hash() -> None:
    assert [partition_of(account, 2**31) for account in ("", "a", "ab")] == [0, 97, 31 * 97 + 98]
    assert partition_of("account-that-overflows", 8) == java_hash("account-that-overflows") % 8


def java_hash(text: str) -> int:
    """By its definition: s[0] * 31^(n-1) + ... + s[n-1], in 32 bits, its sign left out."""
    whole = sum(ord(character) * 31 ** (len(text) - 1 - at) for at, character in enumerate(text))
    return int(whole) % 2**32 & 0x7FFFFFFF


def test_a_run_is_shown_with_its_targets() -> None:
    rate = {"entries_per_s": 100_000.0}
    latency = {"p50_ms": 4.0, "p99_ms": 20.0, "max_ms": 30.0, "samples": 10}
    found: dict[str, Any] = {
        "throughput": {"engine": rate, "floor": {"entries_per_s": 300_000.0}, "streams": {"entries_per_s": 50_000.0}},
        "latency": {"engine": {"200": latency}, "streams": {"200": {**latency, "p99_ms": 200.0}}},
        "capture": {"failed": "Debezium stood still"},
    }
    rows = list(report.rows(found))
    assert ("engine, entries/s", "100,000", "met: engine is 0.33 times the floor; at least 0.25, aim 0.35") in rows
    targets = {what: target for what, _, target in rows}
    assert targets["Kafka Streams exactly once, entries/s"].startswith("NOT MET: engine is 2.00 times")
    assert targets["p99 at 200/s beside Kafka Streams'"] == "met: below 0.2"
    assert ("capture", "failed", "Debezium stood still") in rows
    drawn = ElementTree.fromstring(picture.drawn(found))
    assert sum(element.tag.endswith("rect") for element in drawn.iter()) == 1 + 3 + 2
