"""`bankalerts explain` and `bankalerts dry-run`: what they say, how they exit, and that they change nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bankalerts.report.dry_run import bars, portions
from bankalerts.settings import variable
from tests.small_bank import DAY, Bank, parameter
from tests.unguarded import unguarded

LEAST = {"least": parameter(maximum=1000)}
WRITE_EXPECTED = """
    insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                                channels, event_time, inserted_at, decided_at, evidence)
    select gen_random_uuid(), event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
           channels, event_time, inserted_at, now(), compared
      from audit.judged(p_alerted_only => true)
"""


@pytest.fixture
def bank(database: str) -> Iterator[Bank]:
    """Two preferences of customer 1; the viewer's is switched off. Five entries of 100 to 500 on five days."""
    with psycopg.connect(database, autocommit=True) as connection:
        bank = Bank(connection).open()
        bank.type(condition="- event.amount_minor > :least", parameters=LEAST)
        bank.preference(1, {"least": 250})
        bank.preference(1, {"least": 450}, no=2)
        bank.preference(2, {"least": 0}, enabled=False)
        for n in range(1, 6):
            bank.event(amount_minor=-100 * n, booking_date=f"2026-11-2{n - 1}")
        yield bank


def asked(bank: Bank, *arguments: str) -> subprocess.CompletedProcess[str]:
    info = bank.connection.info
    url = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
    return subprocess.run(
        (sys.executable, "-m", "bankalerts.cli", *arguments),
        env={**os.environ, variable("database_url"): url, "COLUMNS": "150"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def answer(bank: Bank, *arguments: str) -> dict[str, Any]:
    said = asked(bank, *arguments, "--json")
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def counted(bank: Bank) -> tuple[Any, ...]:
    """What a dry run must leave as it was."""
    row: tuple[Any, ...] | None = bank.connection.execute(
        "select (select count(*) from bank.alert_type), (select sum(catalogue_version) from bank.catalogue),"
        " (select sum(state_version) from bank.account), (select count(*) from audit.alert_preference_history),"
        " (select count(*) from audit.alert_type_history)"
    ).fetchone()
    assert row is not None
    return row


# explain


def test_explain_says_why_to_a_person(bank: Bank) -> None:
    bank.connection.execute(WRITE_EXPECTED)
    said = asked(bank, "explain", "account-entry", "e3")
    assert said.returncode == 0, said.stderr
    assert "ACCOUNT_ENTRY e3 on account a" in said.stdout
    for text in (
        *("ALERTED", "CONDITION_FALSE", "DISABLED", "amount_minor -300", "least 450", "messages: SMS PENDING"),
        "condition: - event.amount_minor > :least",
        *("preference: version 2, by ", "permission: version 1, by ", "type: version "),
    ):
        assert text in said.stdout


def test_explain_says_why_to_a_script(bank: Bank) -> None:
    bank.connection.execute(WRITE_EXPECTED)
    found = answer(bank, "explain", "ACCOUNT_ENTRY", "e5", "--customer", "1")
    assert [(row["preference_no"], row["outcome"], row["messages"]) for row in found["preferences"]] == [
        (1, "ALERTED", {"SMS": "PENDING"}),
        (2, "ALERTED", {"SMS": "PENDING"}),
    ]
    (event,) = found["events"]
    assert (event["event_date"], event["state_version"]) == ("2026-11-24", 4)


def test_explain_names_the_author_and_the_version_that_counted(bank: Bank) -> None:
    bank.connection.execute(
        "create role designer; grant all on all tables in schema bank, audit to designer;"
        " grant bankalerts_designer, bankalerts_core to designer"  # who sees the rows
    )
    bank.connection.execute("grant usage on schema bank, audit to designer; set session authorization designer")
    bank.connection.execute(
        "update bank.alert_preference set parameters = '{\"least\": 99}' where preference_no = 1 and customer_id = 1"
    )
    bank.connection.execute("reset session authorization; alter role designer rename to somebody_else")
    event = bank.event()
    rows = bank.connection.execute(
        "select preference_no, outcome, preference_version, preference_by, permission_version, permission_by = current_user"
        " from audit.explain('ACCOUNT_ENTRY', %s, 1)",
        [event],
    ).fetchall()
    bank.connection.execute("drop owned by somebody_else; drop role somebody_else")
    assert rows == [(1, "ALERTED", 5, "designer", 1, True), (2, "CONDITION_FALSE", 3, rows[1][3], 1, True)]


def test_an_alert_whose_messages_were_all_stopped_is_suppressed(bank: Bank) -> None:
    bank.connection.execute(WRITE_EXPECTED)
    bank.connection.execute(
        "update alerting.outbox set state = 'SUPPRESSED', reason = 'permission revoked', finished_at = now()"
    )
    (row,) = answer(bank, "explain", "ACCOUNT_ENTRY", "e3", "--customer", "1")["preferences"][:1]
    assert (row["outcome"], row["messages"]) == ("SUPPRESSED", {"SMS": "SUPPRESSED: permission revoked"})


def test_explain_exits_1_where_the_engine_did_otherwise(bank: Bank) -> None:
    said = asked(bank, "explain", "ACCOUNT_ENTRY", "e3")
    assert said.returncode == 1
    assert "no such alert is there (yet)" in said.stdout
    assert asked(bank, "explain", "ACCOUNT_ENTRY", "e1").returncode == 0
    bank.connection.execute(WRITE_EXPECTED)
    with unguarded(bank.connection):
        bank.connection.execute("update alerting.alert set event_id = 'e1', event_date = '2026-11-20' where event_id = 'e3'")
    said = asked(bank, "explain", "ACCOUNT_ENTRY", "e1")
    assert said.returncode == 1
    assert "but the alert is there" in said.stdout


def test_explain_says_that_a_parked_type_is_the_reason(bank: Bank) -> None:
    bank.connection.execute(
        "insert into alerting.parked_type select alert_type, catalogue_version + 1, 'odd' from bank.alert_type"
    )
    found = bank.connection.execute("select outcome from audit.explain('ACCOUNT_ENTRY', 'e3', 1)").fetchall()
    assert found == [("TYPE_PARKED",), ("CONDITION_FALSE",)]
    assert bank.connection.execute("select count(*) from audit.expected_alerts()").fetchone() == (4,), (
        "verify would miss nothing"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("NOTHING", "e1"), "there is no event kind NOTHING: use one of ACCOUNT_ENTRY"),
        (("PAYMENT_ORDER", "e1"), "there is no event e1 of kind PAYMENT_ORDER"),
        (("ACCOUNT_ENTRY", "e'1"), "there is no event e'1"),
    ],
)
def test_explain_of_what_is_not_there_is_one_line(bank: Bank, arguments: tuple[str, ...], said: str) -> None:
    failed = asked(bank, "explain", *arguments)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert said in line


def test_explain_of_a_customer_without_a_preference(bank: Bank) -> None:
    said = asked(bank, "explain", "ACCOUNT_ENTRY", "e1", "--customer", "3")
    assert said.returncode == 0
    assert "no alert is due: customer 3 had no preference that it meets" in said.stdout


# dry run


def test_dry_run_of_what_is_there(bank: Bank) -> None:
    """Of 300, 400 and 500 all are above 250, and 500 is above 450."""
    found = answer(bank, "dry-run", "TEST", "--since", DAY)
    assert {name: found[name] for name in ("events", "alerts", "customers")} == {"events": 5, "alerts": 4, "customers": 1}
    assert list(found["per_day"].values()) == [0, 0, 1, 1, 2]
    assert answer(bank, "dry-run", "TEST", "--since", "2026-11-24")["alerts"] == 2
    assert answer(bank, "dry-run", "TEST", "--since", DAY, "--customer", "2")["alerts"] == 0


def test_dry_run_shows_a_bar_for_each_day_and_a_sample(bank: Bank) -> None:
    said = asked(bank, "dry-run", "TEST", "--since", DAY)
    assert said.returncode == 0, said.stderr
    assert "TEST since 2026-11-20: 5 events judged, 4 alerts to 1 customers" in said.stdout
    assert f"2026-11-24 {'█' * 40} 2" in said.stdout
    assert "amount_minor -300" in said.stdout


def test_dry_run_as_if_every_permitted_customer_had_these_parameters(bank: Bank) -> None:
    found = answer(bank, "dry-run", "TEST", "--since", DAY, "--parameters", '{"least": 400}')
    assert (found["alerts"], found["customers"]) == (2, 2)


def test_dry_run_of_a_new_type_from_a_file_changes_nothing(bank: Bank, tmp_path: Path) -> None:
    before = counted(bank)
    file = tmp_path / "large.sql"
    file.write_text(
        "select bank.put_alert_type(alert_type => 'LARGE', event_kind => 'ACCOUNT_ENTRY', category => 'c', title => 't',\n"
        " condition => 'history.value > 1 and event.amount_minor < - :least',\n"
        " parameters => '{\"least\": {\"type\": \"integer\"}}', window_aggregate => 'COUNT', window_length => '86400');\n"
        "insert into bank.message_template (alert_type, channel, locale, version, body)\n"
        " values ('LARGE', 'SMS', 'en', 1, 'large');\n"
    )
    bank.event(at="13:00", amount_minor=-300)
    arguments = ("dry-run", "LARGE", "--since", DAY, "--file", str(file))
    assert answer(bank, *arguments)["alerts"] == 0, "nobody has a preference of it"
    found = answer(bank, *arguments, "--parameters", '{"least": 200}')
    assert (found["alerts"], {row["event_id"] for row in found["sample"]}) == (8, {"e3", "e4", "e5", "e6"})
    assert counted(bank) == before


def test_dry_run_of_a_changed_preference(bank: Bank, tmp_path: Path) -> None:
    before = counted(bank)
    file = tmp_path / "change.sql"
    file.write_text("update bank.alert_preference set parameters = '{\"least\": 0}', enabled = true")
    assert answer(bank, "dry-run", "TEST", "--since", DAY, "--file", str(file))["alerts"] == 15
    assert counted(bank) == before


@pytest.mark.parametrize("word", ["commit", "rollback", "begin"])
def test_a_file_cannot_end_the_transaction(bank: Bank, tmp_path: Path, word: str) -> None:
    before = counted(bank)
    file = tmp_path / "f.sql"
    file.write_text(f"delete from bank.alert_preference; {word}; select 1")
    failed = asked(bank, "dry-run", "TEST", "--since", DAY, "--file", str(file))
    assert failed.returncode == 1
    assert counted(bank) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("NOTHING",), "there is no alert type NOTHING; there are BALANCE_ABOVE"),
        (("TEST", "--file", "/no/such"), "/no/such cannot be read (No such file or directory)"),
        (("TEST", "--parameters", "{"), "--parameters is not JSON"),
        (("TEST", "--parameters", "[1]"), "--parameters is not a JSON object"),
        (("TEST", "--parameters", '{"least": 1, "most": 1}'), "declares no such parameter"),
        (("TEST", "--parameters", '{"least": 1001}'), "it is out of bounds"),
    ],
)
def test_what_cannot_be_run_is_one_line(bank: Bank, arguments: tuple[str, ...], said: str) -> None:
    failed = asked(bank, "dry-run", *arguments, "--since", DAY)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert said in line


def test_a_mistake_in_the_file_is_told_with_its_line(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "f.sql"
    file.write_text("select 1;\n\nselct 2;\n")
    failed = asked(bank, "dry-run", "TEST", "--since", DAY, "--file", str(file))
    assert failed.returncode == 1
    assert f"{file}, line 3: syntax error" in failed.stderr


def test_many_days_are_shown_by_month() -> None:
    days = {date.fromordinal(date(2026, 1, 1).toordinal() + n): 1 for n in range(90)}
    assert [line.split()[0] for line in bars(days)] == ["2026-01", "2026-02", "2026-03"]
    assert len(bars(dict(list(days.items())[:60]))) == 60


def test_long_work_is_done_in_portions() -> None:
    days = {date(2026, 1, day): 15_000 for day in (1, 2, 3, 7, 9)}
    found = [(first.day, last.day) for first, last in portions(days)]
    assert found == [(1, 2), (3, 7), (9, 9)]
    assert portions({}) == []


@pytest.mark.parametrize(("hours", "alerts"), [(1, 2), (3, 1)])
def test_dry_run_rings_the_timers_that_would_have_been_set(bank: Bank, tmp_path: Path, hours: int, alerts: int) -> None:
    """Of two applications one is ended after two hours."""
    for at, what, key in (("10:00", "START", "x"), ("10:00", "START", "y"), ("12:00", "END", "y")):
        bank.event("CUSTOMER_ACTIVITY", at=at, activity_type=what, properties={"id": key})
    file = tmp_path / "unfinished.sql"
    file.write_text(
        "select bank.put_alert_type(alert_type => 'UNFINISHED', event_kind => 'CUSTOMER_ACTIVITY', category => 'c',"
        " title => 't', condition => 'true', timer_arm => 'event.activity_type = ''START''',"
        " timer_cancel => 'event.activity_type = ''END''',"
        " timer_key => 'event.properties ->> ''id''', timer_after => ':hours * 3600',"
        ' parameters => \'{"hours": {"type": "integer", "minimum": 1, "maximum": 72}}\')'
    )
    arguments = ("--since", DAY, "--file", str(file), "--parameters", json.dumps({"hours": hours}))
    found = answer(bank, "dry-run", "UNFINISHED", *arguments)
    assert (found["alerts"], found["customers"]) == (alerts, 1)


def test_dry_run_of_a_schedule_rings_at_its_times_until_now(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "report.sql"
    file.write_text(
        "select bank.put_alert_type(alert_type => 'REPORT', event_kind => 'ACCOUNT_ENTRY', category => 'c', title => 't',"
        " condition => 'history.value > 0', window_aggregate => 'COUNT', window_length => '86400',"
        ' parameters => \'{"hour": {"type": "integer", "minimum": 0, "maximum": 23}}\','
        ' timer_schedule => \'{"every": "day", "hour": ":hour", "minute": 0}\')'
    )
    arguments = ("dry-run", "REPORT", "--since", DAY, "--file", str(file), "--parameters", '{"hour": 9}')
    found = answer(bank, *arguments)
    # the five entries are of the 20th, 13:00 in Amsterdam: the report of the next morning has them
    assert (found["alerts"], found["customers"], found["per_day"]["2026-11-21"]) == (2, 2, 2)
    assert found["sample"][0]["event_time"] == "2026-11-21 08:00:00+00:00"
