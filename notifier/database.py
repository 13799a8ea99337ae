"""PostgreSQL as the notifier sees it: a pool that waits out a restart, and a listener that wakes the workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from bankalerts import faults
from bankalerts.errors import BankalertsError
from notifier import measures, retry
from notifier.waiting import is_set_within
from sql import queries

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTICE = "alerting_outbox"  # the NOTIFY channel; its payload is the name of the message channel
CONTROL_NOTICE = "alerting_control"  # an operator changed something; its payload says what
CONNECT_WITHIN_S = 5.0
# A statement that takes longer than this is not slow but lost: its connection is half open.
STATEMENT_WITHIN_S = 10.0
# Generic plans: planning a join over many monthly partitions at each call costs more than running it. Every statement
# takes a few rows by their keys, so only such plans are allowed: one made while the outbox was empty must not scan
# it when a million messages came.
SERVER_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

# What asyncpg raises when the server is away, starting, stopping, overloaded, or does not answer: the same statement
# may succeed a moment later. TimeoutError is an OSError. InternalClientError is what a statement gets whose connection
# the server ended just before.
AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)


class DatabaseAwayError(Exception):
    """PostgreSQL did not answer for as long as the caller could wait."""


class Database:
    """A pool of connections. Statements are prepared once per connection and kept."""

    def __init__(self, pool: asyncpg.Pool, address: str) -> None:
        self._pool = pool
        self._address = address
        self._away_since: float | None = None

    @classmethod
    async def connect(cls, url: str, name: str, connections: int) -> Database:
        """Open the pool. Raises BankalertsError when PostgreSQL does not answer or has no outbox."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=connections,
                # Once open they are kept, so that no message waits for a connection and its statements to be prepared.
                max_inactive_connection_lifetime=0,
                timeout=CONNECT_WITHIN_S,
                command_timeout=STATEMENT_WITHIN_S,
                max_cached_statement_lifetime=0,
                server_settings={**SERVER_SETTINGS, "application_name": name},
                reset=_keep_as_is,
            )
            await queries("notifier", "asyncpg").look_at_outbox(pool)
        except (asyncpg.InvalidSchemaNameError, asyncpg.UndefinedTableError) as error:
            raise BankalertsError(f"{_where(url)} has no outbox: run `alembic upgrade head`") from error
        except (*AWAY, asyncpg.PostgresError) as error:
            raise BankalertsError(
                f"PostgreSQL at {_where(url)} cannot be used ({faults.told(error)}): start it with `bankalerts up`,"
                " or correct BANKALERTS_DATABASE_URL"
            ) from error
        measures.DATABASE_UP.set(1)
        return cls(pool, _where(url))

    async def close(self) -> None:
        """Close all connections, the busy ones too."""
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._pool.close()

    async def run(
        self, call: Callable[[Any], Awaitable[T]], *, within_s: float = float("inf"), unless: asyncio.Event | None = None
    ) -> T:
        """Run statements on one connection, again and again while the server is away.

        Raises DatabaseAwayError after `within_s` seconds, or when `unless` is set while it is away. `call` must be safe
        to repeat: it cannot know whether a lost answer was a yes.
        """
        give_up_at = time.monotonic() + within_s
        unless = unless or asyncio.Event()
        failures = 0
        while True:
            try:
                result = await self._call_once(call)
            except AWAY as error:
                failures += 1
                self._note_away(error)
                pause_s = retry.database_pause_s(failures, random.random())  # noqa: S311  jitter is no secret
                if time.monotonic() + pause_s > give_up_at or await is_set_within(unless, pause_s):
                    raise DatabaseAwayError from error
            else:
                self._note_back()
                return result

    async def _call_once(self, call: Callable[[Any], Awaitable[T]]) -> T:
        async with self._pool.acquire() as connection:
            try:
                return await call(connection)
            except AWAY:
                # Whatever state it is in, the next call gets another one. The pool may have taken a dead one back.
                with contextlib.suppress(asyncpg.InterfaceError):
                    connection.terminate()
                raise

    def _note_away(self, error: BaseException) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            measures.DATABASE_UP.set(0)
            log.warning("PostgreSQL at %s cannot be used (%s): trying again", self._address, faults.told(error))

    def _note_back(self) -> None:
        if self._away_since is not None:
            log.info("PostgreSQL at %s can be used again after %.1f s", self._address, time.monotonic() - self._away_since)
            self._away_since = None
            measures.DATABASE_UP.set(1)


async def listen(
    url: str, name: str, woken: Callable[[str | None], None], controlled: Callable[[], None], ready: asyncio.Event
) -> None:
    """Call `woken(channel)` for each notice of messages, `controlled()` for each of operators, for ever.

    Both, with None for all channels, whenever notices may have been missed.

    `ready` is set once it listens. When the connection breaks it connects again; until then the workers poll.
    """
    failures = 0
    while True:
        try:
            await _listen_until_lost(url, name, woken, controlled, ready)
            failures = 0
        except AWAY:
            failures += 1
        await asyncio.sleep(retry.database_pause_s(failures + 1, random.random()))  # noqa: S311


async def _listen_until_lost(
    url: str, name: str, woken: Callable[[str | None], None], controlled: Callable[[], None], ready: asyncio.Event
) -> None:
    lost = asyncio.Event()
    connection = await asyncpg.connect(url, timeout=CONNECT_WITHIN_S, server_settings={"application_name": f"{name}-listen"})
    try:
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(NOTICE, lambda _connection, _pid, _notice, channel: woken(channel))
        await connection.add_listener(CONTROL_NOTICE, lambda *_: controlled())
        ready.set()
        woken(None)
        controlled()
        await lost.wait()
    finally:
        connection.terminate()


async def _keep_as_is(_connection: Any) -> None:
    """Our statements leave no session state behind: resetting it at each release would cost a round trip."""


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
