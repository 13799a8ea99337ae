"""From a row of the outbox to the customer's hands: texts, targets, suppression, failed templates, the record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from notifier import templates
from tests.notifying import Scene, device_of, email_of, notifier, number_of, play


@pytest.mark.parametrize(
    ("channel", "to", "key"),
    [
        ("EMAIL", email_of(1), hashlib.sha256(email_of(1).encode()).hexdigest()),
        ("SMS", number_of(1), hashlib.sha256(number_of(1).encode()).hexdigest()),
        ("PUSH", device_of(1), device_of(1)),
    ],
    ids=["EMAIL", "SMS", "PUSH"],
)
def test_a_message_is_handed_over_and_recorded(database: str, tmp_path: Path, channel: str, to: str, key: str) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message(channel)
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "ACCEPTED")

        (received,) = await scene.servers.received(channel)
        assert (received["to"], received["message_id"]) == (to, str(message_id))
        assert "€90.00" in received["body"]

        (attempt,) = await scene.bank.attempts(message_id)
        assert (attempt["attempt_no"], attempt["target"], attempt["outcome"], attempt["reason"]) == (1, key, "SENT", None)
        assert attempt["provider_ref"]
        assert row["written_at"] < row["claimed_at"] <= attempt["started_at"] < attempt["finished_at"] == row["handed_at"]
        assert row["handed_at"] <= row["finished_at"]
        assert not await scene.bank.run("select from alerting.outbox_due")

    play(database, tmp_path, scenario)


def test_each_customer_reads_their_own_language_and_time(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.customer(2, locale="nl-NL", name="Anna de Vries")
        await scene.bank.customer(3, locale="fr-FR")
        async with notifier(scene.settings):
            for message_id in await scene.bank.messages("EMAIL", [1, 2, 3]):
                await scene.bank.reaches(message_id, "ACCEPTED")

        mails = {mail["to"]: mail for mail in await scene.servers.received("EMAIL")}
        assert mails[email_of(1)]["subject"] == "Your balance is below €100.00"
        assert mails[email_of(1)]["body"] == (
            "Dear Ada Lovelace,\n\nThe balance of a-1 went below €100.00 on 1 Mar 2026, 13:30: it is now €90.00."
        )
        assert mails[email_of(2)]["subject"] == "Uw saldo is onder €\u00a0100,00"
        assert mails[email_of(2)]["body"] == (
            "Beste Anna de Vries,\n\nHet saldo van a-2 kwam op 1 mrt 2026, 13:30 onder €\u00a0100,00: het is nu €\u00a090,00."
        )
        # No French template: English words, French numbers.
        assert mails[email_of(3)]["subject"] == "Your balance is below 100,00\u00a0€"

    play(database, tmp_path, scenario)


def test_push_goes_to_every_device_the_customer_has_when_it_is_sent(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message("PUSH")
        await scene.bank.run("delete from bank.push_device")
        await scene.bank.run(
            "insert into bank.push_device values ('phone', 1, 'IOS', 'local'), ('tablet', 1, 'ANDROID', 'local')"
        )
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")

        received = await scene.servers.received("PUSH")
        assert sorted(message["to"] for message in received) == ["phone", "tablet"]
        assert len({message["idempotency_key"] for message in received}) == 2
        assert [attempt["target"] for attempt in await scene.bank.attempts(message_id)] == ["phone", "tablet"]

    play(database, tmp_path, scenario)


UNVERIFIED = "update bank.contact_address set verified_at = null"
REVOKED = "delete from bank.account_permission"
ENDED = "update bank.account_permission set valid_until = now() - interval '1 second'"
NO_BALANCE = "update bank.account_permission set may_see_balance = false"


@pytest.mark.parametrize(
    ("change", "channel", "reason"),
    [
        ("delete from bank.contact_address", "EMAIL", "the customer has no verified address"),
        (UNVERIFIED, "SMS", "the customer has no verified address"),
        ("delete from bank.push_device", "PUSH", "the customer has no device"),
        (REVOKED, "PUSH", "the permission on the account was revoked"),
        (ENDED, "PUSH", "the permission on the account was revoked"),
        (NO_BALANCE, "PUSH", "the permission to see the balance was revoked"),
    ],
)
def test_what_may_not_be_sent_is_suppressed_with_its_reason(
    database: str, tmp_path: Path, change: str, channel: str, reason: str
) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message(channel)
        await scene.bank.run(change)
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "SUPPRESSED")

        assert row["reason"] == reason
        assert not await scene.servers.received(channel)
        assert not await scene.bank.attempts(message_id)

    play(database, tmp_path, scenario)


def test_a_type_without_balance_is_sent_to_those_who_may_not_see_it(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(NO_BALANCE)
        message_id = await scene.bank.message("PUSH", alert_type="DEBITED_ABOVE")
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")

    play(database, tmp_path, scenario)


def test_a_balance_is_shown_on_push_and_sms_to_who_chose_so_alone(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("update bank.customer set shows_balance = false where customer_id = 1")
        async with notifier(scene.settings):
            for channel in ("SMS", "PUSH", "EMAIL"):
                await scene.bank.reaches(await scene.bank.message(channel), "ACCEPTED")
            await scene.bank.run("update bank.customer set shows_balance = true where customer_id = 1")
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")

        hidden, shown = [message["body"] for message in await scene.servers.received("SMS")]
        assert (hidden, shown) == ("a-1: balance ***, below €100.00.", "a-1: balance €90.00, below €100.00.")
        (push,) = await scene.servers.received("PUSH")
        assert push["body"] == "a-1: balance ***, below €100.00."
        (mail,) = await scene.servers.received("EMAIL")
        assert "it is now €90.00" in mail["body"]

    play(database, tmp_path, scenario)


def test_a_channel_without_templates_takes_those_of_push(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async def received() -> list[tuple[str, str]]:
            rows = await scene.bank.run("select subject, body from bank.inbox_message order by written_at")
            return [tuple(row) for row in rows]

        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("INBOX"), "ACCEPTED")
            # No balance is private in the list that stands behind the bank's own login.
            assert await received() == [("Your balance is below €100.00", "a-1: balance €90.00, below €100.00.")]
            await scene.bank.run(
                "insert into bank.message_template values ('BALANCE_BELOW', 'INBOX', 'en', 1, 'Own', 'Its own')"
            )
            await scene.bank.reaches(await scene.bank.message("INBOX"), "ACCEPTED")
            assert (await received())[1:] == [("Own", "Its own")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "FRESH_FOR_S", 0.0)
        play(database, tmp_path, scenario)


def test_a_failing_template_fails_its_message_and_stops_nothing_else(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        # The database refuses such a template; its type may have changed since.
        await scene.bank.run("alter table bank.message_template disable trigger check_row")
        await scene.bank.run(
            "insert into bank.message_template values"
            " ('CREDITED_ABOVE', 'PUSH', 'en', 2, null, 'Dear {{ customer.full_name }}, {{ event.no_such_column }}')"
        )
        failing = await scene.bank.message("PUSH", alert_type="CREDITED_ABOVE")
        fine = await scene.bank.message("PUSH", alert_type="DEBITED_ABOVE")
        async with notifier(scene.settings):
            await scene.bank.reaches(fine, "ACCEPTED")
            row = await scene.bank.reaches(failing, "FAILED")

        assert row["reason"] == "template CREDITED_ABOVE en version 2: 'dict object' has no attribute 'no_such_column'"
        assert not await scene.bank.attempts(failing)

    play(database, tmp_path, scenario)


def test_a_message_that_cannot_be_judged_fails_and_stops_nothing_else(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        fine = await scene.bank.message("PUSH", alert_type="DEBITED_ABOVE")
        await scene.bank.customer(2)
        broken = await scene.bank.message("PUSH", customer_id=2)
        # The database refuses such a time zone; the notifier's own may be another day's.
        await scene.bank.run("alter table bank.customer disable trigger all")
        await scene.bank.run(
            "update bank.customer set time_zone = 'No/Where', quiet_from = '22:00', quiet_until = '07:00' where customer_id = 2"
        )
        async with notifier(scene.settings):
            row = await scene.bank.reaches(broken, "FAILED")
            await scene.bank.reaches(fine, "ACCEPTED")

        assert row["reason"] == "it could not be judged: ZoneInfoNotFoundError"
        assert not await scene.bank.attempts(broken)

    play(database, tmp_path, scenario)


def test_a_message_without_template_fails_with_the_reason(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("delete from bank.message_template where alert_type = 'DEBITED_ABOVE'")
        message_id = await scene.bank.message("SMS", alert_type="DEBITED_ABOVE")
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "FAILED")
        assert row["reason"] == "there is no template of DEBITED_ABOVE for en-GB or en"

    play(database, tmp_path, scenario)


def test_a_new_template_version_is_used_without_a_restart(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
            await scene.bank.run(
                "insert into bank.message_template values ('BALANCE_BELOW', 'SMS', 'en', 2, null, 'Second version')"
            )
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
        assert [message["body"] for message in await scene.servers.received("SMS")][1:] == ["Second version"]

    monkeypatch.setattr(templates, "FRESH_FOR_S", 0.0)
    play(database, tmp_path, scenario)


def test_nothing_personal_is_written_to_the_record_or_the_log(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("EMAIL", mode="refuse")
        await scene.servers.behave("SMS", status=400)
        await scene.servers.behave("PUSH", status=503)
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("EMAIL"), "FAILED")
            await scene.bank.reaches(await scene.bank.message("SMS"), "FAILED")
            await scene.bank.is_tried(await scene.bank.message("PUSH"))
        outbox = await scene.bank.run(
            "select o.*, d.* from alerting.outbox o join alerting.delivery_attempt d using (message_id)"
        )
        written = caplog.text + str([dict(row) for row in outbox])
        for personal in (email_of(1), number_of(1), "Lovelace", "€90.00"):
            assert personal not in written

    play(database, tmp_path, scenario)


def test_an_alert_without_an_account_needs_no_permission(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.customer_consent (customer_id, purpose, granted) values (1, 'MARKETING', true)")
        message_id = await scene.bank.message("SMS", alert_type="LOAN_APPLICATION_UNFINISHED", with_account=False)
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")
        (sent,) = await scene.servers.received("SMS")
        assert sent["body"] == "Your loan application is not finished. What you filled in is still there."

    play(database, tmp_path, scenario)
