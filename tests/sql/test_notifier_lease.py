"""Leases: shared work, crashes, stolen leases, stops, a database that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bankalerts.errors import BankalertsError
from bankalerts.settings import environment, variables
from notifier import digest, outbox, recorder, send, worker
from notifier.message import WHOLE, Attempt, Conclusion, Sent, Target
from notifier.outbox import Record
from notifier.outcome import release
from tests.notifying import Scene, eventually, notifier, play

MAKE_DUE_IN_SILENCE = """
create or replace function alerting.make_due() returns trigger language plpgsql as $$
begin
    insert into alerting.outbox_due (message_id, alert_id, event_date, channel)
    select message_id, alert_id, event_date, channel from new_rows;
    return null;
end $$
"""
ACCEPTED = Conclusion("ACCEPTED", handed_at=datetime.now(UTC))


@asynccontextmanager
async def notifier_process(scene: Scene, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A notifier as the stack starts it, ready; killed at the end if it still runs."""
    ready = folder / "notifier.ready"
    ready.unlink(missing_ok=True)
    settings = dataclasses.replace(scene.settings, ready_file=ready, kafka="none:1", connect_url="http://none:1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "notifier", env=environment(variables(settings)), stderr=asyncio.subprocess.PIPE
    )

    async def is_ready() -> bool:
        return ready.exists()

    try:
        await eventually(is_ready, "the notifier says that it is ready")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def test_two_notifiers_share_the_work_and_send_nothing_twice(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings), notifier(scene.settings):
            ids = [message for _ in range(20) for message in await scene.bank.messages("PUSH", [1] * 30)]
            for message_id in ids:
                await scene.bank.reaches(message_id, "ACCEPTED")
        received = [message["message_id"] for message in await scene.servers.received("PUSH")]
        assert sorted(received) == sorted(str(message_id) for message_id in ids)

    play(database, tmp_path, scenario)


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_cannot_conclude(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message("PUSH")
        (stalled,) = await outbox.claim(scene.bank.connection, "PUSH", 10)
        assert not await outbox.claim(scene.bank.connection, "PUSH", 10), "a leased message is nobody else's"

        await scene.bank.make_due()
        async with notifier(scene.settings):
            taken_over = await scene.bank.reaches(message_id, "ACCEPTED")

        now = datetime.now(UTC)
        attempt = Attempt(Target("device-1", "device-1"), now, now, Sent("late"))
        assert await outbox.record(scene.bank.connection, [Record(stalled, ACCEPTED, [attempt])]) == set()
        assert await scene.bank.outbox(message_id) == taken_over
        # What it did is on record all the same: the message was sent twice, and one can see it.
        assert taken_over["may_be_twice"]
        attempts = await scene.bank.attempts(message_id)
        assert [(a["attempt_no"], a["target"], a["outcome"], a["provider_ref"] == "late") for a in attempts] == [
            (1, WHOLE, "UNKNOWN", False),
            (1, "device-1", "SENT", True),
            (2, "device-1", "SENT", False),
        ]

    play(database, tmp_path, scenario)


def test_of_two_conclusions_in_one_batch_that_of_the_lease_counts(database: str, tmp_path: Path) -> None:
    """A process may claim what it had itself and was late with; both ends are then recorded together, in any order."""

    async def scenario(scene: Scene) -> None:
        for order in (1, -1):
            message_id = await scene.bank.message("PUSH")
            (late,) = await outbox.claim(scene.bank.connection, "PUSH", 10)
            await scene.bank.make_due()
            (again,) = await outbox.claim(scene.bank.connection, "PUSH", 10)
            twice = dataclasses.replace(ACCEPTED, may_be_twice=True)
            records = [Record(late, ACCEPTED), Record(again, twice)][::order]
            assert await outbox.record(scene.bank.connection, records) == {message_id}
            assert (await scene.bank.outbox(message_id))["may_be_twice"]

    play(database, tmp_path, scenario)


def test_a_lease_outlives_the_slowest_send() -> None:
    assert worker.PREPARE_WITHIN_S + send.SEND_WITHIN_S < outbox.LEASE_S


def test_a_notifier_killed_between_send_and_record_is_made_up_for(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("PUSH", delay_ms=60_000)
        message_id = await scene.bank.message("PUSH")
        async with notifier_process(scene, tmp_path) as process:
            await eventually(lambda: scene.servers.received("PUSH"), "the provider has the message")
            process.kill()
        await scene.servers.behave("PUSH")
        await scene.bank.make_due()
        async with notifier(scene.settings):
            row = await scene.bank.reaches(message_id, "ACCEPTED")

        first, second = await scene.servers.received("PUSH")
        assert first["idempotency_key"] == second["idempotency_key"]
        assert row["may_be_twice"]
        attempts = await scene.bank.attempts(message_id)
        assert [(a["attempt_no"], a["outcome"]) for a in attempts] == [(1, "UNKNOWN"), (2, "SENT")]

    play(database, tmp_path, scenario)


def test_sigterm_lets_what_is_in_flight_land(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("PUSH", delay_ms=700)
        async with notifier_process(scene, tmp_path) as process:
            message_id = await scene.bank.message("PUSH")
            await eventually(lambda: scene.servers.received("PUSH"), "the provider has the message")
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
        assert (await scene.bank.outbox(message_id))["state"] == "ACCEPTED"

    play(database, tmp_path, scenario)


def test_a_lost_database_is_waited_for(database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
            await disconnect(scene, "notifier-test%")
            for _ in range(3):
                await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")
        assert len(await scene.servers.received("SMS")) == 4

    caplog.set_level(logging.INFO)
    play(database, tmp_path, scenario)
    lines = [record.getMessage() for record in caplog.records if "PostgreSQL" in record.getMessage()]
    assert sum("cannot be used" in line for line in lines) <= 2, lines


def test_a_database_lost_under_load_costs_no_message(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            ids = await scene.bank.messages("PUSH", [1] * 600)
            for at_least in (50, 200, 400):
                await eventually(partial(has_received, scene, "PUSH", at_least), f"{at_least} pushes arrived")
                await disconnect(scene, "notifier-test")
            for message_id in ids:
                await scene.bank.reaches(message_id, "ACCEPTED")
        received = {message["message_id"] for message in await scene.servers.received("PUSH")}
        assert received == {str(message_id) for message_id in ids}

    play(database, tmp_path, scenario)


def test_what_was_sent_is_not_claimed_again_while_it_waits_to_be_recorded(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []
    record = outbox.record

    async def away_at_first(connection: Any, records: Sequence[Record]) -> set[UUID]:
        if len(refused) < 5:  # its pauses add up to more than a second: some fifty chances to claim
            refused.append(len(records))
            raise ConnectionResetError
        return await record(connection, records)

    async def has_waited() -> bool:
        return bool(refused)

    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            first = await scene.bank.message("EMAIL")
            await eventually(has_waited, "the mail was sent and could not be recorded")
            await scene.bank.make_due()
            later = await scene.bank.message("EMAIL")
            await scene.bank.reaches(first, "ACCEPTED")
            await scene.bank.reaches(later, "ACCEPTED")
        received = [mail["message_id"] for mail in await scene.servers.received("EMAIL")]
        assert received == [str(first), str(later)]
        assert [attempt["attempt_no"] for attempt in await scene.bank.attempts(first)] == [1]

    monkeypatch.setattr(outbox, "record", away_at_first)
    monkeypatch.setattr(recorder, "LATE_AFTER_S", 0.0)
    monkeypatch.setattr(worker, "POLL_S", 0.02)
    play(database, tmp_path, scenario)


def test_without_its_listener_the_notifier_polls(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(MAKE_DUE_IN_SILENCE)
        async with notifier(scene.settings):
            message_id = await scene.bank.message("PUSH")
            row = await scene.bank.reaches(message_id, "ACCEPTED")
        assert (row["handed_at"] - row["written_at"]).total_seconds() < worker.POLL_S + 1

    play(database, tmp_path, scenario)


def test_a_notice_wakes_the_worker_before_it_polls(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("PUSH"), "ACCEPTED")
            message_id = await scene.bank.message("PUSH")
            await scene.bank.reaches(message_id, "ACCEPTED")

    monkeypatch.setattr(worker, "POLL_S", 3600.0)
    play(database, tmp_path, scenario)


def test_the_listener_comes_back(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("PUSH"), "ACCEPTED")
            await disconnect(scene, "notifier-test-listen")
            # Written while nobody listens, or after: either way it is found at the return, for polling is off.
            await scene.bank.reaches(await scene.bank.message("PUSH"), "ACCEPTED")

    monkeypatch.setattr(worker, "POLL_S", 3600.0)
    play(database, tmp_path, scenario)


def test_a_missing_database_is_one_line(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        base = scene.settings.database_url.rpartition("/")[0]
        for url, remedy in ((f"{base}/nowhere", "bankalerts up"), (f"{base}/postgres", "alembic upgrade head")):
            with pytest.raises(BankalertsError, match=remedy) as raised:
                async with notifier(dataclasses.replace(scene.settings, database_url=url)):
                    pass
            assert "\n" not in str(raised.value)
            assert "bankalerts:" not in str(raised.value), "no password in an error"

    play(database, tmp_path, scenario)


def test_a_schema_that_does_not_fit_ends_it_with_one_line(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        async with notifier_process(scene, tmp_path) as process:
            await scene.bank.run("alter table alerting.outbox_due rename to elsewhere")
            _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        last = errors.decode().splitlines()[-1]
        assert "outbox_due" in last
        assert "alembic upgrade head" in last
        assert "Traceback" not in errors.decode()

    play(database, tmp_path, scenario)


def losing_the_first_answer(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Does what `call` does; its first answer that holds anything does not arrive."""
    lost: list[Any] = []

    async def losing(*arguments: Any) -> Any:
        answer = await call(*arguments)
        if answer and not lost:
            lost.append(answer)
            raise ConnectionResetError
        return answer

    return losing


@pytest.mark.parametrize("call", [(outbox, "claim"), (digest, "siblings")], ids=lambda call: call[1])
def test_what_was_claimed_when_postgresql_went_away_was_not_sent_and_is_not_unknown(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: tuple[Any, str]
) -> None:
    async def scenario(scene: Scene) -> None:
        ids = await scene.bank.messages("SMS", [1] * 3)
        await scene.bank.run(
            "update alerting.outbox_due set held_for = 'DIGEST:1:BALANCE_BELOW',"
            " due_at = case message_id when $1 then now() else now() + interval '1 hour' end",
            ids[0],
        )
        async with notifier(scene.settings):
            await scene.bank.reaches(ids[0], "ACCEPTED")
            for message_id in ids[1:]:
                await scene.bank.reaches(message_id, "SUPPRESSED")
        (told,) = await scene.servers.received("SMS")
        assert told["body"].startswith("3 messages of")
        attempts = [attempt for message_id in ids for attempt in await scene.bank.attempts(message_id)]
        tried = [(attempt["attempt_no"], attempt["outcome"], attempt["provider"]) for attempt in attempts]
        assert tried == [(1, "SENT", "sms"), *[(1, "SENT", "digest")] * 2]
        assert not (await scene.bank.outbox(ids[0]))["may_be_twice"]

    where, name = call
    monkeypatch.setattr(where, name, losing_the_first_answer(getattr(where, name)))
    play(database, tmp_path, scenario)


def test_what_could_not_be_looked_up_waits_a_little_with_its_reason_and_its_digest(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_arguments: Any) -> None:
        raise ConnectionResetError

    async def scenario(scene: Scene) -> None:
        (message_id,) = await scene.bank.messages("SMS", [1])
        await scene.bank.run("update alerting.outbox_due set held_for = 'DIGEST:1:BALANCE_BELOW'")
        async with notifier(scene.settings):

            async def waits() -> bool:
                return bool(
                    await scene.bank.run(
                        "select from alerting.outbox_due join alerting.outbox o using (message_id)"
                        " where lease_token is null and attempts = 0 and held_for like 'DIGEST:%'"
                        "   and due_at > now() and due_at <= now() + interval '1 second'"
                        "   and o.reason = 'PostgreSQL was away before it was begun'"
                    )
                )

            await eventually(waits, "it is given back, due in a second")
            monkeypatch.undo()
            await scene.bank.reaches(message_id, "ACCEPTED")
        assert [attempt["outcome"] for attempt in await scene.bank.attempts(message_id)] == ["SENT"]

    monkeypatch.setattr(outbox, "tried", away)
    monkeypatch.setattr(worker, "PREPARE_WITHIN_S", 0.1)
    play(database, tmp_path, scenario)


def test_why_an_attempt_failed_stays_to_be_read_when_the_next_one_was_not_begun(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        message_id, connection = await scene.bank.message("SMS"), scene.bank.connection
        (first,) = await outbox.claim(connection, "SMS", 1)
        await outbox.record(connection, [Record(first, Conclusion("PENDING", "HTTP 503", retry_in_s=0.0))])
        for _ in range(2):
            (again,) = await outbox.claim(connection, "SMS", 1)
            await outbox.record(connection, [Record(again, release(again, "given back"))])
            assert (await scene.bank.outbox(message_id))["reason"] == "HTTP 503"
        (unanswered,) = await outbox.claim(connection, "SMS", 1)
        assert await outbox.give_back(connection, "SMS", [unanswered.lease_token]) == {unanswered.lease_token}
        assert (await scene.bank.outbox(message_id))["reason"] == "HTTP 503"
        assert unanswered.attempt_no == 2

    play(database, tmp_path, scenario)


async def has_received(scene: Scene, channel: str, at_least: int) -> bool:
    """Whether so many messages of the channel have arrived."""
    return len(await scene.servers.received(channel)) >= at_least


async def disconnect(scene: Scene, name: str) -> None:
    """End the connections of this application name, as a restart of PostgreSQL does."""
    ended = await scene.bank.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1", name)
    assert ended, f"nobody called {name} is connected"
