"""What providers say of a message later, over HTTP: signed, applied once, refused whole when anything is wrong with it."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from bankalerts.errors import BankalertsError
from notifier import digest, outbox, receipt_book, receipts
from notifier.database import Database
from notifier.http_post import idempotency_key
from notifier.message import Conclusion
from notifier.outbox import Record
from tests.notifying import eventually
from tests.receiving import OF_ACME, OTHER, SECRET, Post, receiving
from tests.rigs import settings as blank_settings

AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
Scenario = Callable[[Post], Awaitable[None]]


@pytest.fixture
def play(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    monkeypatch.setattr(receipt_book, "WAIT_FOR_MESSAGE_S", 0.1)
    monkeypatch.setattr(receipt_book, "FLUSH_S", 0.05)

    def run(scenario: Scenario) -> None:
        async def on_stage() -> None:
            async with receiving(database, tmp_path) as post:
                await scenario(post)

        asyncio.run(on_stage())

    return run


def test_a_message_is_delivered_once(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        message_id, (reference,) = await post.taken()
        said = {"provider_ref": reference, "status": "DELIVERED", "at": AT.isoformat()}
        assert await post.says(said) == (204, None)
        row = await post.bank.outbox(message_id)
        assert (row["state"], row["delivered_at"], row["reason"]) == ("DELIVERED", AT, None)
        (attempt,) = await post.bank.attempts(message_id)
        assert (attempt["receipt"], attempt["receipt_at"]) == ("DELIVERED", AT)
        before = await post.digest()
        assert await post.says(said, said) == (204, None)  # a provider repeats what it has no answer to
        assert await post.digest() == before

    play(scenario)


def test_a_bounce_fails_the_message_suppresses_the_address_and_falls_back(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        message_id, (reference,) = await post.taken("PUSH", ("device-1",))
        assert await post.says({"provider_ref": reference, "status": "BOUNCED", "reason": "5.1.1"}) == (204, None)
        row = await post.bank.outbox(message_id)
        assert (row["state"], row["reason"]) == ("FAILED", "bounced 5.1.1")
        (dead,) = await post.bank.run("select * from alerting.suppressed_address")
        assert (dead["channel"], dead["target"], dead["message_id"]) == ("PUSH", "device-1", message_id)
        (other,) = await post.bank.run(
            "select * from alerting.outbox where alert_id = $1 and message_id <> $2", row["alert_id"], message_id
        )
        assert (other["channel"], other["falls_back_from"], other["state"]) == ("SMS", "PUSH", "PENDING")
        assert await post.bank.run("select from alerting.outbox_due where message_id = $1", other["message_id"])

    play(scenario)


def test_what_a_digest_told_fails_with_it_and_falls_back_too(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        carrier, (reference,) = await post.taken("PUSH", ("device-1",))
        told = [await post.bank.message("PUSH") for _ in range(3)]
        connection = post.bank.connection
        claimed = {each.message_id: each for each in await outbox.claim(connection, "PUSH", 10)}
        by = dataclasses.replace(claimed[told[0]], message_id=carrier)
        accepted = Conclusion("ACCEPTED", handed_at=AT)
        records = [Record(each, digest.conclude_other(by, accepted), digest.telling(by, accepted)) for each in claimed.values()]
        assert await outbox.record(connection, records) == set(told)
        # one of another digest
        other = await post.bank.message("PUSH")
        (elsewhere,) = await outbox.claim(connection, "PUSH", 10)
        ended = Record(elsewhere, digest.conclude_other(elsewhere, accepted), digest.telling(elsewhere, accepted))
        assert await outbox.record(connection, [ended]) == {other}

        assert await post.says({"provider_ref": reference, "status": "BOUNCED", "reason": "5.1.1"}) == (204, None)
        for message_id in told:
            row = await post.bank.outbox(message_id)
            assert (row["state"], row["reason"]) == ("FAILED", f"as its digest {carrier}: bounced 5.1.1")
        assert (await post.bank.outbox(other))["state"] == "SUPPRESSED"
        by_sms = await post.bank.run(
            "select p.message_id from alerting.outbox p join alerting.outbox s using (alert_id)"
            " where s.channel = 'SMS' and s.falls_back_from = 'PUSH' and p.channel = 'PUSH'"
        )
        assert {row["message_id"] for row in by_sms} == {carrier, *told}

    play(scenario)


def test_marketing_falls_back_to_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        await post.bank.run("update bank.alert_type set purpose = 'MARKETING' where alert_type = 'CREDITED_ABOVE'")
        message_id, (reference,) = await post.taken("PUSH", ("device-1",), alert_type="CREDITED_ABOVE")
        assert await post.says({"provider_ref": reference, "status": "FAILED", "reason": "quota"}) == (204, None)
        assert (await post.bank.outbox(message_id))["reason"] == "taken and not delivered quota"
        assert len(await post.bank.run("select from alerting.outbox")) == 1
        assert not await post.bank.run("select from alerting.suppressed_address")  # it is not the address's fault

    play(scenario)


def test_a_message_fails_when_every_target_that_took_it_did(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        message_id, (first, second) = await post.taken(targets=("one", "two"))
        await post.says({"provider_ref": first, "status": "BOUNCED"})
        assert (await post.bank.outbox(message_id))["state"] == "ACCEPTED"
        await post.says({"provider_ref": second, "status": "FAILED"})
        assert (await post.bank.outbox(message_id))["state"] == "FAILED"

    play(scenario)


def test_the_first_word_on_a_target_stands_and_a_bounce_still_suppresses(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        message_id, (reference,) = await post.taken()
        await post.says({"provider_ref": reference, "status": "DELIVERED"})
        assert await post.says({"provider_ref": reference, "status": "BOUNCED"}) == (204, None)
        assert (await post.bank.outbox(message_id))["state"] == "DELIVERED"
        assert (await post.bank.attempts(message_id))[0]["receipt"] == "DELIVERED"
        assert len(await post.bank.run("select from alerting.suppressed_address")) == 1
        kept = await post.bank.run("select status from alerting.receipt order by received_at")
        assert [row["status"] for row in kept] == ["DELIVERED", "BOUNCED"]

        failed_id, (failed,) = await post.taken()
        await post.says({"provider_ref": failed, "status": "FAILED"})
        assert await post.says({"provider_ref": failed, "status": "DELIVERED"}) == (204, None)
        assert (await post.bank.outbox(failed_id))["state"] == "FAILED"

    play(scenario)


def test_a_message_that_is_still_tried_elsewhere_stays_pending(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        message_id, (first, second) = await post.taken(targets=("one", "two"), state="PENDING")
        await post.says({"provider_ref": first, "status": "DELIVERED", "at": AT.isoformat()})
        await post.says({"provider_ref": second, "status": "BOUNCED"})
        row = await post.bank.outbox(message_id)
        assert (row["state"], row["delivered_at"]) == ("PENDING", AT)
        assert await post.bank.run("select from alerting.outbox_due where message_id = $1", message_id)

    play(scenario)


@pytest.mark.parametrize(("channel", "address"), [("SMS", "+31612345678"), ("PUSH", "device-1")])
def test_a_message_whose_answer_was_lost_goes_by_its_idempotency_key(
    play: Callable[[Scenario], None], channel: str, address: str
) -> None:
    async def scenario(post: Post) -> None:
        target = hashlib.sha256(address.encode()).hexdigest() if channel == "SMS" else address
        for status, state in (("DELIVERED", "DELIVERED"), ("FAILED", "FAILED")):
            message_id, _ = await post.taken(channel, (), "UNKNOWN")
            await post.take(message_id, target, None, "UNKNOWN")
            for wrong in (idempotency_key(message_id, "other"), idempotency_key(uuid4(), address), str(message_id)):
                assert (await post.says({"provider_ref": wrong, "status": status}))[0] == 404
            assert await post.says({"provider_ref": idempotency_key(message_id, address), "status": status}) == (204, None)
            row = await post.bank.outbox(message_id)
            assert (row["state"], row["handed_at"] is None) == (state, state == "FAILED")

    play(scenario)


def test_one_wrong_receipt_refuses_them_all(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        _, (good, also_good) = await post.taken(targets=("one", "two"))
        before = await post.digest()
        said = [{"provider_ref": name, "status": "DELIVERED"} for name in (good, "nobody-has-it", also_good)]
        assert await post.says(*said) == (404, {"error": "no message of this provider has that provider_ref", "index": 1})
        assert await post.says(said[0], provider="other") == (
            404,
            {"error": "no message of this provider has that provider_ref", "index": 0},
        )
        assert await post.digest() == before
        await eventually(
            lambda: is_counted(post, {("acme", "UNKNOWN_MESSAGE"): 1, ("other", "UNKNOWN_MESSAGE"): 1}), "both are counted"
        )

    play(scenario)


async def is_counted(post: Post, expected: dict[tuple[str, str], int]) -> bool:
    return await post.refused() == expected


def test_a_receipt_that_overtakes_the_record_waits_for_it(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_book, "WAIT_FOR_MESSAGE_S", 10.0)

    async def scenario(post: Post) -> None:
        message_id, _ = await post.taken(targets=())
        saying = asyncio.create_task(post.says({"provider_ref": "early", "status": "DELIVERED"}))
        # It has looked for the message and found none.
        asked = "select from pg_stat_activity where application_name = 'receipts-test' and query = 'ROLLBACK;'"
        await eventually(lambda: post.bank.run(asked), "the receipt asks for its message")
        await post.take(message_id, "one", "early")
        assert await saying == (204, None)
        assert (await post.bank.outbox(message_id))["state"] == "DELIVERED"

    play(scenario)


ONE = {"provider_ref": "a", "status": "DELIVERED"}
MALFORMED = {
    "no JSON": (b"<html>", "JSON is malformed"),
    "empty": (b"", "truncated"),
    "no text": (b'{"receipts": [{"provider_ref": "\xff"}]}', ""),
    "a list": (b"[]", "Expected `object`"),
    "nothing in it": (b'{"receipts": []}', "length >= 1"),
    "too many": (json.dumps({"receipts": [ONE] * 501}).encode(), "length <= 500"),
    "no status": (b'{"receipts": [{"provider_ref": "a"}]}', "missing required field `status`"),
    "unknown status": (json.dumps({"receipts": [ONE | {"status": "READ"}]}).encode(), "Invalid enum value"),
    "NUL": (json.dumps({"receipts": [ONE, ONE | {"provider_ref": "a\0"}]}).encode(), "receipts[1].provider_ref"),
    "number for a name": (json.dumps({"receipts": [ONE | {"provider_ref": 7}]}).encode(), "Expected `str`"),
    "too long a name": (json.dumps({"receipts": [ONE | {"provider_ref": "a" * 81}]}).encode(), "provider_ref"),
    "no time zone": (json.dumps({"receipts": [ONE | {"at": "2026-03-01T13:00:00"}]}).encode(), "timezone"),
    "tomorrow": (json.dumps({"receipts": [ONE | {"at": "2999-01-01T00:00:00Z"}]}).encode(), "in the future"),
    "deep": (b'{"receipts": ' + b"[" * 50_000, ""),
}


def test_what_is_malformed_is_refused_with_the_reason_counted_and_changes_nothing(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        _, (reference,) = await post.taken()
        good = json.dumps({"receipts": [{"provider_ref": reference, "status": "BOUNCED"}]}).encode()
        before = await post.digest()
        for what, (body, reason) in MALFORMED.items():
            status, said = await post.post(body)
            expected = 401 if what == "no text" else 400  # what is no text cannot have been signed as one
            assert status == expected, (what, said)
            assert reason in said["error"], (what, said)
            assert said["index"] == (1 if what == "NUL" else said["index"]), what
        now = datetime.now(UTC)
        unsigned: list[dict[str, Any]] = [
            {"headers": {"webhook-signature": None}},
            {"headers": {"webhook-id": None}},
            {"headers": {"webhook-timestamp": None}},
            {"headers": {"webhook-timestamp": "soon"}},
            {"headers": {"webhook-timestamp": "nan"}},
            {"headers": {"webhook-signature": "v1"}},
            {"headers": {"webhook-signature": "v1,%%%"}},
            {"headers": {"webhook-signature": "v1a,AAAA"}},
            {"headers": {"webhook-id": "msg_2"}},
            {"at": now - timedelta(minutes=6)},
            {"at": now + timedelta(minutes=6)},
            {"secret": OF_ACME},  # it is another provider's
        ]
        for fault in unsigned:
            status, said = await post.post(good, **fault)
            assert (status, bool(said["error"])) == (401, True), fault
        status, said = await post.post(b" " * 70_000 + good)
        assert (status, said["error"]) == (413, "the body is longer than 65536 octets")
        assert await post.digest() == before
        expected_counts = {
            ("acme", "MALFORMED"): len(MALFORMED) - 1,
            ("?", "SIGNATURE"): len(unsigned) + 1,
            ("?", "TOO_LARGE"): 1,
        }
        await eventually(lambda: is_counted(post, expected_counts), "each is counted")
        assert await post.post(good) == (204, None)
        assert await post.digest() != before  # the digest sees what a receipt changes

    play(scenario)


def test_a_flood_without_a_good_signature_holds_up_nobody(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times as many as there are places say that they sign, and never send their bodies."""
    monkeypatch.setattr(receipts, "BODY_WITHIN_S", 60.0)

    async def scenario(post: Post) -> None:
        message_id, (reference,) = await post.taken()
        flood = [await half_sent(post.base) for _ in range(3 * receipts.REQUESTS_AT_ONCE)]
        async with asyncio.timeout(20):
            assert await post.says({"provider_ref": reference, "status": "DELIVERED"}) == (204, None)
        assert (await post.bank.outbox(message_id))["state"] == "DELIVERED"
        for writer in flood:
            writer.close()

    play(scenario)


async def half_sent(base: str) -> asyncio.StreamWriter:
    """The head of a request that could be signed; answered by 100, so the endpoint is reading its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
    now = int(datetime.now(UTC).timestamp())
    writer.write(
        b"POST /receipts/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n"
        b"webhook-id: msg_1\r\nwebhook-timestamp: %d\r\nwebhook-signature: v1,AAAA\r\n\r\n" % now
    )
    assert b" 100 " in await reader.readline()
    return writer


def test_what_no_body_could_make_good_is_refused_by_its_head(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        port = int(post.base.rpartition(":")[2])
        for provider, head, status in (
            ("acme", b"Content-Length: 100\r\n", b" 401 "),
            ("nobody", b"Content-Length: 100\r\nwebhook-id: a\r\n", b" 401 "),
            ("acme", b"Content-Length: 65537\r\n", b" 413 "),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /receipts/%b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (provider.encode(), head))
            async with asyncio.timeout(receipts.BODY_WITHIN_S - 1):  # without its body
                assert status in await reader.readline()
            writer.close()

    play(scenario)


def test_each_secret_signs_for_whom_it_is(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        said = {"provider_ref": "a", "status": "DELIVERED"}
        assert (await post.says(said, secret=OTHER))[0] == 404  # known who it is; unknown is the message
        assert (await post.says(said, secret=OF_ACME, provider="corner"))[0] == 404
        assert (await post.says(said, secret=OF_ACME))[0] == 401

    play(scenario)


def test_no_text_of_a_provider_is_kept(play: Callable[[Scenario], None]) -> None:
    async def scenario(post: Post) -> None:
        for text in ("550 5.1.1 ada@example.org unknown", "31612345678", "ada lovelace"):
            message_id, (reference,) = await post.taken()
            await post.says({"provider_ref": reference, "status": "FAILED", "reason": text})
            assert (await post.bank.outbox(message_id))["reason"] == "taken and not delivered"
        assert await post.bank.run("select from alerting.receipt where reason is not null") == []

    play(scenario)


@pytest.mark.parametrize(
    ("listen", "secrets", "wrong"),
    [
        ("127.0.0.1:1", "", "RECEIPTS_SECRETS is not"),
        ("127.0.0.1:1", f"{SECRET} hunter2", "number 2 of BANKALERTS_RECEIPTS_SECRETS is no secret"),
        ("127.0.0.1", SECRET, "write it as host:port"),
        ("127.0.0.1:70000", SECRET, "write it as host:port"),
    ],
)
def test_wrong_settings_are_named_without_the_secret(listen: str, secrets: str, wrong: str) -> None:
    settings = blank_settings(Path(), receipts_listen=listen, receipts_secrets=secrets)
    with pytest.raises(BankalertsError, match=wrong) as raised:
        asyncio.run(receipts.serve(settings, cast("Database", None), asyncio.Event()))
    assert "hunter2" not in str(raised.value)
