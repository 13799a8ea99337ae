"""SMS over SMPP, as far as it is not every channel's: long texts, the session, the bind. The message centre is smpp34's."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from aiosmpplib.state import SmppCommand
from aiosmpplib.state import SmppCommandStatus as Status

from bankalerts.errors import BankalertsError
from notifier import smpp, smpp_provider
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text, Unknown
from notifier.provider_url import provider_urls
from notifier.smpp_pdu import HEADER
from notifier.smpp_provider import SmppProvider
from tests.notifying import eventually, free_port
from tests.rigs.sms_smpp import Centre, Relay, centre_at

NUMBER = Target("key", "+31612345678")


def provider_at(port: int, options: str = "from=Bank") -> SmppProvider:
    (url,) = provider_urls("BANKALERTS_SMS_URL", f"smpp://bank:s%40cret@127.0.0.1:{port}?{options}", "SMS", ("smpp",))
    return SmppProvider(url)


@asynccontextmanager
async def bound(options: str = "from=Bank") -> AsyncIterator[tuple[SmppProvider, Centre]]:
    port = free_port()
    provider = provider_at(port, options)
    async with centre_at(port) as centre:
        try:
            yield provider, centre
        finally:
            await provider.close()


async def send(provider: SmppProvider, body: str, message_id: UUID | None = None) -> Result:
    return await provider.send(NUMBER, Outgoing(message_id or uuid4(), Text(None, body)))


@pytest.mark.parametrize("text", ["word €[] " * 60, "слово 😀 " * 40], ids=["GSM", "UCS-2"])
def test_a_long_text_is_joined_again(text: str) -> None:
    async def scenario() -> None:
        async with bound() as (provider, centre):
            message_id = uuid4()
            first, second = await send(provider, text, message_id), await send(provider, text, message_id)
            assert [message["body"] for message in centre.texts()] == [text, text]
            parts = [event for _, event in centre.taken]
            names = [name for name, _ in centre.taken]
            assert (first, second) == (Sent(names[0]), Sent(names[len(parts) // 2]))  # the first part's name is the text's
            assert {(event.esm_class, event.registered_delivery, event.source_addr) for event in parts} == {(0x40, 1, "Bank")}
            # A repetition joins under the same reference: a telephone shows what came twice once.
            assert {event.short_message[3] for event in parts} == {message_id.bytes[0]}

    asyncio.run(scenario())


def test_texts_for_one_number_go_in_turn(caplog: pytest.LogCaptureFixture) -> None:
    """Two may have the same reference, and a telephone would mix them."""

    async def scenario() -> None:
        async with bound() as (provider, centre):
            texts = [f"{number:03d} " * 100 for number in range(40)]
            same = UUID(int=0)
            await asyncio.gather(*(send(provider, text, same) for text in texts))
            assert sorted(message["body"] for message in centre.texts()) == texts

    asyncio.run(scenario())
    assert not caplog.records


def test_a_part_that_the_centre_has_no_room_for_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp_provider, "PART_PAUSE_S", 0.01)

    async def scenario() -> None:
        async with bound() as (provider, centre):
            centre.refuse_parts = {2: [Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL]}
            assert isinstance(await send(provider, "a" * 400), Sent)
            assert [message["body"] for message in centre.texts()] == ["a" * 400]

            # What was taken of a text cannot be taken back: the outcome is unknown.
            centre.refuse_parts = {3: [Status.ESME_RINVDSTADR]}
            assert await send(provider, "b" * 400) == Unknown("part 3 of 3: SMPP ESME_RINVDSTADR")
            centre.refuse_parts = {1: [Status.ESME_RTHROTTLED]}
            assert await send(provider, "c" * 400) == Retry("SMPP ESME_RTHROTTLED", provider_down=True)

    asyncio.run(scenario())


def test_what_no_telephone_can_have_is_dropped() -> None:
    async def scenario() -> None:
        async with bound() as (provider, centre):
            for address in ("", "ada", "+31 6", "+31٦12345678", "+316" + "1" * 20, "31612345678\r\n", "+31612345678 or 1"):
                result = await provider.send(Target("key", address), Outgoing(uuid4(), Text(None, "a")))
                assert result == Drop("it is no telephone number")
            assert await send(provider, "") == Drop("the text is empty")
            assert await send(provider, "a" * 40_000) == Drop("the text needs 262 SMS, at most 255 can be joined")
            assert centre.taken == []

    asyncio.run(scenario())


def test_more_than_the_window_waits_and_then_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp_provider, "PLACE_WITHIN_S", 0.05)

    async def scenario() -> None:
        async with bound("window=2") as (provider, centre):
            centre.mode = "silent"
            waiting = [asyncio.create_task(send(provider, "a")) for _ in range(3)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert [task.result() for task in done] == [Retry("too many requests wait for the message centre's answer")]
            await provider.close()
            assert sorted(map(str, await asyncio.gather(*waiting))).count(str(Unknown("it was closed"))) == 2

    asyncio.run(scenario())


def test_without_an_answer_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp, "ANSWER_WITHIN_S", 0.05)

    async def scenario() -> None:
        async with bound() as (provider, centre):
            assert isinstance(await send(provider, "a"), Sent)
            centre.mode = "silent"
            assert await send(provider, "b") == Unknown("no answer within 0 s")

    asyncio.run(scenario())


def test_a_session_that_has_gone_silent_is_bound_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stands, and nothing comes back: found out without sending anything."""
    monkeypatch.setattr(smpp, "SILENT_S_MAX", 0.05)
    monkeypatch.setattr(smpp, "ANSWER_WITHIN_S", 0.2)

    async def scenario() -> None:
        port, centre_port = free_port(), free_port()
        relay = Relay(port, centre_port)
        provider = provider_at(port)
        async with centre_at(centre_port) as centre:
            await relay.start()
            keeping = asyncio.create_task(provider.keep_bound())
            await centre.bound.wait()
            centre.bound.clear()
            relay.mode = "hang"
            await centre.bound.wait()
            relay.mode = "accept"
            await eventually(lambda: is_sent(provider), "messages are taken again")
            keeping.cancel()
            await provider.close()
            await relay.stop()

    asyncio.run(scenario())


async def is_sent(provider: SmppProvider) -> bool:
    return isinstance(await send(provider, "a"), Sent)


@asynccontextmanager
async def answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A server that answers the first octets of each connection so, at the port given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await reader.read(1000)))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def refused(status: Status) -> Callable[[bytes], bytes]:
    return lambda _: HEADER.pack(17, SmppCommand.BIND_TRANSCEIVER_RESP, status, 1) + b"\0"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(Status.ESME_RINVPASWD), "the message centre refuses to bind: ESME_RINVPASWD"),
        (
            lambda _: b"220 mail.example.org ESMTP\r\n",
            "the message centre does not bind (the message centre sent what is no SMPP)",
        ),
        (lambda _: HEADER.pack(16, 0x80000000, 3, 1), "the message centre refuses to bind: ESME_RINVCMDID"),
    ],
)
def test_without_a_bind_nothing_is_sent(
    answer: Callable[[bytes], bytes], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with answering(answer) as port:
            provider = provider_at(port)
            assert await send(provider, "a") == Retry(reason, provider_down=True)
            await provider.close()

    asyncio.run(scenario())
    assert not re.search("s@cret|s%40cret|31612345678", caplog.text)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("smpp://bank:secret@127.0.0.1", "has no port"),
        ("smpp://bank:toolongsecret@127.0.0.1:1", "a password of more than 8"),
        ("smpp://bank:secret@127.0.0.1:1?type=receiver", "has the type 'receiver'"),
        ("smpp://bank:secret@127.0.0.1:1?window=0", "has the window '0'"),
        ("smpp://bank:secret@127.0.0.1:1?from=%D0%91", "not in ASCII"),
        ("smpp://bank:secret@127.0.0.1:1?form=Bank", "has an option 'form'"),
    ],
)
def test_a_wrong_url_is_named_without_its_password(url: str, wrong: str) -> None:
    with pytest.raises(BankalertsError, match=re.escape(wrong)) as raised:
        SmppProvider(provider_urls("BANKALERTS_SMS_URL", url, "SMS", ("smpp",))[0])
    assert "secret" not in str(raised.value)
