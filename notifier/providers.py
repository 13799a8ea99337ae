"""A channel's providers: which of them gets a message, and what is thought of it afterwards."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from notifier import measures
from notifier.breaker import Breaker
from notifier.bucket import Bucket
from notifier.channels import Provider
from notifier.message import Drop, Outgoing, Result, Retry, Target, Unknown

log = logging.getLogger(__name__)

# A message that would wait longer for its turn under a rate limit goes back to the outbox: its lease runs.
TOKEN_WITHIN_S = 1.0
# While one message finds out whether a provider is back, the others look this often whether it has.
LOOK_AT_TRIAL_S = 0.05
# The message that tries a provider while another one works waits for an answer no longer than this: the other gets it then, if
# the channel sends again what may have been sent.
TRIAL_WITHIN_S = 2.0
# What a provider asks for in Retry-After is kept for one message; for all of its messages, no longer than this.
ASKED_PAUSE_S_MAX = 60.0
NOBODY = ""  # the name of the provider where none was called


class Providers:
    """Routes the messages of one channel. Each provider has its own circuit breaker and its own rate limit.

    A message goes to the first provider in order that serves its target, is not thought to be down and may be sent one now.
    What it certainly did not take because it is down, the next one gets within the same attempt; what it may have taken,
    nobody. While another one works, one that is down is tried more and more seldom, and for a short time only.
    """

    def __init__(
        self,
        channel_name: str,
        providers: Sequence[Provider],
        most_in_flight: int,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` gives seconds and only goes forward; `pause` waits that many."""
        self._name = channel_name
        self._most = most_in_flight
        self._clock = clock
        self._pause = pause
        self._lines = [_Line(provider, Breaker()) for provider in providers]
        self._interrupted: dict[tuple[UUID, str], str] = {}
        for line in self._lines:
            if not line.is_many:
                measures.PROVIDER_UP.labels(channel_name, line.provider.name).set(1)

    def room(self) -> int:
        """How many messages may be in flight now.

        `most_in_flight`, or what the rates allow in a second where that is less; one for a provider whose turn it is to be
        tried; 0 when no provider may be called.
        """
        now = self._clock()
        return min(self._most, sum(self._room_of(line, now) for line in self._lines))

    def wait_s(self) -> float:
        """Seconds until a provider may be called: until one is tried again, or a token drips; 0 when one may now."""
        now = self._clock()
        return min((line.wait_s(now) for line in self._lines), default=LOOK_AT_TRIAL_S)

    async def send(self, target: Target, outgoing: Outgoing) -> tuple[str, Result]:
        """Send to one target; returns the name of the provider that the result is from, NOBODY where none was called.

        Raises nothing but what cancels it; whoever was called is then thought to have given no answer.
        """
        left = [line for line in self._lines if line.provider.serves(target)]
        if not left:
            return NOBODY, Drop("no provider of the channel serves it")
        found: tuple[str, Result] | None = None
        while (line := await self._turn(left)) is not None:
            is_spared = line.on_trial and _has_other(line, left)
            found = line.provider.name, await self._send_by(line, target, outgoing, is_spared)
            if not (isinstance(found[1], Retry) and found[1].provider_down):
                return found
            left.remove(line)
        return found or (NOBODY, self._nobody(left))

    def interrupted(self, target: Target, outgoing: Outgoing) -> str:
        """The name of the provider that a cancelled `send` had called; NOBODY where it had called none. Told once."""
        return self._interrupted.pop((outgoing.message_id, target.key), NOBODY)

    def _room_of(self, line: _Line, now: float) -> int:
        if not line.lets_through(now):
            return 0
        if not line.breaker.is_open:
            return 1
        return self._most if line.provider.rate_per_s is None else math.ceil(line.provider.rate_per_s * TOKEN_WITHIN_S)

    async def _turn(self, lines: list[_Line]) -> _Line | None:
        """The first line that may be called, once it may; None when none may be within TOKEN_WITHIN_S."""
        now = self._clock()
        open_now = [line for line in lines if _lets_through(line, lines, now)]
        line = min(open_now, key=lambda line: line.token_in_s(now), default=None)
        if line is None or line.token_in_s(now) > TOKEN_WITHIN_S:
            return None
        line.on_trial = not line.breaker.is_open
        wait_s = line.bucket.take(now) if line.bucket is not None else 0.0
        if wait_s > 0:
            try:
                await self._pause(wait_s)
            except BaseException:
                line.on_trial = False
                raise
        return line

    async def _send_by(self, line: _Line, target: Target, outgoing: Outgoing, is_spared: bool) -> Result:
        try:
            sending = line.provider.send(target, outgoing)
            result = await (_shortly(sending) if is_spared else sending)
        except asyncio.CancelledError:
            self._judge(line, Unknown("no answer in time"))
            self._interrupted[outgoing.message_id, target.key] = line.provider.name
            raise
        except Exception as error:  # a provider's fault must stop neither its channel nor the others
            # Its text may hold an address, so only the kind of the error is told.
            log.error("%s: provider %s failed with %s", self._name, line.provider.name, type(error).__name__)  # noqa: TRY400
            result = Unknown(f"the provider's code failed with {type(error).__name__}")
        finally:
            line.on_trial = False
        self._judge(line, result)
        return result

    def _judge(self, line: _Line, result: Result) -> None:
        if line.is_many:
            return
        was_open = line.breaker.is_open
        if isinstance(result, Unknown):
            line.breaker.is_unknown(self._clock(), random.random())  # noqa: S311
            if line.breaker.unknowns_in_a_row == 1:  # of a series the first is told
                log.warning("%s: nobody knows what provider %s did (%s)", self._name, line.provider.name, result.reason)
        elif isinstance(result, Retry) and result.provider_down:
            asked_s = min(result.after_s or 0.0, ASKED_PAUSE_S_MAX)
            line.breaker.failed(self._clock(), random.random(), asked_s)  # noqa: S311
        else:
            line.breaker.worked()
        if was_open != line.breaker.is_open:
            measures.PROVIDER_UP.labels(self._name, line.provider.name).set(line.breaker.is_open)
        if was_open and not line.breaker.is_open and isinstance(result, Unknown | Retry):
            log.warning(
                "%s: provider %s is down (%s): trying one message at a time", self._name, line.provider.name, result.reason
            )
        elif not was_open and line.breaker.is_open:
            log.info("%s: provider %s is back", self._name, line.provider.name)

    def _nobody(self, lines: list[_Line]) -> Retry:
        now = self._clock()
        limited = [line for line in lines if line.lets_through(now)]
        if limited:
            wait_s = min(line.token_in_s(now) for line in limited)
            return Retry(f"the rate limit of {limited[0].provider.name}", after_s=wait_s)
        return Retry(f"{lines[0].provider.name} is down", after_s=min(line.wait_s(now) for line in lines))


def _has_other(line: _Line, lines: Sequence[_Line]) -> bool:
    """Whether another one of these works."""
    return any(other is not line and other.breaker.is_open for other in lines)


def _lets_through(line: _Line, lines: Sequence[_Line], now: float) -> bool:
    return line.breaker.is_open or line.lets_through(now, is_spared=_has_other(line, lines))


async def _shortly(sending: Awaitable[Result]) -> Result:
    try:
        async with asyncio.timeout(TRIAL_WITHIN_S):
            return await sending
    except TimeoutError:
        return Unknown(f"no answer within {TRIAL_WITHIN_S:.0f} s of a trial")


class _Line:
    """One provider, and what is thought of it."""

    def __init__(self, provider: Provider, breaker: Breaker) -> None:
        self.provider = provider
        self.breaker = breaker
        self.is_many: bool = getattr(provider, "is_many", False)
        self.bucket = None if provider.rate_per_s is None else Bucket(provider.rate_per_s)
        self.on_trial = False

    def lets_through(self, now: float, is_spared: bool = False) -> bool:
        """Whether a message may go to it, its rate aside. `is_spared`: another one works."""
        return self.breaker.is_open or (not self.on_trial and self.breaker.closed_for_s(now, is_spared) == 0)

    def token_in_s(self, now: float) -> float:
        """Seconds until its rate allows a message."""
        return 0.0 if self.bucket is None else self.bucket.wait_s(now)

    def wait_s(self, now: float) -> float:
        """Seconds until it may be called; while it is on trial, until it is looked at again."""
        if self.lets_through(now):
            return self.token_in_s(now)
        return max(LOOK_AT_TRIAL_S, self.breaker.closed_for_s(now))
