"""A new alert type is one new file: dropped beside the others it is in force, judged and sent, and nothing else was touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine import history
from sql import catalogue
from tests.notifying import Scene, notifier, play

Connection = psycopg.Connection[Any]
NEW_TYPE = """
select bank.put_alert_type(
    alert_type => 'ROUND_AMOUNT',
    event_kind => 'ACCOUNT_ENTRY',
    title => 'A round amount',
    category => 'entries',
    parameters => '{"unit_minor": {"type": "integer", "minimum": 1, "default": 1000}}',
    condition => 'event.amount_minor % :unit_minor = 0');

insert into bank.message_template (alert_type, channel, locale, version, subject, body)
values ('ROUND_AMOUNT', 'SMS', 'en', 1, null,
        '{{ account.name }}: {{ event.amount_minor | abs | money(event.currency) }}, how round.');
"""
BANK = """
insert into bank.customer (customer_id, full_name) values (42, 'Anna de Vries');
insert into bank.account (account_id, currency) values ('a-1001', 'EUR');
insert into bank.account_permission (account_id, customer_id, role) values ('a-1001', 42, 'OWNER');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, channels)
values ('a-1001', 42, 'ROUND_AMOUNT', 'EUR', '{SMS}');
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency) values
    ('e-1', '2026-03-01', 'a-1001', -5000, 'EUR'), ('e-2', '2026-03-01', 'a-1001', -5001, 'EUR');
"""
OTHERS = """
select to_jsonb(t), (select jsonb_agg(m order by channel, locale, version)
                        from bank.message_template m where m.alert_type = t.alert_type)
  from bank.alert_type t where alert_type <> 'ROUND_AMOUNT' order by t.alert_type
"""


@pytest.fixture
def new_type(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database whose catalogue has one file more."""
    shutil.copytree(catalogue.FOLDER, tmp_path / "catalogue", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "catalogue" / "round_amount.sql").write_text(NEW_TYPE, encoding="utf-8")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / "catalogue")
    with psycopg.connect(database, autocommit=True) as connection:
        before = connection.execute(OTHERS).fetchall()
        assert "round_amount" in catalogue.apply(connection)
        assert connection.execute(OTHERS).fetchall() == before, "applying the folder changed another type"
    return database


def test_the_reference_and_the_engine_know_it(new_type: str) -> None:
    with psycopg.connect(new_type, autocommit=True) as connection:
        connection.execute(BANK)
        expected = connection.execute("select event_id, customer_id, alert_type from audit.expected_alerts()").fetchall()
        row = connection.execute("select catalogue_version from bank.catalogue").fetchone()
        assert row is not None
        compiled = history.catalogue(connection, row[0])
    assert expected == [("e-1", 42, "ROUND_AMOUNT")]
    assert compiled is not None
    assert "ROUND_AMOUNT" in compiled.by_kind["ACCOUNT_ENTRY"]
    assert not compiled.broken


def test_its_message_is_sent(new_type: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("SMS", alert_type="ROUND_AMOUNT"), "ACCEPTED")
        (sent,) = await scene.servers.received("SMS")
        assert sent["body"] == "a-1: €50.00, how round."

    play(new_type, tmp_path, scenario)
