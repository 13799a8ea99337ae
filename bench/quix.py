"""The Quix Streams peer: its topics and state, and the process, in a virtual environment of its own (`make bench` makes it)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankalerts.errors import BankalertsError
from bench.workload import CHANNELS, Record, Workload, account_id, partition_of, wishes
from bench.world import Process, World

PYTHON = Path(sys.prefix, "var", "bankalerts", "quix", "bin", "python")
APP = Path(__file__).parent / "peers" / "quix" / "app.py"
PREFIX = "quix"
COMMIT_S = 1.0
READY_WITHIN_S = 300.0


def make_topics(world: World) -> None:
    for name in ("entry", *(f"outbound.{channel}" for channel in CHANNELS)):
        world.make_topic(f"{PREFIX}.{name}", world.partitions)
    world.make_topic(f"{PREFIX}.state", world.partitions, cleanup_policy="compact")


def put_state(world: World, workload: Workload) -> int:
    """One record for each account: its preferences with their customers. Returns how many."""
    return world.produce(f"{PREFIX}.state", state(workload))


def state(workload: Workload) -> Iterator[Record]:
    for number in range(workload.accounts):
        account = account_id(number)
        rows = [(wish.customer_id, wish.alert_type, 1, "EUR", wish.threshold_minor, CHANNELS) for wish in wishes(number)]
        yield Record(partition_of(account, workload.partitions), account.encode(), json.dumps(rows).encode())


def outbound() -> list[str]:
    return [f"{PREFIX}.outbound.{channel}" for channel in CHANNELS]


@contextmanager
def running(world: World) -> Iterator[Process]:
    """Started, its state read; ended with the block. Raises BankalertsError where it is not installed."""
    if not PYTHON.exists():
        raise BankalertsError("Quix Streams is not installed: `make bench` makes its virtual environment")
    words = (str(PYTHON), str(APP), world.kafka, PREFIX, str(world.partitions), str(COMMIT_S))
    with Process(words, world.settings.home / "logs" / "quix.log") as process:
        process.wait_for(lambda: "READY" in process.log.read_text(), "Quix Streams has its state", READY_WITHIN_S)
        yield process
