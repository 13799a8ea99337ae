"""`bankalerts verify` on alerts written as the engine would, then spoiled by hand; `latency` on rows with known times."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from bankalerts.bank import load
from bankalerts.bank.rows import Account, Bank, Customer, Entry, Permission, Preference
from bankalerts.database import connected
from bankalerts.report import latency, verify
from sql import catalogue
from tests.unguarded import unguarded

DAY = date(2026, 11, 22)
INSERTED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)

# A trigger makes the messages.
WRITE_EXPECTED = """
    insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                                channels, event_time, inserted_at, decided_at, evidence)
    select gen_random_uuid(), x.*, '{SMS,PUSH}', now(), now(), now(), '{}' from audit.expected_alerts() x
"""


@pytest.fixture
def url(database: str) -> str:
    """A small bank: one account, two preferences, ten debits of 1 to 10 euro, so 5 + 3 alerts, and twice as many messages."""
    thresholds = {1: 500, 2: 700}
    with connected(database, "test") as connection:
        catalogue.apply(connection)
        bank = Bank(
            customers=[Customer(42, "Nobody", "en", "UTC")],
            accounts=[Account("a-1", None, "EUR", None, "UTC")],
            permissions=[Permission("a-1", 42, "OWNER")],
        )
        load.add_bank(connection, bank)
        load.put_preferences(
            connection,
            [Preference("a-1", 42, "DEBITED_ABOVE", no, "EUR", at, ("SMS", "PUSH")) for no, at in thresholds.items()],
        )
        load.add_entries(connection, [Entry(f"e-{n:02}", DAY, "a-1", -100 * n, "EUR", 0) for n in range(1, 11)])
        connection.execute(WRITE_EXPECTED)
    return database


def run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def test_equal(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.run(url, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert {name: said[name] for name in ("events", "expected", "found", "missing", "extra", "quarantined", "equal")} == {
        "events": 10, "expected": 8, "found": 8, "missing": 0, "extra": 0, "quarantined": 0, "equal": True,
    }  # fmt: skip
    assert {name: said["messages"][name] for name in ("expected", "found", "missing", "extra")} == {
        "expected": 16, "found": 16, "missing": 0, "extra": 0,
    }  # fmt: skip


def test_a_deleted_alert_is_missing_and_its_messages_too(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(url) as connection, unguarded(connection):
        connection.execute(
            "with gone as (delete from alerting.alert where event_id = 'e-06' returning alert_id)"
            " delete from alerting.outbox where alert_id in (table gone)"
        )
    assert not verify.run(url)
    said = capsys.readouterr().out
    event = f"event_kind=ACCOUNT_ENTRY event_id=e-06 event_date={DAY}"
    identity = f"{event} account_id=a-1 customer_id=42 alert_type=DEBITED_ABOVE preference_no=1"
    assert f"missing alert: {identity}\n" in said
    assert f"missing message: {identity} channel=PUSH\n" in said
    verdict = verify.verify(url)
    assert (verdict.alerts.missing, verdict.alerts.extra, verdict.messages.missing) == (1, 0, 2)


def test_an_alert_added_by_hand_is_extra(url: str) -> None:
    run_sql(
        url,
        """
        insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,
                                    preference_no, channels, event_time, inserted_at, decided_at, evidence)
        select gen_random_uuid(), event_kind, 'e-01', event_date, account_id, customer_id, alert_type,
               preference_no, '{}', event_time, inserted_at, decided_at, evidence
          from alerting.alert
         limit 1
        """,
    )
    verdict = verify.verify(url)
    assert (verdict.alerts.missing, verdict.alerts.extra, verdict.alerts.extra_first[0]["event_id"]) == (0, 1, "e-01")
    assert not verdict.is_equal


@pytest.mark.parametrize("channel", ["EMAIL", "SMS"], ids=["a channel nobody asked for", "a channel twice"])
def test_a_message_too_many_is_extra(url: str, channel: str) -> None:
    run_sql(
        url,
        "insert into alerting.outbox (message_id, alert_id, event_date, channel)"
        f" select gen_random_uuid(), alert_id, event_date, '{channel}' from alerting.alert limit 1",
    )
    verdict = verify.verify(url)
    assert verdict.alerts.is_equal
    assert (verdict.messages.missing, verdict.messages.extra) == (0, 1)
    assert not verdict.is_equal


def test_later_changes_of_preference_and_permission_do_not_change_the_verdict(url: str) -> None:
    run_sql(url, "update bank.alert_preference set channels = '{EMAIL}', parameters = '{\"threshold_minor\": 1}'")
    run_sql(url, "delete from bank.account_permission")
    assert verify.verify(url).is_equal


def test_waiting_ends_when_the_alerts_are_there(url: str) -> None:
    with psycopg.connect(url) as engine:
        with unguarded(engine):
            engine.execute("delete from alerting.alert where event_id = 'e-10'")
        engine.commit()
        assert verify.verify(url, wait_s=0.2).alerts.missing == 2
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(verify.verify, url, 60)
            engine.execute(WRITE_EXPECTED + " where event_id = 'e-10'")
            engine.commit()
            assert waiting.result().alerts.is_equal


def test_stages_have_the_percentiles_of_their_times(url: str) -> None:
    """Eight alerts and sixteen messages; the times of number n are n times as long as those of number 1."""
    with psycopg.connect(url) as connection, unguarded(connection):
        connection.execute(
            """
            with numbered as (select alert_id, row_number() over () as n from alerting.alert)
            update alerting.alert a
               set inserted_at = %(t)s, committed_at = %(t)s + n * interval '1.001 ms',
                   on_kafka_at = %(t)s + n * interval '10 ms', decided_at = %(t)s + n * interval '12.5 ms'
              from numbered where a.alert_id = numbered.alert_id
            """,
            {"t": INSERTED_AT},
        )
        connection.execute(
            """
            update alerting.outbox o
               set written_at = decided_at + interval '2.000001 s', state = 'ACCEPTED', finished_at = now(),
                   handed_at = decided_at + interval '2.000001 s' + interval '1 ms' * case channel when 'SMS' then 7 else 1 end
              from alerting.alert a where a.alert_id = o.alert_id
            """
        )
    with connected(url, "test") as connection:
        stages = {(stage.stage, stage.channel): stage for stage in latency.measure(connection)}
        assert latency.measure(connection, INSERTED_AT + timedelta(seconds=1)) == []
        assert len(latency.measure(connection, INSERTED_AT)) == len(stages)

    def percentiles(stage: str, channel: str | None = None) -> tuple[int, float, float, float]:
        found = stages[stage, channel]
        return found.n, found.p50_ms, found.p95_ms, found.p99_ms

    # nearest rank of eight: the 4th value is the 50th percentile, the 8th the 95th
    assert percentiles("committed") == (8, 4.004, 8.008, 8.008)
    assert percentiles("on Kafka") == (8, 36, 72, 72)
    assert percentiles("decided") == (8, 10, 20, 20)
    assert percentiles("in the outbox") == (16, 2000.001, 2000.001, 2000.001)
    assert percentiles("handed to the provider") == (16, 1.0, 7.0, 7.0)
    assert percentiles("handed to the provider", "SMS") == (8, 7.0, 7.0, 7.0)
    assert percentiles("end to end", "PUSH") == (8, 2046.997, 2092.993, 2092.993)


def test_latency_says_how_exact_it_is(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    latency.run(url)
    assert "Kafka's clock has whole milliseconds" in capsys.readouterr().out
    latency.run(url, as_json=True)
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [(stage["stage"], stage["n"]) for stage in stages] == [("in the outbox", 16)]


def test_latency_without_alerts_says_what_to_do(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    latency.run(database)
    assert "no alerts yet" in capsys.readouterr().out


def test_a_message_in_place_of_one_that_could_not_be_brought_is_not_extra(url: str) -> None:
    run_sql(
        url,
        "insert into alerting.outbox (message_id, alert_id, event_date, channel, falls_back_from)"
        " select gen_random_uuid(), alert_id, event_date, 'EMAIL', 'PUSH' from alerting.alert limit 1",
    )
    assert verify.verify(url).is_equal
