"""audit.change: who changed what decides about messages, and what was found there."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]
RECORDED = (
    "select table_name, operation, changed, changed_by is not null, app_user"
    "  from audit.change where change_no > %s order by change_no"
)


@pytest.fixture
def bank(connection: Connection) -> Connection:
    """Customer 1 with an account and a preference, all of it committed."""
    connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'Anna Example')")
    connection.execute("insert into bank.account (account_id, currency, iban) values ('a', 'EUR', null)")
    connection.execute("insert into bank.account_permission (account_id, customer_id, role) values ('a', 1, 'OWNER')")
    connection.execute(
        "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)"
        " values ('a', 1, 'BALANCE_BELOW', 'EUR', '{\"threshold_minor\": 1}', '{PUSH}')"
    )
    connection.commit()
    return connection


def last(connection: Connection) -> int:
    """The number of the newest change."""
    (number,) = connection.execute("select coalesce(max(change_no), 0) from audit.change").fetchone() or (0,)
    return int(number)


def test_the_apps_user_ends_with_the_transaction(bank: Connection) -> None:
    """As behind a pooler: the next transaction on the same connection is somebody else's."""
    change = "update bank.alert_preference set enabled = not enabled"
    bank.execute("set local bankalerts.app_user = 'teller-17'")
    bank.execute(change)
    bank.commit()
    bank.execute(change)
    bank.commit()
    rows = bank.execute(
        "select began_app_user, ended_app_user, ended_by = session_user"
        "  from audit.alert_preference_history order by from_version"
    ).fetchall()
    assert rows == [(None, "teller-17", True), ("teller-17", None, True), (None, None, None)]


@pytest.mark.parametrize("table", ["account_permission", "customer_preference"])
def test_the_apps_user_of_the_other_histories(bank: Connection, table: str) -> None:
    if table == "customer_preference":
        bank.execute(
            "insert into bank.alert_type (alert_type, event_kind, statuses, condition, parameters, category, title)"
            " values ('MOVED', 'CUSTOMER_ACTIVITY', '{}', 'true', '{}', 'c', 't')"
        )
        bank.execute("insert into bank.customer_preference (customer_id, alert_type, channels) values (1, 'MOVED', '{PUSH}')")
    bank.execute("set local bankalerts.app_user = 'teller-17'")
    bank.execute(f"delete from bank.{table if table != 'account_permission' else 'alert_preference'}".encode())
    bank.execute(f"delete from bank.{table}".encode())
    found = bank.execute(f"select ended_app_user from audit.{table}_history".encode()).fetchall()
    assert found == [("teller-17",)]


def test_a_row_that_was_there_before_is_found_at_its_first_change(bank: Connection) -> None:
    before = last(bank)
    bank.execute("set local bankalerts.app_user = 'anna'")
    bank.execute("update bank.customer set quiet_from = '22:00', quiet_until = '07:00'")
    bank.execute("update bank.customer set quiet_from = '23:00'")
    rows = bank.execute(RECORDED, [before]).fetchall()
    assert [(table, operation, changed["quiet_from"], known, user) for table, operation, changed, known, user in rows] == [
        ("bank.customer", "FOUND", None, False, None),
        ("bank.customer", "UPDATE", "22:00:00", True, "anna"),
        ("bank.customer", "UPDATE", "23:00:00", True, "anna"),
    ]


def test_what_changes_nothing_is_no_change(bank: Connection) -> None:
    bank.execute("insert into bank.customer_consent (customer_id, purpose, granted) values (1, 'MARKETING', true)")
    before = last(bank)
    bank.execute(
        "insert into bank.customer_consent (customer_id, purpose, granted) values (1, 'MARKETING', true)"
        " on conflict (customer_id, purpose) do update set granted = excluded.granted"
    )
    bank.execute("update bank.customer set shows_balance = shows_balance, full_name = 'Anna Other'")
    bank.execute("update bank.alert_preference set enabled = not enabled")  # raises bank.account.state_version
    assert bank.execute(RECORDED, [before]).fetchall() == []


def test_no_personal_value_and_no_secret_stands_in_the_clear(bank: Connection) -> None:
    address, secret, device = "https://hooks.example.org/anna", "whsec_" + "c2VjcmV0" * 5, "device-token-of-anna"
    bank.execute("insert into bank.contact_address values (1, 'SMS', '+491701234567', now())")
    bank.execute(
        "insert into bank.push_device (push_id, customer_id, platform, provider) values (%s, 1, 'IOS', 'APNS')", [device]
    )
    bank.execute("insert into bank.webhook_secret (customer_id, address, secret) values (1, %s, %s)", [address, secret])
    bank.execute("update bank.contact_address set address = '+491709999999'")
    bank.execute("delete from bank.push_device")
    bank.execute("delete from bank.customer_consent")
    (text,) = bank.execute("select string_agg(to_jsonb(c)::text, ' ') from audit.change c").fetchone() or ("",)
    for word in ("+491701234567", "+491709999999", address, secret, device, "Anna Example"):
        assert word not in text
        assert word.encode().hex() not in text
    opened = bank.execute(
        "select personal from audit.changes_of(1, '-infinity', 'infinity') where personal is not null"
    ).fetchall()
    assert {value for (row,) in opened for value in row.values()} == {"+491701234567", "+491709999999", address, device}


def test_once_the_key_is_gone_that_there_was_a_change_stays(bank: Connection) -> None:
    bank.execute("insert into bank.contact_address values (1, 'SMS', '+491701234567', now())")
    bank.execute("delete from bank.contact_address")
    bank.execute("select vault.destroy_key(1, 'asked for it')")
    rows = bank.execute("select table_name, operation, personal from audit.changes_of(1, '-infinity', 'infinity')").fetchall()
    assert rows == [("bank.contact_address", "INSERT", None), ("bank.contact_address", "DELETE", None)]
    assert bank.execute("select * from audit.addresses_at(1, now())").fetchall() == []


def test_types_rules_policies_and_pilots_are_recorded_too(bank: Connection) -> None:
    before = last(bank)
    bank.execute(
        "insert into bank.alert_type (alert_type, event_kind, statuses, condition, parameters, category, title)"
        " values ('NEW', 'ACCOUNT_ENTRY', '{BOOKED}', 'true', '{}', 'c', 't')"
    )
    bank.execute("insert into bank.delivery_rule (alert_type, time_to_live) values ('NEW', '2 hours')")
    bank.execute(
        "insert into bank.message_template (alert_type, channel, locale, version, body)"
        " values ('NEW', 'SMS', 'en', 1, 'It is.')"
    )
    bank.execute("insert into alerting.pilot (alert_type) values ('NEW')")
    bank.execute("insert into alerting.pilot_customer values ('NEW', 1)")
    bank.execute("update alerting.channel_policy set retries_unknown = not retries_unknown where channel = 'SMS'")
    tables = {table for table, *_ in bank.execute(RECORDED, [before]).fetchall()}
    assert {
        "bank.alert_type",
        "bank.delivery_rule",
        "bank.message_template",
        "alerting.pilot",
        "alerting.pilot_customer",
    } <= tables


def test_each_recorded_table_has_its_trigger_and_its_columns(connection: Connection) -> None:
    rows = connection.execute(
        "select r.table_name, array(select distinct t.tgname::text from pg_trigger t where t.tgrelid = r.table_name::regclass"
        "                            and t.tgfoid = 'audit.record_change'::regproc order by 1),"
        "       key_columns || personal_columns || left_out"
        "         <@ array(select attname::text from pg_attribute where attrelid = r.table_name::regclass and attnum > 0)"
        "  from audit.recorded_table r"
    ).fetchall()
    seldom = {"bank.customer", "bank.account"}
    assert {table: names for table, names, _ in rows} == {
        table: ["record_change_2", "record_change_3"] if table in seldom else ["record_change"] for table, _, _ in rows
    }
    assert all(fits for *_, fits in rows)


def test_the_triggers_condition_names_every_column_that_is_recorded(connection: Connection) -> None:
    """A new column of customers or accounts must not be left out by the WHEN that keeps preferences cheap."""
    for table, left_out in connection.execute(
        "select table_name, left_out from audit.recorded_table where table_name in ('bank.customer', 'bank.account')"
    ).fetchall():
        (definition,) = connection.execute(
            "select pg_get_triggerdef(oid) from pg_trigger where tgrelid = %s::regclass and tgname = 'record_change_2'", [table]
        ).fetchone() or ("",)
        columns = connection.execute(
            "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped", [table]
        ).fetchall()
        assert [name for (name,) in columns if name not in left_out and f"new.{name}" not in definition] == []


def test_times_are_written_the_same_whatever_the_session_says(bank: Connection) -> None:
    bank.execute("set local timezone = 'Asia/Tokyo'; set local intervalstyle = 'iso_8601'; set local datestyle = 'German'")
    bank.execute("insert into bank.delivery_rule (alert_type, time_to_live) values ('BALANCE_BELOW', '26 hours')")
    (changed,) = bank.execute("select changed from audit.change order by change_no desc limit 1").fetchone() or ("",)
    assert json.loads(json.dumps(changed))["time_to_live"] == "26:00:00"
