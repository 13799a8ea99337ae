"""What long-drain and long-isolation share: a bank of many customers, an outbox full of messages, a notifier of its own with
channels that are dropped in beside the others."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bankalerts.settings import Settings, variables
from tests.dropped import ROOT, drop
from tests.waiting import wait_until

CUSTOMERS = 1_000

# A thousand customers, each with an account that they own, a device and an address of every other channel.
FILL_BANK = f"""
insert into bank.customer (customer_id, full_name, locale, time_zone)
     select n, 'Customer Number ' || n, case n % 2 when 0 then 'en-GB' else 'nl-NL' end, 'Europe/Amsterdam'
       from generate_series(1, {CUSTOMERS}) n;
insert into bank.account (account_id, currency, product)
     select 'a-' || n, 'EUR', 'Current' from generate_series(1, {CUSTOMERS}) n;
insert into bank.account_permission (account_id, customer_id, role, valid_from)
     select 'a-' || n, n, 'OWNER', now() - interval '1 day' from generate_series(1, {CUSTOMERS}) n;
insert into bank.push_device (push_id, customer_id, platform, provider)
     select 'device-' || n, n, 'IOS', 'local' from generate_series(1, {CUSTOMERS}) n;
analyze bank.customer, bank.account, bank.account_permission, bank.push_device;
"""

ADD_CHANNEL = f"""
insert into bank.channel values (%(channel)s) on conflict do nothing;
insert into bank.contact_address (customer_id, channel, address, verified_at)
     select n, %(channel)s, 'address-' || n, now() from generate_series(1, {CUSTOMERS}) n;
insert into bank.message_template (alert_type, channel, locale, version, subject, body)
     select alert_type, %(channel)s, locale, version, subject, body from bank.message_template
      where alert_type = 'BALANCE_BELOW' and channel = 'PUSH';
analyze bank.contact_address;
"""

# As the engine writes them: an alert of its own for each message.
WRITE_ALERTS = f"""
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, decided_at, evidence)
     select gen_random_uuid(), 'ACCOUNT_ENTRY', %(run)s || '-' || n, current_date, 'a-' || who, who, 'BALANCE_BELOW', 1,
            %(channels)s, now(), now(), now(),
            '{{"event": {{"amount_minor": -5000, "currency": "EUR", "balance_after_minor": 9000}},
              "parameters": {{"threshold_minor": 10000}}}}'
       from (select n, 1 + n %% {CUSTOMERS} as who from generate_series(1, %(count)s) n) numbered
"""
WRITE_ALERTS_ASYNCPG = (WRITE_ALERTS % {"run": "$1::text", "channels": "$2::text[]", "count": "$3::bigint"}).strip()

# Messages that ended over the last 90 days, with their alerts and attempts. No trigger may make them due.
WRITE_HISTORY = f"""
set session_replication_role = replica;
create temporary table old as
select gen_random_uuid() as alert_id, current_date - (n %% 90)::integer as day, 1 + n %% {CUSTOMERS} as who, n,
       now() - make_interval(days => (n %% 90)::integer, secs => 60) as at
  from generate_series(1, %(count)s) n;
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, decided_at, written_at, evidence)
     select alert_id, 'ACCOUNT_ENTRY', 'old-' || n, day, 'a-' || who, who, 'BALANCE_BELOW', 1, '{{NOOP}}', at, at, at, at,
            '{{"event": {{"amount_minor": -5000, "currency": "EUR", "balance_after_minor": 9000}},
              "parameters": {{"threshold_minor": 10000}}}}'
       from old;
insert into alerting.outbox (message_id, alert_id, event_date, channel, state, written_at, claimed_at, handed_at, finished_at)
     select alerting.message_id(alert_id, 'NOOP'), alert_id, day, 'NOOP', 'ACCEPTED', at, at, at, at from old;
insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at, outcome)
     select alerting.message_id(alert_id, 'NOOP'), day, 1, 'target', at, at, 'SENT' from old;
set session_replication_role = default;
analyze alerting.alert, alerting.outbox, alerting.delivery_attempt;
"""

EMPTY = """
set session_replication_role = replica;
truncate alerting.outbox_due, alerting.outbox, alerting.delivery_attempt, alerting.alert
"""


class Outbox:
    """The outbox of one database, filled and looked at from outside."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self._runs = 0

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Any statement, or several without parameters."""
        with psycopg.connect(self.url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute(statement, parameters)

    def value(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The one value that a query finds."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(statement, parameters).fetchone()
            return row[0] if row else None

    def fill_bank(self, channels: list[str]) -> None:
        """Customers, and the channels that are dropped in."""
        self.run(FILL_BANK)
        for channel in channels:
            self.run(ADD_CHANNEL, {"channel": channel})

    def write(self, channels: list[str], count: int) -> None:
        """So many alerts, each with a message on each of the channels, in one transaction."""
        self._runs += 1
        self.run(WRITE_ALERTS, {"run": f"load-{self._runs}", "channels": channels, "count": count})

    @contextmanager
    def writer(self, channels: list[str]) -> Iterator[Callable[[int], None]]:
        """Writes as `write` does, on a connection that stays open."""
        self._runs += 1
        run, turns = self._runs, itertools.count()
        with psycopg.connect(self.url, autocommit=True) as connection:

            def write(count: int) -> None:
                given = {"run": f"load-{run}-{next(turns)}", "channels": channels, "count": count}
                connection.execute(WRITE_ALERTS, given)

            yield write

    def write_history(self, count: int) -> None:
        """So many messages that ended long ago."""
        self.run(WRITE_HISTORY, {"count": count})

    def empty(self) -> None:
        """Without any message, and without the dead rows of earlier ones."""
        self.run(EMPTY)
        self.run("vacuum analyze alerting.outbox_due")

    def waits(self, channel: str | None = None) -> int:
        """How many messages are not at their end."""
        where = "" if channel is None else "where channel = %(channel)s"
        return int(self.value(f"select count(*) from alerting.outbox_due {where}", {"channel": channel}))

    def is_drained(self, within_s: float, channel: str | None = None) -> None:
        """Wait until no message is left. Fails when that takes longer than `within_s`."""
        wait_until(lambda: not self.waits(channel), within_s, "every message is at its end")


def dropped_channels(folder: Path, files: Mapping[str, str]) -> Path:
    """A copy of the notifier's package in `folder` with further channels, by file name; returns what PYTHONPATH begins with."""
    drop(folder, {f"{name}.py": text for name, text in files.items()})
    return folder


@contextmanager
def running_notifier(
    settings: Settings, tree: Path, ready: Path, command: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A notifier of the tree, draining; ended by SIGTERM afterwards. `command` goes before python: a profiler's."""
    ready.unlink(missing_ok=True)
    given = dataclasses.replace(settings, ready_file=ready, name="notifier")
    environment = {**os.environ, **variables(given), "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}"}
    process = subprocess.Popen((*command, sys.executable, "-m", "notifier"), cwd=tree, env=environment)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, 30, "the notifier is ready")
        assert process.poll() is None, "the notifier ended"
        yield process
    finally:
        process.terminate()
        began = time.monotonic()
        process.wait(timeout=30)
        assert time.monotonic() - began < 25, "the notifier took long to end"


def local_settings(folder: Path, database_url: str, push_port: int, **more: Any) -> Settings:
    """Of a notifier beside PostgreSQL alone; PUSH goes to the port, nobody listens for the other channels."""
    return Settings(
        home=folder,
        database_url=database_url,
        kafka="none:1",
        connect_url="http://none:1",
        smtp_url="smtp://127.0.0.1:9",
        sms_url="http://127.0.0.1:9/sms",
        push_url=f"http://127.0.0.1:{push_port}/push",
        capture_database_url=database_url,
        **more,
    )
