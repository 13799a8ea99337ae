"""The ten questions of docs/auditing.md: each answered on a small bank, and served by an index on one of 60,000 rows."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests import audit_questions
from tests.conftest import Server
from tests.long.frame import Report
from tests.long.history import SMALL, compare

Connection = psycopg.Connection[Any]
ADDRESS = "+491701234567"
STORY = f"""
insert into bank.customer (customer_id, full_name) values (1, 'Anna'), (2, 'Bert');
insert into bank.account (account_id, currency) values ('a', 'EUR');
insert into bank.account_permission (account_id, customer_id, role, valid_from) values ('a', 1, 'OWNER', '2020-01-01'),
       ('a', 2, 'VIEWER', '2020-01-01');
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
values ('a', 1, 'DEBITED_ABOVE', 'EUR', '{{"threshold_minor": 100}}', '{{SMS}}');
insert into bank.contact_address values (1, 'SMS', '{ADDRESS}', now());
insert into bank.customer_consent values (1, 'MARKETING', true);
set bankalerts.app_user = 'teller-17';
update bank.alert_preference set parameters = '{{"threshold_minor": 4000}}';
update bank.customer set quiet_from = '22:00', quiet_until = '07:00' where customer_id = 1;
reset bankalerts.app_user;
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)
values ('e1', '2026-06-20', 'a', -5000, 'EUR'), ('e2', '2026-06-20', 'a', -50, 'EUR');
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, decided_at, evidence)
select gen_random_uuid(), event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
       '{{SMS}}', now(), now(), now(), '{{}}'
  from audit.expected_alerts();
update alerting.outbox
   set state = 'ACCEPTED', claimed_at = clock_timestamp(), handed_at = clock_timestamp() + interval '2 minutes',
       finished_at = clock_timestamp() + interval '2 minutes', may_be_twice = true;
insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at, outcome)
select message_id, event_date, 1, encode(sha256('{ADDRESS}'), 'hex'), clock_timestamp(), clock_timestamp(), 'SENT'
  from alerting.outbox;
"""


@pytest.fixture
def told(connection: Connection) -> Connection:
    """One event that alerted customer 1 and one that did not; a teller had changed the preference before."""
    connection.autocommit = True
    connection.execute(STORY.encode())
    return connection


@pytest.fixture
def values(told: Connection) -> dict[str, Any]:
    """What an auditor of it gives for the variables."""
    row = told.execute("select alert_id, message_id from audit.outbox_history").fetchone()
    assert row is not None, "no alert came of the event"
    return {
        "alert": row[0],
        "message": row[1],
        "day": "2026-06-20",
        "kind": "ACCOUNT_ENTRY",
        "event": "e2",
        "customer": 1,
        "account": "a",
        "type": "DEBITED_ABOVE",
        "preference": 1,
        "at": "2999-01-01",
        "from": "2026-06-01",
        "until": "2026-06-30",
    }


def answer(told: Connection, values: dict[str, Any], number: int, **given: Any) -> list[dict[str, Any]]:
    """Rows as the columns are named on the page."""
    with psycopg.ClientCursor(told, row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(audit_questions.questions()[number].encode(), values | given).fetchall()


def test_there_are_ten() -> None:
    assert list(audit_questions.questions()) == list(range(1, 11))


def test_each_question_has_its_answer(told: Connection, values: dict[str, Any]) -> None:
    asked = {number: answer(told, values, number) for number in range(1, 8)}
    period = {"from": "2000-01-01", "until": "2999-01-01"}
    asked |= {number: answer(told, values, number, **period) for number in (8, 9)} | {10: answer(told, values, 10)}
    assert [(row["event_id"], row["channel"], row["state"]) for row in asked[1]] == [("e1", "SMS", "ACCEPTED")]
    assert [(row["outcome"], row["compared"]["parameters"]["threshold_minor"]) for row in asked[2]] == [("ALERTED", 4000)]
    assert [(row["customer_id"], row["outcome"]) for row in asked[3]] == [(1, "CONDITION_FALSE")]
    assert [(row["parameters_before"], row["parameters"], row["began_app_user"]) for row in asked[4]] == [
        (None, {"threshold_minor": 100}, None),
        ({"threshold_minor": 100}, {"threshold_minor": 4000}, "teller-17"),
    ]
    assert [(row["customer_id"], row["role"], row["is_valid"]) for row in asked[5]] == [(1, "OWNER", True), (2, "VIEWER", True)]
    assert [(row["address"], row["marketing_granted"]) for row in asked[6]] == [(ADDRESS, True)]
    assert [(row["locale"], row["version"]) for row in asked[7]] == [("en", 1), ("nl", 1)]
    assert asked[8] == []
    assert [(row["state"], row["may_be_twice"]) for row in asked[9]] == [("ACCEPTED", True)]
    assert sorted(row["what"] for row in asked[10]) == ["address", "consent", "preference", "setting"]
    assert {row["held"]["address"] for row in asked[10] if row["what"] == "address"} == {ADDRESS}


def test_what_was_stopped_is_counted_by_its_reason(told: Connection, values: dict[str, Any]) -> None:
    told.execute("update alerting.outbox set state = 'SUPPRESSED', reason = 'no permission', handed_at = null")
    rows = answer(told, values, 8, **{"from": "2000-01-01", "until": "2999-01-01"})
    assert [(row["state"], row["reason"], row["messages"]) for row in rows] == [("SUPPRESSED", "no permission", 1)]


def test_an_auditor_may_ask_all_of_it(told: Connection, values: dict[str, Any]) -> None:
    told.execute("set role bankalerts_auditor")
    for number in audit_questions.questions():
        answer(told, values, number)


def test_they_go_by_indexes_and_no_slower_at_ten_times_the_history(server: Server) -> None:
    """The small form of `make long-history`."""
    report = Report("history")
    compare(server.settings.database_url, SMALL, report)
    assert report.holds, [line for line in report.lines if not line[0]]
