"""What an engine process tells Prometheus. Counted once for a batch; what lies in the reader is asked when Prometheus comes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bankalerts.metrics import REGISTRY

EVENTS = Counter("bankalerts_engine_events", "Records of the event topic that were judged.", registry=REGISTRY)
ALERTS = Counter("bankalerts_engine_alerts", "Alerts that were written.", registry=REGISTRY)
QUARANTINED = Counter("bankalerts_engine_quarantined", "Records that went to the quarantine.", registry=REGISTRY)
WRITES = Histogram(
    "bankalerts_engine_write_seconds",
    "How long the transaction of a batch took, from begin to commit.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
DELAY = Histogram(
    "bankalerts_engine_delay_seconds",
    "From the insertion of an event to its decision: of the first alert of each batch.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
    registry=REGISTRY,
)


class Reader(Protocol):
    """Where lags are asked for."""

    def lags(self) -> Mapping[int, int]:
        """Partition -> records not read yet."""
        ...


class Lags(Collector):
    """Records that wait, of each partition that is judged here. The reader may be gone: then there are none."""

    def __init__(self) -> None:
        self._reader: weakref.ref[Reader] | None = None

    def watch(self, reader: Reader) -> None:
        """From now on this one is asked."""
        self._reader = weakref.ref(reader)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One figure for each partition, at the time of the scrape."""
        family = GaugeMetricFamily(
            "bankalerts_engine_lag_events", "Records of the event topic that are not read yet.", labels=["partition"]
        )
        reader = self._reader() if self._reader is not None else None
        for partition, lag in (reader.lags() if reader is not None else {}).items():
            family.add_metric([str(partition)], lag)
        yield family


LAGS = Lags()
REGISTRY.register(LAGS)
