"""When the engine's transactions were seen to be committed, by a session of its own.

PostgreSQL tells a listener after the commit is on disk and visible, so what the listener notes is never too early. Each
transaction with alerts on one channel notifies once, and one engine's transactions commit one after the other, so the n-th
notice belongs to the n-th commit.
"""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Self

import psycopg

COMMITS = """
select distinct pg_xact_commit_timestamp(xmin) as committed from alerting.alert
 where pg_xact_commit_timestamp(xmin) >= %s order by committed
"""


class SeenCommits:
    """Listens from entering on; `by_commit()` ends it and tells when each commit was seen."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._ours, theirs = multiprocessing.Pipe()
        self._listener = multiprocessing.get_context("spawn").Process(target=listen, args=(database_url, theirs))

    def __enter__(self) -> Self:
        self._listener.start()
        self._since: datetime = self._ours.recv()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.terminate()
        self._listener.join(timeout=10)

    def by_commit(self) -> dict[datetime, datetime]:
        """The commit's own timestamp -> when it was seen."""
        with psycopg.connect(self._url) as connection:
            commits = [commit for (commit,) in connection.execute(COMMITS, [self._since]).fetchall()]
        self._ours.send("enough")
        seen = self._ours.recv()
        if len(commits) != len(seen):
            raise AssertionError(
                f"{len(commits)} transactions with alerts, but {len(seen)} notices: is it one engine, one channel?"
            )
        return dict(zip(commits, seen, strict=True))


def listen(database_url: str, pipe: Pipe) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("listen alerting_outbox")
        row = connection.execute("select clock_timestamp()").fetchone()
        pipe.send(row[0] if row else None)
        seen = []
        while not pipe.poll():
            seen += [datetime.now(UTC) for _ in connection.notifies(timeout=1.0, stop_after=1)]
        pipe.send(seen)
