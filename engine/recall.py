"""Loads into memory what events to be judged need to know of the past: a turn's worth at once, by a few statements.

Events come from bank.*, in which order they were judged from alerting.*; no statement reads both schemas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.rows import namedtuple_row

from engine.catalogue import Window
from engine.decode import customer_entity
from engine.memory import EARLIEST_US, EventKey, LateKey, Memory, PreferenceState, late_key, microseconds, moment_of
from engine.window import FOREVER, SECOND_US, Moment, Ring
from sql import queries

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

MOST_AT_ONCE = 500
# more than the rounding of a time that PostgreSQL computes from microseconds
SLACK_US = SECOND_US
LOADERS = {
    "ACCOUNT_ENTRY": "read_account_entries",
    "CARD_AUTHORISATION": "read_card_authorisations",
    "PAYMENT_ORDER": "read_payment_orders",
    "CUSTOMER_ACTIVITY": "read_customer_activity",
}


class Wanted(NamedTuple):
    """A window of an account or customer, from which time on: so far back from its first event as it is to be kept."""

    window: Window
    since_us: int
    reach_us: int
    first_us: int


class Late(NamedTuple):
    """What the window of one late event needs: the members in (after, until]."""

    window: Window
    after_us: int
    until_us: int


class Request(NamedTuple):
    """Events of one account or customer in (after, until], until None: to the newest; the rings that they go into."""

    owner: str | int | None
    after_us: int
    until_us: int | None
    rings: Sequence[tuple[Window, Ring]]


@dataclass
class Needs:
    """What a portion needs: for each entity its windows, from which time on; those of late events; preferences' memory."""

    windows: dict[tuple[str, str], Wanted] = field(default_factory=dict)  # (entity, definition)
    late: dict[tuple[str, LateKey], Late] = field(default_factory=dict)
    preferences: dict[str, None] = field(default_factory=dict)
    owners: dict[str, tuple[str | None, int | None]] = field(default_factory=dict)  # entity -> account, customer

    def window(self, memory: Memory, event: Any, window: Window, after_us: int, interval_us: int) -> None:
        """Note that a window is needed, unless memory has what it takes.

        A ring begins where its first event needs it by the longest of its windows, and a bit before (the type's lateness). What
        a later event needs from before that is loaded for that event alone: one ring to the earliest might have to hold years.
        """
        at_us, lateness_us = microseconds(event.event_time), window.lateness_s * SECOND_US
        reach_us, first_us, key = interval_us + lateness_us, at_us, (event.entity, window.definition)
        wanted, there = self.windows.get(key), memory.of(event.entity).rings.get(window.definition)
        if wanted is not None:
            reach_us, first_us = max(reach_us, wanted.reach_us), wanted.first_us
        elif there is not None:
            _, ring = there
            is_longer = ring.reach(reach_us, at_us)
            if ring.covers(window.group_asked_by(event), after_us, at_us):
                return
            first_us = ring.newest_us
        if wanted is not None or there is None or is_longer:
            since_us = FOREVER if window.latest_only else max(first_us - reach_us, EARLIEST_US)
            self.windows[key] = Wanted(window, since_us, reach_us, first_us)
            is_there = after_us >= since_us
        else:
            is_there = False
        if not is_there:
            late = (event.entity, late_key(window, event))
            if late in self.late:  # of another preference, with another length
                after_us = min(after_us, self.late[late].after_us)
            self.late[late] = Late(window, after_us, at_us)
        self._own(event)

    def preference(self, memory: Memory, event: Any) -> None:
        if memory.of(event.entity).preferences is None:
            self.preferences[event.entity] = None
            self._own(event)

    def owner(self, entity: str, kind: str) -> str | int | None:
        """Whose events of this kind they are."""
        account_id, customer_id = self.owners[entity]
        return customer_id if kind == "CUSTOMER_ACTIVITY" else account_id

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
    requests: dict[str, list[Request]] = {}
    rings: dict[str, list[tuple[Window, Ring]]] = {}
    for (entity, definition), wanted in needs.windows.items():
        ring = Ring(wanted.since_us, wanted.window.latest_only)
        ring.reach(wanted.reach_us, wanted.first_us)
        memory.of(entity).rings[definition] = (wanted.window, ring)
        rings.setdefault(entity, []).append((wanted.window, ring))
    for entity, of_entity in rings.items():
        for kind in sorted({window.kind for window, _ in of_entity}):
            same = [(window, ring) for window, ring in of_entity if window.kind == kind]
            since_us = min(ring.since_us for _, ring in same)
            requests.setdefault(kind, []).append(Request(needs.owner(entity, kind), since_us, None, same))
    for (entity, key), late in needs.late.items():
        ring = Ring(late.after_us, late.window.latest_only)
        remembered = memory.of(entity)
        remembered.late[key] = ring
        remembered.recent[late.window.definition] = (late.window, Ring(FOREVER))
        rings.setdefault(entity, []).append((late.window, ring))
        request = Request(needs.owner(entity, late.window.kind), late.after_us, late.until_us, [(late.window, ring)])
        requests.setdefault(late.window.kind, []).append(request)
    _load_last_seen(connection, rings, needs)
    for kind, of_kind in requests.items():
        for chunk in in_chunks(of_kind):
            _load_events(connection, kind, chunk)
    for entities in in_chunks(needs.preferences):
        _load_preferences(connection, memory, entities, needs)


def _load_events(connection: Connection, kind: str, requests: Sequence[Request]) -> None:
    rows = list(_read_events(connection, kind, requests))
    recorded = read_recorded(connection, {(kind, row.event_id, row.event_date) for row in rows})
    for row in rows:
        settled = (kind, row.event_id, row.event_date) in recorded
        for window, ring in requests[row.request_no - 1].rings:
            _put(ring, window, row, settled)


def _put(ring: Ring, window: Window, row: Any, settled: bool) -> None:
    if not window.counts(row) or microseconds(row.event_time) <= ring.since_us:
        return
    group = window.group_of(row)
    if group is None:
        return
    moment = moment_of(window, row)
    if settled:
        ring.settle(group, moment._replace(transaction_id=0))
    else:
        ring.leave_open(group, moment)


def _read_events(connection: Connection, kind: str, requests: Sequence[Request]) -> Iterator[Any]:
    """The rows that are asked for, with what expressions may read, and the number of their request, from 1."""
    values = {
        "owners": [request.owner for request in requests],
        "after_us": [None if request.after_us == FOREVER else request.after_us - SLACK_US for request in requests],
        "until_us": [None if request.until_us is None else request.until_us + SLACK_US for request in requests],
    }
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        yield from cursor.execute(getattr(queries("engine", "psycopg"), LOADERS[kind]).sql, values)


def _load_last_seen(connection: Connection, rings: Mapping[str, Sequence[tuple[Window, Ring]]], needs: Needs) -> None:
    """What was last seen outlives the events: it counts beside those that are still there."""
    wanted = {
        entity: [(window, ring) for window, ring in of_entity if window.latest_only] for entity, of_entity in rings.items()
    }
    entities = [entity for entity, latest in wanted.items() if latest]
    if not entities:
        return
    accounts, customers = _owners(needs, entities)
    rows = queries("engine", "psycopg").read_last_seen(connection, accounts=accounts, customers=customers)
    for account_id, customer_id, definition, group_key, last_time in rows:
        for window, ring in wanted[account_id if account_id is not None else customer_entity(customer_id)]:
            if window.definition == definition:
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


def in_chunks(some: Iterable[T]) -> Iterator[list[T]]:
    left = iter(some)
    while chunk := list(islice(left, MOST_AT_ONCE)):
        yield chunk
