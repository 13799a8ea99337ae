"""One suite that every channel must pass, each way of sending against a real server on the loopback address.

A new channel adds a rig: a file in tests/rigs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from notifier.channels import ChannelOfProviders, PlainChannel, discover, providers_of, traits_of
from notifier.message import Drop, Outgoing, Reach, Result, Retry, Sent, Target, Text, Unknown
from notifier.providers import Providers
from tests.notifying import eventually
from tests.rigs import DATABASE_URL, Rig, Stage, UnsupportedError, rigs

if TYPE_CHECKING:  # the suite also runs beside a channel that is dropped in, where there is no stack
    from tests.conftest import Server

TEXT = Text("Your balance is below €100.00", "The balance is now €90.00.")
# A channel is bounded by whoever calls it; so long a silent server gets here.
GIVEN_UP_AFTER_S = 0.3
HOSTILE = [
    "Robert\r\nBcc: victim@example.org",
    "{{ 7 * 7 }} {% for x in y %}",
    "<script>alert(1)</script> & &amp;",
    "\u202egnirts\u202c \u200f\u061c",
    ".\r\n.leading dots",
    "tab\tbell\x07 delete\x7f",
    "漢字 emoji 🏦 combining e\u0301",
    '"quotes" \\ and \u2028 lines',
    "x" * 1000,
]
AT_ONCE = 100


class Scene:
    """A channel on its stage, as the notifier calls it: through its providers."""

    def __init__(self, rig: Rig, stage: Stage) -> None:
        self.rig = rig
        self.stage = stage
        traits = traits_of(rig.CHANNEL, stage.channel)
        self.has_subject, self.reach = traits.has_subject, traits.reach
        self.is_many = any(getattr(provider, "is_many", False) for provider in providers_of(stage.channel))
        self.mode = "accept"

    async def send(self, message_id: UUID | None = None, text: Text = TEXT, target: Target | None = None) -> Result:
        """Send one message to the rig's target, with nobody's thoughts about earlier ones."""
        to = target or self.rig.TARGET
        provider = next(provider for provider in providers_of(self.stage.channel) if provider.serves(to))
        outgoing = dataclasses.replace(OUTGOING, message_id=message_id or uuid4(), text=text)
        try:
            async with asyncio.timeout(GIVEN_UP_AFTER_S if self.mode == "hang" else None):
                return await provider.send(to, outgoing)
        except TimeoutError:
            return Unknown("no answer in time")

    async def behave(self, mode: str) -> None:
        """Change how the server answers; skips the test where the protocol has no such answer."""
        self.mode = mode
        try:
            await self.stage.behave(mode)
        except UnsupportedError as error:
            pytest.skip(str(error))

    def seen_as(self, text: str) -> str:
        """How a text that was sent is read at the other end."""
        read: Callable[[str], str] = getattr(self.rig, "seen_as", str)
        return read(text)

    def tells_nothing(self, told: str) -> bool:
        """Whether neither the address nor the text of a message is in what was told."""
        # A customer's number is no address: it may stand anywhere.
        address = None if self.reach is Reach.CUSTOMER else self.rig.TARGET.address
        return not any(secret and secret in told for secret in (address, TEXT.subject, TEXT.body))


OUTGOING = Outgoing(uuid4(), TEXT, "BALANCE_BELOW", 1, "en-GB")

Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture(params=list(rigs()))
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each rig in turn."""
    return rigs()[request.param]


@pytest.fixture(scope="module")
def one_database(server: Server) -> Iterator[str]:
    """The URL of a migrated database for all tests here; a stage clears what it uses."""
    url = server.clone()
    yield url
    server.drop(url)


@pytest.fixture
def play(rig: Rig, tmp_path: Path, request: pytest.FixtureRequest) -> Play:
    """Runs a scenario on the rig's stage."""
    if getattr(rig, "NEEDS_DATABASE", False):
        (tmp_path / DATABASE_URL).write_text(request.getfixturevalue("one_database"), encoding="utf-8")

    def run(scenario: Callable[[Scene], Awaitable[None]]) -> None:
        async def on_stage() -> None:
            async with asyncio.timeout(60), rig.stage(tmp_path) as stage:
                await scenario(Scene(rig, stage))

        asyncio.run(on_stage())

    return run


def test_every_channel_has_a_rig() -> None:
    assert {rig.CHANNEL for rig in rigs().values()} == discover().keys()


def test_a_channel_is_what_the_notifier_expects(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        channel = scene.stage.channel
        assert isinstance(channel, PlainChannel) != isinstance(channel, ChannelOfProviders)
        traits = traits_of(scene.rig.CHANNEL, channel)
        assert traits.most_in_flight >= 1
        names = [provider.name for provider in providers_of(channel)]
        assert all(names)
        assert len(set(names)) == len(names)
        assert scene.rig.NAME.upper() == scene.rig.NAME

    play(scenario)


def test_what_is_accepted_is_sent_and_arrives_whole(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        result = await scene.send()
        assert isinstance(result, Sent)
        assert bool(result.provider_ref) == getattr(scene.rig, "HAS_REF", True)
        (received,) = await scene.stage.received()
        assert (received["to"], received["body"]) == (scene.rig.TARGET.address, scene.seen_as(TEXT.body))
        assert received["subject"] == (TEXT.subject if scene.has_subject else None)

    play(scenario)


def test_what_is_refused_for_good_is_dropped(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.behave("refuse")
        result = await scene.send()
        assert isinstance(result, Drop)
        assert scene.tells_nothing(result.reason)
        assert await scene.stage.received() == []
        await scene.behave("accept")
        assert isinstance(await scene.send(), Sent), "the channel works on after a refusal"

    play(scenario)


@pytest.mark.parametrize("mode", ["tempfail", "down"])
def test_what_is_certainly_not_taken_is_tried_again(play: Play, mode: str) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.behave(mode)
        result = await scene.send()
        assert isinstance(result, Retry)
        assert result.provider_down >= (mode == "down" and not scene.is_many)
        assert scene.tells_nothing(result.reason)
        assert await scene.stage.received() == []
        await scene.behave("accept")
        assert isinstance(await scene.send(), Sent), "the channel works on afterwards"

    play(scenario)


@pytest.mark.parametrize("mode", ["drop_answer", "nonsense", "hang"])
def test_nobody_knows_what_became_of_a_message_without_an_answer(
    play: Play, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(scene: Scene) -> None:
        with caplog.at_level(logging.DEBUG):
            assert isinstance(await scene.send(), Sent)
            await scene.behave(mode)
            result = await scene.send()
            assert isinstance(result, Unknown)
            assert scene.tells_nothing(result.reason)
            await scene.behave("accept")
            assert isinstance(await scene.send(), Sent), "the channel works on afterwards"
        assert scene.tells_nothing(caplog.text)

    play(scenario)


def test_a_repetition_can_be_known(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = uuid4()
        for each in (message_id, message_id, uuid4()):
            assert isinstance(await scene.send(each), Sent)
        received = await scene.stage.received()
        keys = [message["key"] for message in received]
        if not scene.rig.IS_IDEMPOTENT:
            assert keys == [None, None, None]
        elif len(keys) == 2:  # the server knew it, and kept one
            assert keys[0] != keys[1]
        else:
            assert keys[0] == keys[1] != keys[2]

    play(scenario)


def test_hostile_texts_arrive_literally_and_nowhere_else(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        for text in HOSTILE:
            assert isinstance(await scene.send(text=Text(text, text)), Sent), text
        received = await scene.stage.received()
        assert {message["to"] for message in received} == {scene.rig.TARGET.address}
        assert [message["body"] for message in received] == [scene.seen_as(text) for text in HOSTILE]

    play(scenario)


def test_a_hostile_address_does_no_harm(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        for text in (*HOSTILE, "", "/../x", "%2e%2e?a=b#c"):
            result = await scene.send(target=dataclasses.replace(scene.rig.TARGET, address=text))
            assert isinstance(result, Sent | Drop | Retry), text
            assert isinstance(result, Sent) or not (text and text in result.reason)
        assert isinstance(await scene.send(), Sent), "the channel works on afterwards"

    play(scenario)


def test_many_messages_at_once_all_arrive(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        at_once = 4 if scene.is_many else traits_of(scene.rig.CHANNEL, scene.stage.channel).most_in_flight
        left = list(range(AT_ONCE))

        async def send_them() -> list[Result]:
            results = []
            while left:
                left.pop()
                results.append(await scene.send())
            return results

        results = [result for sent in await asyncio.gather(*(send_them() for _ in range(at_once))) for result in sent]
        assert [result for result in results if not isinstance(result, Sent)] == []
        assert len(await scene.stage.received()) == AT_ONCE

    play(scenario)


def test_a_provider_that_fails_is_left_alone_and_tried_again(play: Play) -> None:
    async def scenario(scene: Scene) -> None:
        if scene.is_many:
            pytest.skip("each of its receivers is a server of its own")
        providers = Providers(scene.rig.CHANNEL, providers_of(scene.stage.channel), 4)
        await scene.behave("down")
        name, result = await providers.send(scene.rig.TARGET, OUTGOING)
        assert isinstance(result, Retry)
        assert name
        assert providers.room() == 0
        await scene.behave("accept")

        async def is_sent() -> Any:
            return isinstance((await providers.send(scene.rig.TARGET, OUTGOING))[1], Sent)

        await eventually(is_sent, "the provider is tried again", 10)
        assert providers.room() == 4

    play(scenario)
