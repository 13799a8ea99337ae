"""A wrong row is refused by PostgreSQL with a sentence that names column, value and remedy (SQLSTATE BA001 and BA002)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from connectors.capture import CAPTURED
from tests.sql import refused_alert_types, refused_events
from tests.sql.refused_alert_types import customer_preference, put
from tests.sql.refused_events import activity, card, order
from tests.sql.refused_rows import (
    CASES,
    account,
    address,
    alert_type,
    customer,
    device,
    entry,
    given,
    permission,
    preference,
    template,
)

Connection = psycopg.Connection[tuple[Any, ...]]
SET_UP = """
    insert into bank.customer (customer_id, full_name) values (1, 'Anna');
    insert into bank.account (account_id, currency) values ('a', 'EUR');
    insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER');
    insert into bank.alert_type (alert_type, event_kind, condition, parameters, category, title)
    values ('TT', 'ACCOUNT_ENTRY', 'event.amount_minor > :i or event.entry_type = :t or :b',
            '{"i": {"type": "integer", "minimum": 0, "maximum": 10}, "t": {"type": "text"}, "b": {"type": "boolean"}}',
            'c', 't');
    select bank.put_alert_type('AT', 'CUSTOMER_ACTIVITY', 'true', 'c', 't',
        parameters => '{"i": {"type": "integer"}, "with_default": {"type": "integer", "default": 7}}');
    select bank.put_alert_type('AT2', 'CUSTOMER_ACTIVITY', 'true', 'c', 't', parameters => '{"i": {"type": "integer"}}');
    select bank.put_alert_type('MUST', 'ACCOUNT_ENTRY', 'true', 'c', 't', mandatory => true, default_channels => '{PUSH}',
        parameters => '{"i": {"type": "integer", "default": 1}, "t": {"type": "text", "default": ""},
                       "b": {"type": "boolean", "default": true}}');
    insert into bank.customer_preference (customer_id, alert_type, parameters, channels) values (1, 'AT', '{"i": 1}', '{SMS}');
    insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency)
    values ('e', '2026-01-01', 'a', 1, 'EUR');
"""


@pytest.fixture(scope="module")
def database(database_of_file: str) -> str:
    """One for all: what a test does is rolled back."""
    return database_of_file


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(SET_UP)
    return connection


def refused(connection: Connection, statement: str) -> psycopg.errors.Diagnostic:
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.diag
    raise AssertionError(f"it was taken: {statement}")


def test_the_rows_that_the_cases_spoil_are_accepted(bank: Connection) -> None:
    for statement in (
        customer("customer_id", "2"),
        account("iban", "'NL91ABNA0417164300'"),
        permission("role", "'VIEWER'"),
        address("EMAIL", "'anna@example.org'"),
        address("SMS", "'+31612345678'"),
        device("platform", "'WEB'"),
        alert_type("title", "'t'"),
        template("version", "1"),
        preference("currency", "'EUR'"),
        entry("status", "'PENDING'"),
        card("card_token", "'4111111111111112'"),
        card("card_token", "'tok 4111111111111111'").replace("'c'", "'d'"),
        order("disclosable_reason", "'INSUFFICIENT_FUNDS'"),
        activity("properties", """'{"n": 1}'"""),
        customer_preference("preference_no", "2"),
        put(event_kind="CUSTOMER_ACTIVITY"),
        put(event_kind="CARD_AUTHORISATION", statuses="{DECLINED}"),
        put(window_aggregate="SINCE", window_group="{counterparty_account}"),
        put(window_aggregate="SUM", window_value="amount_minor", window_length="60", rearm_margin="1", rearm_condition="true"),
        put(timer_arm="true", timer_after="60", timer_cancel="false", timer_key="event.entry_id"),
        put(timer_schedule={"every": "month", "day": 31, "hour": 0, "minute": 59}),
        preference("enabled", "true").replace("'TT'", "'MUST'").replace(given(), "{}"),
    ):
        bank.execute(statement.encode())


def test_each_refusal_names_column_value_and_remedy(bank: Connection) -> None:
    for case in (*CASES, *refused_events.CASES, *refused_alert_types.CASES):
        said = refused(bank, case.statement)
        shown = f"{case.statement[:200]}\n{said.sqlstate} {said.message_primary}\n{said.message_detail}\n{said.message_hint}"
        assert said.sqlstate == "BA001", shown
        assert str(said.message_primary).startswith(f"{case.column} is refused: "), shown
        assert case.reason in str(said.message_primary), shown
        assert case.remedy in str(said.message_hint), shown
        if case.value is not None:
            quoted = case.value[:200].replace("'", "''")
            assert said.message_detail == f"{case.column} is '{quoted}'", shown
            assert not case.value or len(case.value) < 6 or case.value not in str(said.message_primary), (
                f"the value is in the log: {shown}"
            )


@pytest.mark.parametrize(
    ("statement", "reason", "remedy"),
    [
        ("update bank.account_entry set amount_minor = 2", "an event is immutable", "reverses_entry_id"),
        ("delete from bank.account_entry", "an event is immutable", "reverses_entry_id"),
        ("update bank.account_entry_default set amount_minor = 2", "an event is immutable", "reverses_entry_id"),
        ("truncate bank.account cascade", "capture does not see it", "DELETE the rows"),
        ("truncate bank.account_permission", "capture does not see it", "DELETE the rows"),
        ("truncate bank.alert_preference", "capture does not see it", "DELETE the rows"),
        ("truncate bank.alert_type cascade", "capture does not see it", "DELETE the rows"),
        ("truncate bank.catalogue", "capture does not see it", "Leave it alone"),
        ("truncate bank.account_entry", "capture does not see it", "Drop a partition"),
        ("update bank.card_authorisation set amount_minor = 2", "an event is immutable", "another authorisation"),
        ("delete from bank.payment_order_default", "an event is immutable", "another change of status"),
        ("update bank.customer_activity set properties = '{}'", "an event is immutable", "another activity"),
        ("truncate bank.customer_preference", "capture does not see it", "DELETE the rows"),
        ("update bank.customer set state_version = 5", "triggers alone write state_version", "Leave the column out"),
        ("truncate alerting.capture_heartbeat", "capture does not see it", "Leave it alone"),
        ("truncate bank.customer cascade", "capture does not see it", "DELETE the rows"),
        ("update bank.account set state_version = 5", "triggers alone write state_version", "Leave the column out"),
        (
            "insert into bank.account values ('a', null, 'EUR') on conflict (account_id) do update set state_version = 9",
            *("triggers alone write state_version", "Leave the column out"),
        ),
        ("update bank.catalogue set catalogue_version = 5", "triggers alone write it", "bank.alert_type"),
        ("delete from bank.catalogue", "triggers alone write it", "bank.alert_type"),
    ],
)
def test_a_kind_of_statement_that_is_refused(bank: Connection, statement: str, reason: str, remedy: str) -> None:
    bank.execute("alter table bank.account_entry disable trigger stamp")
    for statement_that_is_taken in (card("account_id", "'a'"), order("account_id", "'a'"), activity("customer_id", "1")):
        bank.execute(statement_that_is_taken.encode())
    said = refused(bank, statement)
    assert said.sqlstate == "BA002"
    assert reason in str(said.message_primary)
    assert remedy in str(said.message_hint)


def test_every_captured_table_refuses_truncate(bank: Connection) -> None:
    published = bank.execute("select schemaname || '.' || tablename from pg_publication_tables").fetchall()
    assert len(published) == len(CAPTURED)
    for (table,) in published:
        assert refused(bank, f"truncate {table} cascade").sqlstate == "BA002", table


@pytest.mark.parametrize(
    ("statement", "sqlstate", "named"),
    [
        (entry("amount_minor", "null"), "23502", "amount_minor"),
        (entry("entry_id", "null"), "23502", "entry_id"),
        (customer("full_name", "null"), "23502", "full_name"),
        (permission("customer_id", "9"), "23503", "(customer_id)=(9)"),
        (address("FAX", "'x'"), "23503", "(channel)=(FAX)"),
        (device("customer_id", "9"), "23503", "(customer_id)=(9)"),
        (template("version", "0"), "23514", "version_starts_at_1"),
        (preference("parameters", """'{"t": "\\u0000"}'"""), "22P05", "u0000"),
        (preference("parameters", """'{"t": "\\ud800"}'"""), "22P02", "surrogate"),
        (preference("parameters", """'{"i": NaN}'"""), "22P02", "NaN"),
    ],
)
def test_what_postgresql_refuses_by_itself_names_column_and_value(
    bank: Connection, statement: str, sqlstate: str, named: str
) -> None:
    said = refused(bank, statement)
    assert said.sqlstate == sqlstate
    assert named in f"{said.message_primary} {said.message_detail} {said.context}"


def test_what_is_declared_does_not_change_under_preferences(bank: Connection, database: str) -> None:
    change = "update bank.alert_type set {0} where alert_type = 'TT'"
    bank.execute(preference("currency", "'EUR'").encode())
    wider = change.format("parameters = jsonb_set(parameters, '{i,maximum}', '99')")
    bank.execute(wider.encode())
    narrower = change.format("parameters = jsonb_set(parameters, '{i,minimum}', '5')")
    said = refused(bank, narrower)
    assert said.sqlstate == "BA001"
    assert str(said.message_primary).startswith(
        "bank.alert_type.parameters is refused: a preference that is there does not fit"
    )
    bank.execute("delete from bank.alert_preference")
    bank.execute(narrower.encode())


def test_versions_written_by_hand_are_overwritten(bank: Connection) -> None:
    bank.execute(preference("state_version", "99").encode())
    bank.execute(entry("state_version", "99").encode())
    bank.execute(customer_preference("state_version", "99").replace("'AT'", "'AT2'").encode())
    bank.execute(activity("state_version", "99").encode())
    found = bank.execute(
        "select p.state_version, e.state_version, a.state_version"
        "  from bank.alert_preference p, bank.account_entry e, bank.account a where e.entry_id = 'f'"
    ).fetchone()
    assert found == (2, 2, 2)
    found = bank.execute(
        "select p.state_version, x.state_version, c.state_version"
        "  from bank.customer_preference p, bank.customer_activity x, bank.customer c where p.alert_type = 'AT2'"
    ).fetchone()
    assert found == (2, 2, 2)
