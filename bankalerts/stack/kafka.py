"""Kafka: one node in KRaft combined mode, broker and controller in one process."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bankalerts.errors import BankalertsError
from bankalerts.stack import jvm
from bankalerts.stack.home import LOOPBACK, Home
from bankalerts.stack.part import CHECK_S, Part, check_listening
from bankalerts.stack.processes import Launch, Record, last_line

CLUSTER_ID = "bankalertsLocalStack00"  # any 16 bytes in base64
HEAP_MB = 384


def part(home: Home, port: int, controller_port: int) -> Part:
    """The node as a part of the stack, both listeners on the loopback address."""
    properties = home.data("kafka.properties")
    text = _properties(home.data("kafka"), port, controller_port)
    command = jvm.server("kafka", HEAP_MB, "kafka.Kafka", str(properties))
    return Part(
        name="kafka",
        address=f"{LOOPBACK}:{port}",
        launch=Launch(command, files={properties: text}),
        check=lambda record: _check(record, port),
        prepare=lambda: _prepare(home, properties, text),
        stop_within_s=20.0,
    )


def _properties(data: Path, port: int, controller_port: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        # A topic that was not created as it should be is an error, not a default.
        "auto.create.topics.enable": "false",
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # After kill -9 the node waits until its former self counts as gone.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.index.size.max.bytes": 1048576,
        "log.cleaner.dedupe.buffer.size": 16777216,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _prepare(home: Home, properties: Path, text: str) -> None:
    data = home.data("kafka")
    if (data / "meta.properties").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    properties.parent.mkdir(parents=True, exist_ok=True)
    properties.write_text(text, encoding="utf-8")
    format_log = home.log("kafka-format")
    tool = jvm.tool("kafka", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
    with format_log.open("wb") as log:
        done = subprocess.run(tool, stdout=log, stderr=log, check=False)
    if done.returncode != 0:
        raise BankalertsError(f"kafka's storage was not formatted: {last_line(format_log)}; its log is {format_log}")


def _check(record: Record, port: int) -> str:
    # Without this the client would print each refused connection.
    unreachable = check_listening(port)(record)
    if unreachable:
        return unreachable
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    client = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "log_level": 0})
    try:
        brokers = client.list_topics(timeout=CHECK_S).brokers
    except KafkaException as error:
        return str(error.args[0])
    return "" if brokers else "its broker is not registered yet"
