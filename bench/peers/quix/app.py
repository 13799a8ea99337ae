"""The Quix Streams peer: the same matching, exactly once. Run by the Python of its own virtual environment.

The state of all accounts is read into a dict of tuples before the start: quicker than Quix's own state, and no worse a
guarantee, as the application only reads it.

Arguments: bootstrap servers, prefix of the topics, partitions, seconds between commits.
"""

import sys

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from quixstreams import Application

CHANNELS = ("EMAIL", "PUSH")
Rows = list[tuple[int, str, int, str, int, list[str]]]  # customer, alert type, preference no, currency, threshold, channels


def main() -> None:
    servers, prefix, partitions, commit_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    accounts = read_state(servers, f"{prefix}.state", partitions)
    app = Application(
        broker_address=servers,
        consumer_group=f"{prefix}-alerts",
        processing_guarantee="exactly-once",
        auto_offset_reset="earliest",
        commit_interval=commit_s,
        auto_create_topics=False,
        consumer_poll_timeout=0.05,
        # the same as the engine's own: librdkafka's default waits a second when its queue is full
        consumer_extra_config={"fetch.wait.max.ms": 50, "fetch.queue.backoff.ms": 5},
        producer_extra_config={"linger.ms": 5, "batch.size": 262_144, "compression.type": "lz4"},
        loglevel="WARNING",
    )
    entries = app.topic(f"{prefix}.entry", key_deserializer="bytes", value_deserializer="json")
    messages = app.dataframe(entries).apply(judged(accounts), expand=True)
    for channel in CHANNELS:
        topic = app.topic(f"{prefix}.outbound.{channel}", key_serializer="bytes", value_serializer="json")
        of_channel = messages.filter(lambda message, channel=channel: message["channel"] == channel)
        of_channel.to_topic(topic)
    print(f"READY {len(accounts)}", flush=True)
    app.run()


def judged(accounts: dict[str, Rows]):
    def judge(entry: dict) -> list[dict]:
        rows = accounts.get(entry["account_id"])
        if rows is None or entry["status"] != "BOOKED":
            return []
        currency = entry["currency"]
        return [
            message(entry, row, channel)
            for row in rows
            if row[3] == currency and MATCHES[row[1]](entry, row[4])
            for channel in row[5]
        ]

    return judge


def below(entry: dict, threshold: int) -> bool:
    after = entry["balance_after_minor"]
    return after is not None and after < threshold and after - entry["amount_minor"] >= threshold


def above(entry: dict, threshold: int) -> bool:
    after = entry["balance_after_minor"]
    return after is not None and after > threshold and after - entry["amount_minor"] <= threshold


MATCHES = {
    "BALANCE_BELOW": below,
    "BALANCE_ABOVE": above,
    "DEBITED_ABOVE": lambda entry, threshold: -entry["amount_minor"] > threshold,
    "CREDITED_ABOVE": lambda entry, threshold: entry["amount_minor"] > threshold,
}


def message(entry: dict, row: tuple, channel: str) -> dict:
    return {
        "channel": channel,
        "entry_id": entry["entry_id"],
        "booking_date": entry["booking_date"],
        "account_id": entry["account_id"],
        "customer_id": row[0],
        "alert_type": row[1],
        "preference_no": row[2],
        "event_time": entry["event_time"],
        "evidence": {
            "event": {
                "amount_minor": entry["amount_minor"],
                "currency": entry["currency"],
                "balance_after_minor": entry["balance_after_minor"],
            },
            "parameters": {"threshold_minor": row[4]},
            "state_version": entry["state_version"],
            "catalogue_version": entry["catalogue_version"],
        },
    }


def read_state(servers: str, topic: str, partitions: int) -> dict[str, Rows]:
    """Account -> its rows: of customers who may see it."""
    config = {"bootstrap.servers": servers, "group.id": "quix-state", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer(config)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    decoder = msgspec.json.Decoder(Rows)
    accounts: dict[str, Rows] = {}
    ends = 0
    while ends < partitions:
        for record in consumer.consume(10_000, 1.0):
            if record.error() is None:
                accounts[record.key().decode()] = decoder.decode(record.value())
            elif record.error().code() == KafkaError._PARTITION_EOF:
                ends += 1
    consumer.close()
    return accounts


main()
