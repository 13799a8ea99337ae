"""An alert type that the engine cannot compile is parked with the reason; the others go on, and the reference says the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from bankalerts.report.parked import parked as parked_now
from tests.judging import EngineAlone, captured

Connection = psycopg.Connection[Any]
DECLARED = {"limit": {"type": "integer", "default": 0}}
COUNTED = {"window_aggregate": "COUNT", "window_length": "60"}
BROKEN: dict[str, dict[str, Any]] = {
    "position 1: a condition cannot contain this: nonsense": {"condition": "nonsense("},
    "position 1: this cannot be read here: event.iban": {"condition": "event.iban is null"},
    "position 5: this cannot be read here: :missing": {"condition": "0 < :missing"},
    "position 49: this is no time zone": {"condition": "extract(hour from event.event_time at time zone 'Mars/Olympus') = 1"},
    "position 1: boolean is needed, and integer begins here": {
        "condition": "true",
        **COUNTED,
        "window_condition": "event.amount_minor",
    },
    "position 1: this cannot be read here: event.amount_minor": {"condition": "true", "cool_down": "event.amount_minor"},
}
JUDGED = {
    "GOOD": ("event.amount_minor < :limit", True),
    "BY_ZERO": ("event.amount_minor / :limit > 0 or event.amount_minor % :limit > 0", False),
    "BY_ZERO_IS_NULL": ("event.amount_minor / :limit is null", True),
    "HUGE": (" * ".join(["event.amount_minor"] * 20) + " > 0", True),
    "ON_NULLS": (
        "event.balance_after_minor + event.original_amount_minor > length(event.description || event.entry_type)",
        False,
    ),
}


@pytest.fixture
def types(connection: Connection) -> Connection:
    connection.execute("delete from bank.message_template")
    connection.execute("delete from bank.alert_type")
    connection.execute("set session_replication_role = replica")  # no trigger refuses what follows
    connection.execute("update bank.catalogue set catalogue_version = catalogue_version + 1")
    broken = {f"BROKEN_{number}": columns for number, columns in enumerate(BROKEN.values())}
    for name, columns in {**broken, **{name: {"condition": condition} for name, (condition, _) in JUDGED.items()}}.items():
        row = {
            "alert_type": name,
            "event_kind": "ACCOUNT_ENTRY",
            "statuses": ["BOOKED"],
            "category": "c",
            "title": "t",
            "parameters": Jsonb(DECLARED),
            **columns,
        }
        words, values = ", ".join(row), ", ".join(f"%({column})s" for column in row)
        connection.execute(f"insert into bank.alert_type ({words}) values ({values})", row)
        connection.execute(
            f"insert into audit.alert_type_history ({words}, from_version, uses_balance)"
            f" select {values}, catalogue_version, false from bank.catalogue",
            row,
        )
    connection.execute("set session_replication_role = origin")
    connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'N')")
    connection.execute("insert into bank.account (account_id, currency) values ('a-1', 'EUR')")
    connection.execute("insert into bank.account_permission (account_id, customer_id, role) values ('a-1', 1, 'OWNER')")
    connection.execute(
        "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, channels)"
        " select 'a-1', 1, alert_type, 'EUR', '{SMS}' from bank.alert_type"
    )
    connection.commit()
    return connection


def test_broken_types_are_parked_and_the_others_are_judged(database: str, types: Connection) -> None:
    types.execute(
        "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)"
        " values ('e-1', %s, 'a-1', %s, 'EUR')",
        [date(2026, 3, 1), -(10**17)],
    )
    types.commit()
    with EngineAlone(database, captured(types, "bank.account_entry", ["e-1"])) as engine:
        engine.run_all()
    alerted = types.execute("select alert_type from alerting.alert order by 1").fetchall()
    assert [name for (name,) in alerted] == sorted(name for name, (_, holds) in JUDGED.items() if holds)
    parked = dict(types.execute("select alert_type, reason from alerting.parked_type").fetchall())
    assert sorted(parked) == sorted(f"BROKEN_{number}" for number in range(len(BROKEN)))
    for number, reason in enumerate(BROKEN):
        assert parked[f"BROKEN_{number}"].startswith(reason)
    assert parked_now(database) == parked, "what `bankalerts status` shows"
    outcomes = dict(types.execute("select alert_type, outcome from audit.explain('ACCOUNT_ENTRY', 'e-1')").fetchall())
    expected = {name: "ALERTED" if holds else "CONDITION_UNKNOWN" for name, (_, holds) in JUDGED.items()}
    assert outcomes == {**expected, **dict.fromkeys(parked, "TYPE_PARKED")}
