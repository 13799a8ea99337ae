"""Keeping this process's controls up to date, and doing what they ask for: one task for all workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from notifier import address_book, measures
from notifier.brake import Volume
from notifier.controls import Controls
from notifier.database import Database, DatabaseAwayError
from notifier.message import Policy
from notifier.waiting import is_set_within
from sql import queries

log = logging.getLogger(__name__)

SQL = queries("controls", "asyncpg")

LOOK_EVERY_S = 1.0  # when no notice comes
USUAL_EVERY_S = 60.0  # what is usual changes slowly
PILOT_EVERY_S = 30.0  # a cohort that changed without its size
FORGET_EVERY_S = 3600.0
TELL_WITHIN_S = 1.0
RELEASE_AT_ONCE = 5_000
# A type's volume is known after an hour of minutes with messages; before, nothing is too much. Ten times that is far above it;
# small types may go up to ten messages a second.
USUAL_MINUTES_MIN = 60
USUAL_TIMES = 10
LIMIT_MIN = 600


class Keeper:
    """Reads pauses, policies, pilots and limits once a second or when told; pulls the brake; releases what a pause held."""

    def __init__(self, database: Database, controls: Controls, wake: Callable[[str | None], None]) -> None:
        self._database = database
        self._controls = controls
        self._wake = wake  # called with a channel on which messages were released
        self._notice = asyncio.Event()
        self._sizes: dict[str, int] = {}
        self._usual: dict[str, int] = {}
        self._done_at: dict[str, float] = {}

    def wake(self) -> None:
        """Somebody changed a control."""
        self._notice.set()
        self._done_at.pop("pilots", None)

    async def run(self) -> None:
        """Keep them until cancelled. While PostgreSQL is away what is known stays."""
        while True:
            await is_set_within(self._notice, LOOK_EVERY_S)
            self._notice.clear()
            await self.look()

    async def look(self) -> None:
        """One round.

        1. Add to the database what was let through, and learn what all processes let through together.
        2. Pause the types that this process stopped.
        3. Read pauses, policies, pilots, limits.
        4. Release what was held for a pause that is no more.
        5. Now and then: forget what is old.
        """
        await self._database.run(self._tell_volumes)
        await self._database.run(self._pull_brake)
        await self._database.run(self._read)
        while await self._database.run(self._release) == RELEASE_AT_ONCE:
            pass
        if self._is_time("forget", FORGET_EVERY_S):
            await self._database.run(SQL.forget_volumes)
            await self._database.run(address_book.forget_replaced_addresses)

    async def tell(self) -> None:
        """The last words before a stop: what was let through since the last round."""
        with contextlib.suppress(DatabaseAwayError):
            await self._database.run(self._tell_volumes, within_s=TELL_WITHIN_S)

    async def _tell_volumes(self, connection: Any) -> None:
        brake = self._controls.brake
        volumes = brake.take_volumes()
        if volumes:
            rows = SQL.add_volumes(
                connection,
                alert_types=[volume.alert_type for volume in volumes],
                minutes=[volume.minute for volume in volumes],
                messages=[volume.messages for volume in volumes],
            )
            brake.note_volumes([Volume(row["alert_type"], row["minute"], row["messages"]) async for row in rows])
        brake.forget()

    async def _pull_brake(self, connection: Any) -> None:
        for stop in list(self._controls.brake.stopped.values()):
            if await SQL.pull_brake(connection, alert_type=stop.alert_type, messages=stop.messages, limit=stop.limit):
                log.error(
                    "%s is paused: %d messages in a minute, %d are its limit. Look at them, then `bankalerts resume %s`",
                    *(stop.alert_type, stop.messages, stop.limit, stop.alert_type),
                )

    async def _read(self, connection: Any) -> None:
        stopped = list(self._controls.brake.stopped.values())
        rows = [row async for row in SQL.read_pauses(connection)]
        self._note_pauses({row["scope"] for row in rows if row["ended_at"] is None})
        ended = sorted((row["ended_at"], row["scope"]) for row in rows if row["ended_at"] is not None)
        self._controls.brake.resumed_at = {scope.removeprefix("TYPE:"): at for at, scope in ended if scope.startswith("TYPE:")}
        for stop in stopped:  # its pause stood in the database before it was read
            self._controls.brake.is_paused(stop)
        self._controls.policies = {
            row["channel"]: Policy(row["retries_unknown"], row["unknown_tries_max"])
            async for row in SQL.read_policies(connection)
        }
        await self._read_pilots(connection)
        if self._is_time("usual", USUAL_EVERY_S):
            self._usual = {
                row["alert_type"]: max(LIMIT_MIN, round(USUAL_TIMES * row["messages"]))
                async for row in SQL.read_usual_volumes(connection)
                if row["minutes"] >= USUAL_MINUTES_MIN
            }
        self._controls.brake.limits = {**self._usual, **await address_book.limits(connection)}

    def _note_pauses(self, open_now: set[str]) -> None:
        for scope in sorted(open_now - self._controls.pauses):
            log.warning("%s is paused: what falls due is held", scope)
        for scope in sorted(self._controls.pauses - open_now):
            log.warning("%s goes on: what was held is sent", scope)
        self._controls.pauses = frozenset(open_now)
        measures.PAUSES.set(len(open_now))

    async def _read_pilots(self, connection: Any) -> None:
        sizes = {row["alert_type"]: row["customers"] async for row in SQL.read_pilots(connection)}
        if sizes == self._sizes and not (sizes and self._is_time("pilots", PILOT_EVERY_S)):
            return
        cohorts = {row["alert_type"]: frozenset(row["customer_ids"]) async for row in SQL.read_pilot_customers(connection)}
        self._controls.pilots = {alert_type: cohorts.get(alert_type, frozenset()) for alert_type in sizes}
        self._sizes = sizes

    async def _release(self, connection: Any) -> int:
        released = [row async for row in SQL.release_paused(connection, most=RELEASE_AT_ONCE)]
        for row in released:
            self._wake(row["channel"])
        return sum(row["messages"] for row in released)

    def _is_time(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now - self._done_at.get(what, float("-inf")) < every_s:
            return False
        self._done_at[what] = now
        return True
