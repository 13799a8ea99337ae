"""`bankalerts outbox`: what waits, why, and what nobody here would send."""

from __future__ import annotations

import json

import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts.cli import app
from bankalerts.errors import BankalertsError
from tests.long.outbox_load import Outbox

HOLD = "update alerting.outbox_due set due_at = 'infinity', held_for = 'PAUSE:ALL' where channel = 'EMAIL'"
LEASE = (
    "update alerting.outbox_due set lease_token = gen_random_uuid(), due_at = now() + interval '1 minute' where channel = 'SMS'"
)
END = """
delete from alerting.outbox_due where channel = 'PUSH';
update alerting.outbox set state = 'UNKNOWN', reason = 'no answer', finished_at = now() where channel = 'PUSH';
"""


@pytest.fixture
def filled(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three messages on each of four channels: held, leased, ended, and of a channel that no notifier has."""
    monkeypatch.setenv("BANKALERTS_DATABASE_URL", database)
    outbox = Outbox(database)
    outbox.fill_bank(["PIGEON"])
    outbox.write(["EMAIL", "SMS", "PUSH", "PIGEON"], 3)
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in (HOLD, LEASE, *END.strip().split(";\n")):
            connection.execute(statement.encode())
    return database


def test_each_message_is_counted_with_its_state_and_why_it_waits(filled: str) -> None:
    done = CliRunner().invoke(app, ["outbox", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert [(row["channel"], row["state"], row["reason"], row["held_for"], row["messages"]) for row in found["messages"]] == [
        ("EMAIL", "PENDING", None, "PAUSE:ALL", 3),
        ("PIGEON", "PENDING", None, None, 3),
        ("PUSH", "UNKNOWN", "no answer", None, 3),
        ("SMS", "LEASED", None, None, 3),
    ]
    assert found["parked"] == ["PIGEON"]


def test_a_channel_and_a_state_choose(filled: str) -> None:
    for words, channels in ((["--state", "LEASED"], ["SMS"]), (["--channel", "PUSH"], ["PUSH"]), (["--channel", "GONE"], [])):
        done = CliRunner().invoke(app, ["outbox", "--json", *words])
        assert [row["channel"] for row in json.loads(done.output)["messages"]] == channels
    assert "PIGEON is parked" in CliRunner().invoke(app, ["outbox"]).output


def test_a_state_that_there_is_not_is_refused(filled: str) -> None:
    done = CliRunner().invoke(app, ["outbox", "--state", "SENT"])
    assert isinstance(done.exception, BankalertsError)
    assert "SUPPRESSED" in str(done.exception)
