"""One suite that every channel must pass, each against a real server on the loopback address.

A new channel adds a rig here, which says how to make its server accept, refuse and fail.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from notifier import send
from notifier.channels import Channel, discover
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text
from tests.notifying import Servers, free_port, servers


@dataclass(frozen=True)
class Rig:
    """How a channel's server is found and made to misbehave."""

    address: str
    setting: str  # the field of Settings with its URL, {} is the port
    url: str
    accept: dict[str, Any]
    refuse: dict[str, Any]
    fail: dict[str, Any]
    hang_up: dict[str, Any]
    has_subject: bool = True


def http_rig(address: str, setting: str, path: str, has_subject: bool) -> Rig:
    return Rig(
        address, setting, f"http://127.0.0.1:{{}}/{path}", {"status": 200}, {"status": 400}, {"status": 503},
        {"drop_answer": True}, has_subject,
    )  # fmt: skip


RIGS = {
    "EMAIL": Rig(
        "ada@example.org",
        "smtp_url",
        "smtp://127.0.0.1:{}",
        {"mode": "accept"},
        {"mode": "refuse"},
        {"mode": "tempfail"},
        {"mode": "drop"},
    ),
    "SMS": http_rig("+31612345678", "sms_url", "sms", has_subject=False),
    "PUSH": http_rig("device-1", "push_url", "push", has_subject=True),
}

TEXT = Text("Your balance is below €100.00", "The balance is now €90.00.")
HOSTILE = [
    "Robert\r\nBcc: victim@example.org",
    "{{ 7 * 7 }} {% for x in y %}",
    "<script>alert(1)</script> & &amp;",
    "\u202egnirts\u202c \u200f\u061c",
    ".\r\n.leading dots",
    "tab\tbell\x07 delete\x7f",
    "漢字 emoji 🏦 combining e\u0301",
    "x" * 2000,
]


def test_every_channel_has_a_rig() -> None:
    assert discover().keys() == RIGS.keys()


@dataclass
class Stage:
    """A channel and its server."""

    name: str
    channel: Channel
    servers: Servers
    rig: Rig

    async def send(self, message_id: UUID | None = None, text: Text = TEXT) -> Result:
        """Send one message to the rig's address, bounded as the notifier bounds it."""
        outgoing = Outgoing(message_id or uuid4(), text)
        (attempt,) = await send.send(self.channel, outgoing, [Target("key", self.rig.address)])
        return attempt.result

    async def behave(self, behaviour: dict[str, Any]) -> None:
        """Make the server answer so."""
        await self.servers.behave(self.name, **behaviour)

    async def received(self) -> list[dict[str, Any]]:
        """What the server took."""
        return await self.servers.received(self.name)


@asynccontextmanager
async def stage(name: str, folder: Path, port: int | None = None) -> AsyncIterator[Stage]:
    """The channel against its server, or against whatever is on `port`."""
    rig = RIGS[name]
    async with servers(folder) as running:
        settings = running.settings
        if port is not None:
            elsewhere: dict[str, Any] = {rig.setting: rig.url.format(port)}
            settings = dataclasses.replace(settings, **elsewhere)
        channel = discover()[name](settings)
        try:
            yield Stage(name, channel, running, rig)
        finally:
            await channel.close()


@pytest.fixture(params=list(RIGS))
def name(request: pytest.FixtureRequest) -> str:
    """Each channel in turn."""
    return str(request.param)


Play = Callable[..., None]


@pytest.fixture
def play(name: str, tmp_path: Path) -> Play:
    """Runs a scenario on the channel's stage."""

    def run(scenario: Callable[[Stage], Awaitable[None]], port: int | None = None) -> None:
        async def on_stage() -> None:
            async with stage(name, tmp_path, port) as set_up:
                await scenario(set_up)

        asyncio.run(on_stage())

    return run


def test_what_is_accepted_is_sent_and_arrives_whole(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        message_id = uuid4()
        result = await stage.send(message_id)
        assert isinstance(result, Sent)
        assert result.provider_ref
        (received,) = await stage.received()
        assert (received["to"], received["body"]) == (stage.rig.address, TEXT.body)
        assert received["message_id"] == str(message_id)
        assert received["subject"] == (TEXT.subject if stage.rig.has_subject else None)

    play(scenario)


def test_what_is_refused_for_good_is_dropped(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.behave(stage.rig.refuse)
        result = await stage.send()
        assert isinstance(result, Drop)
        assert stage.rig.address not in result.reason
        await stage.behave(stage.rig.accept)
        assert isinstance(await stage.send(), Sent), "the channel works on after a refusal"

    play(scenario)


def test_a_temporary_failure_is_retried(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.behave(stage.rig.fail)
        result = await stage.send()
        assert isinstance(result, Retry)
        assert stage.rig.address not in result.reason
        await stage.behave(stage.rig.accept)
        assert isinstance(await stage.send(), Sent), "the channel works on after a failure"

    play(scenario)


def test_a_withheld_answer_is_retried(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        assert isinstance(await stage.send(), Sent)
        await stage.behave(stage.rig.hang_up)
        result = await stage.send()
        assert isinstance(result, Retry)
        assert result.provider_down
        await stage.behave(stage.rig.accept)
        assert isinstance(await stage.send(), Sent), "the channel connects again"

    play(scenario)


def test_a_refused_connection_is_retried(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        result = await stage.send()
        assert isinstance(result, Retry)
        assert result.provider_down

    play(scenario, free_port())


def test_a_server_that_never_answers_is_given_up_in_time(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "SEND_WITHIN_S", 0.2)
    connected: list[asyncio.StreamWriter] = []

    async def scenario(stage: Stage) -> None:
        result = await stage.send()
        assert result == Retry("no answer within 0 s", provider_down=True)
        assert connected
        for writer in connected:
            writer.close()

    port = free_port()

    async def with_silence(stage: Stage) -> None:
        silent = await asyncio.start_server(lambda _reader, writer: connected.append(writer), "127.0.0.1", port)
        async with silent:
            await scenario(stage)

    play(with_silence, port)


def test_a_server_that_talks_nonsense_is_retried(play: Play) -> None:
    port = free_port()

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff what? \r\n\r\n")
        await writer.drain()
        writer.close()

    async def scenario(stage: Stage) -> None:
        async with await asyncio.start_server(babble, "127.0.0.1", port):
            assert isinstance(await stage.send(), Retry)

    play(scenario, port)


def test_a_repetition_can_be_known(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        message_id = uuid4()
        for _ in range(2):
            assert isinstance(await stage.send(message_id), Sent)
        first, second = await stage.received()
        assert first["message_id"] == second["message_id"] == str(message_id)
        assert first.get("idempotency_key") == second.get("idempotency_key")

    play(scenario)


def test_hostile_texts_arrive_literally_and_nowhere_else(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        for text in HOSTILE:
            assert isinstance(await stage.send(text=Text(text, text)), Sent)
        received = await stage.received()
        assert {message["to"] for message in received} == {stage.rig.address}
        for text, message in zip(HOSTILE, received, strict=True):
            assert message["body"] == (text.replace("\r\n", "\n") if stage.name == "EMAIL" else text)

    play(scenario)


def test_many_messages_at_once_all_arrive(play: Play) -> None:
    async def scenario(stage: Stage) -> None:
        results = await asyncio.gather(*(stage.send() for _ in range(100)))
        assert all(isinstance(result, Sent) for result in results)
        assert len(await stage.received()) == 100

    play(scenario)
