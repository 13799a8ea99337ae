"""Keeps the snapshots of this engine's partitions up with their topics, and finds the state an event was stamped with."""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from engine import history
from engine.catalogue import Catalogue
from engine.decode import AccountEntry, Undecodable
from engine.outbox import Connection, Refused, Topic
from engine.readers import Stalled, StateReader
from engine.snapshot import AccountSnapshot, AccountState, CatalogueSnapshot
from engine.state import Missing

log = logging.getLogger(__name__)

READ_AT_ONCE = 2_000
LONGEST_WAIT_S = 2.0
STALLED_AFTER_S = 10.0
# Half of the topics' min.compaction.lag.ms: what is read later than that may have lost changes to compaction.
LONGEST_BEHIND_S = 30 * 60.0
KEPT_CATALOGUES = 64


@dataclass(frozen=True)
class Stamped:
    """What an event is judged on."""

    state: AccountState
    catalogue: Catalogue


class StateFollower:
    """Snapshots by partition, and of the catalogue. `quarantine` is called with each record that cannot be decoded."""

    def __init__(
        self,
        config: dict[str, Any],
        group: str,
        admin: AdminClient,
        accounts: Topic,
        catalogue: Topic,
        quarantine: Callable[[Refused], None],
    ) -> None:
        self._topics = {topic.name: topic for topic in (accounts, catalogue)}
        self._accounts_topic = accounts.name
        self._reader = StateReader(config, group, admin, self._end_seen)
        self._accounts: dict[int, AccountSnapshot] = {}
        self._catalogue = CatalogueSnapshot()
        self._old_catalogues: dict[int, Catalogue] = {}
        self._reported: set[str] = set()
        self._late: set[str] = set()  # accounts that were waited for in vain: nobody waits for them again
        self._told: Counter[str] = Counter()
        self._quarantine = quarantine
        self._reader.add(catalogue.name, [0])

    def add(self, partitions: Iterable[int]) -> None:
        """Rebuild the snapshots of these partitions; returns when all of it was read."""
        new = list(partitions)
        if not new:
            return
        started = time.monotonic()
        self._accounts.update({partition: AccountSnapshot() for partition in new})
        self._reader.add(self._accounts_topic, new)
        progress = started
        while not self._catalogue.following or any(not self._accounts[partition].following for partition in new):
            if self.read_on(0.1):
                progress = time.monotonic()
            elif time.monotonic() - progress > STALLED_AFTER_S:
                raise Stalled(f"topic {self._accounts_topic} was not read on for {STALLED_AFTER_S:.0f} s")
        gc.freeze()  # a snapshot is millions of small objects that stay: the collector need not look at them
        accounts = sum(len(self._accounts[partition]) for partition in new)
        log.info(
            "snapshot of partitions %s rebuilt: %d accounts in %.1f s",
            sorted(new),
            accounts,
            time.monotonic() - started,
        )

    def remove(self, partitions: Iterable[int]) -> None:
        gone = [partition for partition in partitions if self._accounts.pop(partition, None) is not None]
        if gone:
            self._reader.remove(self._accounts_topic, gone)

    def read_on(self, timeout_s: float = 0.0) -> int:
        """Apply what the state topics have, waiting for the first record; returns how many records there were."""
        records = 0
        for message in self._reader.read(READ_AT_ONCE, timeout_s):
            self._apply(message)
            records += 1
        return records

    def stamped(
        self, connection: Connection, events: Iterable[tuple[int, AccountEntry]]
    ) -> dict[tuple[str, int, int], Stamped]:
        """(account, state version, catalogue version) -> what to judge on, for these (partition, event) pairs.

        From memory; where memory is behind, after reading on for at most 2 s; else from the history tables, which have
        every version. A version that not even these have is left out.
        """
        wanted = {(event.account_id, event.state_version, event.catalogue_version): part for part, event in events}
        found = self._in_memory(wanted)
        self._told["in memory"] += len(found)
        if len(found) < len(wanted):
            had = len(found)
            self._wait_for(wanted, found)
            self._told["after reading on"] += len(found) - had
        if len(found) < len(wanted):
            had = len(found)
            self._ask_history(connection, wanted, found)
            self._told["from the history tables"] += len(found) - had
        return found

    def told(self) -> str:
        """Where the states were found since the start, for the log."""
        return ", ".join(f"{count} {where}" for where, count in self._told.items()) or "none"

    def close(self) -> None:
        self._reader.close()

    def _in_memory(self, wanted: dict[tuple[str, int, int], int]) -> dict[tuple[str, int, int], Stamped]:
        found = {}
        for key, partition in wanted.items():
            stamped = self._look_up(key, partition)
            if isinstance(stamped, Stamped):
                found[key] = stamped
                self._late.discard(key[0])
        return found

    def _look_up(self, key: tuple[str, int, int], partition: int) -> Stamped | Missing:
        account, version, catalogue_version = key
        catalogue = self._catalogue_at(catalogue_version)
        if isinstance(catalogue, Missing):
            return catalogue
        snapshot = self._accounts.get(partition)
        state = Missing.BEHIND if snapshot is None else snapshot.at(account, version)
        return state if isinstance(state, Missing) else Stamped(state, catalogue)

    def _wait_for(self, wanted: dict[tuple[str, int, int], int], found: dict[tuple[str, int, int], Stamped]) -> None:
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
            late = {account for account, _, _ in behind}
            self._late |= late
            log.warning(
                "%d accounts' markers did not come within %.0f s: from now on their state is read from the history tables, "
                "until a marker comes; see 'bankalerts connectors status'",
                len(late),
                LONGEST_WAIT_S,
            )

    def _ask_history(
        self,
        connection: Connection,
        wanted: dict[tuple[str, int, int], int],
        found: dict[tuple[str, int, int], Stamped],
    ) -> None:
        missing = [key for key in wanted if key not in found]
        states = history.account_states(connection, [(account, version) for account, version, _ in missing])
        for key in missing:
            account, version, catalogue_version = key
            current = self._catalogue_at(catalogue_version)
            catalogue = self._old_catalogue(connection, catalogue_version) if isinstance(current, Missing) else current
            if (account, version) in states and catalogue is not None:
                found[key] = Stamped(states[account, version], catalogue)

    def _old_catalogue(self, connection: Connection, version: int) -> Catalogue | None:
        if version not in self._old_catalogues:
            catalogue = history.catalogue(connection, version)
            if catalogue is None:
                return None
            if len(self._old_catalogues) == KEPT_CATALOGUES:
                del self._old_catalogues[next(iter(self._old_catalogues))]
            self._old_catalogues[version] = catalogue
        return self._old_catalogues[version]

    def _catalogue_at(self, version: int) -> Catalogue | Missing:
        catalogue = self._catalogue.at(version)
        if isinstance(catalogue, Catalogue):
            for alert_type, reason in catalogue.broken.items():
                if alert_type not in self._reported:
                    self._reported.add(alert_type)
                    log.error("alert type %s is parked, nothing is judged by it: %s", alert_type, reason)
        return catalogue

    def _apply(self, message: Message) -> None:
        topic, partition = self._topics[str(message.topic())], int(message.partition() or 0)
        snapshot = self._catalogue if topic.name != self._accounts_topic else self._accounts.get(partition)
        if snapshot is None:
            return
        if snapshot.following and self._reader.since_end_s(topic.name, partition) > LONGEST_BEHIND_S:
            log.info("%s, partition %d: half an hour since its end was seen, reading to its end", topic.name, partition)
            snapshot.unfollow()
            self._reader.expect_end(topic.name, partition)
        try:
            snapshot.apply(message.key(), message.value())
        except Undecodable as error:
            reason = str(error)
        else:
            return
        position = int(message.offset() or 0)
        log.error("%s, partition %d, position %d: quarantined: %s", topic.name, partition, position, reason)
        self._quarantine(Refused(topic, partition, position, message.key(), message.value(), reason))

    def _end_seen(self, topic: str, partition: int) -> None:
        snapshot = self._catalogue if topic != self._accounts_topic else self._accounts.get(partition)
        if snapshot is not None:
            snapshot.follow()
