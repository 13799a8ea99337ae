"""Keeps the snapshots of this engine's partitions up with their topics, and finds the state an event was stamped with."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import msgspec
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from engine import history
from engine.catalogue import Catalogue
from engine.checkpoint import Checkpoint, Checkpoints
from engine.decode import Undecodable
from engine.outbox import Connection, Refused, Topic
from engine.packed import State
from engine.readers import Stalled, StateReader
from engine.snapshot import CatalogueSnapshot, StateSnapshot
from engine.state import Missing

log = logging.getLogger(__name__)

READ_AT_ONCE = 5_000
FEW = 20
LONGEST_WAIT_S = 2.0
STALLED_AFTER_S = 10.0
# Half of the topics' min.compaction.lag.ms: what is read later than that may have lost changes to compaction.
LONGEST_BEHIND_S = 30 * 60.0
KEPT_CATALOGUES = 64
TIDY_AT_ONCE = 100  # states of a partition
CHECKPOINT_AFTER_S = 3600.0
COLLECT_AFTER = (5_000, 20, 100)  # objects; collections of the younger generation
NOWHERE = StateSnapshot()  # of a partition that is not ours: it never follows

Stamp = tuple[str, int, int]  # (entity, state version, catalogue version)


class StampedEvent(Protocol):
    """What an event says of the state it is to be judged on."""

    @property
    def entity(self) -> str: ...
    @property
    def state_version(self) -> int: ...
    @property
    def catalogue_version(self) -> int: ...


class Stamped(msgspec.Struct, frozen=True, gc=False):
    """What an event is judged on."""

    state: State
    catalogue: Catalogue


class StampedRecord(Protocol):
    """A record of the event topic, with a place for what it is judged on."""

    partition: int
    event: Any
    found: Stamped | None


class Lookup(NamedTuple):
    """Records whose state is not in memory, and catalogues with alert types that do not compile, by version."""

    missing: list[Any]
    parked: dict[int, Catalogue]


def settle_memory() -> None:
    """What was made until now stays: Python's garbage collector need not look at it again, nor at what is made now so often.

    States are bytes, which it never looks at; what is left for it takes it a millisecond or two. What reading them needed goes
    back to the system, where the C library can be asked for that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class StateFollower:
    """Snapshots by partition, and of the catalogue. `quarantine` is called with each record that cannot be decoded."""

    def __init__(
        self,
        config: dict[str, Any],
        group: str,
        admin: AdminClient,
        states: Topic,
        catalogue: Topic,
        checkpoints: Checkpoints,
        quarantine: Callable[[Refused], None],
    ) -> None:
        self._topics = {topic.name: topic for topic in (states, catalogue)}
        self._states_topic = states.name
        self._reader = StateReader(config, group, admin, self._end_seen)
        self._snapshots: dict[int, StateSnapshot] = {}
        self._catalogue = CatalogueSnapshot()
        self._old_catalogues: dict[int, Catalogue] = {}
        self._reported: set[str] = set()
        self._late: set[str] = set()  # entities that were waited for in vain: nobody waits for them again
        self._told: Counter[str] = Counter()
        self._checkpoints = checkpoints
        self._whole = True  # all that was read was applied: else a checkpoint would lack a record
        self._to_keep: list[int] = []
        self._quarantine = quarantine
        self._reader.add(catalogue.name, 0)

    def add(self, partitions: Iterable[int]) -> None:
        """Rebuild the snapshots of these partitions, from checkpoints where there are; returns when all of it was read."""
        new = list(partitions)
        if not new:
            return
        started = time.monotonic()
        records, kept = 0, {partition: self._begin(partition) for partition in new}
        progress = time.monotonic()
        while not self._catalogue.following or any(not self._snapshots[partition].following for partition in new):
            read = self.read_on(0.1)
            records += read
            if read:
                progress = time.monotonic()
            elif time.monotonic() - progress > STALLED_AFTER_S:
                raise Stalled(f"topic {self._states_topic} was not read on for {STALLED_AFTER_S:.0f} s")
        settle_memory()
        log.info(
            "snapshot of partitions %s rebuilt: %d accounts and customers, %d of them from checkpoints, %d records, in %.1f s",
            *(sorted(new), sum(len(self._snapshots[partition]) for partition in new), sum(kept.values()), records),
            time.monotonic() - started,
        )
        self._to_keep += new

    def _begin(self, partition: int) -> int:
        """Returns how many accounts and customers came from a checkpoint."""
        low, high = self._reader.watermarks(self._states_topic, partition)
        found = self._checkpoints.load(partition, low, high)
        self._snapshots[partition] = StateSnapshot() if found is None else StateSnapshot(*found.content())
        self._reader.add(self._states_topic, partition, None if found is None else found.position)
        return 0 if found is None else len(found.packed)

    def remove(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            snapshot = self._snapshots.get(partition)
            if snapshot is not None:
                self._keep(partition, snapshot, snapshot.packed, after_s=0)
                del self._snapshots[partition]
                self._reader.remove(self._states_topic, partition)

    def keep_checkpoints(self) -> None:
        """Have checkpoints written of what has changed for an hour, one partition after the other while events are judged."""
        self._to_keep = list(self._snapshots)

    def _keep_next(self) -> None:
        while self._to_keep and not self._checkpoints.are_being_written():
            partition = self._to_keep.pop()
            snapshot = self._snapshots.get(partition)
            if snapshot is not None:
                self._keep(partition, snapshot, None, CHECKPOINT_AFTER_S)

    def _keep(self, partition: int, snapshot: StateSnapshot, packed: dict[str, bytes] | None, after_s: float) -> None:
        """Begin to write the checkpoint of a partition: of `packed`, or of a copy of what it has, 20 to 80 ms for 500,000."""
        position = self._reader.position(self._states_topic, partition)
        if position is None or not self._whole or not snapshot.following:
            return
        if self._checkpoints.are_due(partition, position, after_s):
            states = snapshot.packed.copy() if packed is None else packed
            self._checkpoints.save(
                partition, Checkpoint(position, states, frozenset(snapshot.spoilt), tuple(snapshot.wishes.all()))
            )

    def read_on(self, timeout_s: float = 0.0, most: int = READ_AT_ONCE) -> int:
        """Apply up to so many records of the state topics, waiting for the first one; returns how many there were."""
        if self._to_keep:
            self._keep_next()
        records = 0
        whole, self._whole = self._whole, False
        for where, message in self._reader.read(most, timeout_s):
            self._apply(where, message)
            records += 1
        self._whole = whole
        return records

    def catch_up(self, most_s: float) -> bool:
        """Apply what the state topics have, for about so long; returns whether there was any.

        A few at a time: the marker of an account with many customers takes a hundred times as long as a row.
        """
        until, some = time.monotonic() + most_s, False
        while self.read_on(most=FEW):
            some = True
            if time.monotonic() > until:
                break
        return some

    def tidy(self) -> bool:
        """Use a moment in which no events come, some milliseconds; returns whether there is more to do."""
        return any(snapshot.tidy(TIDY_AT_ONCE) for snapshot in self._snapshots.values() if snapshot.following)

    def find(self, records: Iterable[StampedRecord]) -> Lookup:
        """Give each record its `found`, as far as that is in memory; tells which are not, and what is parked.

        A record without an event gets none, nor does one whose event certainly matches nothing.
        """
        lookup = Lookup([], {})
        newest, catalogue, count = -1, None, 0
        snapshots, late = self._snapshots, self._late
        for record in records:
            event = record.event
            if event is None:
                continue
            version = event.catalogue_version
            if version != newest:
                newest, catalogue = version, self._catalogue_in_memory(version)
                if catalogue is not None and catalogue.broken:
                    lookup.parked[version] = catalogue
            snapshot = snapshots.get(record.partition, NOWHERE)
            if catalogue is not None and snapshot.is_quiet(event, catalogue):
                count += 1
                continue
            state = snapshot.at(event.entity, event.state_version)
            if catalogue is not None and type(state) is State:
                record.found = Stamped(state, catalogue)
                count += 1
                if late:
                    late.discard(event.entity)
            else:
                lookup.missing.append(record)
        self._told["in memory"] += count
        return lookup

    def stamped(self, connection: Connection, events: Iterable[tuple[int, StampedEvent]]) -> dict[Stamp, Stamped]:
        """(entity, state version, catalogue version) -> what to judge on, for these (partition, event) pairs.

        For those that `find` did not find: where memory is behind, after reading on for at most 2 s; else from the history
        tables, which have every version. A version that not even these have is left out.
        """
        found: dict[Stamp, Stamped] = {}
        missing = {(event.entity, event.state_version, event.catalogue_version): partition for partition, event in events}
        self._wait_for(missing, found)
        read = len(found)
        self._told["after reading on"] += read
        self._ask_history(connection, missing, found)
        self._told["from the history tables"] += len(found) - read
        return found

    def told(self) -> str:
        """Where the states were found since the start, for the log."""
        return ", ".join(f"{count} {where}" for where, count in self._told.items()) or "none"

    def close(self) -> None:
        self.remove(list(self._snapshots))
        self._reader.close()
        self._checkpoints.close()

    def _look_up(self, key: Stamp, partition: int) -> Stamped | Missing:
        entity, version, catalogue_version = key
        catalogue = self._catalogue_at(catalogue_version)
        if isinstance(catalogue, Missing):
            return catalogue
        state = self._snapshots.get(partition, NOWHERE).at(entity, version)
        return state if isinstance(state, Missing) else Stamped(state, catalogue)

    def _wait_for(self, wanted: dict[Stamp, int], found: dict[Stamp, Stamped]) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_S
        behind = [key for key in wanted if key not in found and key[0] not in self._late]
        behind = [key for key in behind if self._look_up(key, wanted[key]) is Missing.BEHIND]
        while behind and time.monotonic() < deadline:
            self.read_on(0.02)
            for key in behind:
                stamped = self._look_up(key, wanted[key])
                if isinstance(stamped, Stamped):
                    found[key] = stamped
            behind = [key for key in behind if key not in found and self._look_up(key, wanted[key]) is Missing.BEHIND]
        if behind:
            late = {entity for entity, _, _ in behind}
            self._late |= late
            log.warning(
                "%d markers of accounts or customers did not come within %.0f s: from now on their state is read from the "
                "history tables, until a marker comes; see 'bankalerts connectors status'",
                len(late),
                LONGEST_WAIT_S,
            )

    def _ask_history(self, connection: Connection, wanted: dict[Stamp, int], found: dict[Stamp, Stamped]) -> None:
        missing = [key for key in wanted if key not in found]
        states = history.states(connection, [(entity, version) for entity, version, _ in missing])
        for key in missing:
            entity, version, catalogue_version = key
            current = self._catalogue_at(catalogue_version)
            catalogue = self._old_catalogue(connection, catalogue_version) if isinstance(current, Missing) else current
            if (entity, version) in states and catalogue is not None:
                found[key] = Stamped(states[entity, version], catalogue)

    def _old_catalogue(self, connection: Connection, version: int) -> Catalogue | None:
        if version not in self._old_catalogues:
            catalogue = history.catalogue(connection, version)
            if catalogue is None:
                return None
            if len(self._old_catalogues) == KEPT_CATALOGUES:
                del self._old_catalogues[next(iter(self._old_catalogues))]
            self._old_catalogues[version] = catalogue
        return self._old_catalogues[version]

    def _catalogue_in_memory(self, version: int) -> Catalogue | None:
        found = self._catalogue_at(version)
        return None if isinstance(found, Missing) else found

    def _catalogue_at(self, version: int) -> Catalogue | Missing:
        catalogue = self._catalogue.at(version)
        if isinstance(catalogue, Catalogue):
            for alert_type, reason in catalogue.broken.items():
                if alert_type not in self._reported:
                    self._reported.add(alert_type)
                    log.error("alert type %s is parked, nothing is judged by it: %s", alert_type, reason)
        return catalogue

    def _apply(self, where: tuple[str, int], message: Message) -> None:
        name, partition = where
        snapshot = self._snapshots.get(partition) if name == self._states_topic else self._catalogue
        if snapshot is None:
            return
        if snapshot.following and self._reader.since_end_s(name, partition) > LONGEST_BEHIND_S:
            log.info("%s, partition %d: half an hour since its end was seen, reading to its end", name, partition)
            snapshot.unfollow()
            self._reader.expect_end(name, partition)
        try:
            snapshot.apply(message.key(), message.value())
        except Undecodable as error:
            reason = str(error)
        else:
            return
        position = int(message.offset() or 0)
        log.error("%s, partition %d, position %d: quarantined: %s", name, partition, position, reason)
        self._quarantine(Refused(self._topics[name], partition, position, message.key(), message.value(), reason))

    def _end_seen(self, topic: str, partition: int) -> None:
        snapshot = self._snapshots.get(partition) if topic == self._states_topic else self._catalogue
        if snapshot is not None:
            snapshot.follow()
