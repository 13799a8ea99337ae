"""Every check of the doctor, failing and passing after its own remedy: on a server of its own, and on a whole stack.

Small: the server alone. What one machine cannot break (another one's clock, a standby) is in tests/sql/test_doctor.py.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from bankalerts.doctor import database, delivery, partitions
from bankalerts.doctor.check import Asked, Finding
from bankalerts.doctor.examine import CHECKS, examine
from bankalerts.settings import Settings, environment, variable
from bankalerts.stack import postgres
from bankalerts.stack.home import Home, choose_ports
from connectors.debezium import connector_name
from tests.chain import FENCE_DATE, Chain
from tests.long.frame import Options, Report, fresh_stack, say
from tests.running_stack import RunningStack
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[2]
PASSWORD = "doctor"  # of a server that lives for a minute, on loopback
# What a server has that nobody has prepared for capture.
UNPREPARED = {
    "wal_level": "replica",
    "log_error_verbosity": "default",
    "max_slot_wal_keep_size": "-1",
    "max_prepared_transactions": "2",
    "max_notify_queue_pages": "64",
}
NOTICES = 40  # of 7,900 bytes: more than a quarter of 64 pages


def run(options: Options, report: Report) -> None:
    """Break, find, mend by what is printed, pass: a line for each check."""
    seen: set[str] = set()
    with own_server() as server:
        of_the_server(Patient(server, report, seen))
    if not options.small:
        with fresh_stack() as stack:
            of_the_stack(Patient(Asked(stack.settings), report, seen, stack.environment()), stack)
        missing = {check.name for check in CHECKS} - seen - {"clock_skew"}
        report.line(not missing, f"every check was shown failing and passing (left: {sorted(missing)})")
    report.figure("checks_shown", len(seen))


@dataclasses.dataclass
class Patient:
    """A database that is broken and mended, with what was shown on it."""

    asked: Asked
    report: Report
    seen: set[str]
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def sql(self, *statements: str) -> None:
        """Run these, each in a transaction of its own."""
        with psycopg.connect(self.asked.settings.database_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def findings(self, check: str) -> tuple[Finding, ...]:
        """What the check finds now."""
        return examine(self.asked, [check])[0].findings

    def remedy(self, remedy: str) -> None:
        """Run what was printed, as it was printed."""
        if remedy.endswith(";"):
            self.sql(remedy)
            return
        program, *arguments = shlex.split(remedy)
        module = {"bankalerts": "bankalerts.cli", "alembic": "alembic"}[program]
        variables = self.variables or environment({variable("database_url"): self.asked.settings.database_url})
        subprocess.run((sys.executable, "-m", module, *arguments), cwd=PROJECT, env=variables, check=True, timeout=240)

    def shows(self, check: str, what: str, after: Callable[[], object] = lambda: None, within_s: float = 60.0) -> None:
        """The check finds `what`; after its own remedy (and what its note asks for, `after`) it finds nothing."""
        found = wait_until(lambda: [each for each in self.findings(check) if what in each.text], within_s, f"{check}: {what}")
        for finding in found:
            self.remedy(finding.remedy)
        after()
        left = "?"

        def passes() -> bool:
            nonlocal left
            left = "; ".join(each.text for each in self.findings(check) if what in each.text)
            return not left

        try:
            wait_until(passes, within_s, f"{check} passes")
        finally:
            self.seen.add(check)
            self.report.line(not left, f"{check}: {what!r} is found, `{found[0].remedy[:60]}` mends it{left and ': ' + left}")


@contextmanager
def own_server() -> Iterator[Asked]:
    """A migrated PostgreSQL whose settings are nobody's, so that what is written into its own files counts."""
    with tempfile.TemporaryDirectory(prefix="bankalerts-doctor-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)
        home = Home(Path(folder))
        port = choose_ports({}, set())["postgres"]
        part = postgres.part(home, port, PASSWORD)
        if part.prepare is not None:
            part.prepare()
        kept = [
            word for name, value in postgres.OPTIONS.items() if name not in UNPREPARED for word in ("-c", f"{name}={value}")
        ]
        program = list(part.launch.command)
        command = [*program[: program.index("-D") + 2], *kept, "-c", f"port={port}"]
        with (home.data("postgres") / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in UNPREPARED.items())
        server = Server(command, port)
        stack.callback(server.stop)
        server.start()
        postgres.create_database(port, PASSWORD)
        url = postgres.server_url(port, PASSWORD, "bank")
        variables = environment({variable("database_url"): url})
        subprocess.run(
            (sys.executable, "-m", "alembic", "upgrade", "head"), cwd=PROJECT, env=variables, check=True, timeout=240
        )
        settings = Settings(home.path, url, "127.0.0.1:1", "http://127.0.0.1:1", "", "", "", url)
        SERVERS[url] = server
        yield Asked(settings)


@dataclasses.dataclass
class Server:
    """A server that is started anew where a setting asks for it."""

    command: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, 30, "the server of its own answers")

    def stop(self) -> None:
        """Fast shutdown."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGINT)
            self.process.wait(30)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def _answers(self) -> bool:
        try:
            psycopg.connect(postgres.server_url(self.port, PASSWORD), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


SERVERS: dict[str, Server] = {}


def of_the_server(patient: Patient) -> None:
    """The checks that need nothing but PostgreSQL."""
    url = patient.asked.settings.database_url
    server = SERVERS[url]
    patient.shows("wal_level", "wal_level is replica", server.restart)
    reload = ("select pg_reload_conf()", "select pg_sleep(0.5)")
    patient.shows("server_log", "log_error_verbosity is default", lambda: patient.sql(*reload))
    patient.shows("slot_bound", "has no bound", lambda: patient.sql(*reload))
    patient.remedy("alembic downgrade -1")
    patient.shows("migrations", "this version wants")

    for month in ("1 month", "2 months"):
        ahead = f"(date_trunc('month', now()) + interval '{month}')::date"
        patient.sql(f"select alerting.add_partitions({ahead}, {ahead})")
    month = (datetime.now(UTC).replace(day=1) + timedelta(days=40)).strftime("%Y_%m")
    patient.sql("select alerting.add_partitions(current_date, current_date)", f"drop table alerting.seen_event_{month}")
    patient.shows("partitions_ahead", "alerting.seen_event")
    patient.sql(
        "insert into alerting.seen_event (event_kind, event_id, event_date, customer_id) values ('X', '1', '2031-05-07', 1)"
    )
    patient.shows("default_partitions", "alerting.seen_event_default")
    assert partitions.default_partitions(patient.asked) == []
    patient.sql(
        "select alerting.add_partitions('2001-01-01', '2001-01-01')",
        "update audit.retention_policy set keeps = interval '10 years', action = 'DROP' where data_class = 'ATTEMPT'",
    )
    patient.shows("retention", "1 partitions of ATTEMPT")

    patient.sql(
        "insert into alerting.outbox_due (message_id, alert_id, event_date, channel)"
        " select gen_random_uuid(), gen_random_uuid(), current_date, 'SMS' from generate_series(1, 20000)",
        "alter table alerting.outbox_due set (autovacuum_enabled = off)",
        "delete from alerting.outbox_due",
        "select pg_stat_force_next_flush()",
    )
    patient.shows("dead_tuples", "alerting.outbox_due has")

    longest, database.LONGEST_TRANSACTION_S = database.LONGEST_TRANSACTION_S, 0
    try:
        forgotten = psycopg.connect(url, application_name="forgotten")
        forgotten.execute("select 1")
        patient.shows("oldest_transaction", "forgotten")
        forgotten.close()
        with psycopg.connect(url) as leaving:
            leaving.execute("create table public.left_behind (n int)")
            leaving.execute("prepare transaction 'it''s left'")
        patient.shows("oldest_transaction", "prepared transaction")
    finally:
        database.LONGEST_TRANSACTION_S = longest

    deaf = psycopg.connect(url, autocommit=True, application_name="deaf")
    for statement in ("listen doctor", "begin", "select 1"):
        deaf.execute(statement.encode())
    patient.sql(*(f"select pg_notify('doctor', repeat('{n % 10}', 7900))" for n in range(NOTICES)))
    # What nobody waits for any more goes when the next one listens and is told.
    patient.shows("notice_queue", "full", lambda: patient.sql("listen doctor; notify doctor, 'x'"))
    deaf.close()

    path = patient.asked.settings.home / "root.crt"
    with_certificate = dataclasses.replace(patient.asked.settings, capture_database_url=f"{url}?sslrootcert={path}")
    shown = dataclasses.replace(patient, asked=Asked(with_certificate))
    certificate(path, datetime.now(UTC) + timedelta(days=3))
    found = shown.findings("certificates")
    certificate(path, datetime.now(UTC) + timedelta(days=300))
    patient.seen.add("certificates")
    holds = [each.severity for each in found] == ["FAULT"] and not shown.findings("certificates")
    patient.report.line(holds, "certificates: one that runs out in three days is a fault, a new one passes")


def of_the_stack(patient: Patient, stack: RunningStack) -> None:
    """The checks of capture and delivery, on a whole stack that runs."""
    chain = Chain(stack)
    pub = "alter publication bankalerts"
    patient.sql(f"select alerting.add_partitions('{FENCE_DATE}', '{FENCE_DATE}')")  # the signals of Chain are of then
    # The engines halt by themselves while it is so, and go on when an operator says that it was mended.
    patient.sql(f"{pub} drop table bank.alert_preference")
    wait_until(lambda: patient.findings("halts"), 30, "the engine halts for the publication")
    patient.shows("publication", "bank.alert_preference is not in")
    patient.sql(f"{pub} add table bank.contact_address")
    patient.shows("publication", "bank.contact_address is published")
    patient.shows("halts", "for PUBLICATION")
    patient.sql(f"{pub} set (publish_generated_columns = stored)")
    patient.shows("generated_columns", "publishes generated columns")
    patient.sql("alter table bank.account replica identity full")
    wait_until(lambda: patient.findings("halts"), 30, "the engine halts for the table")
    patient.shows("replica_identity", "bank.account")

    patient.shows("halts", "for TABLE")

    chain.pause_capture()
    patient.shows("heartbeat", "capture is stalled")
    name = connector_name(chain.topics)
    requests.put(f"{stack.settings.connect_url}/connectors/{name}/stop", timeout=30).raise_for_status()
    patient.shows("slot", "nobody reads", within_s=90)
    chain.kill("connect")
    patient.shows("connector", "could not be checked", within_s=90)
    wait_until(lambda: not patient.findings("heartbeat"), 90, "capture flows again")

    late, delivery.LATE_S = delivery.LATE_S, 1.0
    try:
        chain.kill("engine-1")
        with chain.database() as connection:
            connection.execute(BANK)
            chain.wait_until_captured()
            patient.shows("consumer_lag", "events wait", within_s=90)
            chain.kill("notifier")
            connection.execute(ENTRY)
            patient.shows("oldest_claimable", "are due on PUSH", within_s=90)
            patient.sql(
                "update bank.alert_type set condition = 'event.amount_minor <> 0' where alert_type = 'DEBITED_ABOVE'",
                "insert into alerting.parked_type (alert_type, catalogue_version, reason)"
                " select 'DEBITED_ABOVE', catalogue_version, 'it does not compile' from bank.catalogue",
            )
            patient.shows("parked_types", "DEBITED_ABOVE is parked")
    finally:
        delivery.LATE_S = late
    say("the whole of it once more: nothing is left broken")
    left = [f"{each.check}: {finding.text}" for each in examine(patient.asked) for finding in each.findings]
    patient.report.line(not left, f"at the end the doctor finds nothing ({'; '.join(left)})")


BANK = """
insert into bank.customer (customer_id, full_name) values (1, 'Doctor Test');
insert into bank.push_device values ('doctor-test', 1, 'ANDROID', 'local');
insert into bank.account (account_id, currency) values ('doctor-test', 'EUR');
insert into bank.account_permission (account_id, customer_id, role) values ('doctor-test', 1, 'OWNER');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('doctor-test', 1, 'DEBITED_ABOVE', 'EUR', '{"threshold_minor": 0}', '{PUSH}');
"""
ENTRY = """
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)
values ('doctor-test', current_date, 'doctor-test', -100, 'EUR');
"""


def certificate(path: Path, until: datetime) -> None:
    """Write a certificate that is valid until then."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postgres.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(until - timedelta(days=365)).not_valid_after(until).sign(key, None)
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
