"""`bankalerts bounces`: a mail server pipes a bounce into it; the record, the suppressed addresses and the exit code tell."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from notifier import bounces, receipt_book
from notifier.bounce_mail import MalformedBounceError
from notifier.database import Database
from notifier.receipt_book import UnknownMessageError
from tests.dsn import Notification
from tests.notifying import eventually
from tests.receiving import Post, receiving

ADA, WORK = "ada@example.org", "ada@work.example"
Scenario = Callable[[Post, Database], Awaitable[None]]


def key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


@pytest.fixture
def play(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    monkeypatch.setattr(receipt_book, "WAIT_FOR_MESSAGE_S", 0.1)

    def run(scenario: Scenario) -> None:
        async def on_stage() -> None:
            async with receiving(database, tmp_path) as post:
                pool = await Database.connect(database, "bounces-test", 1)
                await scenario(post, pool)
                await pool.close()

        asyncio.run(on_stage())

    return run


async def mailed(post: Post, *addresses: str) -> UUID:
    message_id, _ = await post.taken("EMAIL", tuple(key(address) for address in addresses or (ADA,)))
    return message_id


async def suppressed(post: Post) -> list[Any]:
    return [row["target"] for row in await post.bank.run("select target from alerting.suppressed_address")]


def test_a_hard_bounce_fails_the_message_suppresses_the_address_and_falls_back(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, database: Database) -> None:
        await post.bank.run("update alerting.channel_policy set falls_back_to = 'SMS' where channel = 'EMAIL'")
        message_id = await mailed(post)
        mail = Notification(message_id).mail()
        assert await bounces.take(database, mail) == (message_id, "BOUNCED", "5.1.1")
        row = await post.bank.outbox(message_id)
        assert (row["state"], row["reason"]) == ("FAILED", "bounced 5.1.1")
        assert await suppressed(post) == [key(ADA)]
        others = await post.bank.run("select channel, state from alerting.outbox where message_id <> $1", message_id)
        assert [tuple(other) for other in others] == [("SMS", "PENDING")]
        before = await post.digest()
        await bounces.take(database, mail)  # a mail server that was not sure repeats it
        assert await post.digest() == before

    play(scenario)


def test_what_is_not_the_addresss_fault_leaves_it_alone(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, database: Database) -> None:
        for status, reason in (("5.7.1", "taken and not delivered 5.7.1"), ("4.4.7", "taken and not delivered 4.4.7")):
            message_id = await mailed(post)
            await bounces.take(database, Notification(message_id).with_recipient(ADA, "failed", status).mail())
            row = await post.bank.outbox(message_id)
            assert (row["state"], row["reason"]) == ("FAILED", reason)
        assert await suppressed(post) == []

    play(scenario)


def test_a_delay_is_recorded_and_settles_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, database: Database) -> None:
        message_id = await mailed(post)
        delayed = Notification(message_id).with_recipient(ADA, "delayed", "4.4.1").mail()
        for _ in range(2):
            assert await bounces.take(database, delayed) == (message_id, "DELAYED", "4.4.1")
        assert (await post.bank.outbox(message_id))["state"] == "ACCEPTED"
        kept = await post.bank.run("select status, reason, provider, target from alerting.receipt")
        assert [tuple(row) for row in kept] == [("DELAYED", "4.4.1", "acme", key(ADA))]
        await bounces.take(database, Notification(message_id).mail())
        assert (await post.bank.outbox(message_id))["state"] == "FAILED"

    play(scenario)


def test_of_several_addresses_the_one_that_bounced_is_found(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, database: Database) -> None:
        message_id = await mailed(post, ADA, WORK)
        elsewhere = Notification(message_id).with_recipient("a.l@elsewhere.example", "failed", "5.1.1")
        before = await post.digest()
        with pytest.raises(UnknownMessageError):
            await bounces.take(database, elsewhere.mail())  # it was forwarded from one of them, nobody knows which
        assert await post.digest() == before
        await bounces.take(database, replace(elsewhere, original_recipient=WORK).mail())
        assert await suppressed(post) == [key(WORK)]
        assert (await post.bank.outbox(message_id))["state"] == "ACCEPTED"

        alone = await mailed(post)
        await bounces.take(database, replace(elsewhere, message_id=alone).mail())
        assert set(await suppressed(post)) == {key(WORK), key(ADA)}

    play(scenario)


def test_what_is_refused_changes_nothing_and_is_counted(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, database: Database) -> None:
        message_id = await mailed(post)
        good = Notification(message_id)
        before = await post.digest()
        for mail in (b"From: ada\n\nhello", good.with_recipient(ADA, "relayed", "2.0.0").mail()):
            with pytest.raises(MalformedBounceError):
                await bounces.take(database, mail)
        assert await post.digest() == before
        two = await mailed(post, ADA, WORK)
        neither = replace(good, message_id=two).with_recipient("x@y.example", "failed", "5.1.1")
        before = await post.digest()
        for stranger in (replace(good, message_id=uuid4()), neither):
            with pytest.raises(UnknownMessageError):
                await bounces.take(database, stranger.mail())
        assert await post.digest() == before
        assert await post.refused() == {("?", "BOUNCE_MALFORMED"): 2, ("?", "BOUNCE_UNKNOWN_MESSAGE"): 2}

    play(scenario)


def test_a_bounce_that_overtakes_the_record_waits_for_it(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_book, "WAIT_FOR_MESSAGE_S", 10.0)

    async def scenario(post: Post, database: Database) -> None:
        message_id, _ = await post.taken("EMAIL", ())
        taking = asyncio.create_task(bounces.take(database, Notification(message_id).mail()))
        asked = "select from pg_stat_activity where application_name = 'bounces-test' and query like '%distinct on (target)%'"
        await eventually(lambda: post.bank.run(asked), "the bounce asks for its message")
        await post.take(message_id, key(ADA))
        assert (await taking)[1] == "BOUNCED"

    play(scenario)


def piped(url: str, home: Path, mail: bytes, file: str = "-") -> subprocess.CompletedProcess[bytes]:
    """The command, as a mail server runs it: with hardly an environment."""
    environment = {"BANKALERTS_DATABASE_URL": url, "BANKALERTS_HOME": str(home), "PATH": os.environ["PATH"]}
    words = (sys.executable, "-m", "bankalerts.cli", "bounces", file)
    return subprocess.run(words, input=mail, env=environment, cwd=Path(__file__).parents[2], capture_output=True, check=False)


def test_the_command_answers_as_a_mail_server_expects(database: str, tmp_path: Path, play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post, _database: Database) -> None:
        message_id = await mailed(post)
        mail = Notification(message_id).mail()
        for given, url, code, said in (
            (b"From: ada@example.org\n\nhello", database, os.EX_DATAERR, b"refused: it is no delivery status notification"),
            (Notification(uuid4()).mail(), database, os.EX_NOUSER, b"refused: it is of no message"),
            (mail, "postgresql://nobody@127.0.0.1:9/none", os.EX_TEMPFAIL, b"try again later: PostgreSQL at 127.0.0.1:9/none"),
        ):
            done = await asyncio.to_thread(piped, url, tmp_path, given)
            assert (done.returncode, done.stdout) == (code, b""), done.stderr
            assert said in done.stderr
            assert b"ada@" not in done.stderr
        assert (await post.bank.outbox(message_id))["state"] == "ACCEPTED"
        done = await asyncio.to_thread(piped, database, tmp_path, mail)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode() == f"message {message_id} bounced (5.1.1): its address is suppressed\n"
        (tmp_path / "mail").write_bytes(mail)
        assert (await asyncio.to_thread(piped, database, tmp_path, b"", str(tmp_path / "mail"))).returncode == 0
        assert (await asyncio.to_thread(piped, database, tmp_path, b"", str(tmp_path / "none"))).returncode == os.EX_NOINPUT

    play(scenario)
