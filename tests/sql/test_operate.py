"""The commands of operators against a real database: what they do, what they refuse, what they print."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts.cli import app
from bankalerts.errors import BankalertsError
from bankalerts.settings import variable
from tests.notifying import Bank, email_of

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with --json; returns what it printed. What it refuses is raised."""
    monkeypatch.setenv(variable("database_url"), database)

    def command(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))

    return command


def test_pausing_and_resuming(run: Run, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        assert run("pause", "EMAIL", "--reason", "bounces") == {"scope": "CHANNEL:EMAIL", "paused": True, "held": 0}
        assert run("pause", "EMAIL", "--reason", "again")["scope"] == "CHANNEL:EMAIL"
        run("pause", "BALANCE_BELOW", "--reason", "wrong threshold")
        run("pause", "ALL", "--reason", "everything")
        rows = connection.execute("select scope, reason from alerting.pause where ended_at is null order by scope").fetchall()
        assert rows == [("ALL", "everything"), ("CHANNEL:EMAIL", "bounces"), ("TYPE:BALANCE_BELOW", "wrong threshold")]
        assert run("resume", "CHANNEL:EMAIL")["paused"] is False
        with pytest.raises(BankalertsError, match="CHANNEL:EMAIL is not paused"):
            run("resume", "EMAIL")
        with pytest.raises(BankalertsError, match="no channel or alert type FAX: use ALL, EMAIL"):
            run("pause", "FAX", "--reason", "?")
        connection.execute("insert into bank.channel values ('BALANCE_BELOW')")
        with pytest.raises(
            BankalertsError, match="a channel and an alert type: say CHANNEL:BALANCE_BELOW or TYPE:BALANCE_BELOW"
        ):
            run("pause", "BALANCE_BELOW", "--reason", "?")


def test_suppressing_an_address_stores_and_prints_its_hash_alone(run: Run, database: str) -> None:
    hashed = hashlib.sha256(b"ada@example.org").hexdigest()
    for _ in range(2):
        assert run("suppressions", "add", "--channel", "EMAIL", "--address", "ada@example.org")["target"] == hashed
    (row,) = run("suppressions", "list")["suppressed"]
    assert (row["channel"], row["target"], row["reason"]) == ("EMAIL", hashed, "by an operator")
    assert run("suppressions", "list", "--channel", "SMS") == {"suppressed": []}
    with pytest.raises(BankalertsError, match="no channel FAX"):
        run("suppressions", "add", "--channel", "FAX", "--address", "x")
    read = CliRunner().invoke(
        app, ["suppressions", "remove", "--channel", "EMAIL", "--address", "-"], input="ada@example.org\n"
    )
    assert read.exit_code == 0
    with pytest.raises(BankalertsError, match="not suppressed"):
        run("suppressions", "remove", "--channel", "EMAIL", "--address", "ada@example.org")
    # a device goes by its push_id, as the notifier and receipts write it
    assert run("suppressions", "add", "--channel", "PUSH", "--address", "device-1")["target"] == "device-1"
    assert run("suppressions", "remove", "--channel", "PUSH", "--address", "device-1")["target"] == "device-1"


@pytest.mark.parametrize(("given", "wrong"), [(None, "nothing"), ("1,x", "x"), ("1,²", "²"), ("9" * 30, "9" * 30)])
def test_customers_are_numbers(run: Run, given: str | None, wrong: str) -> None:
    with pytest.raises(BankalertsError, match=f"{wrong} is no customer number"):
        run("pilot", "start", "BALANCE_BELOW", *([] if given is None else ["--customers", given]))


def test_a_pilot_from_start_to_end(run: Run, database: str, tmp_path: Path) -> None:
    file = tmp_path / "cohort"
    file.write_text("2\n3\n")
    assert run("pilot", "start", "BALANCE_BELOW", "--customers", "1, 2") == {"alert_type": "BALANCE_BELOW", "customers": 2}
    assert run("pilot", "add", "BALANCE_BELOW", "--file", str(file))["customers"] == 3

    async def outside() -> None:
        connection = await asyncpg.connect(database)
        bank = Bank(connection)
        await bank.customer(7)
        for channel in ("SMS", "EMAIL"):
            await bank.message(channel, 7)
        await bank.run(
            "update alerting.outbox set state = 'SUPPRESSED', reason = 'not in the pilot of BALANCE_BELOW', finished_at = now()"
        )
        await connection.close()

    asyncio.run(outside())
    shown = run("pilot", "show", "BALANCE_BELOW")
    assert shown["customers"] == 3
    assert [(message["customer_id"], message["channel"]) for message in shown["messages"]] == [(7, "EMAIL"), (7, "SMS")]
    assert all("€90.00" in message["body"] for message in shown["messages"])
    assert email_of(7) not in json.dumps(shown)

    assert run("pilot", "end", "BALANCE_BELOW")["piloted"] is False
    for words in (("end", "BALANCE_BELOW"), ("show", "BALANCE_BELOW"), ("add", "BALANCE_BELOW", "--customers", "1")):
        with pytest.raises(BankalertsError, match="is not piloted"):
            run("pilot", *words)
