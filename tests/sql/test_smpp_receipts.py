"""Delivery reports over SMPP: they come to the session, and are taken as receipts over HTTP are."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import smpp34
from aiosmpplib.state import SmppCommandStatus as Status
from standardwebhooks.webhooks import Webhook

from notifier import receipt_book, retry, smpp_provider
from notifier.database import Database
from notifier.http_post import idempotency_key
from notifier.message import Outgoing, Sent, Target, Text
from notifier.provider_url import provider_urls
from notifier.smpp_pdu import NETWORK_ERROR_CODE
from notifier.smpp_provider import SmppProvider
from tests import notifying
from tests.notifying import EVENT_DATE, Bank, eventually, free_port
from tests.rigs.sms_smpp import Centre, centre_at

SECRET = f"whsec_{'a' * 32}"
UNKNOWN_SUBSCRIBER = smpp34.Tlv(NETWORK_ERROR_CODE, b"\x03\0\x01")


@dataclass
class Scene:
    """A bank with customer 1, and a provider that is bound to a message centre."""

    bank: Bank
    centre: Centre
    provider: SmppProvider

    async def taken(self, body: str = "hello") -> tuple[UUID, list[str]]:
        """A message that the centre took, recorded as the notifier does; the names of its parts."""
        before = len(self.centre.taken)
        message_id = await self.bank.message("SMS")
        result = await self.provider.send(Target("key", "+31612345678"), Outgoing(message_id, Text(None, body)))
        assert isinstance(result, Sent)
        await self.record(message_id, result.provider_ref)
        return message_id, [name for name, _ in self.centre.taken[before:]]

    async def record(self, message_id: UUID, reference: str | None) -> None:
        await self.bank.run("delete from alerting.outbox_due where message_id = $1", message_id)
        await self.bank.run(
            "update alerting.outbox set state = 'ACCEPTED', claimed_at = now(), handed_at = now(), finished_at = now()"
            " where message_id = $1",
            message_id,
        )
        await self.bank.run(
            "insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at,"
            " outcome, provider_ref, provider) values ($1, $2, 1, 'key', now(), now(), 'SENT', $3, 'smpp')",
            message_id,
            EVENT_DATE,
            reference,
        )

    async def state(self, message_id: UUID) -> tuple[str, str | None]:
        """The message's state and reason."""
        row = await self.bank.outbox(message_id)
        return row["state"], row["reason"]

    async def is_refused(self, reason: str, receipts: int) -> bool:
        """Whether so many reports were counted as refused."""
        rows = await self.bank.run("select receipts from alerting.refused_receipt where reason = $1", reason)
        return [row["receipts"] for row in rows] == [receipts]


Scenario = Callable[[Scene], Awaitable[None]]


@pytest.fixture
def play(database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    monkeypatch.setattr(smpp_provider, "WAIT_FOR_MESSAGE_S", 0.1)
    monkeypatch.setattr(receipt_book, "FLUSH_S", 0.05)

    async def on_stage(scenario: Scenario) -> None:
        port = free_port()
        async with AsyncExitStack() as stack:
            centre = await stack.enter_async_context(centre_at(port))
            connection = await asyncpg.connect(database)
            stack.push_async_callback(connection.close)
            bank = Bank(connection)
            await bank.customer(1)
            pool = await Database.connect(database, "smpp-test", 3)
            stack.push_async_callback(pool.close)
            url = f"smpp://bank:secret@127.0.0.1:{port}?dead=404,00D"
            provider = SmppProvider(provider_urls("BANKALERTS_SMS_URL", url, "SMS", ("smpp",))[0])
            stack.push_async_callback(provider.close)
            await provider.open(pool)
            # Bound though nothing was sent: reports on what another process sent come here.
            await centre.bound.wait()
            await scenario(Scene(bank, centre, provider))

    return lambda scenario: asyncio.run(on_stage(scenario))


def test_reports_become_receipts(play: Callable[[Scenario], None]) -> None:
    async def scenario(scene: Scene) -> None:
        cases: list[tuple[str, list[smpp34.Tlv], tuple[str, str | None], bool]] = [
            ("stat:DELIVRD err:000", [], ("DELIVERED", None), False),
            ("stat:UNDELIV err:001", [], ("FAILED", "taken and not delivered UNDELIV:001"), False),
            ("stat:EXPIRED", [], ("FAILED", "taken and not delivered EXPIRED"), False),
            ("stat:UNDELIV err:001", [UNKNOWN_SUBSCRIBER], ("FAILED", "bounced UNDELIV:001"), True),
            ("stat:UNDELIV err:00D", [], ("FAILED", "bounced UNDELIV:00D"), True),
            ("stat:ACCEPTD", [], ("ACCEPTED", None), False),
        ]
        for text, tlvs, expected, is_suppressed in cases:
            message_id, (name,) = await scene.taken()
            assert await scene.centre.report(f"id:{name} sub:001 dlvrd:001 {text} text:hello", tlvs=tlvs) == Status.ESME_ROK
            assert await scene.state(message_id) == expected, text
            suppressed = await scene.bank.run("delete from alerting.suppressed_address returning channel, target")
            assert [tuple(row) for row in suppressed] == ([("SMS", "key")] if is_suppressed else []), text

    play(scenario)


def test_what_is_unknown_comes_again_and_what_is_malformed_does_not(play: Callable[[Scenario], None]) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.taken()
        before = await scene.bank.run("select t::text from alerting.outbox t")
        assert await scene.centre.report("id:nobody-has-it stat:DELIVRD") == Status.ESME_RX_T_APPN
        assert await scene.centre.report("hello") == Status.ESME_RX_P_APPN
        assert await scene.centre.report("id:7") == Status.ESME_RX_P_APPN
        await eventually(lambda: scene.is_refused("UNKNOWN_MESSAGE", 1), "the unknown one is counted")
        await eventually(lambda: scene.is_refused("MALFORMED", 2), "the malformed ones are counted")
        # A customer's answer is no report; nobody asks for it, and the session goes on.
        assert await scene.centre.says("STOP") == Status.ESME_ROK
        assert await scene.bank.run("select t::text from alerting.outbox t") == before

    play(scenario)


def test_a_report_that_overtakes_the_record_waits_for_it(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_provider, "WAIT_FOR_MESSAGE_S", 10.0)

    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message("SMS")
        reporting = asyncio.create_task(scene.centre.report("id:early stat:DELIVRD"))
        asked = "select from pg_stat_activity where application_name = 'smpp-test' and query = 'ROLLBACK;'"
        await eventually(lambda: scene.bank.run(asked), "the report asks for its message")
        await scene.record(message_id, "early")
        assert await reporting == Status.ESME_ROK
        assert await scene.state(message_id) == ("DELIVERED", None)

    play(scenario)


def test_a_long_text_is_delivered_with_its_last_part_and_bounces_with_any(play: Callable[[Scenario], None]) -> None:
    async def scenario(scene: Scene) -> None:
        message_id, (first, second, third) = await scene.taken("a" * 400)
        for name in (third, first):
            assert await scene.centre.report(f"id:{name} stat:DELIVRD") == Status.ESME_ROK
            assert await scene.state(message_id) == ("ACCEPTED", None)
        assert await scene.centre.report(f"id:{second} stat:DELIVRD") == Status.ESME_ROK
        assert await scene.state(message_id) == ("DELIVERED", None)

        message_id, (first, second, third) = await scene.taken("b" * 400)
        await scene.centre.report(f"id:{first} stat:DELIVRD")
        await scene.centre.report(f"id:{third} stat:UNDELIV err:404")
        assert await scene.state(message_id) == ("FAILED", "bounced UNDELIV:404")

    play(scenario)


def test_reports_in_numbers_are_all_taken(play: Callable[[Scenario], None]) -> None:
    async def scenario(scene: Scene) -> None:
        names = []
        for _ in range(60):
            message_id, name = await scene.bank.message("SMS"), uuid4().hex
            await scene.record(message_id, name)
            names.append(name)
        statuses = await asyncio.gather(*(scene.centre.report(f"id:{name} stat:DELIVRD") for name in names))
        assert set(statuses) == {Status.ESME_ROK}
        states = await scene.bank.run("select distinct state from alerting.outbox")
        assert [row["state"] for row in states] == ["DELIVERED"]

    play(scenario)


def test_a_notifier_sends_and_takes_what_is_said_of_it(database: str, tmp_path: Path) -> None:
    """The whole way, by both doors: SMS by a message centre, PUSH by the local provider and the HTTP endpoint."""

    async def scenario(scene: notifying.Scene) -> None:
        port, listens_at = free_port(), f"127.0.0.1:{free_port()}"
        settings = dataclasses.replace(
            scene.settings, sms_url=f"smpp://bank:secret@127.0.0.1:{port}", receipts_listen=listens_at, receipts_secrets=SECRET
        )
        async with centre_at(port) as centre, notifying.notifier(settings):
            text, notice = await scene.bank.message("SMS"), await scene.bank.message("PUSH")
            await scene.bank.reaches(text, "ACCEPTED")
            (name, part), *_ = centre.taken
            assert f"+{part.destination_addr}" == notifying.number_of(1)
            assert await centre.report(f"id:{name} stat:DELIVRD") == Status.ESME_ROK
            await scene.bank.reaches(text, "DELIVERED")

            await scene.bank.reaches(notice, "ACCEPTED")
            (attempt,) = await scene.bank.attempts(notice)
            said = {"provider_ref": attempt["provider_ref"], "status": "BOUNCED", "reason": "UNREGISTERED"}
            await post(scene, listens_at, attempt["provider"], said)
            await scene.bank.reaches(notice, "FAILED")
            # Its alert goes out by SMS instead.
            await eventually(lambda: is_taken(centre, 2), "the SMS in its place")

    notifying.play(database, tmp_path, scenario)


async def is_taken(centre: Centre, parts: int) -> bool:
    return len(centre.taken) == parts


async def post(scene: notifying.Scene, listens_at: str, provider: str, said: dict[str, Any]) -> None:
    """Post one receipt as this provider; it is taken."""
    body, now = json.dumps({"receipts": [said]}), datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
    }
    async with scene.servers.http.post(f"http://{listens_at}/receipts/{provider}", data=body, headers=signed) as answer:
        assert answer.status == 204, await answer.text()


def test_a_receipt_spares_the_customer_the_repetition(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was lost, so it would be sent again; then the provider says that the customer has it."""
    monkeypatch.setattr(retry, "message_delay_s", lambda *_: 3600.0)

    async def scenario(scene: notifying.Scene) -> None:
        listens_at = f"127.0.0.1:{free_port()}"
        settings = dataclasses.replace(scene.settings, receipts_listen=listens_at, receipts_secrets=SECRET)
        await scene.servers.behave("SMS", drop_answer=True)
        async with notifying.notifier(settings):
            message_id = await scene.bank.message("SMS")
            await scene.bank.is_tried(message_id)
            (attempt,) = await scene.bank.attempts(message_id)
            assert attempt["outcome"] == "UNKNOWN"
            key = idempotency_key(message_id, notifying.number_of(1))
            await post(scene, listens_at, attempt["provider"], {"provider_ref": key, "status": "DELIVERED"})
            await scene.servers.behave("SMS")
            await scene.bank.make_due()
            row = await scene.bank.reaches(message_id, "DELIVERED")
        assert row["delivered_at"] is not None
        assert not row["may_be_twice"]
        assert len(await scene.servers.received("SMS")) == 1

    notifying.play(database, tmp_path, scenario)
