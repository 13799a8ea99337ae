"""Every example of every alert type through the whole running chain: events in by SQL, alerts and messages out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bankalerts.report.examples import CHANNELS, TIMER, read_examples
from engine import timekeeper
from tests.catalogue_examples import Connection, Player, enter, insert_events
from tests.chain import Chain
from tests.running_stack import RunningStack
from tests.waiting import wait_until

DEADLINE_S = 60.0
CONSENT = """
insert into bank.customer_consent (customer_id, purpose, granted)
select customer_id, 'MARKETING', true from bank.customer on conflict do nothing
"""


@pytest.fixture
def chain(stack: RunningStack) -> Chain:
    return Chain(stack)


def test_each_example_leads_to_its_alerts(chain: Chain, stack: RunningStack) -> None:
    with chain.database() as connection:
        players = enter(connection, read_examples(connection))
        connection.execute(CONSENT)
        begin_with_the_first_due_time(connection, [player for player in players if is_scheduled(connection, player)])
        insert_events(connection, players)
        chain.settle()
        ring(connection, players)
        chain.settle()
        wait_until(lambda: not due(connection, players), DEADLINE_S, "each message has reached an end")
        for player in players:
            assert alerts(connection, player) == player.expected(), f"{player.example.alert_type}: {player.example.says}"
        expected = sum(len(player.expected()) for player in players)
        assert messages(connection, players) == {("ACCEPTED", None): expected * len(CHANNELS) - of_two_channels(players)}
    verified = json.loads(stack.cli("verify", "--wait", "30", "--json").stdout)
    assert (verified["missing"], verified["extra"]) == (0, 0)


def is_scheduled(connection: Connection, player: Player) -> bool:
    row = connection.execute(
        "select timer_schedule is not null from bank.alert_type where alert_type = %s", [player.example.alert_type]
    ).fetchone()
    return bool(row and row[0])


def begin_with_the_first_due_time(connection: Connection, players: Sequence[Player]) -> None:
    """Wait until the engine has armed the first timer of each; that is when their examples start."""
    for player in players:
        first = wait_until(partial(next_due, connection, player), DEADLINE_S, f"{player.example.alert_type} has a timer")
        assert first is not None
        player.began_at = first


def next_due(connection: Connection, player: Player) -> datetime | None:
    found = connection.execute(
        "select customer_id, min(due_at) from alerting.timer where customer_id = any(%s) and state = 'ARMED' group by 1",
        [player.customer_ids],
    ).fetchall()
    times = {time for _, time in found}
    assert len(times) <= 1
    return times.pop() if len(found) == len(player.customers) else None


def ring(connection: Connection, players: Sequence[Player]) -> None:
    """Let the timers of the examples be due, and none that comes after."""
    waiting = [player for player in players if any(event.kind == TIMER for event in player.example.events)]
    last = max(
        player.time(index) for player in waiting for index, event in enumerate(player.example.events) if event.kind == TIMER
    )
    timekeeper.ring(connection, last + timedelta(seconds=1))


def alerts(connection: Connection, player: Player) -> list[tuple[int, str, datetime, dict[str, Any]]]:
    """The alerts of the example's type on its account or customers, with of their history what the example speaks of."""
    rows = connection.execute(
        "select customer_id, event_kind, event_time, evidence from alerting.alert"
        " where customer_id = any(%s) and alert_type = %s order by event_time, customer_id",
        [player.customer_ids, player.example.alert_type],
    ).fetchall()
    expected = {(time, kind): history for _, kind, time, history in player.expected()}
    return [
        (customer, kind, time, {name: evidence["history"][name] for name in expected.get((time, kind), ())})
        for customer, kind, time, evidence in rows
    ]


def due(connection: Connection, players: Sequence[Player]) -> int:
    row = connection.execute(
        "select count(*) from alerting.outbox_due join alerting.alert using (alert_id, event_date) where customer_id = any(%s)",
        [[customer for player in players for customer in player.customer_ids]],
    ).fetchone()
    assert row is not None
    return int(row[0])


def messages(connection: Connection, players: Sequence[Player]) -> dict[tuple[str, str | None], int]:
    """How many messages of the examples' own types came to which end, and why."""
    rows = connection.execute(
        "select o.state, o.reason, count(*) from unnest(%s::bigint[], %s::text[]) as p (customer_id, alert_type)"
        " join alerting.alert using (customer_id, alert_type) join alerting.outbox o using (alert_id, event_date)"
        " group by 1, 2",
        [
            [customer for player in players for customer in player.customer_ids],
            [player.example.alert_type for player in players for _ in player.customer_ids],
        ],
    ).fetchall()
    return {(state, reason): count for state, reason, count in rows}


def of_two_channels(players: Sequence[Player]) -> int:
    """The alerts of mandatory types, which go out on their two default channels where there is no preference."""
    return sum(len(player.expected()) for player in players if player.example.parameters is None)
