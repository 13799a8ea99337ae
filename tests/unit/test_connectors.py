"""The connector's settings: a pure function; and what is said of Connect's answers."""

from __future__ import annotations

import re

import pytest

from bankalerts.errors import BankalertsError
from bankalerts.topics import Topics
from connectors.capture import CAPTURED, CATALOGUE, EVENTS, HEARTBEAT, PARTITIONED_BY, SNAPSHOT
from connectors.connect_api import Status, _changes, cause
from connectors.debezium import connector_config, connector_name
from connectors.health import task_findings
from connectors.topics import wanted

TOPICS = Topics("bank.alerts")
URL = "postgresql://cap%40ture:se%2Fcret@db.example:6432/bank"
CONFIG = connector_config(URL, TOPICS, 8)


def test_the_database_of_the_url() -> None:
    assert {name: CONFIG[f"database.{name}"] for name in ("hostname", "port", "user", "password", "dbname")} == {
        "hostname": "db.example",
        "port": "6432",
        "user": "cap@ture",
        "password": "se/cret",
        "dbname": "bank",
    }


@pytest.mark.parametrize("url", ["", "bank", "mysql://u@h/d", "postgresql:///bank", "postgresql://u@h"])
def test_a_url_that_connect_could_not_use_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BankalertsError, match="BANKALERTS_CAPTURE_DATABASE_URL"):
        connector_config(url, TOPICS, 8)


def test_the_traps_of_the_recipe_are_avoided() -> None:
    """Design 5: each of these was seen to lose rows, or to stall, in silence."""
    transforms = CONFIG["transforms"].split(",")
    routings = [name for name in transforms if name.startswith("partition")]
    assert transforms[: len(routings) + 1] == [*routings, "unwrap"], "PartitionRouting wants Debezium's envelope"
    assert CONFIG["transforms.unwrap.delete.tombstone.handling.mode"] == "delete-to-tombstone"
    assert CONFIG["tombstones.on.delete"] == "false"
    assert CONFIG["publication.autocreate.mode"] == "disabled"
    assert CONFIG["offset.mismatch.strategy"] == "trust_offset"
    for name in routings:
        assert CONFIG[f"transforms.{name}.partition.hash.function"] == "java"
        assert CONFIG[f"transforms.{name}.partition.topic.num"] == "8"
    snapshot = CONFIG["snapshot.include.collection.list"].replace("\\", "").split(",")
    assert snapshot == list(SNAPSHOT)
    assert not set(snapshot) & set(EVENTS), "history never alerts"
    assert f"__debezium-heartbeat.{TOPICS.prefix}" in wanted(TOPICS, 8)


def test_each_captured_table_goes_to_one_topic_that_is_made_beforehand() -> None:
    routes = [name for name in CONFIG["transforms"].split(",") if name.endswith("Topic")]
    for table in CAPTURED:
        reached = [
            CONFIG[f"transforms.{name}.replacement"]
            for name in routes
            if re.fullmatch(CONFIG[f"transforms.{name}.regex"], f"{TOPICS.prefix}.{table}")
        ]
        assert len(reached) == 1, table
        assert reached[0] in wanted(TOPICS, 8), table


def test_each_row_of_an_account_or_a_customer_is_partitioned_by_it_once() -> None:
    """PartitionRouting fails on a row without its field, and leaves other rows to Kafka's hash of the key."""
    routings = [name for name in CONFIG["transforms"].split(",") if name.startswith("partition")]
    for table, columns in CAPTURED.items():
        fields = [
            CONFIG[f"transforms.{name}.partition.payload.fields"]
            for name in routings
            if re.fullmatch(CONFIG[f"predicates.{CONFIG[f'transforms.{name}.predicate']}.pattern"], f"{TOPICS.prefix}.{table}")
        ]
        wanted_fields = PARTITIONED_BY.get(table)
        assert fields == ([] if wanted_fields is None else [",".join(f"change.{field}" for field in wanted_fields)]), table
        assert wanted_fields is not None or table in (*CATALOGUE, *HEARTBEAT), table
        assert set(wanted_fields or ()) <= set(columns), table


@pytest.mark.parametrize(
    ("marker", "changes"),
    [
        ("bank.account", ("bank.account_permission", "bank.alert_preference")),
        ("bank.customer", ("bank.customer_preference",)),
        ("bank.catalogue", ("bank.alert_type",)),
    ],
)
def test_a_marker_comes_after_its_changes(marker: str, changes: tuple[str, ...]) -> None:
    tables = CONFIG["table.include.list"].replace("\\", "").split(",")
    assert tables.index(marker) > max(map(tables.index, changes))


def test_the_name_has_the_prefix() -> None:
    assert connector_name(TOPICS) == "bank.alerts-capture"


def test_a_change_shows_no_password() -> None:
    changes = _changes({"a": "1", "database.password": "old"}, {"a": "2", "database.password": "new", "b": "3"})
    assert changes == ["a was 1, is 2", "b was None, is 3", "database.password changed"]


def test_the_causes_of_a_java_stack_trace() -> None:
    trace = "org.x.ConnectException: outer\n\tat a.b(C.java:1)\nCaused by: java.io.IOException: inner\n\t... 3 more\n"
    assert cause(trace) == "org.x.ConnectException: outer <- java.io.IOException: inner"
    assert cause("") == ""


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (Status("MISSING", ()), "is MISSING"),
        (Status("PAUSED", ()), "is PAUSED"),
        (Status("RUNNING", ()), "has no task yet"),
        (Status("RUNNING", ((0, "FAILED", "no such slot"),)), "task 0 of connector c is FAILED: no such slot"),
        (Status("RUNNING", ((0, "UNASSIGNED", ""),)), "no cause given"),
    ],
)
def test_what_is_wrong_with_a_connector(status: Status, finding: str) -> None:
    (found,) = task_findings("c", status)
    assert finding in found


def test_a_running_task_is_well() -> None:
    assert task_findings("c", Status("RUNNING", ((0, "RUNNING", ""),))) == []
