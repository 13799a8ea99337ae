"""Measure the product beside its floor and its peers, on this machine, in one run. All parts are real: PostgreSQL with fsync,
Kafka, Kafka Connect with Debezium, Kafka Streams, Quix Streams.

  throughput  entries a second: read and decode only, this engine to committed outbox, Kafka Streams and Quix Streams
  latency     posted to committed at 200 and 2,000 entries a second, this engine and Kafka Streams exactly once
  starts      memory of a preference, time to the first decision at 1, 5 and 10 million: cold, from the checkpoint, the peer's
  processes   entries a second with 1 and with 2 engine processes
  capture     Debezium: rows a second

Figures depend on the machine and on what else it does: compare only within one run, and let nothing else run beside it.
Results are kept as JSON and as a picture in bench/results, a table comes on the terminal. Exit status 1 where a part failed.

Examples: `make bench`, `make bench-small`, `python -m bench --only latency`, `python -m bench --size small --only starts`
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bankalerts.errors import BankalertsError
from bench import capture, latency, report, starts, throughput
from bench.size import FULL, SMALL, Size
from bench.world import fresh_world

RESULTS = Path(__file__).parent / "results"
Say = Callable[[str], None]


def measure_throughput(size: Size, say: Say) -> dict[str, Any]:
    with fresh_world(say) as world:
        return throughput.measure(world, size, say)


def measure_latency(size: Size, say: Say) -> dict[str, Any]:
    with fresh_world(say) as world:
        workload = size.workload_of_latency(world.partitions)
        ours = latency.engine(world, workload, size.rates, size.latency_s, say)
        return {"engine": ours, "streams": latency.streams(world, workload, size.rates, size.latency_s, say)}


def measure_starts(size: Size, say: Say) -> dict[str, Any]:
    found = {}
    for preferences in size.starts:
        with fresh_world(say) as world:  # a new one for each size: Kafka gives its disk back
            found[str(preferences)] = starts.measure(world, preferences, say)
    return found


def measure_processes(size: Size, say: Say) -> dict[str, Any]:
    found = {}
    for processes in (1, 2):
        with fresh_world(say) as world:
            workload = size.workload(world.partitions)
            throughput.prepare(world, workload, say)
            found[str(processes)] = throughput.engine(world, workload, say, processes)
    return found


def measure_capture(size: Size, say: Say) -> dict[str, Any]:
    with fresh_world(say, "connect", "connectors") as world:
        return capture.measure(world, size.captured, say)


PARTS: Mapping[str, Callable[[Size, Say], dict[str, Any]]] = {
    "throughput": measure_throughput,
    "latency": measure_latency,
    "starts": measure_starts,
    "processes": measure_processes,
    "capture": measure_capture,
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=PARTS, action="append", metavar="PART", help=f"{', '.join(PARTS)}; may be repeated")
    parser.add_argument("--size", choices=("full", "small"), default="full", help="small: whether it works, in minutes")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for JSON and picture, else bench/results")
    given = parser.parse_args()
    size = SMALL if given.size == "small" else FULL
    found: dict[str, Any] = {"size": given.size, "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **report.machine()}
    failed = False
    for part in given.only or PARTS:
        say(f"measuring {part}")
        try:
            found[part] = PARTS[part](size, say)
        except BankalertsError as error:
            failed = True
            found[part] = {"failed": str(error)}
            say(f"{part} failed: {error}")
    written = report.keep(given.results, found)
    report.show(found)
    say(f"kept in {written}")
    sys.exit(failed)


def say(what: str) -> None:
    """How far the run is, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


main()
