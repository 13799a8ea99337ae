"""A new alert type while the stack runs under load: one file of SQL, and preferences for it. Nothing is started anew.

Its first alert comes within 2 seconds of the first event that it matches; no event is missed, of this type or of any other. The
type has a window that reaches back before the type was there: the engine finds those events in PostgreSQL.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from bankalerts.report import verify
from bankalerts.stack.postgres import program
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.latency import count, load_bank, play_at_rate
from tests.running_stack import RunningStack
from tests.waiting import wait_until

RATE_PER_S = 200
WITHIN_S = 2.0
PREFERENCES_FIRST = 500  # customers who want it at once; a reload of all preferences is another question (long-bulk)
ALERT_TYPE = "DEBITS_IN_A_MONTH"
NEW_TYPE = f"""
select bank.put_alert_type(
    alert_type => '{ALERT_TYPE}',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'Month total of debits',
    category => 'entries',
    parameters => '{{"threshold_minor": {{"type": "integer", "minimum": 0, "maximum": 1000000000000000}}}}',
    condition => '- history.value > :threshold_minor and coalesce(- history.previous, 0) <= :threshold_minor',
    window_aggregate => 'SUM',
    window_value => 'amount_minor',
    window_condition => 'event.amount_minor < 0',
    window_length => '30 * 86400');

insert into bank.message_template (alert_type, channel, locale, version, subject, body) values
    ('{ALERT_TYPE}', 'SMS', 'en', 1, null,
     '{{{{ account.name }}}}: {{{{ history.value | abs | money(event.currency) }}}} in 30 days.'),
    ('{ALERT_TYPE}', 'PUSH', 'en', 1, 'Spent', '{{{{ history.value | abs | money(event.currency) }}}} in 30 days.');
"""
PREFERENCES = """
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
select p.account_id, p.customer_id, %s, a.currency, '{"threshold_minor": 500000}', '{SMS,PUSH}'
  from bank.account_permission p join bank.account a using (account_id)
 order by md5(p.account_id), p.customer_id
 limit %s
"""
EXPECTED = """
select e.event_id, b.inserted_at
  from audit.expected_alerts() e join bank.account_entry b on (b.entry_id, b.booking_date) = (e.event_id, e.event_date)
 where e.alert_type = %s
 order by b.inserted_at
 limit 1
"""
FOUND = "select min(written_at), count(*), count(distinct account_id) from alerting.alert where alert_type = %s"
SLOWEST = "select extract(epoch from max(written_at - inserted_at)) from alerting.alert where inserted_at >= %s"


def run(options: Options, report: Report) -> None:
    before_s, after_s = (5, 10) if options.small else (20, 40)
    with fresh_stack() as stack:
        add_while_it_runs(stack, options.data, before_s, after_s, report)


def add_while_it_runs(stack: RunningStack, data: Path, before_s: int, after_s: int, report: Report) -> None:
    """Play Berka's entries at 200 a second; after `before_s` seconds add the type, and go on for `after_s`."""
    settings, pids = stack.settings, stack.pids()
    entries = load_bank(settings, data)[: (before_s + after_s) * RATE_PER_S]
    player = multiprocessing.get_context("spawn").Process(
        target=play_at_rate, args=(settings.database_url, entries, RATE_PER_S)
    )
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        player.start()
        say(f"200 entries a second for {before_s} s")
        wait_until(lambda: count(connection, "bank.account_entry") > before_s * RATE_PER_S, 60 + before_s, "a warm start")
        file_s, preferences_s = add(settings.database_url, connection)
        report.figure("one file applied, s", file_s)
        report.figure("preferences inserted in one statement", preferences_of(connection))
        report.figure("preferences inserted, s", preferences_s)
        say("the new type is in place")
        wait_until(lambda: found(connection)[1] > 0, 60, f"a first alert of {ALERT_TYPE}")
        player.join(timeout=120)
        judge(settings.database_url, connection, len(entries), report)
    report.line(stack.pids() == pids, "no part was started anew")


def add(database_url: str, connection: psycopg.Connection[Any]) -> tuple[float, float]:
    """Apply the file with psql, then insert the first preferences; how long each took, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "debits_in_a_month.sql"
        file.write_text(NEW_TYPE, encoding="utf-8")
        began = time.monotonic()
        words = (str(program("psql")), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction")
        subprocess.run((*words, "--file", str(file), database_url), check=True, capture_output=True)
        applied = time.monotonic()
    connection.execute(PREFERENCES, [ALERT_TYPE, PREFERENCES_FIRST])
    return applied - began, time.monotonic() - applied


def judge(database_url: str, connection: psycopg.Connection[Any], entries: int, report: Report) -> None:
    """The first alert against the first event that the reference says it matches, and all alerts against the reference."""
    say("comparing with the reference")
    verdict = verify.verify(database_url, wait_s=300)
    (event_id, inserted_at), (written_at, alerts, accounts) = first_expected(connection), found(connection)
    delay_s = (written_at - inserted_at).total_seconds()
    slowest = connection.execute(SLOWEST, [inserted_at]).fetchone()
    report.figure("entries a second", RATE_PER_S)
    report.figure("entries", entries)
    report.figure("alerts of the new type", alerts)
    report.figure("accounts with one", accounts)
    report.figure("first matching event", event_id)
    report.figure("from its INSERT to its alert, s", delay_s)
    report.figure("slowest alert of any type from then on, s", float(slowest[0]) if slowest else None)
    report.figure("alerts of all types", verdict.alerts.found)
    report.line(delay_s <= WITHIN_S, f"the first alert came {delay_s:.3f} s after its event, at most {WITHIN_S}")
    report.line(verdict.events == entries, f"{verdict.events:,} of {entries:,} entries are there")
    report.line(
        verdict.is_equal and alerts > 0,
        f"{alerts:,} alerts of the new type and {verdict.alerts.found:,} in all: {verdict.alerts.missing:,} missing,"
        f" {verdict.alerts.extra:,} extra; messages {verdict.messages.missing:,} missing, {verdict.messages.extra:,} extra",
    )


def found(connection: psycopg.Connection[Any]) -> tuple[datetime, int, int]:
    row = connection.execute(FOUND, [ALERT_TYPE]).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def first_expected(connection: psycopg.Connection[Any]) -> tuple[str, datetime]:
    row = connection.execute(EXPECTED, [ALERT_TYPE]).fetchone()
    assert row is not None, f"the reference expects no alert of {ALERT_TYPE}: the run shows nothing"
    return row[0], row[1]


def preferences_of(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from bank.alert_preference where alert_type = %s", [ALERT_TYPE]).fetchone()
    assert row is not None
    return int(row[0])
