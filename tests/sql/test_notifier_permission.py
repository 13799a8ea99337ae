"""What the bank says at the moment of sending decides: statuses, consent, pilots, replaced addresses, rules of types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from notifier.address_book import recipients
from notifier.message import Reach, Recipient
from tests.notifying import Scene, email_of, notifier, play
from tests.unit.test_notifier_gate import MESSAGE

CONSENT = "insert into bank.customer_consent (customer_id, purpose, granted) values (1, '{}', {})"
PURPOSE = "update bank.alert_type set purpose = '{}' where alert_type = 'BALANCE_BELOW'"
PILOT = "insert into alerting.pilot (alert_type) values ('BALANCE_BELOW')"
JOINS = "insert into alerting.pilot_customer (alert_type, customer_id) values ('BALANCE_BELOW', 1)"
LIVES = "insert into bank.delivery_rule (alert_type, time_to_live) values ('BALANCE_BELOW', '5 minutes')"
AGED = "update alerting.outbox set written_at = now() - interval '{}'"
DEAD = (
    "insert into alerting.suppressed_address (channel, target, reason)"
    " values ('SMS', encode(sha256(convert_to('+31610000001', 'UTF8')), 'hex'), 'bounced')"
)


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ("update bank.customer set contact_status = 'HOLD'", "SUPPRESSED", "the customer's contact status is HOLD"),
        ("update bank.customer set contact_status = 'DECEASED'", "SUPPRESSED", "the customer's contact status is DECEASED"),
        ("update bank.account set status = 'BLOCKED'", "SUPPRESSED", "the account is blocked"),
        (CONSENT.format("SERVICE", "false"), "SUPPRESSED", "the customer withdrew the consent to SERVICE"),
        (PURPOSE.format("MARKETING"), "SUPPRESSED", "the customer did not consent to MARKETING"),
        (f"{PURPOSE.format('MARKETING')}; {CONSENT.format('MARKETING', 'true')}", "ACCEPTED", None),
        (f"{PURPOSE.format('SECURITY')}; {CONSENT.format('SERVICE', 'false')}", "ACCEPTED", None),
        (PILOT, "SUPPRESSED", "not in the pilot of BALANCE_BELOW"),
        (f"{PILOT}; {JOINS}", "ACCEPTED", None),
        (f"{LIVES}; {AGED.format('6 minutes')}", "EXPIRED", "older than its time to live of 5 min, after 0 attempts"),
        (f"{LIVES}; {AGED.format('4 minutes')}", "ACCEPTED", None),
        (DEAD, "SUPPRESSED", "every address of the customer is known to be dead"),
    ],
)
def test_what_is_read_at_sending_decides(database: str, tmp_path: Path, change: str, state: str, reason: str | None) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message("SMS")
        await scene.bank.run_all(change)
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, state)
        assert row["reason"] == reason
        assert len(await scene.servers.received("SMS")) == (state == "ACCEPTED")

    play(database, tmp_path, scenario)


def test_who_has_no_device_gets_an_sms_instead(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("delete from bank.push_device")
        message_id = await scene.bank.message("PUSH")
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "SUPPRESSED")
            (instead,) = await scene.bank.run("select * from alerting.outbox where falls_back_from = 'PUSH'")
            await scene.bank.reaches(instead["message_id"], "ACCEPTED")
        assert (row["reason"], instead["channel"], instead["alert_id"]) == (
            *("the customer has no device", "SMS"),
            row["alert_id"],
        )
        assert len(await scene.servers.received("SMS")) == 1

    play(database, tmp_path, scenario)


REPLACED = "update bank.contact_address set address = 'new@example.org' where channel = 'EMAIL'"
AGES = "update bank.replaced_address set replaced_at = now() - interval '{} hours'"


@pytest.mark.parametrize(
    ("purpose", "hours", "to"),
    [
        ("SECURITY", 71, ["customer1@example.org", "new@example.org"]),
        ("SECURITY", 73, ["new@example.org"]),
        ("SERVICE", 1, ["new@example.org"]),
    ],
)
def test_a_replaced_address_hears_of_security_for_three_days(
    database: str, tmp_path: Path, purpose: str, hours: int, to: list[str]
) -> None:
    """Whoever takes over a customer's mail cannot do it unseen."""

    async def scenario(scene: Scene) -> None:
        await scene.bank.run_all(f"{PURPOSE.format(purpose)}; {REPLACED}; {AGES.format(hours)}")
        message_id = await scene.bank.message("EMAIL")
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")
        assert sorted(mail["to"] for mail in await scene.servers.received("EMAIL")) == to
        assert email_of(1) == "customer1@example.org"

    play(database, tmp_path, scenario)


BANK = """
    insert into bank.customer (customer_id, full_name) values (1, 'Ada');
    insert into bank.contact_address values (1, 'EMAIL', 'a@example.org', now()), (1, 'SMS', '+31612345678', null),
        (1, 'WEBHOOK', 'https://example.org/hook', now());
"""


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        (
            "delete from bank.contact_address",
            ["a@example.org", "https://example.org/hook"],
        ),  # what was never verified is not kept
        ("update bank.contact_address set address = 'b@example.org' where channel = 'EMAIL'", ["a@example.org"]),
        ("update bank.contact_address set verified_at = now()", []),
        (
            "delete from bank.contact_address; insert into bank.contact_address values (1, 'EMAIL', 'a@example.org', null)",
            ["https://example.org/hook"],
        ),
        ("delete from bank.contact_address; delete from bank.customer", []),
    ],
)
def test_which_addresses_are_kept_when_they_are_replaced(
    connection: psycopg.Connection[Any], change: str, replaced: list[str]
) -> None:
    connection.execute(BANK.encode())
    connection.execute(change.encode())
    rows = connection.execute("select address from bank.replaced_address order by address").fetchall()
    assert [address for (address,) in rows] == replaced


def test_what_is_known_of_a_recipient(database: str, tmp_path: Path) -> None:
    """Webhooks with their newest two secrets, devices with providers, but no retired one, the inbox with no address."""

    async def known(connection: asyncpg.Connection, channel: str, reach: Reach) -> Recipient:
        (recipient,) = await recipients(connection, channel, reach, [MESSAGE])
        return recipient

    async def scenario(scene: Scene) -> None:
        run = scene.bank.run_all
        await run("insert into bank.contact_address values (1, 'WEBHOOK', 'https://example.org/a', now())")
        for n, letter in enumerate("abc"):
            await run(
                f"insert into bank.webhook_secret values (1, 'https://example.org/a', 'whsec_{letter * 32}',"
                f" now() + interval '{n} hours')"
            )
        await run("insert into bank.webhook_secret values (1, 'https://example.org/b', 'whsec_" + "d" * 32 + "')")
        await run("insert into bank.push_device values ('token', 1, 'IOS', 'apns'), ('gone', 1, 'ANDROID', 'fcm')")
        await run("update bank.push_device set retired_at = now(), retired_reason = 'HTTP 410' where push_id = 'gone'")

        hook = await known(scene.bank.connection, "WEBHOOK", Reach.ADDRESSES)
        assert [(t.address, t.secrets) for t in hook.targets] == [
            ("https://example.org/a", ("whsec_" + "c" * 32, "whsec_" + "b" * 32))
        ]
        push = await known(scene.bank.connection, "PUSH", Reach.DEVICES)
        assert [(t.key, t.provider) for t in push.targets] == [("device-1", "local"), ("token", "apns")]
        inbox = await known(scene.bank.connection, "INBOX", Reach.CUSTOMER)
        assert [(t.key, t.address) for t in inbox.targets] == [("customer", "1")]

        await run("update bank.push_device set registered_at = registered_at + interval '1 second' where push_id = 'gone'")
        push = await known(scene.bank.connection, "PUSH", Reach.DEVICES)
        assert [t.key for t in push.targets] == ["device-1", "gone", "token"]

    play(database, tmp_path, scenario)


@pytest.mark.parametrize(
    "statement",
    [
        "update bank.account set status = 'BLOCKED'",
        "update bank.customer set contact_status = 'HOLD', quiet_from = '22:00', quiet_until = '07:00', shows_balance = true",
        "insert into bank.customer_consent values (1, 'MARKETING', true)",
    ],
)
def test_what_concerns_delivery_alone_raises_no_version(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'Ada')")
    connection.execute("insert into bank.account (account_id, currency) values ('a', 'EUR')")
    versions = "select (select state_version from bank.account), (select state_version from bank.customer)"
    before = connection.execute(versions.encode()).fetchall()
    connection.execute(statement.encode())
    assert connection.execute(versions.encode()).fetchall() == before
