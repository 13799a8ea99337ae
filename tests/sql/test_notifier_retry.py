"""Failures: refused for good, tried again, given up; a dead provider delays nobody else and loses nothing."""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from bankalerts.stack.kept import serve_http
from notifier import send, undrained, worker
from tests.notifying import Scene, email_of, eventually, free_port, notifier, play

REFUSALS = [
    ("EMAIL", {"mode": "refuse"}, "SMTP 550 5.1.1"),
    ("SMS", {"status": 400}, "HTTP 400"),
    ("PUSH", {"status": 410}, "HTTP 410"),
]
TROUBLES = [
    ("EMAIL", {"mode": "tempfail"}, "SMTP 451 4.7.1"),
    ("SMS", {"status": 503}, "HTTP 503"),
    ("PUSH", {"status": 429}, "HTTP 429"),
]
NO_TROUBLE: dict[str, dict[str, object]] = {"EMAIL": {"mode": "accept"}, "SMS": {"status": 200}, "PUSH": {"status": 200}}


@pytest.mark.parametrize(("channel", "behaviour", "reason"), REFUSALS)
def test_what_is_refused_for_good_is_tried_once(
    database: str, tmp_path: Path, channel: str, behaviour: dict[str, object], reason: str
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave(channel, **behaviour)
        message_id = await scene.bank.message(channel)
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "FAILED")

        assert row["reason"] == f"refused for good: {reason}"
        (attempt,) = await scene.bank.attempts(message_id)
        assert (attempt["outcome"], attempt["reason"]) == ("DROP", reason)

    play(database, tmp_path, scenario)


@pytest.mark.parametrize(("channel", "behaviour", "reason"), TROUBLES)
def test_what_fails_for_now_is_tried_again_and_every_attempt_recorded(
    database: str, tmp_path: Path, channel: str, behaviour: dict[str, object], reason: str
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave(channel, **behaviour)
        message_id = await scene.bank.message(channel)
        async with notifier(scene.settings):
            await scene.bank.is_tried(message_id)
            await scene.servers.behave(channel, **NO_TROUBLE[channel])
            await scene.bank.make_due()
            row = await scene.bank.reaches(message_id, "ACCEPTED")

        attempts = await scene.bank.attempts(message_id)
        outcomes = [(attempt["attempt_no"], attempt["outcome"], attempt["reason"]) for attempt in attempts]
        assert outcomes[0] == (1, "RETRY", reason)
        assert outcomes[-1] == (len(attempts), "SENT", None)
        assert row["claimed_at"] <= attempts[0]["started_at"], "claimed_at is the first claim's"
        assert len(await scene.servers.received(channel)) == 1

    play(database, tmp_path, scenario)


def test_a_message_is_given_up_after_a_day(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("EMAIL", mode="tempfail")
        message_id = await scene.bank.message("EMAIL")
        async with notifier(scene.settings):
            await scene.bank.is_tried(message_id)
            await scene.bank.run("update alerting.outbox set written_at = now() - interval '25 hours'")
            await scene.bank.make_due()
            row = await scene.bank.reaches(message_id, "EXPIRED")
        tries = len(await scene.bank.attempts(message_id))
        assert row["reason"] == f"older than its time to live of 24 h, after {tries} attempts: SMTP 451 4.7.1"

    play(database, tmp_path, scenario)


def test_a_message_that_waited_a_day_is_not_sent(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        late = await scene.bank.message("SMS")
        await scene.bank.run("update alerting.outbox set written_at = now() - interval '25 hours'")
        in_time = await scene.bank.message("SMS")
        async with notifier(scene.settings):
            row = await scene.bank.reaches(late, "EXPIRED")
            await scene.bank.reaches(in_time, "ACCEPTED")
        assert row["reason"] == "older than its time to live of 24 h, after 0 attempts"
        assert [sms["message_id"] for sms in await scene.servers.received("SMS")] == [str(in_time)]

    play(database, tmp_path, scenario)


def test_a_wrong_clock_of_the_notifier_gives_nothing_up(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class DayAhead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> DayAhead:
            return cls.fromtimestamp(time.time() + 86_400, tz)

    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("PUSH", status=503)
        message_id = await scene.bank.message("PUSH")
        async with notifier(scene.settings):
            await scene.bank.is_tried(message_id)
        assert (await scene.bank.outbox(message_id))["state"] == "PENDING"

    for module in (send, worker):
        monkeypatch.setattr(module, "datetime", DayAhead)
    play(database, tmp_path, scenario)


def test_a_device_that_took_the_message_does_not_get_it_again(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        tried: list[str] = []

        async def take(request: web.Request) -> web.Response:
            device = (await request.json())["to"]
            tried.append(device)
            return web.Response(status=503 if device == "slow" and tried.count("slow") < 3 else 200)

        application = web.Application()
        application.add_routes([web.post("/push", take)])
        port = free_port()
        runner = await serve_http(application, port)
        await scene.bank.run("insert into bank.push_device values ('slow', 1, 'WEB', 'local')")
        message_id = await scene.bank.message("PUSH")
        async with notifier(dataclasses.replace(scene.settings, push_url=f"http://127.0.0.1:{port}/push")):
            row = await scene.bank.reaches(message_id, "ACCEPTED")
        await runner.cleanup()

        assert tried.count("slow") == 3
        assert tried.count("device-1") == 1
        attempts = await scene.bank.attempts(message_id)
        assert [(a["attempt_no"], a["target"], a["outcome"]) for a in attempts] == [
            (1, "device-1", "SENT"),
            (1, "slow", "RETRY"),
            (2, "slow", "RETRY"),
            (3, "slow", "SENT"),
        ]
        assert row["handed_at"] == attempts[0]["finished_at"]

    play(database, tmp_path, scenario)


def test_a_dead_mail_server_delays_no_push_and_loses_no_mail(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        customers = list(range(1, 61))
        for customer_id in customers[1:]:
            await scene.bank.customer(customer_id)
        await scene.servers.behave("EMAIL", mode="down")
        async with notifier(scene.settings):
            mails = await scene.bank.messages("EMAIL", customers)
            pushes = await scene.bank.messages("PUSH", customers)
            for message_id in pushes:
                await scene.bank.reaches(message_id, "ACCEPTED")
            assert not await scene.bank.run("select from alerting.outbox where channel = 'EMAIL' and state <> 'PENDING'")

            await scene.servers.behave("EMAIL", mode="accept")
            for message_id in mails:
                await scene.bank.reaches(message_id, "ACCEPTED")

        received = await scene.servers.received("EMAIL")
        assert sorted(mail["to"] for mail in received) == sorted(email_of(customer_id) for customer_id in customers)
        reasons = await scene.bank.run("select distinct reason from alerting.delivery_attempt where outcome = 'RETRY'")
        assert [row["reason"] for row in reasons] == ["SMTP failed with SMTPConnectError"]
        # Most mails were never tried in vain: while the server is down one message at a time finds out.
        in_vain = await scene.bank.run("select from alerting.delivery_attempt where outcome = 'RETRY'")
        assert len(in_vain) < len(customers)

    play(database, tmp_path, scenario)


def test_a_provider_that_hangs_up_gets_the_same_key_again(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("PUSH", drop_answer=True)
        message_id = await scene.bank.message("PUSH")
        async with notifier(scene.settings):
            await scene.bank.is_tried(message_id)
            await scene.servers.behave("PUSH")
            await scene.bank.make_due()
            await scene.bank.reaches(message_id, "ACCEPTED")

        received = await scene.servers.received("PUSH")
        assert len(received) >= 2, "what the provider took and did not confirm is sent again"
        assert len({message["idempotency_key"] for message in received}) == 1

    play(database, tmp_path, scenario)


def test_messages_of_a_channel_without_a_worker_wait_and_are_told_of(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.channel values ('PIGEON')")
        waiting = await scene.bank.message("PIGEON")
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
            await eventually(partial(is_logged, caplog, "PIGEON: 1 messages are due"), "a warning of the pigeon's message")
            assert caplog.text.count("PIGEON") == 1
        assert (await scene.bank.outbox(waiting))["state"] == "PENDING"
        (due,) = await scene.bank.run("select channel, attempts from alerting.outbox_due")
        assert tuple(due) == ("PIGEON", 0)

    play(database, tmp_path, scenario)


def test_a_channel_without_a_worker_is_told_of_again_and_again(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.channel values ('PIGEON')")
        async with notifier(scene.settings):
            await scene.bank.messages("PIGEON", [1, 1])
            await eventually(partial(is_logged, caplog, "PIGEON: 2 messages are due", 3), "three warnings")
        told = [record for record in caplog.records if record.name == undrained.__name__]
        assert {(record.levelname, record.getMessage().split(":")[0]) for record in told} == {("WARNING", "PIGEON")}

    monkeypatch.setattr(undrained, "LOOK_EVERY_S", 0.02)
    play(database, tmp_path, scenario)


async def is_logged(caplog: pytest.LogCaptureFixture, text: str, times: int = 1) -> bool:
    """Whether the log has this text so often."""
    return caplog.text.count(text) >= times


def test_many_devices_are_tried_at_once(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("PUSH", delay_ms=300)
        await scene.bank.run("insert into bank.push_device select 'd' || g, 1, 'WEB', 'local' from generate_series(1, 10) g")
        message_id = await scene.bank.message("PUSH")
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")
        attempts = await scene.bank.attempts(message_id)
        assert len(attempts) == 11
        assert max(a["started_at"] for a in attempts) < min(a["finished_at"] for a in attempts)

    play(database, tmp_path, scenario)
