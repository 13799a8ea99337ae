"""Random alert types with windows, cool-downs and margins, on random events of all four kinds, judged by the engine alone.

Writers' transactions overlap, events come late, preferences change meanwhile: what the engine decides is compared with the
reference, row by row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from engine.decode import COLUMNS
from engine.lanes import Helping, Limits
from tests.conditions import DECLARED, Writer
from tests.judging import KEYS, EngineAlone, captured

Connection = psycopg.Connection[Any]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNTS, CUSTOMERS = ("a-1", "a-2"), (1, 2)
AGGREGATES = ("COUNT", "COUNT", "SUM", "MIN", "MAX", "AVERAGE", "SINCE")
# all in one go; nearly everything waits, and is judged one by one, its alerts written one by one; something of both
LIMITS = (Limits(), Limits(many=1, small=Helping(0.0, 1)), Limits(many=3, crowd=2, small=Helping(0.0, 2)))
LENGTHS = ("10", ":length_s", ":length_s * 2 + 5", ":length_s / :least", "86400")
PARAMETERS = {**DECLARED, "length_s": {"type": "integer", "default": 20}, "least": {"type": "integer", "default": 2}}
GROUPS = {
    "ACCOUNT_ENTRY": ("counterparty_account", "entry_type", "amount_minor", "status"),
    "CARD_AUTHORISATION": ("card_token", "merchant_id", "country", "card_present", "amount_minor"),
    "PAYMENT_ORDER": ("order_id", "status", "amount_minor"),
    "CUSTOMER_ACTIVITY": ("activity_type",),
}
AMOUNTS = {
    "ACCOUNT_ENTRY": ("amount_minor", "balance_after_minor", "original_amount_minor"),
    "CARD_AUTHORISATION": ("amount_minor", "original_amount_minor"),
    "PAYMENT_ORDER": ("amount_minor",),
    "CUSTOMER_ACTIVITY": (),
}
USUAL = (
    "history.value >= :least and coalesce(history.previous, 0) < :least",
    "history.since is null or history.since > :length_s",
    "history.value < history.previous or history.last is null",
    "history.value % 3 = 0 or history.last < history.value / :least",
)
TABLES = {kind: f"bank.{kind.lower()}" for kind in GROUPS}
CASES = """
    select e.outcome, count(*), count(a.alert_id),
           count(*) filter (where a.alert_id is not null and coalesce(a.evidence -> 'history', 'null') is distinct from e.compared -> 'history')
      from audit.explained() e left join alerting.alert a using (alert_id, event_date)
     group by e.outcome
"""  # noqa: E501


@dataclass
class Found:
    """What was compared: (event, preference) pairs by outcome; and what differs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def judge_and_compare(url: str, draw: Callable[[Any], Any], seed: int, events: int = 120) -> Found:
    """A new bank in an empty migrated database: its events are judged in turns of any size, by engines that are killed."""
    chosen = random.Random(seed)
    with ExitStack() as opened:
        apart, *connections = (opened.enter_context(psycopg.connect(url)) for _ in range(3))
        put_bank(apart, draw, chosen)
        bank = Bank(connections, chosen)
        topic: list[tuple[bytes, bytes]] = []
        engine = EngineAlone(url, topic, limits=chosen.choice(LIMITS))
        for number in range(events):
            bank.insert(number)
            if chosen.random() < 0.2:
                put_preference(apart, chosen)
            if chosen.random() < 0.1:
                topic += bank.commit(apart)
                engine.turn(chosen.choice((1, 7, 60)), chosen.choice((1, None)))
            if chosen.random() < 0.03:
                engine.kill()
                engine = EngineAlone(url, topic, chosen.choice((0, 30, 10**6)), chosen.choice(LIMITS))
        topic += bank.commit(apart)
        with engine:
            engine.run_all(chosen.choice((7, 1000)))
        return compared(apart, seed)


def compared(connection: Connection, seed: int) -> Found:
    """Every pair's outcome against the alerts, and the history in their evidence."""
    found = Found()
    for outcome, pairs, alerts, differing in connection.execute(CASES):
        found.outcomes[outcome] = pairs
        if alerts != (pairs if outcome == "ALERTED" else 0) or differing:
            found.wrong.append(f"seed {seed}: {pairs} are {outcome}, {alerts} alerts, {differing} with another history")
    broken = connection.execute("select alert_type, reason from alerting.parked_type").fetchall()
    found.wrong += [f"seed {seed}: {name} is parked: {reason}" for name, reason in broken]
    quarantined = connection.execute("select reason from alerting.quarantine").fetchall()
    found.wrong += [f"seed {seed}: quarantined: {reason}" for (reason,) in quarantined]
    return found


def put_bank(connection: Connection, draw: Callable[[Any], Any], chosen: random.Random) -> None:
    connection.execute("delete from bank.message_template")
    connection.execute("delete from bank.alert_type")
    for name in (f"T{number}" for number in range(10)):
        put_type(connection, name, draw, chosen)
    connection.execute(
        "insert into bank.customer (customer_id, full_name) select n, 'N' from unnest(%s::int[]) n", [[*CUSTOMERS]]
    )
    connection.execute(
        "insert into bank.account (account_id, currency) select n, 'EUR' from unnest(%s::text[]) n", [[*ACCOUNTS]]
    )
    connection.execute(
        "insert into bank.account_permission (account_id, customer_id, role) select a, c, 'OWNER'"
        " from unnest(%s::text[]) a, unnest(%s::int[]) c",
        [[*ACCOUNTS], [*CUSTOMERS]],
    )
    connection.commit()
    for _ in range(20):
        put_preference(connection, chosen)


def put_type(connection: Connection, name: str, draw: Callable[[Any], Any], chosen: random.Random) -> None:
    """Drawn again where it is too long for its limits."""
    for _ in range(20):
        given = {**random_type(draw, chosen), "category": "c", "title": "t", "parameters": Jsonb(PARAMETERS)}
        words = ", ".join(f"{key} => %({key})s" for key in given)
        try:
            with connection.transaction():
                connection.execute(f"select bank.put_alert_type(alert_type => %(name)s, {words})", {"name": name, **given})
                return
        except psycopg.Error as error:
            if error.sqlstate != "BA001" or ("more than" not in str(error) and "longer" not in str(error)):
                raise
    raise AssertionError("no type was taken")


def random_type(draw: Callable[[Any], Any], chosen: random.Random) -> dict[str, Any]:
    kind = chosen.choice((*GROUPS, "ACCOUNT_ENTRY", "CARD_AUTHORISATION"))
    aggregate = chosen.choice(AGGREGATES if AMOUNTS[kind] else ("COUNT", "SINCE"))
    writer = Writer(draw, COLUMNS[kind])
    given: dict[str, Any] = {
        "event_kind": kind,
        "statuses": chosen.choice(([], [*STATUSES[kind][:1]])),
        "condition": chosen.choice((*USUAL, *USUAL, writer.boolean(1), f"({chosen.choice(USUAL)}) or ({writer.boolean(1)})")),
        "window_aggregate": aggregate,
        "window_value": None if aggregate in ("COUNT", "SINCE") else chosen.choice(AMOUNTS[kind]),
        "window_group": chosen.sample(GROUPS[kind], chosen.choice((0, 0, 1, min(2, len(GROUPS[kind]))))),
        "window_length": None if aggregate == "SINCE" and chosen.random() < 0.5 else chosen.choice(LENGTHS),
    }
    if chosen.random() < 0.5:
        given["window_condition"] = Writer(draw, COLUMNS[kind], history=False, parameters=False).boolean(1)
    if chosen.random() < 0.3:
        given["cool_down"] = chosen.choice((":length_s", "15", ":least * 7"))
    if chosen.random() < 0.2 and AMOUNTS[kind]:
        given |= {"rearm_margin": ":least", "rearm_condition": "event.amount_minor > :least * 10"}
    return given


def put_preference(connection: Connection, chosen: random.Random) -> None:
    """Committed at once; of a type on accounts or of one of customers."""
    name, kind = chosen.choice(connection.execute("select alert_type, event_kind from bank.alert_type order by 1").fetchall())
    given: dict[str, Any] = {key: chosen.choice((0, 1, 2, 5, 20, 45)) for key in ("length_s", "least", "limit", "bound")}
    given |= {"word": chosen.choice(("x", "y", "card-1")), "flag": chosen.random() < 0.5}
    given = {key: value for key, value in given.items() if key in ("bound", "word") or chosen.random() < 0.7}
    row = {"customer_id": chosen.choice(CUSTOMERS), "alert_type": name, "parameters": Jsonb(given), "channels": ["SMS"]}
    row["enabled"] = chosen.random() < 0.85
    key = "customer_id, alert_type, preference_no"
    table = "bank.customer_preference"
    if kind != "CUSTOMER_ACTIVITY":
        row |= {"account_id": chosen.choice(ACCOUNTS), "currency": "EUR"}
        key, table = f"account_id, {key}", "bank.alert_preference"
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join(f'%({name})s' for name in row)})"
        f" on conflict ({key}) do update set parameters = excluded.parameters, enabled = excluded.enabled",
        row,
    )
    connection.commit()


STATUSES = {
    "ACCOUNT_ENTRY": ("BOOKED", "PENDING"),
    "CARD_AUTHORISATION": ("APPROVED", "DECLINED"),
    "PAYMENT_ORDER": ("EXECUTED", "REJECTED", "RECEIVED"),
    "CUSTOMER_ACTIVITY": (),
}


class Bank:
    """Inserts events on connections whose transactions overlap."""

    def __init__(self, connections: list[Connection], chosen: random.Random) -> None:
        self._connections = connections
        self._chosen = chosen
        self._pending: list[list[tuple[str, str]]] = [[] for _ in connections]
        self._last_s = 0.0
        self._sent = 0

    def insert(self, number: int) -> None:
        """One event, mostly in time order; some are late, some by far."""
        chosen = self._chosen
        self._last_s += chosen.choice((0, 0, 1, 3, 7))
        at = START + timedelta(seconds=self._last_s - chosen.choice((0, 0, 0, 0, 1, 10, 60, 5000)))
        kind = chosen.choice((*GROUPS, "ACCOUNT_ENTRY", "CARD_AUTHORISATION"))
        row = self._row(kind, at)
        identity, day = KEYS[TABLES[kind]]
        row |= {identity: f"e-{number}", day: at.date()}
        which = chosen.randrange(len(self._connections))
        self._connections[which].execute(
            f"insert into {TABLES[kind]} ({', '.join(row)}) values ({', '.join(f'%({name})s' for name in row)})", row
        )
        self._pending[which].append((TABLES[kind], f"e-{number}"))

    def commit(self, apart: Connection) -> list[tuple[bytes, bytes]]:
        """What capture puts into the topic: the events in the order of their transactions' commits."""
        order: list[tuple[str, str]] = []
        for which in self._chosen.sample(range(len(self._connections)), len(self._connections)):
            self._connections[which].commit()
            order += self._pending[which]
            self._pending[which] = []
        records = {
            (table, event_id): record
            for table in {table for table, _ in order}
            for ids in [[event_id for there, event_id in order if there == table]]
            for event_id, record in zip(ids, captured(apart, table, ids), strict=True)
        }
        apart.commit()
        return [records[one] for one in order]

    def _row(self, kind: str, at: datetime) -> dict[str, Any]:
        chosen = self._chosen
        if kind == "CUSTOMER_ACTIVITY":
            properties = {"application_id": chosen.choice(("1", "2", 3, None)), "a": chosen.choice((True, "x", 5))}
            activity = {"customer_id": chosen.choice(CUSTOMERS), "activity_type": chosen.choice(("LOGIN", "LOAN_STARTED"))}
            return {**activity, "properties": Jsonb(properties), "occurred_at": at}
        row: dict[str, Any] = {"account_id": chosen.choice(ACCOUNTS), "currency": "EUR"}
        row["amount_minor"] = chosen.choice((-300, -100, -100, -50, 50, 300, 0))
        original = chosen.choice((None, None, -7, 12))
        if kind == "ACCOUNT_ENTRY":
            row |= {
                "status": chosen.choice(STATUSES[kind]),
                "occurred_at": at,
                "description": chosen.choice((None, "a b", "card-1")),
            }
            row |= {"balance_after_minor": chosen.choice((None, -200, -1, 0, 5, 200)), "original_amount_minor": original}
            row |= {
                "counterparty_account": chosen.choice((None, "x", "x", "y")),
                "entry_type": chosen.choice((None, "CARD", "card")),
            }
            row["original_currency"] = None if original is None else "USD"
        elif kind == "CARD_AUTHORISATION":
            row |= {
                "outcome": chosen.choice(STATUSES[kind]),
                "authorised_at": at,
                "card_token": chosen.choice(("card-1", "card-2")),
            }
            row |= {"merchant_id": chosen.choice((None, "x", "y")), "country": chosen.choice((None, "NL", "US"))}
            row |= {"card_present": chosen.random() < 0.5, "original_amount_minor": original}
            row["original_currency"] = None if original is None else "USD"
        else:
            row |= {"status": chosen.choice(STATUSES[kind]), "changed_at": at, "order_id": chosen.choice(("o-1", "o-2", "o-3"))}
        return row
