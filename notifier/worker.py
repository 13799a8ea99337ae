"""One channel's worker: from a due row of the outbox to a recorded conclusion."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from bankalerts import faults
from notifier import address_book, digest, gate, outbox, throttle, words
from notifier.channels import Channel, providers_of, traits_of
from notifier.claims import NOTHING, Batch, Claims
from notifier.controls import Controls
from notifier.database import Database, DatabaseAwayError
from notifier.message import Attempt, Claimed, Conclusion, Outgoing, Policy, Recipient, Text, Tried
from notifier.outbox import Record
from notifier.outcome import conclude, end_unsent, hold, left_to_send, release
from notifier.pipeline import Job, Pipeline
from notifier.providers import Providers
from notifier.recorder import Recorder
from notifier.render import RenderError
from notifier.retry import RELEASED_FOR_S
from notifier.send import SEND_WITHIN_S
from notifier.templates import Templates
from notifier.waiting import is_set_within

log = logging.getLogger(__name__)

# When no notice comes (the listener is away, a retry falls due, a lease ran out), the outbox is asked this often.
POLL_S = 1.0
# From claim to send: what is sent later than this could outlive its lease.
PREPARE_WITHIN_S = outbox.LEASE_S - 2 * SEND_WITHIN_S
CLAIM_MAX = 500
# Rendering a whole batch at once would hold up the other channels, and this channel's senders.
PREPARED_WITHOUT_PAUSE = 8
NEW = Tried()


class Looked(NamedTuple):
    """What a batch of messages is judged by, read at once: one of `recipients` and `decisions` for each message."""

    recipients: list[Recipient]
    decisions: list[gate.Decision]
    tried: Mapping[UUID, Tried]
    policy: Policy


class Judged(NamedTuple):
    """A message, and what becomes of it; `told` are those that its text tells as well."""

    message: Claimed
    recipient: Recipient
    decision: gate.Decision
    told: tuple[Judged, ...] = ()


class Ready(NamedTuple):
    """What the end of a message that is sent is concluded from."""

    judged: Judged
    tried: Tried
    policy: Policy


class Worker:
    """Drains one channel. It shares nothing with other channels but the pool and the processor."""

    def __init__(self, name: str, channel: Channel, database: Database, controls: Controls) -> None:
        self._name = name
        self._channel = channel
        self._traits = traits_of(name, channel)
        self._database = database
        self._controls = controls
        self._templates = Templates(name, self._traits.balance_is_private, self._traits.plain_spaces)
        self._recorder = Recorder(name, channel.reach, database)
        self._providers = Providers(name, providers_of(channel), channel.most_in_flight)
        self._pipeline: Pipeline[Ready] = Pipeline(self._providers, channel.most_in_flight, self)
        self._claims = Claims(name, database, self._recorder)
        self._notice = asyncio.Event()  # something may be due
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Drain the channel until stopped.

        1. Wait until a provider is worth a try and half of what was claimed has landed.
        2. Claim what is due: a lease on each message, committed before anything is sent.
        3. Look up customers, permissions, addresses and earlier attempts of all of them, a query for each.
        4. Decide whether each is sent now, held or ended; render the rest; what cannot be rendered has failed.
        5. Hand it to the senders, which go on meanwhile; each send is bounded by SEND_WITHIN_S.
        6. Conclude it: accepted, unknown, failed, or tried again later. Recorded in batches, by compare-and-set on the lease.
        7. When fewer were due than there was room for, wait for a notice, POLL_S at most.

        The next messages are claimed while these are looked up, and those before them are sent and recorded.
        """
        async with asyncio.TaskGroup() as group:
            recording = group.create_task(self._recorder.run())
            sending = group.create_task(self._pipeline.run())
            preparing = group.create_task(asyncio.sleep(0))
            while not self._stopping.is_set():
                room = await self._room()
                self._notice.clear()
                batch = await self._claims.take(room, self._stopping) if room else NOTHING
                if batch.messages:
                    self._pipeline.expect(len(batch.messages))
                    await asyncio.wait([preparing])
                    preparing = group.create_task(self._prepare(batch))
                if len(batch.messages) < room:
                    await is_set_within(self._notice, POLL_S)
            await asyncio.wait([preparing])
            await self._pipeline.finish()
            sending.cancel()
            await self._recorder.finish(recording)
            await self._channel.close()

    def wake(self) -> None:
        """Something was written to the outbox for this channel."""
        self._notice.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in flight has landed and is recorded."""
        self._stopping.set()
        self._notice.set()
        self._pipeline.has_room.set()

    async def _room(self) -> int:
        while not self._stopping.is_set():
            wait_s = self._providers.wait_s()
            most = self._providers.room()
            if wait_s > 0 or most == 0:
                await is_set_within(self._stopping, max(wait_s, 0.01))
            elif room := self._pipeline.room(most):
                return min(room, CLAIM_MAX)
            else:
                await self._pipeline.has_room.wait()
        return 0

    async def _prepare(self, batch: Batch) -> None:
        """Look up, decide, render, hand over. The next messages are claimed meanwhile."""
        claimed, claimed_at = batch
        left = len(claimed)
        try:
            within_s = PREPARE_WITHIN_S - (time.monotonic() - claimed_at)
            looked = await self._database.run(
                lambda connection: self._look_up(connection, batch), within_s=within_s, unless=self._stopping
            )
            looked_up_at = time.monotonic()
            for number, judged in enumerate(self._judge(claimed, looked), 1):
                self._start(judged, looked, claimed_at, looked_up_at)
                left -= 1
                self._pipeline.expect(-1)
                if number % PREPARED_WITHOUT_PAUSE == 0:
                    await asyncio.sleep(0)
        except DatabaseAwayError:
            for message in claimed:  # none was begun
                self._record(message, release(message, "PostgreSQL was away before it was begun", RELEASED_FOR_S))
        finally:
            self._pipeline.expect(-left)

    async def _look_up(self, connection: Any, batch: Batch) -> Looked:
        claimed = batch.messages
        await self._templates.refresh(connection)
        recipients = await address_book.recipients(connection, self._name, self._channel.reach, claimed)
        tried = await outbox.tried(connection, claimed)
        keys = [target.key for recipient in recipients for target in recipient.targets]
        dead = await outbox.dead_targets(connection, self._name, keys)
        # By the clock that says when they are due: this machine's may differ by hours.
        since = timedelta(seconds=time.monotonic() - batch.claimed_at)
        decisions = [
            self._decide(message, recipient, dead, message.leased_at + since)
            for message, recipient in zip(claimed, recipients, strict=True)
        ]
        sent = [(message, recipients[n]) for n, message in enumerate(claimed) if isinstance(decisions[n], gate.Send)]
        held = await throttle.admit(connection, self._name, sent)
        decided = [held.get(each.message_id, decisions[n]) for n, each in enumerate(claimed)]
        return Looked(recipients, decided, tried, self._controls.policy(self._name))

    def _decide(self, message: Claimed, recipient: Recipient, dead: frozenset[str], now: datetime) -> gate.Decision:
        try:
            return gate.decide(message, recipient, self._traits, self._controls, dead, now)
        except Exception as error:  # one message must not end the process again and again, and with it all others
            log.error("%s: a message could not be judged: %s", self._name, faults.where(error))  # noqa: TRY400  its text may be personal
            return gate.End("FAILED", f"it could not be judged: {type(error).__name__}")

    def _judge(self, claimed: Sequence[Claimed], looked: Looked) -> list[Judged]:
        """What is to be done, one for each message but for those that are told in another's digest."""
        judged = {
            message.message_id: Judged(message, recipient, decision)
            for message, recipient, decision in zip(claimed, looked.recipients, looked.decisions, strict=True)
        }
        sent = [each.message for each in judged.values() if isinstance(each.decision, gate.Send)]
        for carrier, others in digest.carriers(sent).items():
            told = tuple(judged.pop(other.message_id) for other in others)
            judged[carrier] = judged[carrier]._replace(told=told)
        return list(judged.values())

    def _start(self, judged: Judged, looked: Looked, claimed_at: float, looked_up_at: float) -> None:
        message, recipient, decision, _ = judged
        tried = looked.tried.get(message.message_id, NEW)
        if isinstance(decision, gate.Send):
            decision = self._brake(message) or decision
        if isinstance(decision, gate.End):
            self._conclude(judged, end_unsent(decision.state, decision.reason, tried, decision.falls_back))
            return
        if isinstance(decision, gate.Hold):
            self._conclude(judged, hold(decision, tried))
            return
        targets = left_to_send(decision.targets, tried, looked.policy)
        if not targets:
            self._conclude(judged, conclude(message, (), tried, looked.policy, 0.0))
            return
        try:
            text = self._text(judged)
        except RenderError as error:
            self._conclude(judged, end_unsent("FAILED", str(error), tried))
            return
        except Exception as error:  # as with _decide
            log.error("%s: the text of a message could not be made: %s", self._name, faults.where(error))  # noqa: TRY400
            self._conclude(judged, end_unsent("FAILED", f"its text could not be made: {type(error).__name__}", tried))
            return
        outgoing = Outgoing(
            *(message.message_id, text, message.alert_type, message.customer_id, recipient.locale, message.event_time)
        )
        self._pipeline.add(Job(Ready(judged, tried, looked.policy), outgoing, targets, claimed_at, looked_up_at))

    def _brake(self, message: Claimed) -> gate.Hold | None:
        """The pause that this message, the first of too many, brings about."""
        if message.attempt_no > 1 or self._controls.brake.let_through(message.alert_type, message.written_at):
            return None
        return gate.held_by_pause(message, self._name, self._controls)

    def _text(self, judged: Judged) -> Text:
        text = self._templates.text(judged.message, judged.recipient)
        if not judged.told:
            return text
        others = [self._templates.text(other.message, other.recipient) for other in judged.told[: digest.QUOTED_MAX - 1]]
        language = judged.recipient.locale.partition("-")[0]
        return digest.fold(words.held_back(1 + len(judged.told), judged.recipient.title, language), [text, *others])

    def may_leave(self, job: Job[Ready]) -> bool:
        """Whether nothing was paused since it was judged; called by the pipeline."""
        paused = gate.held_by_pause(job.judged.judged.message, self._name, self._controls)
        if paused is not None:
            self._conclude(job.judged.judged, hold(paused, job.judged.tried))
        return paused is None

    def landed(self, job: Job[Ready], attempts: Sequence[Attempt]) -> None:
        """Conclude what was sent; called by the pipeline."""
        judged, tried, policy = job.judged
        conclusion = conclude(judged.message, attempts, tried, policy, random.random())  # noqa: S311
        if conclusion.falls_back and not gate.falls_back(judged.recipient):
            conclusion = replace(conclusion, falls_back=False)
        self._conclude(judged, conclusion, attempts)

    def given_back(self, job: Job[Ready]) -> None:
        """Release what was not begun; called by the pipeline."""
        message = job.judged.judged.message
        if message.attempt_no == 1:
            self._controls.brake.take_back(message.alert_type, message.written_at)
        self._conclude(job.judged.judged, release(message, "given back before it was begun"))

    def _conclude(self, judged: Judged, conclusion: Conclusion, attempts: Sequence[Attempt] = ()) -> None:
        """Have it recorded, and with it the messages that it told."""
        message = judged.message
        if conclusion.state == "PENDING" and conclusion.held_for is None and gate.is_digested(message):
            conclusion = replace(conclusion, held_for=message.held_for)
        self._record(message, conclusion, attempts)
        for other in judged.told:
            self._record(other.message, digest.conclude_other(message, conclusion), digest.telling(message, conclusion))

    def _record(self, message: Claimed, conclusion: Conclusion, attempts: Sequence[Attempt] = ()) -> None:
        self._recorder.add(Record(message, conclusion, attempts))
