"""audit.explain agrees with the engine for every (event, customer), after races of events of every kind."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiosql

from bankalerts.report.verify import verify
from tests.chain import Chain, Connection
from tests.kind_races import KindRaces
from tests.long.frame import Options, Report, fresh_stack
from tests.long.interleave import race
from tests.races import racers
from tests.waiting import wait_until

DAY = "2003-04-05"
ONE_BY_ONE = 100  # events for which audit.explain is asked by itself
_sql: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg", mandatory_parameters=False)


def run(options: Options, report: Report) -> None:
    """Race on 20,000 events, capture paused and parts killed meanwhile; then explain everything."""
    with fresh_stack() as stack:
        chain = Chain(stack)
        rounds, pauses, kills = (150, 1, ()) if options.small else (3_400, 4, ("engine-1", "connect", "engine-1"))
        prove(chain, KindRaces("explain", options.seed, DAY), rounds, pauses, report, kills)
        if not options.small:
            report.line(report.figures["events"] >= 20_000, "at least 20,000 events")


def prove(chain: Chain, races: KindRaces, rounds: int, pauses: int, report: Report, kills: tuple[str, ...] = ()) -> None:
    """Race, wait until all is judged, the timers that are due included, and compare row by row."""
    began = time.monotonic()
    with racers(chain) as crew:
        race(chain, races, crew, rounds, pauses, kills)
        report.figure("transactions", dict(sorted(crew.counts.items())))
    settle_with_timers(chain)
    report.figure("racing_s", round(time.monotonic() - began, 1))
    with chain.database() as connection:
        compare(connection, races.seed, report)
    found = verify(chain.settings.database_url)
    report.figure("quarantined", found.quarantined)
    report.figure("parked", found.parked)
    report.figure("first_wrong", [*found.alerts.missing_first, *found.alerts.extra_first][:3])
    alerts, messages = found.alerts, found.messages
    report.line(
        found.is_equal,
        f"seed {races.seed}: {found.events:,} events, {alerts.expected:,} alerts expected, {alerts.missing} missing,"
        f" {alerts.extra} extra; messages {messages.missing} missing, {messages.extra} extra",
    )
    report.line(not found.quarantined and not found.parked, "nothing is quarantined, no type is parked")


def settle_with_timers(chain: Chain) -> None:
    """Until all is judged, and so are the timers that became due meanwhile."""
    chain.settle(180)
    with chain.database() as connection:
        wait_until(lambda: _sql.count_timers_due(connection) == 0, 60, "each timer that is due is rung")
    chain.settle(180)


def compare(connection: Connection, seed: int, report: Report) -> None:
    """The explanation of every event in one call against the alerts; of some events alone against the same call."""
    began = time.monotonic()
    connection.execute(_sql.explain_all.sql)
    report.figure("events", _sql.count_events(connection))
    report.figure("explaining_s", round(time.monotonic() - began, 1))
    report.figure("alerts", dict(_sql.count_alerts(connection)))
    outcomes: Counter[str] = Counter()
    wrong = other_evidence = 0
    for outcome, rows, alerts, differing in _sql.compare(connection):
        outcomes[outcome] = rows
        wrong += rows - alerts if outcome in ("ALERTED", "SUPPRESSED") else alerts
        other_evidence += differing
    report.figure("outcomes", dict(outcomes.most_common()))
    report.figure("first_disagreements", list(_sql.list_disagreements(connection)))
    without = _sql.count_unexplained(connection)
    report.line(
        wrong == without == 0,
        f"audit.explain agrees with the engine on all {outcomes.total():,} rows of (event, customer, preference):"
        f" {wrong} disagree, {without} alerts have no row",
    )
    report.line(other_evidence == 0, f"versions, parameters and history of {other_evidence} alerts differ from their evidence")
    apart = _sql.count_explained_otherwise(connection, seed=str(seed), events=ONE_BY_ONE)
    report.line(apart == 0, f"of {ONE_BY_ONE} events explained alone {apart} are explained otherwise than among all")
    report.line(len(outcomes) >= 10, f"the races lead to {len(outcomes)} kinds of outcome")
