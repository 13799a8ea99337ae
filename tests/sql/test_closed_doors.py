"""No role comes by the owner's rights, and each role's ordinary writes go through with their triggers."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.test_row_security import ANNA, BANK, acting, rows

Connection = psycopg.Connection[Any]

# A temporary function that notes as whom it runs, to be hidden behind a name that functions of the owner's look up.
SPY = """
create temporary table seen (who name);
grant all on seen to public;
create function pg_temp.spy() returns boolean language plpgsql as $$
begin
  insert into pg_temp.seen values (current_user);
  return true;
end
$$
"""
HIDDEN = {
    "type": "create domain pg_temp.text as pg_catalog.text check (pg_temp.spy())",
    "table": (
        "create view pg_temp.pg_class as select * from pg_catalog.pg_class where pg_temp.spy();"
        " create view pg_temp.pg_inherits as select * from pg_catalog.pg_inherits where pg_temp.spy();"
        " grant select on pg_temp.pg_class, pg_temp.pg_inherits to public"
    ),
}


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute(BANK)
    return connection


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("app", "update bank.contact_address set address = '+31611111111' where customer_id = 42 and channel = 'SMS'"),
        ("app", "update bank.customer_consent set granted = false where customer_id = 42"),
        ("core", "update bank.account_permission set may_see_balance = not may_see_balance where customer_id = 42"),
        ("operator", "select alerting.add_partitions('2031-01-01', '2031-01-02')"),
        ("operator", "select alerting.pause('CHANNEL:SMS', 'a test')"),
        ("caretaker", "select * from alerting.due_partitions()"),
        ("engine", "select * from alerting.capture_findings()"),
    ],
)
def test_nothing_temporary_runs_as_the_owner(bank: Connection, role: str, statement: str, hidden: str) -> None:
    acting(bank, role, ANNA)
    bank.execute(SPY.encode())
    bank.execute(HIDDEN[hidden].encode())
    try:
        with bank.transaction():
            bank.execute(statement.encode())
            seen = rows(bank, "select distinct who from pg_temp.seen")
    except psycopg.errors.UndefinedObject:
        seen = []
    assert ("bankalerts_owner",) not in seen


def test_every_path_ends_with_the_temporary_schema(connection: Connection) -> None:
    """A function that a later migration makes or replaces has to say so as well."""
    found = rows(
        connection,
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('bank', 'alerting', 'audit', 'vault')"
        "   and (p.prosecdef or array_to_string(p.proconfig, ' ') like '%search_path=%')"
        "   and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)",
    )
    assert found == []


def test_nobody_hangs_the_owner_s_rights_on_a_table_of_their_own(bank: Connection) -> None:
    acting(bank, "app", ANNA)
    bank.execute("create temporary table mine (customer_id bigint, channel text, address text, verified_at timestamptz)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bank.execute("create trigger t after delete on pg_temp.mine for each row execute function bank.keep_replaced_address()")


def test_no_function_of_a_trigger_is_anybody_s(connection: Connection) -> None:
    found = rows(
        connection,
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('bank', 'alerting', 'audit', 'vault') and p.prorettype = 'trigger'::regtype"
        "   and has_function_privilege('bankalerts_app', p.oid, 'execute')",
    )
    assert found == []


@pytest.mark.parametrize(
    ("groups", "channels"),
    [("notifier_sms", ["SMS"]), ("notifier_sms, bankalerts_notifier_email", ["EMAIL", "SMS"]), ("notifier", None)],
)
def test_a_login_of_the_bank_s_own_sees_its_groups_channels(bank: Connection, groups: str, channels: list[str] | None) -> None:
    bank.execute(f"create role of_the_bank_s in role bankalerts_{groups}".encode())
    bank.execute("set role of_the_bank_s")
    seen = rows(bank, "select distinct channel from bank.contact_address order by 1")
    assert [channel for (channel,) in seen] == (channels or ["EMAIL", "SMS", "WEBHOOK"])


WRITES = {
    "core": (
        "insert into bank.customer (customer_id, full_name) values (77, 'Carl')",
        "insert into bank.account (account_id, currency) values ('a-carl', 'EUR')",
        "insert into bank.account_permission (account_id, customer_id, role) values ('a-carl', 77, 'OWNER')",
        "insert into bank.contact_address (customer_id, channel, address) values (77, 'EMAIL', 'carl@example.org')",
        (
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, status)"
            " values ('e-1', '2026-11-23', 'a-anna', -100, 'EUR', 'BOOKED')"
        ),
        (
            "insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, occurred_at)"
            " values ('c-1', (now() at time zone 'UTC')::date, 42, 'LOGIN', now())"
        ),
        "update bank.account_permission set may_see_balance = false where customer_id = 42",
        "update bank.customer set time_zone = 'Europe/Amsterdam' where customer_id = 42",
        "delete from bank.account_permission where customer_id = 42 and account_id = 'a-both'",
    ),
    "app": (
        (
            "insert into bank.alert_preference as p (account_id, customer_id, alert_type, currency, parameters, channels)"
            " values ('a-anna', 42, 'DEBITED_ABOVE', 'EUR', '{\"threshold_minor\": 1}', '{SMS}')"
            " on conflict (account_id, customer_id, alert_type, preference_no) do update set enabled = true"
        ),
        "update bank.alert_preference set enabled = false",
        "delete from bank.alert_preference",
        "insert into bank.contact_address (customer_id, channel, address) values (42, 'EMAIL', 'anna@example.org')",
        "insert into bank.contact_address (customer_id, channel, address) values (42, 'WEBHOOK', 'https://anna.example.org/h')",
        (
            "insert into bank.webhook_secret (customer_id, address, secret)"
            " values (42, 'https://anna.example.org/h', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')"
        ),
        "delete from bank.contact_address where channel = 'WEBHOOK'",
        "insert into bank.push_device (push_id, customer_id, platform, provider) values ('d-9', 42, 'IOS', 'apns')",
        "delete from bank.push_device where push_id = 'd-1'",
        "update bank.customer_consent set granted = false where customer_id = 42",
        "update bank.customer set time_zone = 'Europe/Amsterdam', quiet_from = '22:00', quiet_until = '07:00'",
        "update bank.inbox_message set read_at = now()",
        (
            "insert into bank.customer_activity (activity_id, occurred_on, customer_id, activity_type, occurred_at)"
            " values ('c-1', (now() at time zone 'UTC')::date, 42, 'LOGIN', now())"
        ),
    ),
    "designer": (
        "update bank.alert_type set title = title || '.' where alert_type = 'DEBITED_ABOVE'",
        (
            "insert into bank.message_template (alert_type, channel, locale, version, subject, body)"
            " select alert_type, 'SMS', 'en', 99, null, 'A debit.' from bank.alert_type where alert_type = 'DEBITED_ABOVE'"
        ),
        "delete from bank.message_template where version = 99",
        (
            "insert into bank.delivery_rule (alert_type, time_to_live) values ('DEBITED_ABOVE', '2 hours')"
            " on conflict (alert_type) do update set time_to_live = excluded.time_to_live"
        ),
    ),
    "operator": (
        "update alerting.channel_policy set unknown_tries_max = 4 where channel = 'SMS'",
        "insert into alerting.pilot (alert_type) values ('DEBITED_ABOVE')",
        "insert into alerting.pilot_customer (alert_type, customer_id) values ('DEBITED_ABOVE', 42)",
        "delete from alerting.pilot",
        "insert into alerting.suppressed_address (channel, target, reason) values ('EMAIL', 'x@example.org', 'a test')",
        "delete from alerting.suppressed_address",
        "select alerting.pause('CHANNEL:SMS', 'a test')",
        "select alerting.resume('CHANNEL:SMS')",
        "select alerting.add_partitions('2031-01-01', '2031-01-02')",
    ),
    "engine": (
        (
            "insert into bank.timer_event (timer_id, due_on, account_id, customer_id, alert_type, preference_no, event_time)"
            " values ('t-1', '2026-11-23', 'a-anna', 42, 'DEBITED_ABOVE', 1, '2026-11-23 10:00+00')"
        ),
        (
            "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
            " preference_no, channels, event_time, inserted_at, on_kafka_at, decided_at, evidence)"
            " values (gen_random_uuid(), 'ACCOUNT_ENTRY', 'e', '2026-11-23', 'a-anna', 42, 'DEBITED_ABOVE', 1, '{SMS,PUSH}',"
            " now(), now(), now(), now(), '{}')"
        ),
    ),
    "notifier": (
        (
            "insert into bank.inbox_message (message_id, customer_id, alert_type, subject, body)"
            " values (gen_random_uuid(), 42, 'DEBITED_ABOVE', 'A debit', 'of 1 euro')"
        ),
        "update bank.push_device set retired_at = now(), retired_reason = 'gone' where push_id = 'd-1'",
    ),
}


@pytest.mark.parametrize("role", WRITES)
def test_a_role_s_ordinary_writes_go_through_their_triggers(bank: Connection, role: str) -> None:
    """EXPLAIN, by which every verb is tried elsewhere, runs no trigger."""
    acting(bank, role, ANNA)
    refused = []
    for statement in WRITES[role]:
        try:
            with bank.transaction():
                cursor = bank.execute(statement.encode())
                if not statement.startswith("select") and cursor.rowcount == 0:
                    refused.append(f"{statement}: no row")
        except psycopg.Error as error:
            refused.append(f"{statement}: {error.sqlstate} {error}")
    assert refused == []
