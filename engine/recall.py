"""Loads into memory what events to be judged need to know of the past: a turn's worth at once, by a few statements.

Events come from bank.*, in which order they were judged from alerting.*; no statement reads both schemas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row

from engine.catalogue import Window
from engine.decode import customer_entity
from engine.memory import EARLIEST_US, Memory, PreferenceState, microseconds, moment_of
from engine.window import FOREVER, SECOND_US, Moment, Ring
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
EventKey = tuple[str, str, date]  # kind, id, date

ENTITIES_AT_ONCE = 500
# more than the rounding of a time that PostgreSQL computes from microseconds
SLACK_US = SECOND_US
LOADERS = {
    "ACCOUNT_ENTRY": "read_account_entries",
    "CARD_AUTHORISATION": "read_card_authorisations",
    "PAYMENT_ORDER": "read_payment_orders",
    "CUSTOMER_ACTIVITY": "read_customer_activity",
}


class Wanted(NamedTuple):
    """A window of an account or customer, from which time on, and how far back from its newest event it is to be kept."""

    window: Window
    since_us: int
    reach_us: int


@dataclass
class Needs:
    """What a turn needs: for each entity its windows, from which time on; whose preferences' memory."""

    windows: dict[tuple[str, str], Wanted] = field(default_factory=dict)  # (entity, definition)
    preferences: dict[str, None] = field(default_factory=dict)
    owners: dict[str, tuple[str | None, int | None]] = field(default_factory=dict)  # entity -> account, customer

    def window(self, memory: Memory, event: Any, window: Window, after_us: int, interval_us: int) -> None:
        """Note that a window is needed, unless memory has what it takes."""
        rings, lateness_us = memory.of(event.entity).rings, window.lateness_s * SECOND_US
        reach_us = interval_us + lateness_us
        if window.definition in rings:
            _, ring = rings[window.definition]
            ring.reach(reach_us)
            group = window.group_of(event) if event.kind == window.kind else ()
            if ring.covers(group, after_us, microseconds(event.event_time)):
                return
        since_us = after_us if window.latest_only else max(after_us - lateness_us, EARLIEST_US)
        key = (event.entity, window.definition)
        if key in self.windows:
            since_us, reach_us = min(since_us, self.windows[key].since_us), max(reach_us, self.windows[key].reach_us)
        self.windows[key] = Wanted(window, since_us, reach_us)
        self._own(event)

    def preference(self, memory: Memory, event: Any) -> None:
        if memory.of(event.entity).preferences is None:
            self.preferences[event.entity] = None
            self._own(event)

    def _own(self, event: Any) -> None:
        self.owners[event.entity] = (event.account_id, None if event.account_id is not None else event.customer_id)


def read_recorded(connection: Connection, keys: Collection[EventKey]) -> set[EventKey]:
    """Those of these events that were judged before by something that remembers."""
    if not keys:
        return set()
    rows = queries("engine", "psycopg").read_seen(
        connection, kinds=[key[0] for key in keys], ids=[key[1] for key in keys], dates=[key[2] for key in keys]
    )
    return {(kind, event_id, day) for kind, event_id, day in rows}


def load(connection: Connection, memory: Memory, needs: Needs) -> None:
    """Bring into memory what is needed and not there yet."""
    by_kind: dict[str, dict[str, list[Wanted]]] = {}
    for (entity, _), each in needs.windows.items():
        by_kind.setdefault(each.window.kind, {}).setdefault(entity, []).append(each)
    for kind, wanted in by_kind.items():
        for entities in in_chunks(wanted):
            _load_rings(connection, memory, kind, {entity: wanted[entity] for entity in entities}, needs)
    for entities in in_chunks(needs.preferences):
        _load_preferences(connection, memory, entities, needs)


def _load_rings(connection: Connection, memory: Memory, kind: str, wanted: dict[str, list[Wanted]], needs: Needs) -> None:
    for entity, windows in wanted.items():
        for window, since_us, reach_us in windows:
            ring = Ring(since_us, window.latest_only)
            ring.reach(reach_us)
            memory.of(entity).rings[window.definition] = (window, ring)
    forever = {entity for entity, windows in wanted.items() if any(each.window.latest_only for each in windows)}
    if forever:
        _load_last_seen(connection, memory, forever, wanted, needs)
    rows = list(_read_events(connection, kind, wanted, needs))
    recorded = read_recorded(connection, [(kind, row.event_id, row.event_date) for row in rows])
    for row in rows:
        entity = row.account_id if row.account_id is not None else customer_entity(row.customer_id)
        settled = (kind, row.event_id, row.event_date) in recorded
        for window, since_us, _ in wanted[entity]:
            _put(memory.of(entity).rings[window.definition][1], window, since_us, row, settled)


def _put(ring: Ring, window: Window, since_us: int, row: Any, settled: bool) -> None:
    if not window.counts(row) or microseconds(row.event_time) <= since_us:
        return
    group = window.group_of(row)
    if group is None:
        return
    moment = moment_of(window, row)
    if settled:
        ring.settle(group, moment._replace(transaction_id=0))
    else:
        ring.leave_open(group, moment)


def _read_events(connection: Connection, kind: str, wanted: dict[str, list[Wanted]], needs: Needs) -> Iterator[Any]:
    """The rows of these entities since the earliest time that a window of theirs needs, with what conditions may read."""
    after = {entity: min(each.since_us for each in windows) for entity, windows in wanted.items()}
    by_account = kind != "CUSTOMER_ACTIVITY"
    owners = [needs.owners[entity][0 if by_account else 1] for entity in after]
    times = [None if since_us == FOREVER else since_us - SLACK_US for since_us in after.values()]
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        statement = getattr(queries("engine", "psycopg"), LOADERS[kind]).sql
        yield from cursor.execute(statement, {"owners": owners, "after_us": times})


def _load_last_seen(
    connection: Connection,
    memory: Memory,
    entities: Iterable[str],
    wanted: dict[str, list[Wanted]],
    needs: Needs,
) -> None:
    """What was last seen outlives the events: it counts beside those that are still there."""
    windows = {
        (entity, each.window.definition): each.window
        for entity in entities
        for each in wanted[entity]
        if each.window.latest_only
    }
    accounts, customers = _owners(needs, sorted(entities))
    rows = queries("engine", "psycopg").read_last_seen(connection, accounts=accounts, customers=customers)
    for account_id, customer_id, definition, group_key, last_time in rows:
        entity = account_id if account_id is not None else customer_entity(customer_id)
        window = windows.get((entity, definition))
        if window is not None:
            ring = memory.of(entity).rings[window.definition][1]
            ring.settle(group_key, Moment((microseconds(last_time), 0, "", 0), None, 0))


def _load_preferences(connection: Connection, memory: Memory, entities: Sequence[str], needs: Needs) -> None:
    for entity in entities:
        memory.of(entity).preferences = {}
    accounts, customers = _owners(needs, entities)
    rows = queries("engine", "psycopg").read_preference_memory(connection, accounts=accounts, customers=customers)
    for account_id, customer_id, alert_type, preference_no, armed, last_alert_time in rows:
        preferences = memory.of(account_id if account_id is not None else customer_entity(customer_id)).preferences
        if preferences is not None:
            last_us = None if last_alert_time is None else microseconds(last_alert_time)
            preferences[customer_id, alert_type, preference_no] = PreferenceState(armed, last_us)


def _owners(needs: Needs, entities: Iterable[str]) -> tuple[list[str], list[int]]:
    """The accounts and the customers among these."""
    owners = [needs.owners[entity] for entity in entities]
    return (
        [account for account, _ in owners if account is not None],
        [customer for account, customer in owners if account is None and customer is not None],
    )


def in_chunks(entities: Iterable[str]) -> Iterator[list[str]]:
    left = iter(entities)
    while chunk := list(islice(left, ENTITIES_AT_ONCE)):
        yield chunk
