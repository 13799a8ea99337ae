"""WEBHOOK: what a receiver gets and can verify, and receivers that hang, are gone, or never stop talking."""

from __future__ import annotations

import asyncio

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from notifier.channels import webhook
from notifier.channels.webhook import NO_CONNECTION
from notifier.message import Drop, Retry, Sent
from tests.notifying import eventually
from tests.webhook_listener import NEW, OLD, OLDEST, OUTGOING, Listener, listening, play, receivers, send


def test_both_secrets_sign_while_they_are_exchanged() -> None:
    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.1/32") as provider:
            url = f"http://127.0.0.1:{listener.port}/hook?x=1"
            assert isinstance(await send(provider, url, (NEW, OLD, OLDEST)), Sent)
            assert isinstance(await send(provider, url, (NEW, OLD, OLDEST)), Sent)
            assert isinstance(await send(provider, url, (NEW,)), Sent)
        (headers, body), (again, _), (alone, _) = listener.requests
        for secret in (NEW, OLD):
            assert Webhook(secret).verify(body, headers) == {
                "type": "BALANCE_BELOW",
                "timestamp": "2026-03-01T12:30:00Z",
                "data": {
                    "message_id": str(OUTGOING.message_id),
                    "title": "Your balance",
                    "body": "€90.00 <b>\n",
                    "locale": "nl-NL",
                },
            }
        for secret, told in ((OLDEST, headers), (OLD, alone)):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body, told)
        assert headers["webhook-id"] == again["webhook-id"]
        assert "." not in headers["webhook-id"]
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(body.replace(b"90", b"99"), headers)

    play(scenario)


@pytest.mark.parametrize("secrets", [(), ("whsec_",), ("whsec_\x00",), (NEW, "nonsense!")])
def test_nothing_is_sent_unsigned(secrets: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with listening(Listener()) as listener, receivers("127.0.0.1/32") as provider:
            result = await send(provider, f"http://127.0.0.1:{listener.port}/hook", secrets)
            assert listener.connections == 0
            assert result == Drop("it has no secret to sign with")

    play(scenario)


def test_an_endless_answer_is_not_read() -> None:
    async def scenario() -> None:
        endless = Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100)
        async with listening(endless) as listener, receivers("127.0.0.1/32") as provider:
            assert isinstance(await send(provider, f"http://127.0.0.1:{listener.port}/hook"), Sent)

    play(scenario)


def test_one_receiver_that_hangs_leaves_room_for_the_others() -> None:
    async def scenario() -> None:
        async with (
            listening(Listener(b"", hosts=("127.0.0.2",))) as hanging,
            listening(Listener(hosts=("127.0.0.1",))) as working,
            receivers("127.0.0.0/8") as provider,
        ):
            held = [asyncio.create_task(send(provider, f"http://127.0.0.2:{hanging.port}/{n}")) for n in range(20)]
            done, waiting = await asyncio.wait(held, return_when=asyncio.ALL_COMPLETED, timeout=0.2)
            refused = [task.result() for task in done]
            assert refused
            assert all(isinstance(result, Retry) and result.after_s for result in refused)
            assert not any(isinstance(result, Retry) and result.provider_down for result in refused)
            assert isinstance(await send(provider, f"http://127.0.0.1:{working.port}/hook"), Sent)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    play(scenario)


def test_a_receiver_that_is_gone_is_asked_by_one_message_at_a_time() -> None:
    async def scenario() -> None:
        async with listening(Listener(hosts=("127.0.0.3",))) as working, receivers("127.0.0.0/8") as provider:
            gone = f"http://127.0.0.2:{working.port}/hook"
            results = [await send(provider, gone) for _ in range(20)]
            assert results[:3] == [NO_CONNECTION] * 3
            assert all(isinstance(result, Retry) and result.after_s and not result.provider_down for result in results[3:])
            assert isinstance(await send(provider, f"http://127.0.0.3:{working.port}/hook"), Sent)
            async with listening(Listener(hosts=("127.0.0.2",), port=working.port)):

                async def is_back() -> bool:
                    return isinstance(await send(provider, gone), Sent)

                await eventually(is_back, "the receiver is tried again", 10)
                assert await is_back()

    play(scenario)


def test_receivers_that_fail_are_not_kept_in_mind_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer may name a thousand servers that are not there; each that answers is forgotten at once."""
    monkeypatch.setattr(webhook, "FAILING_MAX", 3, raising=False)

    async def nowhere(_host: str) -> list[str]:
        raise OSError("no such name")

    async def scenario() -> None:
        async with receivers(resolve=nowhere) as provider:
            for number in (*range(10), 8, 11):
                assert await send(provider, f"https://r{number}.example/hook") == NO_CONNECTION
            # the last that failed, each once
            assert list(provider._failing) == ["r9.example", "r8.example", "r11.example"]

    play(scenario)
