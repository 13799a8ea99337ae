"""Kafka Connect, distributed, with Debezium's PostgreSQL connector on its class path."""

from __future__ import annotations

import requests

from bankalerts.stack import jvm
from bankalerts.stack.home import LOOPBACK, Home
from bankalerts.stack.part import CHECK_S, Part
from bankalerts.stack.processes import Launch

HEAP_MB = 512
GROUP = "bankalerts-connect"


def part(home: Home, port: int, kafka: str) -> Part:
    """The worker as a part of the stack; `kafka` is the bootstrap server, its REST interface is on `port`."""
    properties = home.data("connect.properties")
    main_class = "org.apache.kafka.connect.cli.ConnectDistributed"
    command = jvm.server("connect", HEAP_MB, main_class, str(properties))
    url = f"http://{LOOPBACK}:{port}"
    return Part(
        name="connect",
        address=url,
        launch=Launch(command, files={properties: _properties(port, kafka)}),
        check=lambda _record: _check(url),
        ready_within_s=120.0,  # it is started beside Kafka, which it waits for
        stop_within_s=20.0,
    )


def _properties(port: int, kafka: str) -> str:
    settings = {
        "bootstrap.servers": kafka,
        "group.id": GROUP,
        "client.id": "connect",
        "listeners": f"http://{LOOPBACK}:{port}",
        "rest.advertised.host.name": LOOPBACK,
        "rest.advertised.port": port,
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
        "config.storage.topic": f"{GROUP}-configs",
        "config.storage.replication.factor": 1,
        "offset.storage.topic": f"{GROUP}-offsets",
        "offset.storage.replication.factor": 1,
        "offset.storage.partitions": 1,
        "status.storage.topic": f"{GROUP}-status",
        "status.storage.replication.factor": 1,
        "status.storage.partitions": 1,
        "offset.flush.interval.ms": 1000,
        # The parts name themselves as services; the alternative reads every jar at every start.
        "plugin.discovery": "service_load",
        # One worker: there is nobody whose return could be waited for.
        "scheduled.rebalance.max.delay.ms": 0,
        # How long the group waits for a worker that was killed.
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 1000,
        "task.shutdown.graceful.timeout.ms": 3000,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _check(url: str) -> str:
    try:
        # Answered only when the worker has joined its group, unlike the page at /.
        answer = requests.get(f"{url}/connectors", timeout=CHECK_S)
    except requests.RequestException:
        return f"nothing answers at {url}"
    return "" if answer.status_code == requests.codes.ok else f"{url} answers {answer.status_code}"
