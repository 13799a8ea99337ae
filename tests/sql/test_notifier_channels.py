"""WEBHOOK, INBOX and EMAIL on their whole way, from the outbox to the receiver and what is known afterwards."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.notifying import Scene, email_of, notifier, play

OLD, NEW = ("whsec_" + letter * 32 for letter in "AB")


@asynccontextmanager
async def receiver(status: list[int]) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of webhooks: its URL, and what it got that both secrets have signed. It answers the last of `status`."""
    taken: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        contents = [Webhook(secret).verify(body, dict(request.headers)) for secret in (OLD, NEW)]
        taken.append({**contents[0], "id": request.headers["webhook-id"]})
        return web.Response(status=status[-1])

    application = web.Application()
    application.add_routes([web.post("/alerts", take)])
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/alerts", taken
    finally:
        await runner.cleanup()


def test_a_webhook_gets_it_signed_with_both_secrets_until_it_says_gone(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        status = [204]
        async with receiver(status) as (url, taken):
            await scene.bank.run("insert into bank.contact_address values (1, 'WEBHOOK', $1, now())", url)
            await scene.bank.run(
                "insert into bank.webhook_secret (customer_id, address, secret, made_at)"
                " select 1, $1, s, now() - interval '1 day' * n from unnest($2::text[]) with ordinality x (s, n)",
                url,
                [NEW, OLD],
            )
            async with notifier(dataclasses.replace(scene.settings, webhook_networks="127.0.0.1/32")):
                message_id = await scene.bank.message("WEBHOOK")
                await scene.bank.reaches(message_id, "ACCEPTED")
                status.append(410)
                row = await scene.bank.reaches(await scene.bank.message("WEBHOOK"), "FAILED")
                assert "HTTP 410" in row["reason"]
                row = await scene.bank.reaches(await scene.bank.message("WEBHOOK"), "SUPPRESSED")
                assert "dead" in row["reason"]
            first, second = taken
            assert (first["type"], first["data"]["message_id"]) == ("BALANCE_BELOW", str(message_id))
            assert first["data"]["body"]
            assert first["id"] != second["id"]

    play(database, tmp_path, scenario)


def test_a_webhook_into_the_banks_own_network_is_refused(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with receiver([204]) as (url, taken):
            await scene.bank.run("insert into bank.contact_address values (1, 'WEBHOOK', $1, now())", url)
            await scene.bank.run("insert into bank.webhook_secret (customer_id, address, secret) values (1, $1, $2)", url, NEW)
            async with notifier(scene.settings):
                row = await scene.bank.reaches(await scene.bank.message("WEBHOOK"), "FAILED")
            assert "leads where nothing is sent" in row["reason"]
            assert taken == []

    play(database, tmp_path, scenario)


def test_the_inbox_has_it_with_nothing_but_a_customer(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            message_ids = await scene.bank.messages("INBOX", [1, 1])
            for message_id in message_ids:
                await scene.bank.reaches(message_id, "ACCEPTED")
                (attempt,) = await scene.bank.attempts(message_id)
                assert (attempt["target"], attempt["outcome"], attempt["provider"]) == ("customer", "SENT", "inbox")
        rows = await scene.bank.run("select * from bank.inbox_message where customer_id = 1 order by written_at desc")
        assert {row["message_id"] for row in rows} == set(message_ids)
        for row in rows:
            assert (row["alert_type"], row["read_at"]) == ("BALANCE_BELOW", None)
            assert "90" in row["body"], "the inbox is behind a login: it shows the balance"

    play(database, tmp_path, scenario)


def test_an_address_that_the_mail_server_calls_dead_gets_no_more(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("EMAIL", mode="refuse")
        async with notifier(scene.settings):
            row = await scene.bank.reaches(await scene.bank.message("EMAIL"), "FAILED")
            assert "SMTP 550 5.1.1" in row["reason"]
            await scene.servers.behave("EMAIL", mode="accept")
            await scene.bank.reaches(await scene.bank.message("EMAIL"), "SUPPRESSED")
        (dead,) = await scene.bank.run("select * from alerting.suppressed_address")
        assert (dead["channel"], dead["target"]) == ("EMAIL", hashlib.sha256(email_of(1).encode()).hexdigest())
        assert await scene.servers.received("EMAIL") == []

    play(database, tmp_path, scenario)


def test_a_mail_whose_answer_is_lost_is_sent_again_and_marked(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("EMAIL", mode="drop")
        async with notifier(scene.settings):
            message_id = await scene.bank.message("EMAIL")
            await scene.bank.is_tried(message_id)
            await scene.servers.behave("EMAIL", mode="accept")
            await scene.bank.make_due()
            row = await scene.bank.reaches(message_id, "ACCEPTED")
        assert row["may_be_twice"]
        assert [attempt["outcome"] for attempt in await scene.bank.attempts(message_id)] == ["UNKNOWN", "SENT"]
        mails = await scene.servers.received("EMAIL")
        assert {mail["message_id"] for mail in mails} == {str(message_id)}

    play(database, tmp_path, scenario)
