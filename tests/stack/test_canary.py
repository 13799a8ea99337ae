"""Personal data as a canary: it reaches its customer through the whole stack, and no log, figure or foreign topic has it."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from bankalerts.bank.iban import dutch_iban
from tests.chain import Chain
from tests.running_stack import RunningStack
from tests.waiting import wait_until

CUSTOMER = 7_700_777
ACCOUNT = "canary-account"
READ_WITHIN_S = 60


@pytest.fixture
def chain(stack: RunningStack) -> Chain:
    return Chain(stack)


def canaries() -> dict[str, str]:
    """What is personal, each value found nowhere else; a run has its own."""
    unique = secrets.token_hex(6)
    digits = str(secrets.randbelow(10**8)).zfill(8)
    return {
        "full_name": f"Canary{unique}a Jansen",
        "email": f"canary{unique}b@example.org",
        "phone": f"+316{digits}",
        "device": f"canary{unique}c-token",
        "iban": dutch_iban("BANK", 10_000_000 + int(digits) % 80_000_000),
        "webhook": f"http://127.0.0.1:9/canary{unique}d",
        "webhook_secret": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        "counterparty_name": f"Canary{unique}e Bakery",
        "description": f"canary{unique}f invoice",
        "counterparty_account": f"canary{unique}g",
        "refused_iban": f"NL00BANK{secrets.randbelow(10**10):010}",
        "refused_address": f"canary{unique}h at example.org",
        "refused_text": f"canary{unique}i" + "x" * 10_000,
    }


def insert(chain: Chain, canary: dict[str, str]) -> None:
    """A customer on every channel, an entry that alerts, and statements that are refused with personal data in them."""
    with chain.database() as connection:
        run = connection.execute
        run("insert into bank.customer (customer_id, full_name) values (%s, %s)", [CUSTOMER, canary["full_name"]])
        run("insert into bank.account (account_id, iban, currency) values (%s, %s, 'EUR')", [ACCOUNT, canary["iban"]])
        run("insert into bank.account_permission (account_id, customer_id, role) values (%s, %s, 'OWNER')", [ACCOUNT, CUSTOMER])
        run("insert into bank.push_device values (%s, %s, 'ANDROID', 'local')", [canary["device"], CUSTOMER])
        for channel, name in (("EMAIL", "email"), ("SMS", "phone"), ("WEBHOOK", "webhook")):
            run("insert into bank.contact_address values (%s, %s, %s, now())", [CUSTOMER, channel, canary[name]])
        run(
            "insert into bank.webhook_secret (customer_id, address, secret) values (%s, %s, %s)",
            [CUSTOMER, canary["webhook"], canary["webhook_secret"]],
        )
        run(
            "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
            """ values (%s, %s, 'DEBITED_ABOVE', 'EUR', '{"threshold_minor": 0}', '{EMAIL,SMS,PUSH,WEBHOOK}')""",
            [ACCOUNT, CUSTOMER],
        )
        for statement, values in (
            ("insert into bank.account (account_id, iban, currency) values ('refused', %s, 'EUR')", [canary["refused_iban"]]),
            ("insert into bank.contact_address values (%s, 'EMAIL', %s, now())", [CUSTOMER, canary["refused_address"]]),
            ("update bank.account_permission set role = %s where customer_id = %s", [canary["refused_text"], CUSTOMER]),
            ("insert into bank.customer (customer_id, full_name) values (%s, %s)", [CUSTOMER, canary["full_name"]]),
        ):
            with pytest.raises(psycopg.Error):
                run(statement, values)
        run(
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, description,"
            " counterparty_name, counterparty_account) values (%s, current_date, %s, -100, 'EUR', %s, %s, %s)",
            ["canary", ACCOUNT, canary["description"], canary["counterparty_name"], canary["counterparty_account"]],
        )


def wait_until_told(chain: Chain) -> None:
    with chain.database() as connection:
        for channel in ("EMAIL", "SMS", "PUSH"):
            wait_until(
                lambda channel=channel: (
                    connection.execute(  # type: ignore[misc]
                        "select from audit.outbox_history where customer_id = %s and channel = %s and state = 'ACCEPTED'",
                        [CUSTOMER, channel],
                    ).rowcount
                ),
                60,
                f"the canary's message on {channel} is accepted",
            )
        wait_until(
            lambda: (
                connection.execute(
                    "select from alerting.delivery_attempt d join alerting.outbox o using (message_id)"
                    " join alerting.alert a on a.alert_id = o.alert_id where a.customer_id = %s and o.channel = 'WEBHOOK'",
                    [CUSTOMER],
                ).rowcount
            ),
            60,
            "the canary's webhook is tried",
        )


def topics(kafka: str) -> Iterator[tuple[str, bytes]]:
    """Each record of each topic, Connect's and Kafka's own too: the topic's name, and key, value and headers in one."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "canary", "enable.auto.commit": False, "log_level": 0})
    try:
        ends: dict[tuple[str, int], int] = {}
        for name, topic in consumer.list_topics(timeout=10).topics.items():
            for part in topic.partitions:
                first, end = consumer.get_watermark_offsets(TopicPartition(name, part), timeout=10)
                if end > first:
                    ends[name, part] = end
        consumer.assign([TopicPartition(name, part, OFFSET_BEGINNING) for name, part in ends])
        deadline = time.monotonic() + READ_WITHIN_S
        while ends:
            assert time.monotonic() < deadline, f"not read within {READ_WITHIN_S} s: {sorted(ends)}"
            for message in consumer.consume(10_000, 0.1):
                if message.error() is not None:
                    continue
                headers = repr(message.headers()).encode()
                yield str(message.topic()), b"\0".join((message.key() or b"", message.value() or b"", headers))
            with suppress(KafkaException):  # the end may be a transaction's mark, or what compaction removed
                for at in consumer.position([TopicPartition(*place) for place in ends]):
                    if at.offset >= ends[at.topic, at.partition]:
                        del ends[at.topic, at.partition]
    finally:
        consumer.close()


def found_in(texts: dict[str, bytes], canary: dict[str, str]) -> list[str]:
    """Which of the values stand where."""
    return [f"{name} in {where}" for where, text in texts.items() for name, value in canary.items() if value.encode() in text]


def test_nothing_personal_reaches_a_log_a_figure_or_a_foreign_topic(chain: Chain) -> None:
    canary = canaries()
    insert(chain, canary)
    wait_until_told(chain)

    logs = {str(path): path.read_bytes() for path in Path(chain.stack.path, "logs").iterdir()}
    assert len(logs) >= 7, f"there are too few logs to be all: {sorted(logs)}"
    assert found_in(logs, canary) == []

    figures = {"bankalerts metrics": chain.stack.cli("metrics").stdout.encode()}
    assert found_in(figures, canary) == []

    bodies: dict[str, list[bytes]] = {}
    for name, record in topics(chain.settings.kafka):
        bodies.setdefault(name, []).append(record)
    read = {name: b"\n".join(records) for name, records in bodies.items()}
    allowed = ("description", "counterparty_account")  # an alert type's condition may ask for both
    assert found_in(read, {name: canary[name] for name in allowed}) == [f"{name} in {chain.topics.event}" for name in allowed]
    assert found_in(read, {name: value for name, value in canary.items() if name not in allowed}) == []
    assert {chain.topics.state, chain.topics.event, chain.topics.heartbeat_row} <= read.keys(), "not all topics were read"
