"""How much is measured: the full size, and a small one that shows that everything works."""

from __future__ import annotations

from dataclasses import dataclass

from bench.workload import Workload


@dataclass(frozen=True)
class Size:
    """Counts of a run; `starts` are numbers of preferences, `rates` entries a second, `captured` rows."""

    accounts: int
    entries: int
    rates: tuple[int, ...]
    latency_accounts: int
    latency_s: int
    starts: tuple[int, ...]
    captured: int

    def workload(self, partitions: int) -> Workload:
        return Workload(self.accounts, self.entries, partitions)

    def workload_of_latency(self, partitions: int) -> Workload:
        return Workload(self.latency_accounts, 1, partitions)


FULL = Size(500_000, 1_000_000, (200, 2_000), 100_000, 30, (1_000_000, 5_000_000, 10_000_000), 300_000)
SMALL = Size(10_000, 20_000, (200,), 2_000, 5, (50_000,), 10_000)
