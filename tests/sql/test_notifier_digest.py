"""A throttled type: the first messages of a window go out, the others are told together at its end."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from notifier import address_book, claims, digest, outbox, throttle, worker
from notifier.message import Claimed, Conclusion, Reach
from notifier.outbox import Record
from notifier.outcome import release
from tests.notifying import Scene, eventually, notifier, number_of, play

RULE = (
    "insert into bank.delivery_rule (alert_type, throttle_messages, throttle_window) values ('BALANCE_BELOW', 2, '10 minutes')"
)
KEY = "DIGEST:1:BALANCE_BELOW"
HELD = "select held_for is not distinct from $1 and lease_token is null from alerting.outbox_due"
ENDS = "update alerting.throttle set window_ends_at = now() - interval '1 second'"


async def are_held(scene: Scene, messages: int) -> None:
    """So many, and no other message is left: what was sent is recorded."""

    async def there() -> bool:
        rows = await scene.bank.run(
            "select held_for is not distinct from $1 and lease_token is null from alerting.outbox_due", KEY
        )
        return [is_held for (is_held,) in rows] == [True] * messages

    await eventually(there, f"{messages} messages are held for {KEY}, and no other is left")


async def first_held_is_due(scene: Scene) -> None:
    """The first alone: it is to find the others."""
    await scene.bank.run(
        "update alerting.outbox_due set due_at = now() where message_id ="
        " (select message_id from alerting.outbox_due where held_for is not null order by due_at limit 1)"
    )


async def states(scene: Scene, messages: list[UUID]) -> list[tuple[str, str | None]]:
    rows = [await scene.bank.outbox(message_id) for message_id in messages]
    return sorted((row["state"], row["reason"]) for row in rows)


async def all_end(scene: Scene) -> None:
    async def there() -> bool:
        return not await scene.bank.run("select from alerting.outbox_due")

    await eventually(there, "every message has ended")


def test_what_is_more_than_the_window_has_is_told_in_one_message(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(RULE)
        await scene.bank.customer(2)
        messages = await scene.bank.messages("SMS", [1] * 6)
        await scene.bank.messages("SMS", [2, 2])
        await scene.bank.messages("SMS", [1] * 3, alert_type="DEBITED_ABOVE")
        async with notifier(scene.settings):
            await are_held(scene, 4)
            (due,) = await scene.bank.run(
                "select max(due_at) - now() between '9 minutes' and '10 minutes' as at_its_end, count(*)"
                " from alerting.outbox_due"
            )
            assert due == (True, 4)
            # another one of the same window, by another claim
            messages += await scene.bank.messages("SMS", [1])
            await are_held(scene, 5)
            assert len(await scene.servers.received("SMS")) == 7

            await first_held_is_due(scene)
            await all_end(scene)
            (told,) = (await scene.servers.received("SMS"))[7:]
            carrier = told["message_id"]
            assert await states(scene, messages) == [
                *[("ACCEPTED", None)] * 3,
                *[("SUPPRESSED", f"told in the digest {carrier}")] * 4,
            ]
            assert told["to"] == number_of(1)
            assert told["body"].startswith("5 messages of “")
            assert told["body"].count("€90.00") == 5

            # the window is over: there are places again
            await scene.bank.run(ENDS)
            (later,) = await scene.bank.messages("SMS", [1])
            await scene.bank.reaches(later, "ACCEPTED")

    play(database, tmp_path, scenario)


def test_a_place_belongs_to_its_message_whatever_becomes_of_its_claim(database: str, tmp_path: Path) -> None:
    """Looked up twice, given back, held for a pause: it counts once, and keeps its place."""

    async def scenario(scene: Scene) -> None:
        await scene.bank.run(RULE)
        connection = scene.bank.connection

        async def held(claimed: list[Claimed]) -> set[UUID]:
            found = await address_book.recipients(connection, "SMS", Reach.ADDRESSES, claimed)
            return set(await throttle.admit(connection, "SMS", list(zip(claimed, found, strict=True))))

        (first,) = await scene.bank.messages("SMS", [1])
        claimed = await outbox.claim(connection, "SMS", 10)
        assert await held(claimed) == set()
        assert await held(claimed) == set(), "its answer was lost, and it is looked up again"
        for conclusion in (release(claimed[0], "given back"), Conclusion("PENDING", "paused", retry_in_s=0.0, uncounted=True)):
            await outbox.record(connection, [Record(claimed[0], conclusion)])
            claimed = await outbox.claim(connection, "SMS", 10)
            assert [(message.message_id, message.attempt_no) for message in claimed] == [(first, 1)]
            assert await held(claimed) == set()
        # the second place is left, and no third
        await scene.bank.messages("SMS", [1] * 3)
        later = await outbox.claim(connection, "SMS", 10)
        assert len(later) == 3
        assert await held(claimed + later) == {message.message_id for message in later[1:]}
        assert await held(claimed + later) == {message.message_id for message in later[1:]}

    play(database, tmp_path, scenario)


def test_a_digest_that_is_not_taken_is_gathered_again(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(RULE)
        messages = await scene.bank.messages("SMS", [1] * 5)
        async with notifier(scene.settings):
            await are_held(scene, 3)
            await scene.servers.behave("SMS", status=503)
            await first_held_is_due(scene)

            async def tried() -> bool:
                return bool(await scene.bank.run("select from alerting.delivery_attempt where outcome = 'RETRY'"))

            await eventually(tried, "the digest was tried")
            await are_held(scene, 3)
            await scene.servers.behave("SMS", status=200)
            await scene.bank.make_due()
            await all_end(scene)
        assert [state for state, _ in await states(scene, messages)] == ["ACCEPTED"] * 3 + ["SUPPRESSED"] * 2
        assert len(await scene.servers.received("SMS")) == 3

    play(database, tmp_path, scenario)


def test_a_digest_that_is_refused_for_good_is_brought_by_the_next_channel_with_all_that_it_told(
    database: str, tmp_path: Path
) -> None:
    async def scenario(scene: Scene) -> None:
        messages = await scene.bank.messages("PUSH", [1] * 4)
        await scene.bank.run("update alerting.outbox_due set held_for = $1", KEY)
        await scene.servers.behave("PUSH", status=400)
        async with notifier(scene.settings):
            await all_end(scene)
        reasons = await states(scene, messages)
        assert [state for state, _ in reasons] == ["FAILED"] * 4
        assert sum("refused for good: HTTP 400" in str(reason) for _, reason in reasons) == 4
        assert sum("as its digest" in str(reason) for _, reason in reasons) == 3
        fallen_back = await scene.bank.run(
            "select s.state, s.falls_back_from from alerting.outbox p join alerting.outbox s using (alert_id)"
            " where p.channel = 'PUSH' and s.channel = 'SMS'"
        )
        assert [tuple(row) for row in fallen_back] == [("ACCEPTED", "PUSH")] * 4
        assert len(await scene.servers.received("SMS")) == 4

    play(database, tmp_path, scenario)


def test_a_permission_that_was_revoked_meanwhile_suppresses_what_was_held(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(RULE)
        messages = await scene.bank.messages("SMS", [1] * 4)
        async with notifier(scene.settings):
            await are_held(scene, 2)
            await scene.bank.run("delete from bank.account_permission")
            await scene.bank.make_due()
            await all_end(scene)
        revoked = ("SUPPRESSED", "the permission on the account was revoked")
        assert await states(scene, messages) == [("ACCEPTED", None)] * 2 + [revoked] * 2
        assert len(await scene.servers.received("SMS")) == 2

    play(database, tmp_path, scenario)


def test_one_alone_is_sent_as_it_is(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(RULE)
        await scene.bank.messages("SMS", [1] * 3)
        async with notifier(scene.settings):
            await are_held(scene, 1)
            await scene.bank.make_due()
            await all_end(scene)
        assert len({message["body"] for message in await scene.servers.received("SMS")}) == 1

    play(database, tmp_path, scenario)


def test_more_digests_than_a_claim_may_bring_are_told_one_claim_after_the_other(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six customers, five messages each, room for two and a half of their digests: each gets one message all the same."""

    async def scenario(scene: Scene) -> None:
        for customer_id in range(2, 7):
            await scene.bank.customer(customer_id)
        await scene.bank.messages("SMS", [customer_id for _ in range(5) for customer_id in range(1, 7)])
        await scene.bank.run(
            "update alerting.outbox_due d set held_for = 'DIGEST:' || a.customer_id || ':BALANCE_BELOW',"
            "       due_at = now() + case when first then interval '0' else interval '1 hour' end"
            "  from (select alert_id, customer_id, row_number() over (partition by customer_id order by alert_id) = 1 as first"
            "          from alerting.alert) a"
            " where a.alert_id = d.alert_id"
        )
        async with notifier(scene.settings):
            await all_end(scene)
        told = await scene.servers.received("SMS")
        assert sorted(message["to"] for message in told) == sorted(number_of(customer_id) for customer_id in range(1, 7))
        assert all(message["body"].startswith("5 messages of “") for message in told)

    monkeypatch.setattr(digest, "SIBLINGS_OF_A_CLAIM_MAX", 10)
    monkeypatch.setattr(claims, "RELEASED_FOR_S", 0.0)
    monkeypatch.setattr(worker, "POLL_S", 0.05)
    play(database, tmp_path, scenario)


def test_what_a_killed_notifier_had_of_a_digest_is_told_in_one_message_still(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        messages = await scene.bank.messages("SMS", [1] * 6)
        await scene.bank.run("update alerting.outbox_due set held_for = $1", KEY)
        await first_held_is_due(scene)
        connection = scene.bank.connection
        # what a worker claims; it is killed before it does anything with it
        first = await outbox.claim(connection, "SMS", 1)
        assert len(first + await digest.siblings(connection, "SMS", first)) == 6
        await scene.bank.run("update alerting.outbox_due set due_at = now() - interval '1 second'")
        async with notifier(scene.settings):
            await all_end(scene)
            (told,) = await scene.servers.received("SMS")
            assert told["body"].startswith("6 messages of “")
            assert [state for state, _ in await states(scene, messages)] == ["ACCEPTED", *["SUPPRESSED"] * 5]

    play(database, tmp_path, scenario)
