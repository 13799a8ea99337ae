"""An operator's pause, and the automatic brake, under load: how soon, how much, and that it all goes out afterwards, once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from notifier.controls import Controls
from notifier.database import Database
from notifier.keeper import LIMIT_MIN, USUAL_MINUTES_MIN, Keeper
from tests.notifying import Scene, eventually, notifier, play

PAUSED_WITHIN_S = 5.0
MESSAGES = 150
BY_FUNCTION = "select alerting.pause($1, 'too many calls')"
# Whoever writes the row alone sends no notice.
BY_HAND = "insert into alerting.pause (scope, reason) values ($1, 'too many calls')"
HELD = "select count(*) as n from alerting.outbox_due where held_for = $1 and due_at = 'infinity'"
LEFT = "select count(*) as n from alerting.outbox_due"


async def count(scene: Scene, statement: str, *arguments: object) -> int:
    return int((await scene.bank.run(statement, *arguments))[0]["n"])


async def ids(scene: Scene, channel: str) -> list[str]:
    return [message["message_id"] for message in await scene.servers.received(channel)]


@pytest.mark.parametrize(
    ("scope", "statement"), [("ALL", BY_FUNCTION), ("CHANNEL:SMS", BY_HAND), ("TYPE:BALANCE_BELOW", BY_FUNCTION)]
)
def test_a_pause_holds_within_5_s_and_what_it_held_is_sent_once(
    database: str, tmp_path: Path, scope: str, statement: str
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("SMS", delay_ms=100)
        sent = await scene.bank.messages("SMS", [1] * MESSAGES)
        async with notifier(scene.settings):

            async def some_arrived() -> bool:
                return len(await ids(scene, "SMS")) > 0

            await eventually(some_arrived, "the first messages arrive")
            await scene.bank.run(statement, scope)
            paused_at = time.monotonic()

            async def new_ones_are_held() -> bool:
                sent.extend(await scene.bank.messages("SMS", [1] * 5))
                return await count(scene, HELD, f"PAUSE:{scope}") > 0

            await eventually(new_ones_are_held, "what comes is held")
            # only now: until the notifier knows of the pause a message may still leave
            other = await scene.bank.message("EMAIL", alert_type="DEBITED_ABOVE")

            async def all_held() -> bool:
                left = "select count(*) as n from alerting.outbox_due where channel = 'SMS' or $1 = 'ALL'"
                return await count(scene, HELD, f"PAUSE:{scope}") == await count(scene, left, scope)

            await eventually(all_held, "all that is left is held")
            assert time.monotonic() - paused_at < PAUSED_WITHIN_S
            arrived = await ids(scene, "SMS")
            states = await scene.bank.run(
                "select state, count(*) as n from alerting.outbox where channel = 'SMS' group by state"
            )
            assert {row["state"]: row["n"] for row in states} == {
                "ACCEPTED": len(arrived),
                "PENDING": len(sent) - len(arrived),
            }
            if scope == "ALL":
                assert not await ids(scene, "EMAIL")
            else:
                await scene.bank.reaches(other, "ACCEPTED")
            assert await ids(scene, "SMS") == arrived

            assert await scene.bank.run("select alerting.resume($1) as done", scope) == [(True,)]

            async def all_sent() -> bool:
                return await count(scene, LEFT) == 0

            await eventually(all_sent, "all that was held is sent")
            await scene.bank.reaches(other, "ACCEPTED")
        assert sorted(await ids(scene, "SMS")) == sorted(map(str, sent))

    play(database, tmp_path, scenario)


def test_a_type_that_sends_far_too_much_is_stopped_and_resumed_by_an_operator(database: str, tmp_path: Path) -> None:
    """Ten times its limit: the limit goes out, the rest waits; other types go on."""

    async def scenario(scene: Scene) -> None:
        await scene.bank.run("insert into bank.delivery_rule (alert_type, per_minute_max) values ('BALANCE_BELOW', 20)")
        sent = await scene.bank.messages("SMS", [1] * 200)
        async with notifier(scene.settings):
            fine = await scene.bank.messages("SMS", [1] * 30, alert_type="DEBITED_ABOVE")
            for message_id in fine:
                await scene.bank.reaches(message_id, "ACCEPTED")

            async def stopped() -> bool:
                held = await count(scene, HELD, "PAUSE:TYPE:BALANCE_BELOW")
                return held >= 180 and held == await count(scene, LEFT)

            await eventually(stopped, "all but 20 at most are held")

            async def noted() -> list[object]:
                return list(await scene.bank.run("select scope, made_by, reason from alerting.pause where ended_at is null"))

            (pause,) = await eventually(noted, "the pause stands in the database")
            assert pause == ("TYPE:BALANCE_BELOW", "brake", "21 messages in a minute, 20 are its limit")
            assert len(await ids(scene, "SMS")) <= 50

            await scene.bank.run("select alerting.resume('TYPE:BALANCE_BELOW')")

            async def all_sent() -> bool:
                return await count(scene, LEFT) == 0

            await eventually(all_sent, "all that was held is sent")
        assert sorted(await ids(scene, "SMS")) == sorted(map(str, sent + fine))
        volumes = await scene.bank.run("select alert_type, sum(messages)::int from alerting.type_volume group by 1 order by 1")
        assert [tuple(row) for row in volumes] == [("BALANCE_BELOW", 20), ("DEBITED_ABOVE", 30)]

    play(database, tmp_path, scenario)


def test_what_is_held_for_a_pause_that_nobody_knows_is_sent(database: str, tmp_path: Path) -> None:
    """A notifier was killed between holding a message and noting why."""

    async def scenario(scene: Scene) -> None:
        message_id = await scene.bank.message("SMS")
        await scene.bank.run("update alerting.outbox_due set held_for = 'PAUSE:TYPE:BALANCE_BELOW', due_at = 'infinity'")
        async with notifier(scene.settings):
            await scene.bank.reaches(message_id, "ACCEPTED")

    play(database, tmp_path, scenario)


def test_a_pause_is_one_however_often_it_is_asked_for(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        first = await scene.bank.run("select alerting.pause('ALL', 'a')")
        assert await scene.bank.run("select alerting.pause('ALL', 'b')") == first
        assert await scene.bank.run("select alerting.resume('ALL')") == [(True,)]
        assert await scene.bank.run("select alerting.resume('ALL')") == [(False,)]
        assert await scene.bank.run("select alerting.pause('ALL', 'c')") != first

    play(database, tmp_path, scenario)


HISTORY = (
    "insert into alerting.type_volume select $1, date_trunc('minute', now()) - n * interval '1 minute', $2"
    " from generate_series(11, 10 + $3::int) n"
)


def test_what_is_usual_is_learned_from_a_week_and_a_rule_overrides_it(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.run(HISTORY, "BUSY", 500, USUAL_MINUTES_MIN)
        await scene.bank.run(HISTORY, "QUIET", 3, USUAL_MINUTES_MIN)
        await scene.bank.run(HISTORY, "NEW", 500, USUAL_MINUTES_MIN - 1)
        await scene.bank.run(HISTORY, "BALANCE_BELOW", 500, USUAL_MINUTES_MIN)
        await scene.bank.run("insert into bank.delivery_rule (alert_type, per_minute_max) values ('BALANCE_BELOW', 7)")
        # a flood of the last minutes is not part of what is usual, nor are minutes of the week before
        await scene.bank.run("insert into alerting.type_volume values ('BUSY', date_trunc('minute', now()), 1000000)")
        await scene.bank.run("insert into alerting.type_volume values ('BUSY', now() - interval '9 days', 1000000)")
        database_of = await Database.connect(scene.settings.database_url, "keeper", 1)
        controls = Controls()
        await Keeper(database_of, controls, lambda _channel: None).look()
        await database_of.close()
        assert controls.brake.limits == {"BUSY": 5000, "QUIET": LIMIT_MIN, "BALANCE_BELOW": 7}
        assert (
            await count(scene, "select count(*) as n from alerting.type_volume where minute < now() - interval '8 days'") == 0
        )

    play(database, tmp_path, scenario)


def test_what_a_channel_does_with_the_unknown_is_seen_like_a_pause(database: str, tmp_path: Path) -> None:
    """In memory, and read again and again: no statement of a batch asks for it."""

    async def scenario(scene: Scene) -> None:
        await scene.servers.behave("SMS", drop_answer=True)
        async with notifier(scene.settings):
            await scene.bank.is_tried(await scene.bank.message("SMS"))
            await scene.bank.run("update alerting.channel_policy set retries_unknown = false where channel = 'SMS'")
            changed_at = time.monotonic()

            async def ends_at_its_first_try() -> bool:
                message_id = await scene.bank.message("SMS")
                await eventually(lambda: scene.bank.attempts(message_id), "it was tried")
                return bool((await scene.bank.outbox(message_id))["state"] == "UNKNOWN")

            await eventually(ends_at_its_first_try, "the unknown is not sent again")
            assert time.monotonic() - changed_at < PAUSED_WITHIN_S

    play(database, tmp_path, scenario)


def test_a_pilot_grows_while_it_runs(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bank.customer(2)
        await scene.bank.run_all(
            "insert into alerting.pilot values ('BALANCE_BELOW');"
            "insert into alerting.pilot_customer values ('BALANCE_BELOW', 1)"
        )
        async with notifier(scene.settings):
            mine, others = await scene.bank.messages("SMS", [1, 2])
            await scene.bank.reaches(mine, "ACCEPTED")
            row = await scene.bank.reaches(others, "SUPPRESSED")
            assert row["reason"] == "not in the pilot of BALANCE_BELOW"
            await scene.bank.run_all(
                "update alerting.pilot_customer set customer_id = 2; notify alerting_control, 'PILOT:BALANCE_BELOW'"
            )

            async def second_is_in() -> bool:
                (message_id,) = await scene.bank.messages("SMS", [2])
                await eventually(lambda: ended(message_id), "it has ended")
                return bool((await scene.bank.outbox(message_id))["state"] == "ACCEPTED")

            async def ended(message_id: object) -> bool:
                return not await scene.bank.run("select from alerting.outbox_due where message_id = $1", message_id)

            await eventually(second_is_in, "the second customer is sent to")

    play(database, tmp_path, scenario)
