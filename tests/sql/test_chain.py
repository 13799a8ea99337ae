"""The chain of seals: whatever a superuser does behind the system's back, the verifier finds it from the heads outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from bankalerts.cli import app
from bankalerts.errors import BankalertsError
from bankalerts.seal import signing
from bankalerts.seal.sealer import Sealed, seal_all
from bankalerts.seal.verifier import Fault, Verdict, verify_chain
from bankalerts.settings import variable
from tests.conftest import Server
from tests.unguarded import unguarded

ALERTS = 60
BLOCK = 25  # so that there are three blocks of alerts and five of messages
WRITE_ALERTS = """
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, decided_at, evidence)
select gen_random_uuid(), 'account_entry', %s || n, '2026-11-01', 'a', n %% 7, 'BALANCE_BELOW', 1, '{PUSH,EMAIL}',
       now(), now(), now(), jsonb_build_object('event', jsonb_build_object('balance_minor', n))
  from generate_series(1, %s) n
"""
END_MESSAGES = """
update alerting.outbox set state = 'ACCEPTED', claimed_at = now(), handed_at = now(), finished_at = clock_timestamp()
 where state = 'PENDING'
"""


@dataclass
class Sealer:
    url: str
    folder: Path

    def __post_init__(self) -> None:
        self.key = self.folder / "seal.key"
        self.heads = self.folder / "heads.jsonl"
        self.public = signing.make_key(self.key)

    def seal(self, most: int = BLOCK) -> Sealed:
        return seal_all(self.url, self.key, self.heads, most)

    def verify(self, unsealed_after_s: float = 600.0) -> Verdict:
        return verify_chain(self.url, self.heads, self.public, unsealed_after_s)

    def faults(self) -> set[tuple[str, str]]:
        return {(fault.fault, fault.kind) for fault in self.verify().faults}

    def behind_the_back(self, *statements: str) -> None:
        """As a superuser whom no trigger, constraint or grant stops."""
        with psycopg.connect(self.url) as connection, unguarded(connection):
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def sealed_once(server: Server) -> Iterator[str]:
    url = server.clone()
    with psycopg.connect(url) as connection:
        connection.execute(WRITE_ALERTS, ("e", ALERTS))
        connection.execute(END_MESSAGES)
    yield url
    server.drop(url)


@pytest.fixture
def sealer(server: Server, sealed_once: str, tmp_path: Path) -> Iterator[Sealer]:
    """Alerts and ended messages, sealed."""
    with psycopg.connect(server.settings.database_url, autocommit=True) as connection:
        name = f"chain_{tmp_path.name[-40:].replace('-', '_')}"
        connection.execute(f'create database "{name}" template {sealed_once.rpartition("/")[2]}'.encode())
    url = sealed_once.rpartition("/")[0] + "/" + name
    made = Sealer(url, tmp_path)
    made.seal()
    yield made
    with psycopg.connect(server.settings.database_url, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)'.encode())


def test_what_nobody_touched_holds(sealer: Sealer) -> None:
    assert sealer.verify(0) == Verdict(seals=8, entries=3 * ALERTS, heads=8, behind=0, faults=[])
    assert sealer.seal() == Sealed(0, 0)


EDITS = {
    "a byte of an alert": "update alerting.alert set event_id = event_id || 'x' where event_id = 'e7'",
    "a time of an alert": "update alerting.alert set decided_at = decided_at + interval '1 microsecond' where event_id = 'e7'",
    "a number in the evidence": (
        "update alerting.alert set evidence = jsonb_set(evidence, '{event,balance_minor}', '8') where event_id = 'e7'"
    ),
    "an alert's evidence as if it were sealed": (
        "update alerting.alert set evidence = '{\"sealed\": \"00ff\"}' where event_id = 'e7'"
    ),
    "an alert's evidence as if sealed badly": (
        "update alerting.alert set evidence = '{\"sealed\": \"?\"}' where event_id = 'e7'"
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_alert_is_found_and_named(sealer: Sealer, edit: str) -> None:
    sealer.behind_the_back(EDITS[edit])
    (fault,) = sealer.verify().faults
    with psycopg.connect(sealer.url) as connection:
        (alert,) = connection.execute("select alert_id from alerting.alert where event_id like 'e7%'").fetchone() or ()
    assert replace(fault, seal_no=1) == Fault("EDITED", 1, "ALERT", str(alert), "2026-11-01")


SOME_MESSAGE = "(select message_id from alerting.outbox order by message_id limit 1)"
LAST_BUT_ONE = "select max(seal_no) - 1 as n from alerting.seal"
TAMPERED = {
    "a message's state": (
        f"update alerting.outbox set state = 'FAILED', reason = 'x' where message_id = {SOME_MESSAGE}",
        {("EDITED", "MESSAGE")},
    ),
    "a message's time": (
        f"update alerting.outbox set handed_at = handed_at - interval '1 hour' where message_id = {SOME_MESSAGE}",
        {("EDITED", "MESSAGE")},
    ),
    "a message taken back": (
        f"update alerting.outbox set state = 'PENDING', finished_at = null where message_id = {SOME_MESSAGE}",
        {("EDITED", "MESSAGE")},
    ),
    "a deleted alert": ("delete from alerting.alert where event_id = 'e7'", {("DELETED", "ALERT")}),
    "a deleted message": (f"delete from alerting.outbox where message_id = {SOME_MESSAGE}", {("DELETED", "MESSAGE")}),
    "a deleted row with its entry": (
        (
            "delete from alerting.seal_entry where id in (select alert_id from alerting.alert where event_id = 'e7');"
            "delete from alerting.alert where event_id = 'e7'"
        ),
        {("DELETED", "SEAL")},
    ),
    "a moved alert": ("update alerting.alert set event_date = '2026-11-02' where event_id = 'e7'", {("DELETED", "ALERT")}),
    "an entry that agrees with an edited row": (
        "update alerting.seal_entry set leaf = sha256('x') where seal_no = 2 and entry_no = 3",
        {("EDITED", "ALERT"), ("EDITED", "SEAL")},
    ),
    "two entries swapped": (
        (
            "update alerting.seal_entry set entry_no = case entry_no when 3 then -4 else -3 end"
            " where seal_no = 2 and entry_no in (3, 4);"
            "update alerting.seal_entry set entry_no = -entry_no where entry_no < 0"
        ),
        {("REORDERED", "SEAL")},
    ),
    "an alert given to another customer": (
        "update alerting.seal_entry set customer_id = 8 where seal_no = 2 and entry_no = 3",
        {("KEY", "ALERT"), ("EDITED", "SEAL")},
    ),
    "two blocks swapped": (
        (
            "update alerting.seal set seal_no = case seal_no when 2 then -3 else -2 end where seal_no in (2, 3);"
            "update alerting.seal set seal_no = -seal_no where seal_no < 0;"
            "update alerting.seal_entry set seal_no = case seal_no when 2 then -3 else -2 end where seal_no in (2, 3);"
            "update alerting.seal_entry set seal_no = -seal_no where seal_no < 0"
        ),
        {("REORDERED", "SEAL")},
    ),
    "a whole block deleted": (
        "delete from alerting.seal_entry where seal_no = 2; delete from alerting.seal where seal_no = 2",
        {("DELETED", "SEAL"), ("REWRITTEN", "SEAL")},
    ),
    "the tail cut off": (
        (
            f"delete from alerting.seal_entry where seal_no > ({LAST_BUT_ONE});"
            f"delete from alerting.seal where seal_no > ({LAST_BUT_ONE})"
        ),
        {("DELETED", "SEAL")},
    ),
    "a customer's key": ("update vault.customer_key set key = null where customer_id = 3", {("KEY", "ALERT")}),
    "another key": (
        "update vault.customer_key set key = sha256('x') where customer_id = 3",
        {("EDITED", "ALERT")},
    ),
    "an erasure that was not sealed": (
        (
            "update vault.customer_key set key = null where customer_id = 3;"
            "insert into vault.erased_customer (customer_id, erased_at, reason) values (3, now() - interval '1 day', 'x')"
        ),
        {("EDITED", "ALERT"), ("UNSEALED", "ERASURE")},
    ),
    "a row with a false time": (
        (
            "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
            " preference_no, channels, event_time, inserted_at, decided_at, written_at, evidence)"
            " select gen_random_uuid(), event_kind, 'false', event_date, account_id, customer_id, alert_type, preference_no,"
            " channels, event_time, inserted_at, decided_at, written_at - interval '1 hour', evidence"
            " from alerting.alert where event_id = 'e7'"
        ),
        {("UNSEALED", "ALERT")},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_done_behind_the_back_is_found(sealer: Sealer, what: str) -> None:
    statements, faults = TAMPERED[what]
    sealer.behind_the_back(*statements.split(";"))
    assert sealer.faults() == faults


REWRITE = """
do $$
declare s alerting.seal;
begin
  for s in select * from alerting.seal where seal_no >= 2 order by seal_no loop
    s.previous := (select head from alerting.seal where seal_no = s.seal_no - 1);
    select count(*), sha256(string_agg(sha256(record_send(row(e.kind, e.id, e.event_date, e.customer_id, e.state,
                                                              e.evidence_commitment, e.leaf))), ''::bytea order by e.entry_no))
      into s.entries, s.entries_digest from alerting.seal_entry e where e.seal_no = s.seal_no;
    s.head := sha256(s.previous || int8send(s.seal_no) || int8send(s.entries) || s.entries_digest
                     || timestamptz_send(s.sealed_at));
    update alerting.seal x set previous = s.previous, entries = s.entries, entries_digest = s.entries_digest, head = s.head
     where x.seal_no = s.seal_no;
  end loop;
end
$$
"""


def test_a_rewritten_tail_whose_heads_all_agree_is_found(sealer: Sealer) -> None:
    """The chain of the database is whole again; the heads outside are not its heads."""
    sealer.behind_the_back(
        "delete from alerting.alert where alert_id = (select id from alerting.seal_entry where seal_no = 2 and entry_no = 25)",
        "delete from alerting.seal_entry where seal_no = 2 and entry_no = 25",
        REWRITE,
    )
    rewritten = {(fault.fault, fault.seal_no) for fault in sealer.verify().faults}
    assert rewritten == {("REWRITTEN", number) for number in range(2, 9)}
    with pytest.raises(BankalertsError, match="nothing was sealed"):
        sealer.seal()


def test_a_rewritten_tail_behind_an_older_copy_of_the_heads_lacks_signatures(sealer: Sealer) -> None:
    lines = sealer.heads.read_text().splitlines(keepends=True)
    sealer.heads.write_text("".join(lines[:1]))
    assert sealer.verify() == Verdict(seals=8, entries=180, heads=1, behind=7, faults=[])
    sealer.behind_the_back("delete from alerting.seal_entry where seal_no = 2 and entry_no = 25", REWRITE)
    assert sealer.faults() == {("UNSIGNED", "SEAL")}


@pytest.mark.parametrize(
    ("recorded", "faults"), [("alerting.alert_2026_11", set()), ("alerting.alert_2026_10", {("DELETED", "ALERT")})]
)
def test_a_partition_goes_by_the_policy_alone(sealer: Sealer, recorded: str, faults: set[tuple[str, str]]) -> None:
    """What `bankalerts maintain` lets go, it records."""
    sealer.behind_the_back(
        "alter table alerting.alert detach partition alerting.alert_2026_11",
        "insert into audit.maintenance (what, data_class, relation, rows_or_partitions, took)"
        f" values ('DETACHED', 'ALERT', '{recorded}', 1, '1 second')",
    )
    assert sealer.faults() == faults


@pytest.mark.parametrize("change", ["a signature", "a line less", "a line twice"])
def test_a_changed_file_of_heads_is_found(sealer: Sealer, change: str) -> None:
    lines = sealer.heads.read_text().splitlines(keepends=True)
    if change == "a signature":
        lines[3] = json.dumps({**json.loads(lines[3]), "signature": json.loads(lines[4])["signature"]}) + "\n"
    elif change == "a line less":
        del lines[3]
    else:
        lines.insert(3, lines[3])
    sealer.heads.write_text("".join(lines))
    assert ("HEADS", "HEAD") in sealer.faults()


def test_another_key_signs_nothing_of_ours(sealer: Sealer) -> None:
    sealer.key.unlink()
    signing.make_key(sealer.key)
    assert len([fault for fault in sealer.verify().faults if fault.fault == "HEADS"]) == 8


def test_a_receipt_is_sealed_as_a_second_entry(sealer: Sealer) -> None:
    with psycopg.connect(sealer.url) as connection:
        connection.execute(
            "with m as (select message_id, event_date from alerting.outbox where channel = 'PUSH' limit 1)"
            " insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at,"
            " outcome, provider_ref, provider)"
            " select message_id, event_date, 1, 'device', now(), now(), 'SENT', 'ref', 'p' from m"
        )
        said = connection.execute("select alerting.apply_receipt('p', 'ref', 'DELIVERED', null, now())").fetchone()
    assert said == ("APPLIED",)
    assert sealer.verify().faults == []  # still to be sealed
    assert sealer.seal() == Sealed(1, 1)
    assert sealer.verify(0).faults == []
    sealer.behind_the_back(
        "update alerting.receipt set received_at = received_at - interval '1 minute'",
        "update alerting.outbox set state = 'ACCEPTED' where state = 'DELIVERED'",
    )
    assert sealer.faults() == {("EDITED", "MESSAGE")}


def test_a_row_whose_transaction_commits_late_is_sealed_all_the_same(sealer: Sealer) -> None:
    """Its time lies before what was sealed meanwhile, by more than any margin."""
    with psycopg.connect(sealer.url) as late, psycopg.connect(sealer.url, autocommit=True) as other:
        late.execute(WRITE_ALERTS, ("late", 3))
        late.execute("alter table alerting.alert disable trigger user")
        late.execute("update alerting.alert set written_at = written_at - interval '4 seconds' where event_id like 'late%'")
        late.execute("alter table alerting.alert enable trigger user")
        for _ in range(3):
            other.execute("select alerting.seal_next(10)")
        late.commit()
    assert sealer.seal().entries > 0
    assert sealer.verify(0).faults == []


def test_nothing_is_settled_while_a_transaction_that_wrote_is_open(sealer: Sealer) -> None:
    with psycopg.connect(sealer.url) as late, psycopg.connect(sealer.url, autocommit=True) as other:

        def settled_after_a_minute() -> object:
            other.execute("update alerting.seal_mark set at = at - interval '1 minute'")
            return other.execute("select alerting.row_settled_until()").fetchone()

        def mark_before(number: object) -> object:
            return other.execute(
                "select at - interval '5 s' from alerting.seal_mark where first_unseen = %s", (number,)
            ).fetchone()

        settled_after_a_minute()
        (before,) = other.execute("select max(first_unseen) from alerting.seal_mark").fetchone() or ()
        late.execute(WRITE_ALERTS, ("late", 1))
        for _ in range(3):
            assert settled_after_a_minute() == mark_before(before)
        late.commit()
        assert settled_after_a_minute() != mark_before(before)


def test_two_sealers_at_once_make_one_chain(sealer: Sealer) -> None:
    with psycopg.connect(sealer.url) as connection:
        connection.execute(WRITE_ALERTS, ("more", 200))
    sealed: list[Sealed] = []
    threads = [threading.Thread(target=lambda: sealed.append(sealer.seal(10))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(each.entries for each in sealed) == 200
    assert sealer.verify(0).holds


def test_a_sealer_that_ended_between_commit_and_file_is_made_good(sealer: Sealer) -> None:
    whole = sealer.heads.read_text()
    sealer.heads.write_text(whole[: whole.rindex('{"seal_no"') + 20])
    assert sealer.seal() == Sealed(0, 0)
    assert sealer.heads.read_text() == whole


def test_the_key_is_its_owners_alone(sealer: Sealer) -> None:
    assert sealer.key.stat().st_mode & 0o777 == 0o600
    sealer.key.chmod(0o644)
    with pytest.raises(BankalertsError, match="chmod 600"):
        sealer.seal()


def test_the_caretaker_seals_and_the_auditor_verifies(sealer: Sealer) -> None:
    with psycopg.connect(sealer.url) as connection:
        connection.execute(WRITE_ALERTS, ("more", 3))
    superuser = sealer.url
    sealer.url = f"{superuser}?options=-c%20role%3Dbankalerts_caretaker"
    assert sealer.seal() == Sealed(1, 3)
    sealer.url = f"{superuser}?options=-c%20role%3Dbankalerts_auditor"
    assert sealer.verify(0).holds
    with pytest.raises(BankalertsError, match="permission denied"):
        sealer.seal()


def test_the_commands_say_what_they_found(sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("database_url"), sealer.url)
    heads = ["--heads", str(sealer.heads)]
    sealed = CliRunner().invoke(app, ["seal", "--key", str(sealer.key), *heads, "--json"])
    assert (sealed.exit_code, json.loads(sealed.output)) == (0, {"seals": 0, "entries": 0})
    verify = ["verify-chain", "--public-key", str(sealer.public), *heads]
    assert CliRunner().invoke(app, verify).exit_code == 0
    sealer.behind_the_back(EDITS["a byte of an alert"])
    found = CliRunner().invoke(app, verify)
    assert found.exit_code == 1
    assert "EDITED: ALERT" in found.output
    as_json = json.loads(CliRunner().invoke(app, [*verify, "--json"]).output)
    assert (as_json["holds"], as_json["faults"], as_json["first_faults"][0]["fault"]) == (False, 1, "EDITED")
