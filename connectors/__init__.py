"""Capture: topics and the Debezium connector, put in place and kept honest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bankalerts.database import connected
from bankalerts.errors import BankalertsError
from bankalerts.kafka import answering
from bankalerts.settings import Settings
from bankalerts.topics import Topics
from connectors import health as checks
from connectors.connect_api import ConnectApi
from connectors.debezium import SLOT, connector_config, connector_name
from connectors.health import Health
from connectors.topics import ensure_topics
from sql import queries

FLOWS_WITHIN_S = 90
RESTART_AFTER_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)


def ensure(settings: Settings, report: Callable[[str], None]) -> None:
    """Create topics, put the connector, restart failed tasks with backoff, and wait until capture flows.

    Safe to repeat; `report` gets a line for each change. Raises BankalertsError with the causes when capture does not flow
    within 90 s, or PostgreSQL, Kafka or Connect does not answer, or the database was restored and nobody accepted it.
    """
    topics = Topics(settings.topic_prefix)
    name = connector_name(topics)
    connect = ConnectApi(settings.connect_url)
    with connected(settings.database_url, "connectors") as connection:
        partitions = queries("connectors", "psycopg").read_partitions(connection)
        wrong = checks.publication_findings(connection)
        wrong += checks.restore_findings(connection)
    if wrong:
        raise BankalertsError("; ".join(wrong))
    with answering(settings.kafka, "connectors") as admin:
        ensure_topics(admin, topics, partitions, report)
    connect.put_config(name, connector_config(settings.capture_database_url, topics, partitions), report)
    if connect.status(name).connector in ("PAUSED", "STOPPED"):
        connect.resume(name)
        report(f"resumed connector {name}")
    _wait_until_it_flows(settings, connect, name, report)
    with connected(settings.database_url, "connectors") as connection:
        if queries("halt", "psycopg").record_identity(connection, slot=SLOT):
            report("remembered the database: from now on engines halt when it is another one, or capture has a gap")


def health(settings: Settings) -> Health:
    """Whether capture flows now: connector and tasks, slot, publication, heartbeat. One look, no waiting.

    Raises BankalertsError when PostgreSQL, Kafka or Connect does not answer.
    """
    topics = Topics(settings.topic_prefix)
    name = connector_name(topics)
    findings = checks.task_findings(name, ConnectApi(settings.connect_url).status(name))
    with connected(settings.database_url, "connectors") as connection:
        findings += checks.publication_findings(connection)
        findings += checks.slot_findings(connection)
        now = queries("connectors", "psycopg").read_clock(connection)
    with answering(settings.kafka, "connectors"):
        return Health((*findings, *checks.heartbeat_findings(settings.kafka, topics, now)))


def _wait_until_it_flows(settings: Settings, connect: ConnectApi, name: str, report: Callable[[str], None]) -> None:
    deadline = time.monotonic() + FLOWS_WITHIN_S
    restarts = iter(RESTART_AFTER_S)
    pause = threading.Event()
    while True:
        status = connect.status(name)
        failed = [why for _, state, why in status.tasks if state == "FAILED"]
        if failed or status.connector == "FAILED":
            backoff = next(restarts, None)
            if backoff is None:
                raise BankalertsError(f"connector {name} fails again and again: {'; '.join(failed) or 'see its log'}")
            report(f"connector {name} failed ({'; '.join(failed) or 'no cause given'}), restarting it in {backoff:.0f} s")
            pause.wait(backoff)
            connect.restart_failed(name)
        elif status.connector == "RUNNING" and status.tasks:
            found = health(settings)
            if found.healthy:
                return
            if time.monotonic() > deadline:
                raise BankalertsError("capture does not flow: " + "; ".join(found.findings))
        elif time.monotonic() > deadline:
            raise BankalertsError(f"connector {name} is {status.connector} after {FLOWS_WITHIN_S} s: see Connect's log")
        pause.wait(0.2)
