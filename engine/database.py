"""The engine's connection to PostgreSQL, which outlives a restart of the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import psycopg

from bankalerts import faults
from bankalerts.errors import BankalertsError
from engine.outbox import Connection, Move, PositionLost, Topic
from sql import queries

log = logging.getLogger(__name__)

# An engine that is stopped in the middle of a transaction holds its positions; after this long its successor has them.
STOPPED_FOR_S = 20
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
T = TypeVar("T")


class Stopped(Exception):
    """The engine was told to stop while the database was away: nothing was lost, the positions say where to go on."""


class Database:
    """One connection, made anew when it broke. Raises BankalertsError when there is none at the start."""

    def __init__(self, url: str, name: str, stop: threading.Event) -> None:
        self._url = url
        self._name = name
        self._stop = stop
        try:
            self._connection = self._connect()
        except psycopg.OperationalError as error:
            raise BankalertsError(
                f"PostgreSQL does not answer ({faults.told(error)}): "
                "start it with 'bankalerts up', or set BANKALERTS_DATABASE_URL"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def partitions(self) -> int:
        """Raises BankalertsError where there is no such schema."""
        try:
            return int(self.reading(queries("engine", "psycopg").read_layout))
        except psycopg.ProgrammingError as error:
            raise BankalertsError(
                f"the database has no schema alerting ({faults.told(error)}): run 'alembic upgrade head'"
            ) from error

    def reading(self, work: Callable[[Connection], T]) -> T:
        """Do work that may be done twice; again on a new connection when this one breaks."""
        while True:
            try:
                return work(self._connection)
            except psycopg.Error as error:
                self._reconnect(error)

    def writing(self, topic: Topic, moves: Sequence[Move], work: Callable[[Connection], None]) -> None:
        """Do work that moves these positions, exactly once: after a broken connection the positions say whether it was done.

        Raises PositionLost when another engine moved them.
        """
        broke = False
        while True:
            try:
                return work(self._connection)
            except PositionLost:
                # it may be our own commit that moved them, still under way when the connection broke
                if broke and self._is_done(topic, moves):
                    return None
                raise
            except psycopg.Error as error:
                self._reconnect(error)
                broke = True
                if self._is_done(topic, moves):
                    return None

    def _is_done(self, topic: Topic, moves: Sequence[Move]) -> bool:
        """Whether the transaction that moves them was committed. One that moves none may be done again, to no effect: no."""
        partitions = [move.partition for move in moves]
        rows = self.reading(
            lambda connection: list(
                queries("engine", "psycopg").read_positions(connection, topic=topic.name, partitions=partitions)
            )
        )
        stored = {partition: position for partition, _, position in rows}
        if all(stored.get(move.partition) == move.expected for move in moves):
            return False
        if all(stored.get(move.partition) == move.next for move in moves):
            return True
        raise PositionLost(f"positions of {topic.name} were moved by another engine while the database was away")

    def _connect(self) -> Connection:
        return psycopg.connect(
            self._url,
            autocommit=True,
            application_name=self._name,
            connect_timeout=5,
            # a link that died without a word is noticed as soon as a stopped engine would be
            tcp_user_timeout=STOPPED_FOR_S * 1000,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            prepare_threshold=1,
            options=f"-c statement_timeout={STOPPED_FOR_S}s -c idle_in_transaction_session_timeout={STOPPED_FOR_S}s",
        )

    def _reconnect(self, why: psycopg.Error) -> None:
        """Only where the connection or the server failed; what PostgreSQL refuses for another reason is raised again."""
        if not isinstance(why, psycopg.OperationalError) and not self._connection.broken:
            raise why
        log.warning("lost PostgreSQL (%s), connecting again", faults.told(why))
        self._connection.close()
        tries = 0
        while not self._stop.wait(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]):
            try:
                self._connection = self._connect()
            except psycopg.OperationalError:
                tries += 1
            else:
                log.info("connected to PostgreSQL again after %d tries", tries + 1)
                return self._end_stopped_writers()
        raise Stopped

    def _end_stopped_writers(self) -> None:
        """End the sessions that have held positions for too long.

        statement_timeout does not reach a COPY whose engine is stopped: PostgreSQL waits for its data, whatever time it is.
        """
        ended = list(queries("engine", "psycopg").end_stopped_writers(self._connection, stopped_for_s=STOPPED_FOR_S))
        if ended:
            log.warning("ended %d sessions of engines that were stopped in the middle of a write", len(ended))
