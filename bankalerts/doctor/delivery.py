"""Checks of what comes after capture: whether events are judged, and messages sent, in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, TopicPartition

from bankalerts.controls import open_pauses
from bankalerts.doctor.check import Asked, Finding
from bankalerts.kafka import answering
from bankalerts.topics import Topics

LATE_S = 60.0
ASK_WITHIN_S = 10.0


def consumer_lag(asked: Asked) -> list[Finding]:
    """No event has waited on Kafka for a minute without being judged."""
    topic = Topics(asked.settings.topic_prefix).event
    positions = {row[1]: row[3] for row in asked.rows("read_all_positions", topic=topic)}
    with answering(asked.settings.kafka, "doctor"):
        waiting = waiting_events(asked.settings.kafka, topic, positions, asked.clock())
    return [
        Finding(
            "FAULT",
            f"partition {partition} of {topic}: {events} events wait, the oldest for {age.total_seconds():.0f} s",
            "bankalerts up",
            "it starts engines that ended; one that runs says in its log what it waits for",
        )
        for partition, (events, age) in waiting.items()
        if age.total_seconds() > LATE_S
    ]


def waiting_events(address: str, topic: str, positions: dict[int, int], now: datetime) -> dict[int, tuple[int, timedelta]]:
    """Partition -> how many events come after its position, and the age of the first of them."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "bankalerts-doctor", "enable.auto.commit": False})
    waiting = {}
    try:
        for partition, position in positions.items():
            _, newest = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_WITHIN_S)
            if newest <= position:
                continue
            consumer.assign([TopicPartition(topic, partition, position)])
            message = consumer.poll(ASK_WITHIN_S)
            # Where nothing comes, what is there are the ends of transactions, which are no events.
            if message is not None and message.error() is None and message.timestamp()[0] != TIMESTAMP_NOT_AVAILABLE:
                on_kafka = datetime.fromtimestamp(message.timestamp()[1] / 1_000, UTC)
                waiting[partition] = (newest - position, now - on_kafka)
    finally:
        consumer.close()
    return waiting


def halts(asked: Asked) -> list[Finding]:
    """Nothing holds up the engines."""
    return [
        Finding(
            "FAULT",
            f"the engines decide nothing since {seconds:.0f} s, for {cause}: {detail}",
            "bankalerts connectors accept-restore --reason 'the doctor said so'"
            if cause == "RESTORE"
            else f"bankalerts unhalt {cause} --reason 'the doctor said so'",
            "mend the cause first, as docs/operations.md tells: what was not captured has to be found",
        )
        for cause, detail, seconds in asked.rows("read_halts")
    ]


def parked_types(asked: Asked) -> list[Finding]:
    """Every alert type compiles."""
    return [
        Finding(
            "FAULT",
            f"alert type {alert_type} is parked, nothing is judged by it: {reason}",
            "bankalerts prepare",
            "it puts the product's own types back; one of the bank's has to be corrected in bank.alert_type",
        )
        for alert_type, reason in asked.rows("list_parked", "engine")
    ]


def oldest_claimable(asked: Asked) -> list[Finding]:
    """No message that is due has waited for a minute."""
    pauses = {row["scope"] for row in open_pauses(asked.settings.database_url)}
    return [
        Finding(
            "FAULT",
            f"{messages} messages are due on {channel}, the oldest for {seconds:.0f} s",
            "bankalerts resume ALL" if "ALL" in pauses else "bankalerts up",
            "nobody drains this channel: the notifier's log says why, `bankalerts outbox` what waits",
        )
        for channel, messages, seconds in asked.rows("read_due", seconds=LATE_S)
    ]
