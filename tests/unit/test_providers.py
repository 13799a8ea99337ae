"""Which provider gets a message, by an injected clock: order, failover, rate limits, circuit breakers."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import providers as module
from notifier.breaker import Breaker
from notifier.bucket import Bucket
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Text, Unknown
from notifier.providers import NOBODY, Providers
from notifier.retry import SPARED_CAP_S

TARGET = Target("key", "device-1", "fcm")
OUTGOING = Outgoing(UUID(int=1), Text(None, "body"))
DOWN = Retry("HTTP 503", provider_down=True)


class Clock:
    """Time that goes on when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        """Wait."""
        self.now += seconds


class Scripted:
    """A provider that answers as it is told, and counts."""

    def __init__(self, name: str, rate_per_s: float | None = None, serves: str | None = None) -> None:
        self.name = name
        self.rate_per_s = rate_per_s
        self.answer: Result | Exception | Callable[[], Result] = Sent()
        self.calls = 0
        self.hangs = False
        self._serves = serves

    def serves(self, target: Target) -> bool:
        """By the device's provider."""
        return self._serves in (None, target.provider)

    async def send(self, _target: Target, _outgoing: Outgoing) -> Result:
        """As told."""
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer() if callable(self.answer) else self.answer

    async def close(self) -> None:
        """Nothing to close."""


def _made(*providers: Scripted, most: int = 8) -> tuple[Providers, Clock]:
    clock = Clock()
    return Providers("PUSH", providers, most, clock, clock.pause), clock


def _send(providers: Providers, target: Target = TARGET) -> tuple[str, Result]:
    return asyncio.run(providers.send(target, OUTGOING))


# Order and failover ----------------------------------------------------------------------------------------------


def test_the_first_that_serves_gets_it() -> None:
    apns, fcm, other = Scripted("apns", serves="apns"), Scripted("fcm", serves="fcm"), Scripted("push")
    providers, _ = _made(apns, fcm, other)
    assert _send(providers)[0] == "fcm"
    assert _send(providers, dataclasses.replace(TARGET, provider="local"))[0] == "push"
    assert (apns.calls, fcm.calls, other.calls) == (0, 1, 1)


def test_what_nobody_serves_is_refused() -> None:
    providers, _ = _made(Scripted("apns", serves="apns"))
    assert _send(providers) == (NOBODY, Drop("no provider of the channel serves it"))


def test_the_second_takes_over_within_the_attempt_and_hands_back() -> None:
    first, second = Scripted("first"), Scripted("second")
    providers, clock = _made(first, second)
    first.answer = DOWN
    assert _send(providers) == ("second", Sent())
    assert _send(providers) == ("second", Sent())
    assert (first.calls, second.calls) == (1, 2), "while it is closed, the first is not called"
    assert providers.room() == 8
    clock.now += 0.25
    assert _send(providers) == ("second", Sent())
    assert first.calls == 2, "one message tries the first again, and loses nothing by it"
    first.answer = Sent("back")
    clock.now += 0.5
    assert _send(providers) == ("first", Sent("back"))
    assert _send(providers) == ("first", Sent("back"))


@pytest.mark.parametrize("answer", [Unknown("EOF"), Drop("HTTP 400"), Retry("HTTP 409")])
def test_no_other_gets_what_the_first_may_have_taken_or_judged(answer: Result) -> None:
    first, second = Scripted("first"), Scripted("second")
    first.answer = answer
    providers, _ = _made(first, second)
    assert _send(providers) == ("first", answer)
    assert second.calls == 0


def test_when_all_are_down_the_last_answer_counts_and_then_nobody_is_called() -> None:
    first, second = Scripted("first"), Scripted("second")
    first.answer, second.answer = DOWN, Retry("no connection", provider_down=True)
    providers, _ = _made(first, second)
    assert _send(providers) == ("second", second.answer)
    assert providers.room() == 0
    assert 0 < providers.wait_s() <= 0.25
    name, result = _send(providers)
    assert name == NOBODY
    assert isinstance(result, Retry)
    assert result.after_s is not None
    assert 0 < result.after_s <= 0.25
    assert (first.calls, second.calls) == (1, 1)


# The breaker ------------------------------------------------------------------------------------------------------


def test_the_pause_grows_and_one_message_at_a_time_finds_out() -> None:
    only = Scripted("only")
    only.answer = DOWN
    providers, clock = _made(only)
    pauses = []
    for _ in range(8):
        _send(providers)
        assert providers.room() == 0
        pauses.append(providers.wait_s())
        clock.now += providers.wait_s()
        assert (providers.room(), providers.wait_s()) == (1, 0.0)
    assert all(0.125 * 2**n <= pause <= 0.25 * 2**n for n, pause in enumerate(pauses[:5]))
    assert all(2 <= pause <= 4 for pause in pauses[5:])
    only.answer = Sent()
    assert _send(providers) == ("only", Sent())
    assert providers.room() == 8


def test_while_one_message_is_on_trial_no_other_is_sent() -> None:
    only = Scripted("only")
    only.answer = DOWN
    providers, clock = _made(only)

    async def scenario() -> None:
        await providers.send(TARGET, OUTGOING)
        clock.now += 0.25
        only.hangs = True
        trying = asyncio.create_task(providers.send(TARGET, OUTGOING))
        await asyncio.sleep(0)
        assert only.calls == 2
        assert providers.room() == 0
        assert 0 < providers.wait_s() <= 0.05
        assert (await providers.send(TARGET, OUTGOING))[0] == NOBODY
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        assert [providers.interrupted(TARGET, OUTGOING) for _ in range(2)] == ["only", NOBODY]
        assert providers.wait_s() > 0.2, "what it does not answer in time, it failed"
        clock.now += 0.5
        assert providers.room() == 1

    asyncio.run(scenario())


def test_three_unknowns_in_a_row_are_a_failure() -> None:
    only = Scripted("only")
    providers, _ = _made(only)
    for answer in (Unknown("a"), Unknown("b"), Drop("HTTP 400"), Unknown("c"), Unknown("d")):
        only.answer = answer
        _send(providers)
        assert providers.room() == 8
    only.answer = Unknown("e")
    _send(providers)
    assert providers.room() == 0


def test_a_fault_in_a_providers_code_is_unknown_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    only = Scripted("only")
    only.answer = ValueError("ada@example.org")
    providers, _ = _made(only)
    assert _send(providers) == ("only", Unknown("the provider's code failed with ValueError"))
    assert "ValueError" in caplog.text
    assert "ada" not in caplog.text


def test_a_provider_that_asks_for_a_pause_gets_it() -> None:
    only = Scripted("only")
    providers, clock = _made(only)
    only.answer = Retry("HTTP 429", provider_down=True, after_s=30.0)
    _send(providers)
    assert providers.wait_s() == 30
    clock.now += 30
    only.answer = dataclasses.replace(only.answer, after_s=300.0)
    _send(providers)
    assert providers.wait_s() == 60, "but it does not silence a channel for minutes"


def test_going_down_and_coming_back_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    only = Scripted("only")
    providers, clock = _made(only)
    with caplog.at_level(logging.INFO):
        for answer in (DOWN, DOWN, Sent(), Sent()):
            only.answer = answer
            _send(providers)
            clock.now += 5
    assert [record.getMessage() for record in caplog.records] == [
        "PUSH: provider only is down (HTTP 503): trying one message at a time",
        "PUSH: provider only is back",
    ]


def test_what_nobody_knows_is_told_once_a_series(caplog: pytest.LogCaptureFixture) -> None:
    only = Scripted("only")
    providers, _ = _made(only)
    for answer in (Unknown("HTTP 200 with a page"), Unknown("HTTP 200 with a page"), Sent(), Unknown("EOF")):
        only.answer = answer
        _send(providers)
    assert [record.getMessage() for record in caplog.records] == [
        "PUSH: nobody knows what provider only did (HTTP 200 with a page)",
        "PUSH: nobody knows what provider only did (EOF)",
    ]


def test_messages_that_were_in_flight_together_count_once() -> None:
    breaker = Breaker()
    for _ in range(8):
        breaker.failed(100.0, chance=0.999)
    assert breaker.closed_for_s(100.0) < 0.25


def test_a_provider_that_hangs_is_tried_seldom_and_shortly_while_another_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour, a message a second."""
    monkeypatch.setattr(module, "TRIAL_WITHIN_S", 0.001)
    first, second = Scripted("first"), Scripted("second")
    providers, clock = _made(first, second)
    first.answer = DOWN
    _send(providers)
    first.hangs = True
    tried_at = []
    for _ in range(3600):
        clock.now += 1
        calls = first.calls
        name, result = asyncio.run(asyncio.wait_for(providers.send(TARGET, OUTGOING), 5))
        if first.calls > calls:
            tried_at.append(clock.now)
            assert (name, type(result)) == ("first", Unknown)
        else:
            assert (name, result) == ("second", Sent())
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried_at)]
    assert len(tried_at) < 45, "some seconds apart at first, then minutes"
    assert all(pause <= SPARED_CAP_S + 1 for pause in pauses)
    assert min(pauses[-5:]) >= SPARED_CAP_S / 2

    clock.now += 5
    second.answer, first.hangs, first.answer = DOWN, False, Sent("back")
    assert _send(providers) == ("first", Sent("back")), "where the other one is down as well, it is tried at once"


# The rate limit ---------------------------------------------------------------------------------------------------


def test_a_message_waits_for_its_token_or_goes_back() -> None:
    only = Scripted("only", rate_per_s=2)
    providers, clock = _made(only)
    assert providers.room() == 2
    began = clock.now
    for _ in range(3):
        assert _send(providers)[0] == "only"
    assert clock.now - began == pytest.approx(1.0)

    async def at_once() -> list[tuple[str, Result]]:
        return list(await asyncio.gather(*(providers.send(TARGET, OUTGOING) for _ in range(6))))

    providers = Providers("PUSH", [only], 8, clock, _stay)
    names = [name for name, _ in asyncio.run(at_once())]
    assert names == ["only"] * 3 + [NOBODY] * 3
    name, result = asyncio.run(providers.send(TARGET, OUTGOING))
    assert (name, result) == (NOBODY, Retry("the rate limit of only", after_s=1.5))
    assert providers.wait_s() == 1.5


async def _stay(_seconds: float) -> None:
    """Time stands still."""


def test_what_is_above_the_rate_of_the_first_goes_to_the_second() -> None:
    first, second = Scripted("first", rate_per_s=10), Scripted("second")
    providers, _ = _made(first, second)
    assert [_send(providers)[0] for _ in range(3)] == ["first", "second", "second"]


@given(
    rate=st.floats(min_value=0.5, max_value=500),
    gaps=st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200),
)
def test_no_second_has_more_than_the_rate_and_its_burst(rate: float, gaps: list[float]) -> None:
    bucket, now, used = Bucket(rate), 0.0, []
    for gap in gaps:
        now += gap
        now += bucket.take(now)
        used.append(now)
    for start in used:
        assert sum(start <= at < start + 1 for at in used) <= 1.1 * rate + 2
