"""Results: as JSON and a picture in a folder, as a table on the terminal."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import picture

Found = dict[str, Any]
Row = tuple[str, str, str]  # what, figure, target and whether it is met


def machine() -> Found:
    """What was measured on which machine."""
    commit = subprocess.run(("git", "rev-parse", "--short", "HEAD"), capture_output=True, text=True, check=False).stdout.strip()
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory_kb = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    memory_gib = round(memory_kb / 2**20, 1)
    return {
        "commit": commit,
        "machine": {"cores": os.cpu_count(), "cpu": cpu, "memory_gib": memory_gib, "python": platform.python_version()},
    }


def keep(folder: Path, found: Found) -> Path:
    """Write JSON and picture, named by the time of the run; returns the JSON's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found['at'].replace(':', '').replace('-', '')}-{found['size']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".svg").write_text(picture.drawn(found), encoding="utf-8")
    return path


def show(found: Found) -> None:
    table = Table("what", "figure", "target", title=f"bench, {found['size']}, {found['commit']}", title_justify="left")
    for row in rows(found):
        table.add_row(*row)
    Console(width=150).print(table)


def rows(found: Found) -> Iterator[Row]:
    """Every figure as a line, with the target that it is held to."""
    for part, tell in TELLERS.items():
        if part in found:
            if "failed" in found[part]:
                yield part, "failed", found[part]["failed"][:80]
            else:
                yield from tell(found[part])
    yield from _thread_for_thread(found)


def _throughput(part: Found) -> Iterator[Row]:
    ours = part["engine"]["entries_per_s"]
    yield "floor: read and decode, entries/s", f"{part['floor']['entries_per_s']:,.0f}", ""
    yield "engine, entries/s", f"{ours:,.0f}", _times(ours, part["floor"], "the floor", 0.25, 0.35)
    for name, least, aim in (("streams", 2.5, 3.5), ("quix", 1.5, 2.0)):
        if name in part:
            yield (
                NAMES[name] + ", entries/s",
                f"{part[name]['entries_per_s']:,.0f}",
                _times(ours, part[name], NAMES[name], least, aim),
            )


def _latency(part: Found) -> Iterator[Row]:
    for rate, ours in part["engine"].items():
        theirs = part["streams"][rate]
        for name, one in (("engine", ours), ("Kafka Streams", theirs)):
            yield f"{name} at {int(rate):,}/s: p50, p99, max ms", f"{one['p50_ms']} {one['p99_ms']} {one['max_ms']}", ""
        ratio = ours["p99_ms"] / theirs["p99_ms"]
        yield f"p99 at {int(rate):,}/s beside Kafka Streams'", f"{ratio:.3f}", _met(ratio < 0.2, "below 0.2")


def _starts(part: Found) -> Iterator[Row]:
    for one in part.values():
        what = f"{one['preferences']:,} preferences: "
        size = one["bytes_a_preference"]
        yield what + "bytes a preference", f"{size:.0f}", _met(size <= 200, "at most 200")
        yield what + "first decision cold, s", f"{one['cold_s']:.1f}", ""
        ratio = one["cold_s"] / one["checkpoint_s"]
        yield (
            what + "from the checkpoint, s",
            f"{one['checkpoint_s']:.1f}",
            f"{ratio:.1f} times as fast as cold (5 at 10 million)",
        )
        restored = one["streams"]["restore_s"]
        yield (
            what + "Kafka Streams' restore, s",
            f"{restored:.1f}",
            _met(one["checkpoint_s"] < restored, "checkpoint is faster"),
        )


def _processes(part: Found) -> Iterator[Row]:
    one, two = part["1"]["entries_per_s"], part["2"]["entries_per_s"]
    yield "one engine process, entries/s", f"{one:,.0f}", ""
    yield (
        "two engine processes, entries/s",
        f"{two:,.0f}",
        _met(two >= 1.6 * one, f"{two / one:.2f} times one; 1.6 where cores allow"),
    )


def _thread_for_thread(found: Found) -> Iterator[Row]:
    """Kafka Streams has two threads: on the cores that it takes, we run two processes."""
    try:
        two, streams = found["processes"]["2"]["entries_per_s"], found["throughput"]["streams"]["entries_per_s"]
    except KeyError:
        return
    yield "two engine processes beside Kafka Streams' two threads", f"{two / streams:.2f}", "as many cores for both"


def _capture(part: Found) -> Iterator[Row]:
    yield "Debezium, rows/s", f"{part['rows_per_s']:,.0f}", ""


TELLERS = {"throughput": _throughput, "latency": _latency, "starts": _starts, "processes": _processes, "capture": _capture}
NAMES = {"streams": "Kafka Streams exactly once", "quix": "Quix Streams exactly once"}


def _times(ours: float, other: Found, name: str, least: float, aim: float) -> str:
    ratio = ours / other["entries_per_s"]
    return _met(ratio >= least, f"engine is {ratio:.2f} times {name}; at least {least}, aim {aim}")


def _met(holds: bool, what: str) -> str:
    return f"{'met' if holds else 'NOT MET'}: {what}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
