"""Faults in the very middle of the engine's write: a lock holds it there until the fault has happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.chain import Chain, Connection
from tests.waiting import wait_until

# Where the write waits -> the lock that makes it wait there.
BEFORE_POSITIONS = "select from alerting.engine_position for update"
AFTER_POSITIONS = "lock table alerting.alert in share mode"
LOCKS = {
    "before the positions": BEFORE_POSITIONS,
    "between positions and alerts": AFTER_POSITIONS,
    "among the messages": "lock table alerting.outbox_due in share mode",
}


@contextmanager
def held_in_write(chain: Chain, lock: str) -> Iterator[None]:
    """The lock is held for the block. Insert something that alerts, then `wait_until_held`."""
    with chain.database() as holder, holder.transaction(force_rollback=True):
        holder.execute(lock)
        yield


def wait_until_held(chain: Chain, engine: str = "engine-1") -> None:
    """Until the engine's session waits for a lock."""
    with chain.database() as connection:
        wait_until(lambda: sessions(connection, engine, "Lock"), 30, f"{engine} waits for the lock in its write")


@contextmanager
def lost_answer_to_commit(chain: Chain, engine: str = "engine-1") -> Iterator[None]:
    """Within the block insert something that alerts; at its end the engine's COMMIT is done, and the session that said so gone.

    The commit waits for a standby that does not exist. So does every other one, capture's heartbeat among them; so this
    begins when the engine has the events in its hands.
    """
    with chain.database() as connection:
        try:
            with held_in_write(chain, BEFORE_POSITIONS):
                yield
                wait_until_held(chain, engine)
                set_standby(connection, "nobody")
                wait_until(lambda: sessions(connection, "%", "IPC"), 30, "the heartbeat waits for a standby")
            what = f"{engine} waits for the answer to its COMMIT"
            (found,) = wait_until(lambda: sessions(connection, engine, "IPC"), 30, what)
            connection.execute("select pg_terminate_backend(%s)", [found])
        finally:
            set_standby(connection, "")


def set_standby(connection: Connection, name: str) -> None:
    """Which standby a commit waits for; none when empty."""
    connection.execute(f"alter system set synchronous_standby_names = '{name}'")
    connection.execute("select pg_reload_conf()")


def sessions(connection: Connection, name: str, kind: str) -> list[int]:
    """The sessions of this name (LIKE) that wait for a lock (Lock) or, in their COMMIT, for a standby (IPC)."""
    rows = connection.execute(
        "select pid from pg_stat_activity where application_name like %s and wait_event_type = %s"
        " and (wait_event_type = 'Lock' or wait_event = 'SyncRep')",
        [name, kind],
    )
    return [int(pid) for (pid,) in rows]
