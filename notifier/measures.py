"""What a notifier process tells Prometheus. Counted once for a batch of conclusions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from bankalerts.metrics import REGISTRY

CONCLUDED = Counter(
    "bankalerts_notifier_conclusions",
    "What became of messages, by channel and state; PENDING: tried again later.",
    ["channel", "state"],
    registry=REGISTRY,
)
LOST = Counter(
    "bankalerts_notifier_lost_leases",
    "Messages that were no longer leased to this process when their end was recorded.",
    ["channel"],
    registry=REGISTRY,
)
RECORDING = Histogram(
    "bankalerts_notifier_record_seconds",
    "How long it took to record a batch of conclusions.",
    ["channel"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
PROVIDER_UP = Gauge(
    "bankalerts_notifier_provider_up",
    "1 while the provider answers, 0 while it is tried one message at a time.",
    ["channel", "provider"],
    registry=REGISTRY,
)
DATABASE_UP = Gauge("bankalerts_notifier_database_up", "1 while PostgreSQL can be used.", registry=REGISTRY)
PAUSES = Gauge("bankalerts_notifier_pauses", "Pauses that are open; what falls due under them is held.", registry=REGISTRY)
UNDRAINED = Gauge("bankalerts_notifier_undrained", "Messages due on channels that this notifier lacks.", registry=REGISTRY)
OLDEST = Gauge(
    "bankalerts_notifier_oldest_due_seconds",
    "How long the oldest message that is due has been so; 0: none is due.",
    ["channel"],
    registry=REGISTRY,
)
