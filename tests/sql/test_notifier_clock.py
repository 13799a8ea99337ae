"""A database whose clock is hours away from the notifier's: what is due, and whether it is night, the database's says alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.notifying import Scene, eventually, notifier, play

AHEAD = timedelta(hours=6)
# Found before the server's own by every statement that says now(); what stands in the schema keeps the clock it was made with.
OTHER_CLOCK = """
create schema other_clock;
create function other_clock.now() returns timestamptz language sql stable as $$ select pg_catalog.now() + interval '6 hours' $$;
create function other_clock.clock_timestamp() returns timestamptz language sql volatile as
    $$ select pg_catalog.clock_timestamp() + interval '6 hours' $$;
do $$ begin execute format('alter database %I set search_path = other_clock, pg_catalog, public', current_database()); end $$;
set search_path = other_clock, pg_catalog, public;
"""
NIGHT = """
update bank.customer
   set time_zone = 'UTC', quiet_from = (t - interval '1 hour')::time, quiet_until = (t + interval '1 hour')::time
  from (select date_trunc('minute', pg_catalog.now() + $1::interval) at time zone 'UTC' as t) as night
"""


async def at_night(scene: Scene, ahead: timedelta) -> None:
    """The other clock runs, and the customer's night is around the time that is so far ahead of this machine's."""
    await scene.bank.run_all(OTHER_CLOCK)
    await scene.bank.run(NIGHT, ahead)


def test_night_by_the_clock_of_the_database_holds(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await at_night(scene, AHEAD)
        message_id = await scene.bank.message("SMS")
        async with notifier(scene.settings):

            async def is_held() -> bool:
                rows = await scene.bank.run(
                    "select coalesce(held_for = 'QUIET' and lease_token is null and attempts = 0"
                    "       and due_at - now() between interval '58 minutes' and interval '1 hour', false) as it_is"
                    " from alerting.outbox_due where message_id = $1",
                    message_id,
                )
                return bool(rows and rows[0]["it_is"])

            await eventually(is_held, "it is held to the end of the night")
        assert not await scene.servers.received("SMS")

    play(database, tmp_path, scenario)


def test_night_by_the_clock_of_the_notifier_holds_nothing(database: str, tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await at_night(scene, timedelta(0))
        async with notifier(scene.settings):
            await scene.bank.reaches(await scene.bank.message("SMS"), "ACCEPTED")

    play(database, tmp_path, scenario)
