"""Checks of capture: what is published, the slot, the connector, and whether a heartbeat comes back."""

from __future__ import annotations

from bankalerts.doctor.check import Asked, Finding
from bankalerts.topics import Topics
from connectors.capture import CAPTURED, PUBLICATION
from connectors.connect_api import ConnectApi
from connectors.debezium import SLOT, connector_name
from connectors.health import heartbeat_findings, task_findings

MB = 1_000_000
LAG_MAX = 1_000 * MB
ENSURE = "bankalerts connectors ensure"
WITH = "with (publish_via_partition_root = true)"
BLIND = "what changed meanwhile was not captured: take a new snapshot of the state tables, see docs/operations.md"


def publication(asked: Asked) -> list[Finding]:
    """The publication is the list of captured tables and columns, no more and no less."""
    published = {
        table: tuple(columns) for table, columns in asked.rows("read_publication", "connectors", publication=PUBLICATION)
    }
    if not published:
        text = f"publication {PUBLICATION} is missing or empty: nothing is captured"
        return [Finding("FAULT", text, f"create publication {PUBLICATION} for {_tables()} {WITH};", BLIND)]
    findings = [
        Finding(
            "FAULT",
            f"{table} is not in publication {PUBLICATION}: its changes are lost",
            f"alter publication {PUBLICATION} add table {table} ({', '.join(columns)});",
            BLIND,
        )
        for table, columns in CAPTURED.items()
        if table not in published
    ]
    findings += [
        Finding(
            "FAULT",
            f"{table} is published with other columns than captured: {', '.join(sorted(set(published[table]) ^ set(columns)))}",
            f"alter publication {PUBLICATION} set {_tables()};",
            BLIND,
        )
        for table, columns in CAPTURED.items()
        if table in published and set(published[table]) != set(columns)
    ]
    return findings + [
        Finding(
            "FAULT",
            f"{table} is published but not captured: its rows may hold personal data, and they leave the database",
            f"alter publication {PUBLICATION} drop table {table};",
        )
        for table in sorted(published.keys() - CAPTURED.keys())
    ]


def generated_columns(asked: Asked) -> list[Finding]:
    """No captured column is generated, and the publication does not publish generated ones: they never come before 18."""
    findings = []
    if asked.one("read_publishes_generated", publication=PUBLICATION) not in (None, "n"):
        findings.append(
            Finding(
                "WARNING",
                f"publication {PUBLICATION} publishes generated columns, which servers before 18 do not",
                f"alter publication {PUBLICATION} set (publish_generated_columns = none);",
            )
        )
    for table, _, generated in asked.rows("read_replica_identities", tables=list(CAPTURED)):
        for column in sorted(set(generated) & set(CAPTURED[table])):
            text = f"{table}.{column} is generated, and captured: a server before 18 never sends it"
            findings.append(Finding("FAULT", text, f"alter table {table} alter column {column} drop expression;"))
    return findings


def replica_identity(asked: Asked) -> list[Finding]:
    """Captured tables have their primary key as replica identity: a delete carries it, and no more goes into the WAL."""
    told = {"f": "all columns: a quarter to two thirds more WAL", "n": "nothing: no row can be changed", "i": "an index"}
    return [
        Finding(
            "FAULT" if identity == "n" else "WARNING",
            f"the replica identity of {table} is {told.get(identity, identity)}",
            f"alter table {table} replica identity default;",
        )
        for table, identity, _ in asked.rows("read_replica_identities", tables=list(CAPTURED))
        if identity != "d"
    ]


def slot(asked: Asked) -> list[Finding]:
    """The slot exists, is read, has its WAL, is not far behind, and outlives a failover where there are standbys."""
    found = asked.one("read_slot_state", slot=SLOT)
    if found is None:
        return [Finding("FAULT", f"replication slot {SLOT} does not exist: nothing is captured", ENSURE, BLIND)]
    active, wal_status, invalidated, failover, _, lag_bytes, standbys = found
    if wal_status == "lost" or invalidated:
        text = f"replication slot {SLOT} lost WAL that it needs ({invalidated or wal_status})"
        return [Finding("FAULT", text, f"select pg_drop_replication_slot('{SLOT}');", f"then `{ENSURE}`; {BLIND}")]
    if not active:
        return [Finding("FAULT", f"nobody reads replication slot {SLOT}: WAL piles up", ENSURE)]
    findings = []
    if lag_bytes > LAG_MAX:
        text = f"capture is {lag_bytes / MB:.0f} MB behind in slot {SLOT}"
        findings.append(Finding("WARNING", text, "bankalerts connectors status", "it catches up by itself where it runs"))
    if standbys and failover is False:
        text = f"replication slot {SLOT} does not outlive a failover, and there are {standbys} standbys"
        findings.append(Finding("WARNING", text, ENSURE, "make the slot with failover = true: see docs/operations.md"))
    return findings


def slot_bound(asked: Asked) -> list[Finding]:
    """WAL that the slot keeps has a bound, and is below half of it: at the bound the slot is lost."""
    ((_, bound_mb),) = asked.rows("read_settings", names=["max_slot_wal_keep_size"])
    found = asked.one("read_slot_state", slot=SLOT)
    return bound_findings(int(bound_mb), found[4] if found is not None and found[4] is not None else 0)


def bound_findings(bound_mb: int, retained_bytes: int) -> list[Finding]:
    """What is wrong with a bound in MB (-1: none) and that many bytes kept."""
    if bound_mb < 0:
        return [
            Finding(
                "WARNING",
                "max_slot_wal_keep_size has no bound: a slot that nobody reads fills the disk, and the bank's database stops",
                "alter system set max_slot_wal_keep_size = '20GB';",
                "it counts after `select pg_reload_conf();`",
            )
        ]
    if retained_bytes * 2 > bound_mb * 2**20:
        text = f"slot {SLOT} keeps {retained_bytes / 2**20:.0f} MB of WAL, at {bound_mb} MB it is lost"
        return [Finding("FAULT", text, ENSURE, "or raise max_slot_wal_keep_size while the disk has room")]
    return []


def connector(asked: Asked) -> list[Finding]:
    """The connector and its task run."""
    name = connector_name(Topics(asked.settings.topic_prefix))
    status = ConnectApi(asked.settings.connect_url).status(name)
    return [Finding("FAULT", text, ENSURE) for text in task_findings(name, status)]


def heartbeat(asked: Asked) -> list[Finding]:
    """A row that the connector wrote a moment ago came back through Kafka: the only proof of flow."""
    now = asked.one("read_clock", "connectors")
    found = heartbeat_findings(asked.settings.kafka, Topics(asked.settings.topic_prefix), now)
    return [Finding("FAULT", text, ENSURE) for text in found]


def _tables() -> str:
    tables = (f"table {table} ({', '.join(columns)})" for table, columns in CAPTURED.items())
    return ", ".join(tables)
