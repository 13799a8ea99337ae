"""Erasing a customer: nothing of them can be read any more, the chain is whole, and the figures are what they were."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts.cli import app
from bankalerts.errors import BankalertsError
from bankalerts.seal import signing
from bankalerts.seal.erase import erase
from bankalerts.seal.sealer import seal_all
from bankalerts.seal.verifier import verify_chain
from bankalerts.settings import variable
from tests.unguarded import unguarded

IBAN = "DE02120300000000202051"
SECRETS = ("Annabella", "annabella@example.com", "annas-phone", IBAN, "4711471147", "annas inbox", "otherdevice")
OTHERS = ("Berta", "berta@example.com", "shared@example.com", "bertas balance")
MADE = Path(__file__).with_name("erasure.sql")
END = """
update alerting.outbox set state = 'ACCEPTED', claimed_at = now(), handed_at = now(), finished_at = clock_timestamp()
 where state = 'PENDING';
delete from alerting.outbox_due;
insert into bank.inbox_message (message_id, customer_id, alert_type, body)
values (gen_random_uuid(), 1, 'BALANCE_BELOW', 'annas inbox')
"""
FIGURES = """
select channel, state, alert_type, customer_id, attempts, count(*), min(decided_at), max(handed_at)
  from audit.outbox_history group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""


class Bank:
    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.key, self.heads = url, folder / "seal.key", folder / "heads.jsonl"
        self.public = signing.make_key(self.key)

    def erase(self, customer: int = 1) -> dict[str, object]:
        return erase(self.url, customer, "asked to", self.key, self.heads)

    def holds(self) -> bool:
        return verify_chain(self.url, self.heads, self.public, 0).holds

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def everything(self) -> str:
        """All rows of all tables as text, and all sealed texts that open."""
        with psycopg.connect(self.url) as connection:
            tables = connection.execute(
                "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace in"
                " (select oid from pg_namespace where nspname in ('bank', 'alerting', 'audit', 'vault'))"
            ).fetchall()
            rows = [connection.execute(f"select t::text from {table} t".encode()).fetchall() for (table,) in tables]
            opened = connection.execute(
                "select vault.open(customer_id, 'change:' || change_no, sealed) from audit.change"
            ).fetchall()
            evidence = connection.execute(
                "select audit.open_evidence(alert_id, event_date)::text from alerting.alert"
            ).fetchall()
        return str([*rows, opened, evidence])


@pytest.fixture
def bank(database: str, tmp_path: Path) -> Bank:
    with psycopg.connect(database) as connection:
        connection.execute(MADE.read_bytes())
    return Bank(database, tmp_path)


@pytest.fixture
def ended(bank: Bank) -> Bank:
    with psycopg.connect(bank.url) as connection:
        connection.execute(END.encode())
    return bank


def test_nothing_of_an_erased_customer_is_left_and_nothing_of_another_is_gone(ended: Bank) -> None:
    before = ended.everything()
    assert [secret for secret in (*SECRETS, *OTHERS) if secret not in before] == []
    told = ended.erase()
    after = ended.everything()
    assert [secret for secret in SECRETS if secret in after] == []
    assert [other for other in OTHERS if other not in after] == []
    counts = {"evidence": 10, "attempts": 40, "bank.contact_address": 2, "bank.account.iban": 1, "bank.customer": 1}
    assert counts.items() <= told.items()
    assert told["key_destroyed"] is True
    assert json.dumps(told)
    assert ended.ask("select target from alerting.suppressed_address") == [("shared@example.com",)]
    assert ended.ask("select count(*), count(event_value) from alerting.quarantine") == [(2, 1)]


def test_the_chain_is_whole_and_the_figures_are_what_they_were(ended: Bank) -> None:
    seal_all(ended.url, ended.key, ended.heads)
    before = ended.ask(FIGURES)
    ended.erase()
    assert ended.ask(FIGURES) == before
    assert ended.holds()
    assert ended.ask("select kind, count(*) from alerting.seal_entry group by 1 order by 1") == [
        ("ALERT", 20),
        ("ERASURE", 1),
        ("MESSAGE", 20),
    ]


def test_what_is_changed_of_an_erased_customer_is_still_found(ended: Bank) -> None:
    ended.erase()
    with psycopg.connect(ended.url) as connection, unguarded(connection):
        connection.execute("update alerting.alert set event_time = now() where event_id = 'e2'")
    assert not ended.holds()


def test_erasing_again_changes_nothing(ended: Bank) -> None:
    ended.erase()
    told = ended.erase()
    assert {what for what, count in told.items() if count} == {"customer_id"}
    assert ended.ask("select customer_id, reason from vault.erased_customer") == [(1, "asked to")]
    assert ended.holds()


def test_an_alert_that_was_on_its_way_is_erased_with_the_next_run(ended: Bank) -> None:
    """The engine had decided it before it heard of the erasure."""
    ended.erase()
    with psycopg.connect(ended.url) as connection:
        connection.execute(
            "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
            " preference_no, channels, event_time, inserted_at, decided_at, evidence)"
            " select gen_random_uuid(), event_kind, 'late', event_date, account_id, 1, alert_type, 1, channels, now(), now(),"
            " now(), '{\"event\": \"4711471147\"}' from alerting.alert where event_id = 'e2'"
        )
        connection.execute(
            "update alerting.outbox set state = 'SUPPRESSED', reason = 'no permission', finished_at = clock_timestamp()"
            " where state = 'PENDING'"
        )
        connection.execute("delete from alerting.outbox_due")
    assert ended.erase()["evidence"] == 1
    assert "4711471147" not in ended.everything()
    assert ended.holds()


def test_messages_on_their_way_keep_a_customer_from_being_erased(bank: Bank) -> None:
    with pytest.raises(BankalertsError, match="messages on their way"):
        bank.erase()
    assert bank.ask("select full_name from bank.customer where customer_id = 1") == [("Annabella",)]


def test_a_number_that_is_nobodys_is_refused(ended: Bank) -> None:
    with pytest.raises(BankalertsError, match="no such customer"):
        ended.erase(3)
    assert ended.ask("select count(*) from vault.erased_customer") == [(0,)]


def test_evidence_is_exchanged_by_an_erasure_alone(ended: Bank) -> None:
    with psycopg.connect(ended.url) as connection, pytest.raises(psycopg.DatabaseError, match="never changed"):
        connection.execute('update alerting.alert set evidence = \'{"sealed": ""}\'')


def test_the_command_asks_and_prints_what_it_erased(ended: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("database_url"), ended.url)
    command = ["erase", "1", "--reason", "asked to", "--key", str(ended.key), "--heads", str(ended.heads)]
    assert CliRunner().invoke(app, command, input="n\n").exit_code == 1
    assert ended.ask("select count(*) from vault.erased_customer") == [(0,)]
    done = CliRunner().invoke(app, [*command, "--yes", "--json"])
    assert (done.exit_code, json.loads(done.output)["bank.customer"]) == (0, 1)
    again = CliRunner().invoke(app, [*command, "--yes"])
    assert "destroyed before" in again.output
