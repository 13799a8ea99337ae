"""python -m tests.seeded_bugs NAME...: the engine with faults put in. An oracle is only as good as the faults it finds."""

from __future__ import annotations

import dataclasses
import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from psycopg.errors import UniqueViolation
from sqlglot import exp

from engine import catalogue, checkpoint, condition_writer, database, lanes, loop, match, outbox, packed, state, state_follower
from engine.outbox import Batch, Connection, Move, Topic
from engine.rows import AlertTypeRow
from engine.snapshot import StateSnapshot


def put_in(owner: Any, name: str, function: Callable[..., Any]) -> None:
    """Replace a function of a module, or a method of a class."""
    assert callable(getattr(owner, name)), f"{owner} has no function {name} any more"
    setattr(owner, name, function)


def newest(snapshot: StateSnapshot, entity: str) -> packed.State | state.Missing:
    """What is in force."""
    held = snapshot.packed.get(entity)
    versions = None if held is None else packed.unpack_versions(held, snapshot.wishes)
    if versions is None or versions.version < 0 or not snapshot.following:
        return state.Missing.BEHIND
    return packed.state_of(versions.version, versions.rows)


def judges_on_the_newest_state() -> None:
    """Whatever the stamp says: log order instead of stamps."""

    def at(self: Any, _version: int) -> Any:
        return state.Missing.BEHIND if self.version < 0 else self._in_force()

    put_in(state.Versions, "at", at)
    put_in(StateSnapshot, "at", lambda self, entity, _version: newest(self, entity))


def takes_the_newest_for_what_memory_has_lost() -> None:
    """Where the history tables should be asked."""

    def ask(self: Any, _connection: Connection, wanted: dict[Any, int], found: dict[Any, Any]) -> None:
        for key in (key for key in wanted if key not in found):
            now = newest(self._snapshots[wanted[key]], key[0])
            assert isinstance(now, packed.State)
            found[key] = state_follower.Stamped(now, self._catalogue._versions._in_force())

    put_in(state_follower.StateFollower, "_ask_history", ask)


def ignores_deletes() -> None:
    """A tombstone changes nothing."""
    apply = StateSnapshot.apply

    def without_deletes(self: StateSnapshot, key: bytes | None, value: bytes | None) -> None:
        if value is not None:
            apply(self, key, value)

    put_in(StateSnapshot, "apply", without_deletes)


def does_not_wait_for_the_marker() -> None:
    """A change is in force at once, before the version that it belongs to is whole."""

    def change(self: Any, key: Any, row: Any, _following: bool) -> None:
        self._view = None
        self.rows.pop(key, None)
        if row is not None:
            self.rows[key] = row

    put_in(state.Versions, "change", change)


def ignores_validity() -> None:
    """A permission holds for ever."""
    put_in(match, "may_see", lambda permission, alert_type, _event: permission.may_see_balance or not alert_type.uses_balance)


def shows_every_balance() -> None:
    """may_see_balance means nothing."""
    compile_row = catalogue.compile_alert_type

    def without_balance(row: AlertTypeRow) -> catalogue.AlertType:
        return dataclasses.replace(compile_row(row), uses_balance=False)

    put_in(catalogue, "compile_alert_type", without_balance)


def has_a_wrong_edge() -> None:
    """< is read as <=, > as >=."""
    condition_writer.COMPARISONS |= {exp.LT: "<=", exp.GT: ">="}


def ignores_the_catalogue_version() -> None:
    """Every event is judged by the alert types of now."""

    def newest(self: Any, _version: int) -> catalogue.Catalogue:
        found: catalogue.Catalogue = self._catalogue._versions._in_force()
        return found

    put_in(state_follower.StateFollower, "_catalogue_at", newest)


def saves_positions_before_effects() -> None:
    """In a transaction of their own."""
    write = outbox._write

    def in_two(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch, put: Any) -> None:
        write(connection, engine, topic, moves, Batch(), put)
        write(connection, engine, topic, (), batch, put)

    put_in(outbox, "_write", in_two)


def lets_nothing_wait() -> None:
    """No fault: without lanes a position moves with its first write, whatever the races are like."""
    put_in(lanes.Lanes, "sort", lambda _self, records, **_: records)


def drops_a_batch_with_an_old_alert() -> None:
    """Where an alert is there already, the new ones beside it are lost."""

    def write(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch) -> None:
        try:
            outbox._write(connection, engine, topic, moves, batch, outbox.copy_straight)
        except UniqueViolation:
            outbox._write(connection, engine, topic, moves, Batch(), outbox.copy_straight)

    put_in(outbox, "write", write)


def sets_positions_without_comparing() -> None:
    """No fence: who writes last wins."""

    def move(connection: Connection, _engine: str, topic: Topic, moves: Sequence[Move]) -> None:
        connection.execute("begin")
        for each in moves:
            connection.execute(
                "update alerting.engine_position set position = %s where topic = %s and partition = %s",
                [each.next, topic.name, each.partition],
            )

    put_in(outbox, "move_positions", move)


# No bug: what a test needs of an engine, with a bug or without.


def stops_before_its_first_alerts() -> None:
    """The process stops itself (SIGSTOP) with its first decisions in its hands, of a few events only."""
    loop.MOST_EVENTS = 20
    write = outbox.write
    stopped = False

    def stop_first(connection: Connection, engine: str, topic: Topic, moves: Sequence[Move], batch: Batch) -> None:
        nonlocal stopped
        if batch.decisions and not stopped:
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
        write(connection, engine, topic, moves, batch)

    put_in(outbox, "write", stop_first)


def ends_stopped_sessions_soon() -> None:
    """PostgreSQL ends a write of which nothing comes after 2 s."""
    database.STOPPED_FOR_S = 2


def main(names: Sequence[str]) -> None:
    """Put the faults in, then be the engine, in a group of its own: it need not wait until a killed one's session ran out.

    It neither takes checkpoints from others nor leaves them its own.
    """
    put_in(checkpoint.Checkpoints, "load", lambda *_: None)
    put_in(checkpoint.Checkpoints, "save", lambda *_: None)
    loop.GROUP = f"{loop.GROUP}-{os.getpid()}"
    for name in names:
        fault: Callable[[], None] = globals()[name]
        fault()
    sys.argv = ["engine"]
    runpy.run_module("engine", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
