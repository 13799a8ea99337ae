"""PUSH on its whole way: a device that its service calls unregistered is retired, and the alert comes as SMS instead."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.notifying import Scene, notifier, number_of, play
from tests.rigs import fcm


def test_an_unregistered_device_is_retired_and_the_alert_comes_as_sms(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run("update bank.push_device set provider = 'fcm', push_id = 'token-1' where customer_id = 1")
        await scene.bank.customer(2)
        async with fcm.serving(tmp_path) as (google, url):
            settings = dataclasses.replace(scene.settings, push_url=f"{url} {scene.settings.push_url}")
            async with notifier(settings):
                first = await scene.bank.reaches(await scene.bank.message("PUSH"), "ACCEPTED")
                assert [taken["token"] for taken in google.taken] == ["token-1"]
                google.mode = "refuse"
                second = await scene.bank.reaches(await scene.bank.message("PUSH"), "FAILED")
                await scene.bank.reaches(await scene.bank.message("PUSH", 2), "ACCEPTED")
                (device,) = await scene.bank.run("select * from bank.push_device where push_id = 'token-1'")
                assert device["retired_at"] is not None
                assert "UNREGISTERED" in device["retired_reason"]
                google.mode = "accept"
                third = await scene.bank.message("PUSH")
                await scene.bank.reaches(third, "SUPPRESSED")
                for refused in (second["alert_id"], (await scene.bank.outbox(third))["alert_id"]):
                    fallback = (await scene.bank.run("select alerting.message_id($1, 'SMS') as id", refused))[0]["id"]
                    row = await scene.bank.reaches(fallback, "ACCEPTED")
                    assert row["falls_back_from"] == "PUSH"
            assert len(google.taken) == 1
        (attempt,) = await scene.bank.attempts(first["message_id"])
        assert (attempt["outcome"], attempt["provider"], attempt["provider_ref"]) == ("SENT", "fcm", "0:1%31bd1c9631bd1c96")
        (attempt,) = await scene.bank.attempts(second["message_id"])
        assert (attempt["outcome"], attempt["provider"], attempt["reason"]) == ("DROP", "fcm", "FCM 404 UNREGISTERED")
        assert [message["to"] for message in await scene.servers.received("SMS")] == [number_of(1)] * 2
        assert [message["to"] for message in await scene.servers.received("PUSH")] == ["device-2"]

    play(database, tmp_path, scenario)


def test_while_the_first_provider_is_down_the_second_delivers_and_no_attempt_is_lost(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        base = scene.settings.provider_url
        settings = dataclasses.replace(scene.settings, push_url=f"{base}/push {base}/second/push")
        await scene.servers.behave("PUSH", status=503)
        async with notifier(settings):
            for _ in range(3):
                message_id = await scene.bank.message("PUSH")
                row = await scene.bank.reaches(message_id, "ACCEPTED")
                assert not row["may_be_twice"]
                (attempt,) = await scene.bank.attempts(message_id)
                assert (attempt["attempt_no"], attempt["provider"]) == (1, "push2")

    play(database, tmp_path, scenario)
