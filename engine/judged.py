"""What became of one record of an event topic: alerts, or nothing, or a reason for the quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from engine.decode import AccountEntry
from engine.match import judge
from engine.outbox import Decision, Refused, Topic
from engine.state_follower import Stamped

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A transaction holds about so many: some 100 ms of PostgreSQL's time, whatever the number of customers of an account.
MOST_ALERTS = 5_000


@dataclass(frozen=True)
class Judged:
    """`reason`: why it goes to the quarantine."""

    message: Message
    decisions: tuple[Decision, ...] = ()
    reason: str | None = None

    @property
    def partition(self) -> int:
        return int(self.message.partition() or 0)

    @property
    def offset(self) -> int:
        return int(self.message.offset() or 0)

    def refused(self, topic: Topic) -> Refused:
        message = self.message
        return Refused(topic, self.partition, self.offset, message.key(), message.value(), self.reason or "")


def decide(message: Message, event: AccountEntry, found: Stamped, now: datetime) -> Judged:
    """The alerts of an event, with its times. Raises Unjudgeable."""
    times = (event.event_time, event.inserted_at, from_microseconds(event.committed_us), kafka_time(message), now)
    return Judged(
        message,
        tuple(
            Decision(alert, event.kind, event.event_id, event.account_id, *times)
            for alert in judge(event, found.state, found.catalogue)
        ),
    )


def in_portions(records: Iterable[Judged]) -> Iterator[list[Judged]]:
    """Portions of whole records, each with no more than MOST_ALERTS alerts, or one record."""
    portion: list[Judged] = []
    alerts = 0
    for judged in records:
        if portion and alerts + len(judged.decisions) > MOST_ALERTS:
            yield portion
            portion, alerts = [], 0
        portion.append(judged)
        alerts += len(judged.decisions)
    if portion:
        yield portion


def kafka_time(message: Message) -> datetime | None:
    kind, timestamp_ms = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else from_microseconds(timestamp_ms * 1000)


def from_microseconds(epoch_us: int | None) -> datetime | None:
    """None for no time, and for one that no calendar has."""
    try:
        return None if epoch_us is None else EPOCH + timedelta(microseconds=epoch_us)
    except OverflowError:
        return None
