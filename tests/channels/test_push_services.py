"""PUSH against FCM, APNs and two HTTP providers: what the conformance suite does not ask of every channel."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from bankalerts.errors import BankalertsError
from notifier import apns as apns_module
from notifier import fcm as fcm_module
from notifier.channels.push import Channel
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text
from notifier.providers import Providers
from tests.notifying import servers
from tests.rigs import apns, fcm, settings

Server = TypeVar("Server")

TEXT = Text("Subject", "Body")


def _outgoing() -> Outgoing:
    return Outgoing(uuid4(), TEXT)


async def _send(channel: Channel, target: Target) -> Result:
    provider = next(provider for provider in channel.providers if provider.serves(target))
    return await provider.send(target, _outgoing())


def _play(
    serving: Callable[[Path], AbstractAsyncContextManager[tuple[Server, str]]],
    folder: Path,
    scenario: Callable[[Server, Channel], Awaitable[None]],
) -> None:
    """PUSH before the server that `serving` starts."""

    async def on_stage() -> None:
        async with serving(folder) as (server, url):
            channel = Channel(settings(folder, push_url=url))
            try:
                await scenario(server, channel)
            finally:
                await channel.close()

    asyncio.run(on_stage())


# FCM --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "result"),
    [
        ((404, "UNREGISTERED"), Drop("FCM 404 UNREGISTERED", address_is_dead=True)),
        ((400, "INVALID_ARGUMENT"), Drop("FCM 400 INVALID_ARGUMENT")),
        ((403, "SENDER_ID_MISMATCH"), Drop("FCM 403 SENDER_ID_MISMATCH")),
        ((404, "NOT_FOUND"), Retry("FCM 404 NOT_FOUND", provider_down=True)),
        ((429, "QUOTA_EXCEEDED"), Retry("FCM 429 QUOTA_EXCEEDED", provider_down=True)),
        ((500, "INTERNAL"), Retry("FCM 500 INTERNAL", provider_down=True)),
        ((401, "THIRD_PARTY_AUTH_ERROR"), Retry("FCM 401 THIRD_PARTY_AUTH_ERROR")),
        ((400, "fGx7:APA91b_device-1"), Retry("FCM 400", provider_down=True)),
    ],
)
def test_what_fcm_refuses(tmp_path: Path, error: tuple[int, str], result: Result) -> None:
    async def scenario(server: fcm.FcmServer, channel: Channel) -> None:
        server.mode, server.error = "refuse", error
        assert await _send(channel, fcm.TARGET) == result
        assert len(server.tokens) == 1, "the token is not to blame"

    _play(fcm.serving, tmp_path, scenario)


def test_one_access_token_serves_all_messages_until_it_ends_or_is_refused(tmp_path: Path) -> None:
    async def scenario(server: fcm.FcmServer, channel: Channel) -> None:
        results = await asyncio.gather(*(_send(channel, fcm.TARGET) for _ in range(20)))
        assert all(isinstance(result, Sent) for result in results)
        assert len(server.tokens) == 1
        server.tokens.append("revoked all others")
        assert await _send(channel, fcm.TARGET) == Retry("FCM 401 UNAUTHENTICATED", provider_down=True)
        server.lasts_s = 300
        for _ in range(2):
            assert isinstance(await _send(channel, fcm.TARGET), Sent)
        assert len(server.tokens) == 4, "one that is about to end is not used again"

    _play(fcm.serving, tmp_path, scenario)


def test_without_an_access_token_nothing_is_sent(tmp_path: Path) -> None:
    async def scenario(server: fcm.FcmServer, channel: Channel) -> None:
        server.mode = "no_token"
        assert await _send(channel, fcm.TARGET) == Retry("FCM: no access token: HTTP 400", provider_down=True)
        assert server.taken == []

    _play(fcm.serving, tmp_path, scenario)


def test_a_token_that_never_comes_makes_no_message_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcm_module, "TOKEN_WITHIN_S", 0.2)

    async def scenario(server: fcm.FcmServer, channel: Channel) -> None:
        server.mode = "silent_token"
        results = await asyncio.gather(*(_send(channel, fcm.TARGET) for _ in range(5)))
        assert results == [Retry("FCM: no access token in time", provider_down=True)] * 5
        server.mode = "accept"
        assert isinstance(await _send(channel, fcm.TARGET), Sent)

    _play(fcm.serving, tmp_path, scenario)


def test_a_repetition_replaces_the_notification_on_the_device(tmp_path: Path) -> None:
    async def scenario(server: fcm.FcmServer, channel: Channel) -> None:
        outgoing = _outgoing()
        for _ in range(2):
            await channel.providers[0].send(fcm.TARGET, outgoing)
        assert {message["android"]["notification"]["tag"] for message in server.taken} == {str(outgoing.message_id)}
        assert {message["apns"]["headers"]["apns-collapse-id"] for message in server.taken} == {str(outgoing.message_id)}

    _play(fcm.serving, tmp_path, scenario)


# APNs -------------------------------------------------------------------------------------------------------------


def test_what_apns_refuses(tmp_path: Path) -> None:
    answers = {
        (410, "Unregistered"): Drop("APNs 410 Unregistered", address_is_dead=True),
        (410, ""): Drop("APNs 410", address_is_dead=True),
        (400, "BadDeviceToken"): Drop("APNs 400 BadDeviceToken", address_is_dead=True),
        (400, "DeviceTokenNotForTopic"): Drop("APNs 400 DeviceTokenNotForTopic"),
        (413, "PayloadTooLarge"): Drop("APNs 413 PayloadTooLarge"),
        (400, "TopicDisallowed"): Retry("APNs 400 TopicDisallowed", provider_down=True),
        (400, "<html>"): Retry("APNs 400", provider_down=True),
        (403, "InvalidProviderToken"): Retry("APNs 403 InvalidProviderToken", provider_down=True),
        (404, "BadPath"): Retry("APNs 404 BadPath", provider_down=True),
        (429, "TooManyRequests"): Retry("APNs 429 TooManyRequests"),
        (429, "TooManyProviderTokenUpdates"): Retry("APNs 429 TooManyProviderTokenUpdates", provider_down=True),
        (503, "Shutdown"): Retry("APNs 503 Shutdown", provider_down=True),
    }

    async def scenario(server: apns.ApnsServer, channel: Channel) -> None:
        server.mode = "refuse"
        for error, result in answers.items():
            server.error = error
            assert await _send(channel, apns.TARGET) == result

    _play(apns.serving, tmp_path, scenario)


def test_a_token_that_apns_finds_too_old_is_signed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(server: apns.ApnsServer, channel: Channel) -> None:
        (provider,) = channel.providers
        assert isinstance(provider, apns_module.Apns)
        clock = [float(int(time.time()) - 100)]
        monkeypatch.setattr(provider._token, "_clock", lambda: clock[0])
        assert isinstance(await _send(channel, apns.TARGET), Sent)
        server.oldest_token = clock[0] + 60
        assert await _send(channel, apns.TARGET) == Retry("APNs 403 ExpiredProviderToken", provider_down=True)
        clock[0] += 60
        assert isinstance(await _send(channel, apns.TARGET), Sent)

    _play(apns.serving, tmp_path, scenario)


def test_a_push_id_that_is_no_device_token_is_not_sent(tmp_path: Path) -> None:
    async def scenario(server: apns.ApnsServer, channel: Channel) -> None:
        for wrong in ("", "device-1", "../" * 10, "0" * 201, "00fc13adff785122 HTTP/1.1"):
            assert await _send(channel, Target("key", wrong, "apns")) == Drop("it is no device token of APNs")
        long = dataclasses.replace(_outgoing(), text=Text("Subject", "é" * 2100))
        assert await channel.providers[0].send(apns.TARGET, long) == Drop("it is longer than APNs takes")
        assert server.taken == []

    _play(apns.serving, tmp_path, scenario)


# Which service gets a device, and who takes over ------------------------------------------------------------------


def test_each_device_goes_to_its_own_service_and_the_rest_over_http(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "apns").mkdir()
        (tmp_path / "fcm").mkdir()
        async with (
            servers(tmp_path) as running,
            apns.serving(tmp_path / "apns") as (apple, apns_url),
            fcm.serving(tmp_path / "fcm") as (google, fcm_url),
        ):
            channel = Channel(settings(tmp_path, push_url=f"{fcm_url} {running.settings.push_url} {apns_url}"))
            providers = Providers("PUSH", channel.providers, 64)
            targets = (apns.TARGET, fcm.TARGET, Target("key", "device-1", "local"), Target("key", "device-2"))
            names = [(await providers.send(target, _outgoing()))[0] for target in targets]
            assert names == ["apns", "fcm", "push", "push"]
            assert (len(apple.taken), len(google.taken), len(await running.received("PUSH"))) == (1, 1, 2)
            await channel.close()

    asyncio.run(scenario())


def test_a_second_provider_takes_over_from_one_that_is_down(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with servers(tmp_path) as running:
            base = running.settings.provider_url
            channel = Channel(settings(tmp_path, push_url=f"{base}/push {base}/second/push?rate=1000"))
            providers = Providers("PUSH", channel.providers, 64)
            target = Target("key", "device-1", "local")

            async def sent() -> list[str]:
                found = await asyncio.gather(*(providers.send(target, _outgoing()) for _ in range(20)))
                assert all(isinstance(result, Sent) for _, result in found)
                return [name for name, _ in found]

            assert await sent() == ["push"] * 20
            await running.behave("PUSH", status=503)
            assert await sent() == ["push2"] * 20
            await running.behave("PUSH", status=200)
            assert len(await running.received("PUSH")) == 40
            await channel.close()

    asyncio.run(scenario())


# Settings ---------------------------------------------------------------------------------------------------------


def test_wrong_settings_are_refused_with_the_remedy_and_without_the_key(tmp_path: Path) -> None:
    secret = tmp_path / "secret.pem"
    secret.write_text("-----BEGIN PRIVATE KEY-----\nMIIEvQhidden\n-----END PRIVATE KEY-----\n")
    (tmp_path / "no_account.json").write_text(json.dumps(["hidden"]))
    (tmp_path / "half.json").write_text(json.dumps({"client_email": "a", "private_key": "hidden", "token_uri": "https://t"}))
    whole = f"apns+https://h?key={secret}&key_id=K&team_id=T&topic=x"
    wrong = {
        "apns+https://h": "has no option 'topic'",
        "apns+https://h?topic=x&key=/no/such": "cannot be read",
        whole: "has a 'key' that is no private key",
        f"{whole}&colour=red": "has an option 'colour'",
        "fcm+https://h/v1/projects/p": "has no option 'key'",
        "fcm+https://h/?key=x": "names no project",
        f"fcm+https://h/v1/projects/p?key={tmp_path}/no_account.json": "is no service account",
        f"fcm+https://h/v1/projects/p?key={tmp_path}/half.json": "is no private key",
        "https://h?ca=/no/such": "in 'ca', which cannot be used",
        "smtp://h:25": "write fcm+https://host:port or apns+https://",
    }
    for url, said in wrong.items():
        with pytest.raises(BankalertsError) as refused:
            Channel(settings(tmp_path, push_url=url))
        assert said in str(refused.value), url
        assert "hidden" not in str(refused.value)
