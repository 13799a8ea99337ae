"""Every example of every alert type by the SQL reference alone: no engine, no Kafka."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bankalerts.report.examples import BEGAN_AT, TIME_ZONE, TIMER, read_examples
from tests.catalogue_examples import Connection, Player, enter, insert_events

Told = list[tuple[int, str, datetime, dict[str, Any]]]


def test_each_example_leads_to_its_alerts(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        players = enter(connection, read_examples(connection))
        for player in players:
            player.began_at = first_due(connection, player) or BEGAN_AT
        insert_events(connection, players)
        ring(connection, players)
        judged = connection.execute(
            "select customer_id, alert_type, event_kind, event_time, compared -> 'history' from audit.judged()"
            " where outcome = 'ALERTED'"
        ).fetchall()
        told = {(player.example.alert_type, player.example.example_no): alerts(player, judged) for player in players}
    assert told == {(player.example.alert_type, player.example.example_no): player.expected() for player in players}


def first_due(connection: Connection, player: Player) -> datetime | None:
    """When the schedule of the type is next due, where it has one: it started when the preference was inserted."""
    row = connection.execute(
        "select audit.next_due(timer_schedule, (select coalesce(jsonb_object_agg(n, r -> 'default'), '{}')"
        " from jsonb_each(parameters) p (n, r) where r ? 'default') || %s, %s, now())"
        " from bank.alert_type where alert_type = %s and timer_schedule is not null",
        [Jsonb(player.example.parameters or {}), TIME_ZONE, player.example.alert_type],
    ).fetchone()
    return row[0] if row else None


def ring(connection: Connection, players: list[Player]) -> None:
    """Insert the events of the timers, as the timekeeper does."""
    for player in players:
        for index, event in enumerate(player.example.events):
            if event.kind == TIMER:
                for customer_id in player.customer_ids:
                    connection.execute(
                        "insert into bank.timer_event (timer_id, account_id, customer_id, alert_type, preference_no, timer_key,"
                        " event_time, due_on) values (%s, %s, %s, %s, 1, %s, %s, %s)",
                        [
                            f"{player.account_id}-{index}-{customer_id}",
                            None if player.is_activity else player.account_id,
                            customer_id,
                            player.example.alert_type,
                            event.columns.get("timer_key", ""),
                            player.time(index),
                            player.time(index).astimezone(UTC).date(),
                        ],
                    )


def alerts(player: Player, judged: list[tuple[Any, ...]]) -> Told:
    """The alerts of the example's own type, in order, with of their history what the example speaks of."""
    spoken = {(time, kind): history for _, kind, time, history in player.expected()}
    found = [
        (customer, kind, time, {name: history[name] for name in spoken.get((time, kind), ())})
        for customer, alert_type, kind, time, history in judged
        if customer in player.customer_ids and alert_type == player.example.alert_type
    ]
    return sorted(found, key=lambda row: (row[2], row[0]))
