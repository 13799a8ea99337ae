"""What is judged on the past: windows, last-seen, cool-downs and re-arming, with late events and overlapping transactions.

The engine is killed, judges in turns and portions of any size, forgets, and judges the whole topic again: the alerts are those
of one quiet pass, and those of the reference.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from engine import database as engine_database
from engine import judged, window
from engine.lanes import Helping, Limits
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.judging import EngineAlone, captured, replay_from_start
from tests.unguarded import unguarded

Connection = psycopg.Connection[Any]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNTS = ("a-1", "a-2")
CUSTOMERS = (1, 2)
# nearly all events wait in lanes; their alerts are written three or one at a time
IN_LANES = Limits(many=3, crowd=2, small=Helping(0.0, 3))
ONE_BY_ONE = Limits(many=1, small=Helping(0.0, 1))
TABLE = "bank.account_entry"
TYPES: dict[str, dict[str, Any]] = {
    "COUNTED": {
        "condition": "history.value >= :least and history.previous < :least",
        "window_aggregate": "COUNT",
        "window_group": ["counterparty_account"],
        "window_length": ":length_s",
        "window_lateness": 0,
        "parameters": {"least": 2, "length_s": 20},
    },
    "SUMMED": {
        "condition": "history.value < - :least * 100 and coalesce(history.last, 0) < 0 or history.since = 0",
        "window_aggregate": "SUM",
        "window_value": "balance_after_minor",
        "window_condition": "event.amount_minor < 0",
        "window_length": ":length_s",
        "window_lateness": 5,
        "parameters": {"least": 1, "length_s": 30},
    },
    "NEW": {
        "condition": "history.since is null or history.since > :length_s",
        "window_aggregate": "SINCE",
        "window_group": ["counterparty_account"],
        "window_condition": "event.amount_minor < 0",
        "parameters": {"least": 1, "length_s": 40},
    },
    "COOLED": {
        "condition": "event.amount_minor < 0",
        "cool_down": ":length_s",
        "parameters": {"least": 0, "length_s": 0},
    },
    "REARMED": {
        "condition": "event.balance_after_minor < 0",
        "rearm_margin": ":least",
        "rearm_condition": "event.balance_after_minor >= :least",
        "cool_down": ":length_s",
        "parameters": {"least": 0, "length_s": 0},
    },
    "PLAIN": {"condition": "event.amount_minor > 250", "parameters": {}},
}


def put_types(connection: Connection) -> None:
    connection.execute("delete from bank.message_template")
    connection.execute("delete from bank.alert_type")
    for name, columns in TYPES.items():
        declared = {key: {"type": "integer", "default": value} for key, value in columns["parameters"].items()}
        given = {**columns, "category": "c", "title": "t", "parameters": Jsonb(declared)}
        words = ", ".join(f"{key} => %({key})s" for key in given)
        connection.execute(
            f"select bank.put_alert_type(alert_type => %(name)s, event_kind => %(kind)s, {words})",
            {"name": name, "kind": "ACCOUNT_ENTRY", **given},
        )


def put_bank(connection: Connection) -> None:
    put_types(connection)
    connection.execute(
        "insert into bank.customer (customer_id, full_name) select n, 'Somebody' from unnest(%s::int[]) n", [list(CUSTOMERS)]
    )
    connection.execute(
        "insert into bank.account (account_id, currency) select n, 'EUR' from unnest(%s::text[]) n", [list(ACCOUNTS)]
    )
    connection.execute(
        "insert into bank.account_permission (account_id, customer_id, role) select a, c, 'OWNER'"
        " from unnest(%s::text[]) a, unnest(%s::int[]) c",
        [list(ACCOUNTS), list(CUSTOMERS)],
    )


class Writers:
    """Two connections whose transactions overlap; remembers the entries in the order of their commits: that of the topic."""

    def __init__(self, connections: list[Connection], apart: Connection, chosen: random.Random) -> None:
        self._connections, self._apart = connections, apart
        self._chosen = chosen
        self._pending: list[list[str]] = [[] for _ in connections]
        self._last_s = 0.0
        self._number = 0
        self.order: list[str] = []

    def step(self) -> None:
        chosen = self._chosen
        which = chosen.randrange(len(self._connections))
        what = chosen.choices(("entry", "commit", "preference", "all"), (100, 60, 15, 6))[0]
        if what == "entry":
            self._entry(which)
        elif what == "commit":
            self.commit(which)
        elif what == "preference":
            self.preference()
        else:
            self._all_preferences(chosen.random() < 0.5)

    def commit(self, which: int) -> None:
        self._connections[which].commit()
        self.order += self._pending[which]
        self._pending[which] = []

    def _entry(self, which: int) -> None:
        chosen = self._chosen
        self._number += 1
        entry_id = f"e-{self._number}"
        self._last_s += chosen.choice((0, 0, 1, 3, 7))
        late_s = chosen.choice((0, 0, 0, 0, 1, 10, 60))
        at = START + timedelta(seconds=self._last_s - late_s)
        amount = chosen.choice((-300, -100, -100, -50, 50, 300))
        self._connections[which].execute(
            "insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, status, occurred_at,"
            " balance_after_minor, counterparty_account) values (%s, %s, %s, %s, 'EUR', %s, %s, %s, %s)",
            [
                *(entry_id, at.date(), chosen.choice(ACCOUNTS), amount, chosen.choice(("BOOKED",) * 9 + ("PENDING",)), at),
                *(chosen.choice((None, -200, -1, 0, 5, 200)), chosen.choice((None, "x", "x", "y"))),
            ],
        )
        self._pending[which].append(entry_id)

    def preference(self) -> None:
        """Committed at once, in the middle of the others' transactions."""
        chosen, connection = self._chosen, self._apart
        name = chosen.choice([*TYPES])
        given = {key: chosen.choice((0, 1, 2, 5, 20, 45)) for key in TYPES[name]["parameters"] if chosen.random() < 0.7}
        connection.execute(
            "insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels, enabled)"
            " values (%s, %s, %s, 'EUR', %s, '{SMS}', %s) on conflict (account_id, customer_id, alert_type, preference_no)"
            " do update set parameters = excluded.parameters, enabled = excluded.enabled",
            [chosen.choice(ACCOUNTS), chosen.choice(CUSTOMERS), name, Jsonb(given), chosen.random() < 0.8],
        )
        connection.commit()

    def _all_preferences(self, enabled: bool) -> None:
        """While all of an account are off, nothing remembers its entries; windows count them all the same."""
        self._apart.execute(
            "update bank.alert_preference set enabled = %s where account_id = %s", [enabled, self._chosen.choice(ACCOUNTS)]
        )
        self._apart.commit()


def alerts(connection: Connection) -> list[Any]:
    return connection.execute(
        "select event_id, account_id, customer_id, alert_type, preference_no, evidence from alerting.alert"
        " order by event_id, account_id, customer_id, alert_type, preference_no"
    ).fetchall()


def expected(connection: Connection) -> set[Any]:
    return {
        tuple(row)
        for row in connection.execute(
            "select event_id, account_id, customer_id, alert_type, preference_no from audit.expected_alerts()"
        )
    }


@pytest.fixture
def writers(database: str, seed: int) -> Iterator[Writers]:
    with ExitStack() as opened:
        apart, *connections = (opened.enter_context(psycopg.connect(database)) for _ in range(3))
        put_bank(apart)
        apart.commit()
        yield Writers(connections, apart, random.Random(seed))


@pytest.mark.parametrize("seed", range(4))
def test_kills_replays_and_forgetting_change_nothing(
    database: str, writers: Writers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = random.Random(seed)
    monkeypatch.setattr(judged, "MOST_ALERTS", 25)
    monkeypatch.setattr(window, "KEPT_UNPRUNED", 4)
    for _ in range(20):
        writers.preference()
    with psycopg.connect(database, autocommit=True) as connection:
        topic: list[tuple[bytes, bytes]] = []
        engine = EngineAlone(database, topic)
        for more in (5,) * 80:
            for _ in range(more):
                writers.step()
            topic += captured(connection, TABLE, writers.order[len(topic) :])
            engine.turn(chosen.choice((1, 7, 60)), chosen.choice((1, None)))
            if chosen.random() < 0.1:
                engine.kill()
                engine = EngineAlone(database, topic, chosen.choice((0, 30, 10**6, 10**6)), chosen.choice((None, IN_LANES)))
        engine.kill()
        for which in range(2):
            writers.commit(which)
        topic += captured(connection, TABLE, writers.order[len(topic) :])
        topic += topic[-20:]  # capture may send what it sent before once more
        with EngineAlone(database, topic) as engine:
            engine.run_all(7)
        found = alerts(connection)
        assert len({row[3] for row in found}) == len(TYPES), "a type that never alerted proves nothing"
        assert {row[:5] for row in found} == expected(connection), f"seed {seed}"
        order = {event_id: number for number, event_id in reversed([*enumerate(writers.order)])}
        for account in ACCOUNTS:
            seen = connection.execute(
                "select event_id from alerting.seen_event where account_id = %s order by seen_no", [account]
            )
            numbers = [order[event_id] for (event_id,) in seen]
            assert numbers == sorted(numbers)
        replay_from_start(connection)
        with EngineAlone(database, topic) as engine:
            engine.run_all(40)
        assert alerts(connection) == found
        one_pass(connection, database, topic, found)


def delete_all(connection: Connection, *tables: str) -> None:
    with unguarded(connection):
        for table in tables:
            connection.execute(f"delete from alerting.{table}")


def forget_all(connection: Connection) -> None:
    delete_all(connection, "alert", "outbox", "outbox_due", "seen_event", "last_seen", "preference_memory", "quarantine")
    replay_from_start(connection)


def one_pass(connection: Connection, database: str, topic: list[tuple[bytes, bytes]], found: list[Any]) -> None:
    """All that was decided and remembered is deleted: judged anew in one go, the same comes out."""
    delete_all(connection, "alert", "outbox", "outbox_due", "seen_event", "last_seen", "preference_memory")
    replay_from_start(connection)
    with EngineAlone(database, topic) as engine:
        engine.run_all()
    assert alerts(connection) == found


@pytest.mark.parametrize("limits", [None, IN_LANES, ONE_BY_ONE])
@pytest.mark.parametrize("seed", [0])
def test_what_postgresql_refuses_is_kept_out_and_the_others_flow_on(
    database: str, writers: Writers, limits: Limits | None
) -> None:
    """And what was remembered for it is forgotten: what comes next is judged on what is written."""
    for _ in range(20):
        writers.preference()
    for _ in range(150):
        writers.step()
    for which in range(2):
        writers.commit(which)
    with psycopg.connect(database, autocommit=True) as connection:
        topic = captured(connection, TABLE, writers.order)
        refused = {row[0] for row in alerts_of_one_pass(connection, database, topic, limits)[::5]}
        for event_id in refused:
            connection.execute(f"alter table alerting.alert add check (event_id <> '{event_id}') not valid")
        found = {row[0] for row in alerts_of_one_pass(connection, database, topic, limits)}
        quarantined = connection.execute("select count(*), min(reason) from alerting.quarantine").fetchone()
        assert quarantined == (len(refused), "PostgreSQL refuses its alert: CheckViolation")
        assert not found & refused
        recorded = connection.execute("select event_id from alerting.seen_event").fetchall()
        assert not {event_id for (event_id,) in recorded} & refused
        assert len(found) > 10


class Cut(EngineAlone):
    """Loses the answer to a message whenever it judges a record alone, once."""

    proxy: CuttingProxy
    messages: Iterator[int]

    def _judge_alone(self, record: judged.Record) -> None:
        self.proxy.arm(next(self.messages), lose_answer=True)
        super()._judge_alone(record)


@pytest.mark.parametrize("seed", [0])
def test_a_lost_connection_loses_and_doubles_nothing_while_the_position_stays(
    database: str, writers: Writers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it bring an event into the quarantine that was written: some events are refused, so all are judged alone."""
    monkeypatch.setattr(engine_database, "BACKOFF_S", (0.0, 0.01, 0.05))
    for _ in range(20):
        writers.preference()
    for _ in range(60):
        writers.step()
    for which in range(2):
        writers.commit(which)
    chosen = random.Random(seed)
    with psycopg.connect(database, autocommit=True) as connection, cutting_proxy(database) as proxy:
        topic = captured(connection, TABLE, writers.order)
        refused = sorted({row[0] for row in alerts_of_one_pass(connection, database, topic, None)})[::4]
        for event_id in refused:
            connection.execute(f"alter table alerting.alert add check (event_id <> '{event_id}') not valid")
        found = alerts_of_one_pass(connection, database, topic, None)
        for limits in (IN_LANES, ONE_BY_ONE, None) * 2:
            forget_all(connection)
            with (engine := Cut(proxy.url, topic, limits=limits)):
                engine.proxy, engine.messages = proxy, itertools.cycle(range(1, 30))
                proxy.arm(chosen.randrange(200), chosen.choice((False, True, True)))
                engine.run_all(25)
            assert alerts(connection) == found
            quarantined = connection.execute("select count(*) from alerting.quarantine").fetchone()
            assert quarantined == (len(refused),)


def alerts_of_one_pass(
    connection: Connection, database: str, topic: list[tuple[bytes, bytes]], limits: Limits | None
) -> list[Any]:
    forget_all(connection)
    with EngineAlone(database, topic, limits=limits) as engine:
        engine.run_all(25)
    return alerts(connection)
