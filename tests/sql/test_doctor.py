"""Each check of the doctor is broken, found, mended by the remedy that it prints, and passes: on a real PostgreSQL.

What needs Kafka, or a server started anew, is judged here by the values that it would be told; long-doctor does it really.
"""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from bankalerts.doctor import capture, database, delivery, machine, partitions
from bankalerts.doctor.check import Asked, Finding
from bankalerts.doctor.examine import CHECKS, examine
from bankalerts.errors import BankalertsError
from bankalerts.settings import environment, variable
from connectors.capture import CAPTURED
from tests.conftest import Server
from tests.long import doctor as long_doctor
from tests.long.frame import Options, Report

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def asked(server: Server, database: str) -> Asked:
    """The doctor's question about a database of its own."""
    return Asked(dataclasses.replace(server.settings, database_url=database, capture_database_url=database))


def run(asked: Asked, remedy: str) -> None:
    """What the doctor printed, as it printed it."""
    if remedy.endswith(";"):
        with psycopg.connect(asked.settings.database_url, autocommit=True) as connection:
            connection.execute(remedy.encode())
        return
    program, *arguments = shlex.split(remedy)
    module = {"bankalerts": "bankalerts.cli", "alembic": "alembic"}[program]
    subprocess.run(
        (sys.executable, "-m", module, *arguments),
        cwd=PROJECT,
        env=environment({variable("database_url"): asked.settings.database_url}),
        check=True,
        capture_output=True,
        timeout=120,
    )


def execute(asked: Asked, *statements: str) -> None:
    with psycopg.connect(asked.settings.database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def check_of(name: str) -> Callable[[Asked], object]:
    (found,) = [check for check in CHECKS if check.name == name]
    return found.run


BROKEN = {
    "partitions_ahead": ("drop table alerting.alert_{month}", "1 tables have no partition for"),
    "publication: a table": (
        "alter publication bankalerts drop table bank.alert_preference",
        "bank.alert_preference is not in",
    ),
    "publication: columns": (
        "alter publication bankalerts drop table bank.account; alter publication bankalerts add table bank.account (iban)",
        "bank.account is published with other columns than captured: ",
    ),
    "publication: too much": (
        "alter publication bankalerts add table bank.contact_address",
        "bank.contact_address is published but not captured",
    ),
    "publication: gone": ("drop publication bankalerts", "is missing or empty"),
    "generated_columns": (
        "alter publication bankalerts set (publish_generated_columns = stored)",
        "publishes generated columns",
    ),
    "replica_identity": (
        "alter table bank.account replica identity full",
        "the replica identity of bank.account is all columns",
    ),
    "halts": ("select alerting.open_halt('OPERATOR', 'wrong entries')", "for OPERATOR: wrong entries"),
    "default_partitions": (
        "insert into alerting.seen_event (event_kind, event_id, event_date, customer_id) values ('X', '1', '2031-05-07', 1)",
        "alerting.seen_event_default holds rows of 2031-05-07",
    ),
    "migrations": ("alembic downgrade -1", "this version wants"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_and_mended_by_its_remedy(asked: Asked, case: str) -> None:
    check = case.partition(":")[0]
    in_order, found = examine(asked, [check])[0], BROKEN[case]
    assert in_order.findings == (), f"{check} finds something in a database that was just made: {in_order.findings}"
    month = (datetime.now(UTC).replace(day=1) + timedelta(days=40)).strftime("%Y_%m")
    for step in found[0].format(month=month).split("; "):
        run(asked, step if step.startswith("alembic ") else f"{step};")

    (broken,) = examine(asked, [check])
    assert len(broken.findings) == 1, broken.findings
    assert found[1] in broken.findings[0].text
    run(asked, broken.findings[0].remedy)

    assert examine(asked, [check])[0].severity == "OK"


def test_one_broken_thing_is_found_by_one_check_alone(asked: Asked) -> None:
    execute(asked, "alter table bank.account replica identity full")
    names = [check.name for check in CHECKS if check.name not in ("slot", "connector", "heartbeat", "consumer_lag")]
    assert [each.check for each in examine(asked, names) if each.findings] == ["replica_identity"]


def test_an_old_transaction_and_a_prepared_one(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LONGEST_TRANSACTION_S", 0)
    with psycopg.connect(asked.settings.database_url, application_name="nightly") as old:
        old.execute("select 1")
        (found,) = database.oldest_transaction(asked)
        assert "nightly" in found.text
        run(asked, found.remedy)
        with pytest.raises(psycopg.OperationalError):
            old.execute("select 1")
    assert database.oldest_transaction(asked) == []


def test_dead_rows(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "DEAD_MAX", 100)
    execute(
        asked,
        "alter table bank.currency set (autovacuum_enabled = off)",
        *["update bank.currency set currency = currency"] * 3,
        "select pg_stat_force_next_flush()",
    )
    found = [each for each in database.dead_tuples(asked) if "bank.currency" in each.text]
    assert len(found) == 1
    run(asked, found[0].remedy)
    execute(asked, "select pg_stat_force_next_flush()")
    assert not [each for each in database.dead_tuples(asked) if "bank.currency" in each.text]


def test_the_slot_is_missing_unread_lost_or_read(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not exist" in capture.slot(asked)[0].text
    with psycopg.connect(asked.settings.database_url, autocommit=True) as connection:
        monkeypatch.setattr(capture, "SLOT", "doctor_test")
        try:
            connection.execute("select pg_create_logical_replication_slot('doctor_test', 'pgoutput')")
            (unread,) = capture.slot(asked)
            assert "nobody reads" in unread.text
        finally:
            connection.execute("select pg_drop_replication_slot('doctor_test')")
    told = (True, "reserved", None, False, 10**6, 10**6, 0)
    for values, words in (
        (told, None),
        ((True, "lost", "wal_removed", False, None, None, 0), "lost WAL that it needs (wal_removed)"),
        ((True, "reserved", None, False, 10**6, 2 * 10**9, 0), "2000 MB behind"),
        ((True, "reserved", None, False, 10**6, 10**6, 1), "does not outlive a failover"),
    ):
        monkeypatch.setattr(Asked, "one", lambda *_a, values=values, **_k: values)
        found = capture.slot(asked)
        assert [words in each.text for each in found if words] == ([True] if words else []), (words, found)


def test_the_bound_of_the_slot() -> None:
    assert capture.bound_findings(4096, 2**31) == []
    assert "2049 MB of WAL" in capture.bound_findings(4096, 2**31 + 2**20)[0].text
    assert "no bound" in capture.bound_findings(-1, 0)[0].text


def test_settings_of_the_server(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database.wal_level(asked) == []
    assert database.wal_level_findings("replica")[0].remedy == "alter system set wal_level = 'logical';"
    assert database.server_log(asked) == []
    values = {"log_error_verbosity": "default", "log_min_error_statement": "error", "log_statement": "all"}
    monkeypatch.setattr(database, "_settings", lambda *_: values)
    assert [each.severity for each in database.server_log(asked)] == ["FAULT"] * 3


def test_the_queue_of_notices(asked: Asked) -> None:
    assert database.notice_queue(asked) == []
    (found,) = database.notice_findings(0.3, [17])
    assert (found.severity, found.remedy) == ("FAULT", "select pg_terminate_backend(17);")


def test_a_message_that_nobody_sends(asked: Asked) -> None:
    insert = (
        "insert into alerting.outbox_due (message_id, alert_id, event_date, channel, due_at)"
        " values (gen_random_uuid(), gen_random_uuid(), current_date, 'SMS', now() - interval '{} seconds')"
    )
    execute(asked, insert.format(30))
    assert delivery.oldest_claimable(asked) == [], "half a minute is no fault"
    execute(asked, insert.format(90), "insert into alerting.pause (scope, reason) values ('ALL', 'test')")
    (found,) = delivery.oldest_claimable(asked)
    assert "1 messages are due on SMS" in found.text
    run(asked, found.remedy)
    (found,) = delivery.oldest_claimable(asked)
    assert found.remedy == "bankalerts up", "nothing is paused any more: somebody has to drain it"
    execute(asked, "delete from alerting.outbox_due")  # as a notifier does
    assert delivery.oldest_claimable(asked) == []


def test_events_that_nobody_judges(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass
    class Answering:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(delivery, "answering", lambda *_: Answering())
    monkeypatch.setattr(delivery, "waiting_events", lambda *_: {3: (7, timedelta(seconds=61)), 4: (1, timedelta(seconds=59))})
    (found,) = delivery.consumer_lag(asked)
    assert "partition 3" in found.text
    assert "7 events wait" in found.text


def test_clocks(asked: Asked) -> None:
    assert machine.clock_skew(asked) == []
    for seconds, severity in ((10, "WARNING"), (-10, "WARNING"), (86_400, "FAULT")):
        off = timedelta(seconds=seconds)
        shifted = dataclasses.replace(asked, clock=lambda off=off: datetime.now(UTC) + off)  # type: ignore[misc]
        assert [each.severity for each in machine.clock_skew(shifted)] == [severity]


def certificate(path: Path, until: datetime) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postgres.example")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    )  # fmt: skip
    signed = made.not_valid_before(until - timedelta(days=365)).not_valid_after(until).sign(key, None)
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(("days", "severity"), [(60, "OK"), (20, "WARNING"), (3, "FAULT"), (-3, "FAULT")])
def test_certificates(asked: Asked, tmp_path: Path, days: int, severity: str) -> None:
    path = tmp_path / "root.crt"
    url = f"{asked.settings.database_url}?sslrootcert={path}"
    given = Asked(dataclasses.replace(asked.settings, capture_database_url=url), clock=lambda: NOW)
    assert "cannot be read" in machine.certificates(given)[0].text
    certificate(path, NOW + timedelta(days=days, hours=1))
    found = machine.certificates(given)
    assert [each.severity for each in found] == ([] if severity == "OK" else [severity])


def test_a_part_that_does_not_answer_is_a_fault_too(asked: Asked) -> None:
    settings = dataclasses.replace(asked.settings, connect_url="http://127.0.0.1:1", kafka="127.0.0.1:1")
    (found,) = examine(Asked(settings), ["connector"])
    assert found.severity == "FAULT"
    assert "could not be checked" in found.findings[0].text
    with pytest.raises(BankalertsError, match="there is no such check"):
        examine(asked, ["blood_pressure"])


def test_the_heartbeat(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "heartbeat_findings", lambda *_: ["no heartbeat came back"])
    assert capture.heartbeat(asked) == [Finding("FAULT", "no heartbeat came back", "bankalerts connectors ensure")]


def test_the_remedy_of_a_default_partition_spans_its_months() -> None:
    text = partitions.renaming("bank.account_entry", date(2031, 11, 5), date(2031, 12, 31))
    assert "for values from ('2031-11-01') to ('2032-01-01')" in text


def test_every_captured_table_is_asked_about(asked: Asked) -> None:
    assert [row[0] for row in asked.rows("read_replica_identities", tables=list(CAPTURED))] == sorted(CAPTURED)


def test_a_default_partition_is_asked_of_each_partitioned_table(connection: psycopg.Connection[tuple[str]]) -> None:
    text = (PROJECT / "sql" / "doctor.sql").read_text(encoding="utf-8")
    tables = connection.execute("select partrelid::regclass::text from pg_partitioned_table where partstrat = 'r'").fetchall()
    assert [table for (table,) in tables if f"from {table}_default" not in text] == []


def test_a_partition_that_its_policy_lets_go(asked: Asked) -> None:
    execute(
        asked,
        "select alerting.add_partitions('2001-01-01', '2001-01-01')",
        "update audit.retention_policy set keeps = interval '10 years', action = 'DROP' where data_class = 'ATTEMPT'",
    )
    (found,) = partitions.retention(asked)
    assert found.text.startswith("1 partitions of ATTEMPT should be gone")
    run(asked, found.remedy)
    assert partitions.retention(asked) == []


def test_the_small_long_form_holds(tmp_path: Path) -> None:
    """On a server of its own, started anew where a setting asks for it."""
    report = Report("doctor")
    long_doctor.run(Options(small=True, seed=0, data=tmp_path), report)
    assert report.holds, report.lines
