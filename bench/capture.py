"""Debezium: rows a second from PostgreSQL's log to the event topic, after the connector was paused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bankalerts.errors import BankalertsError
from bench.world import World, end_offsets
from connectors.connect_api import ConnectApi
from connectors.debezium import connector_name

ACCOUNTS = 1_000
WITHIN_S = 300.0
Say = Callable[[str], None]

ENTRIES = """
insert into bank.account_entry
  (entry_id, booking_date, account_id, amount_minor, currency, balance_after_minor, entry_type, description)
select 'capture-' || %(run)s || '-' || n, current_date, 'capture-' || n %% %(accounts)s,
       -100 - n %% 9000, 'EUR', 100000 + n %% 300000,
       'card purchase', 'Albert Heijn 1234 Utrecht'
  from generate_series(1, %(rows)s) n
"""
BANK = "insert into bank.account (account_id, currency) select 'capture-' || n, 'EUR' from generate_series(0, %s) n"


def measure(world: World, rows: int, say: Say) -> dict[str, Any]:
    """Rows a second; one transaction for every 1,000, as many small apps would write."""
    api = ConnectApi(world.settings.connect_url)
    name = connector_name(world.topics)
    with world.database() as connection:
        connection.execute(BANK, [ACCOUNTS - 1])
        for run, count in (("warm", rows // 10), ("run", rows)):
            before = end_offsets(world, world.topics.event)
            api.pause(name)
            for part in range(count // 1_000):
                connection.execute(ENTRIES, {"run": f"{run}-{part}", "accounts": ACCOUNTS, "rows": 1_000})
            api.resume(name)
            seconds = caught_up(world, before + count // 1_000 * 1_000)
    rate = rows / seconds
    say(f"Debezium: {rate:,.0f} rows a second")
    return {"rows": rows, "rows_per_s": rate}


def caught_up(world: World, end: int) -> float:
    """Seconds from the first row to the last."""
    deadline = time.monotonic() + WITHIN_S
    began, first = time.monotonic(), end_offsets(world, world.topics.event)
    while (now := end_offsets(world, world.topics.event)) < end:
        if now == first:
            began = time.monotonic()
        if time.monotonic() > deadline:
            raise BankalertsError(f"Debezium has {now:,} of {end:,} rows after {WITHIN_S:.0f} s")
        time.sleep(0.01)
    return time.monotonic() - began
