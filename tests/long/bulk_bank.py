"""The bank of the bulk run: many accounts with many customers, one with very many, and the live ones. All by set-based SQL."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from tests.chain import Connection

LIVE_ACCOUNTS = 50
BURST_AT_ONCE = 20
BURST_PER_S = 10_000
FIRST_CUSTOMER = 7_000_000


@dataclass(frozen=True)
class Sizes:
    """`entries` of one transaction; `customers_each` of `accounts`; those of the account of the bursts, its entries in each.

    `calm_s`: for how long the live entries are measured alone.
    """

    entries: int
    accounts: int
    customers_each: int
    burst_customers: int
    burst_entries: int
    bursts: int
    calm_s: float


CUSTOMERS = """
insert into bank.customer (customer_id, full_name, locale, time_zone)
select %(first)s + n, 'Customer ' || n, 'nl-NL', 'Europe/Amsterdam' from generate_series(0, %(customers)s - 1) n
"""
ACCOUNTS = """
insert into bank.account (account_id, currency)
select 'bulk-' || n, 'EUR' from generate_series(0, %(accounts)s - 1) n
union all select 'live-' || n, 'EUR' from generate_series(0, %(live)s - 1) n
union all select 'crowd', 'EUR'
"""
PERMISSIONS = """
insert into bank.account_permission (account_id, customer_id, role, may_see_balance)
select 'bulk-' || a, %(first)s + (a * 31 + c) %% %(customers)s, 'AUTHORISED', true
  from generate_series(0, %(accounts)s - 1) a, generate_series(0, %(each)s - 1) c
union all select 'live-' || n, %(first)s + n, 'OWNER', true from generate_series(0, %(live)s - 1) n
union all select 'crowd', %(first)s + n, 'AUTHORISED', true from generate_series(0, %(crowd)s - 1) n
"""
# on each bulk and live account one customer wants to know; of the crowd everybody does, from a round amount
PREFERENCES = """
insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
select account_id, customer_id, 'DEBITED_ABOVE', 'EUR', jsonb_build_object('threshold_minor', threshold_minor), '{PUSH}'
  from (select 'bulk-' || a, %(first)s + (a * 31) %% %(customers)s, 50000 from generate_series(0, %(accounts)s - 1) a
        union all select 'live-' || n, %(first)s + n, 50000 from generate_series(0, %(live)s - 1) n
        union all select 'crowd', %(first)s + n, 50000 + n %% 50 * 1000 from generate_series(0, %(crowd)s - 1) n
       ) wish (account_id, customer_id, threshold_minor)
"""
# one in a hundred leads to an alert
MILLION = """
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, description)
select 'bulk-' || n, current_date, 'bulk-' || n %% %(accounts)s, case when n %% 100 = 0 then -60000 else -100 end, 'EUR', 'bulk'
  from generate_series(1, %(entries)s) n
"""
RELOAD = """
insert into bank.account_permission (account_id, customer_id, role, may_see_balance, valid_from)
select account_id, customer_id, role, may_see_balance, valid_from - interval '1 day'
  from bank.account_permission where account_id like 'bulk-%%'
on conflict (account_id, customer_id) do update set valid_from = excluded.valid_from
"""
# most match nobody, ten of them an eighth of the crowd each
BURST = """
insert into bank.account_entry (entry_id, booking_date, account_id, amount_minor, currency, description)
select 'burst-' || %(round)s || '-' || n, current_date, 'crowd', case when n %% %(every)s = 0 then -55500 else -100 end, 'EUR',
       'burst'
  from generate_series(%(from)s::bigint, %(until)s::bigint) n
"""


def load(connection: Connection, sizes: Sizes) -> None:
    values = _values(sizes)
    for statement in (CUSTOMERS, ACCOUNTS, PERMISSIONS, PREFERENCES):
        connection.execute(statement, values)
    connection.execute("analyze")


def million(connection: Connection, sizes: Sizes) -> None:
    """One transaction."""
    connection.execute(MILLION, _values(sizes))


def reload(connection: Connection) -> None:
    """All permissions of the bulk accounts, as a nightly feed writes them: one transaction, each row changed."""
    connection.execute(RELOAD, {})


def burst(connection: Connection, sizes: Sizes, round_no: int) -> None:
    """Many transactions of some entries, 10,000 entries a second. A burst may come again, in another round."""
    started, never = time.monotonic(), threading.Event()
    for number in range(1, sizes.burst_entries + 1, BURST_AT_ONCE):
        never.wait(max(0.0, started + number / BURST_PER_S - time.monotonic()))
        values = {"from": number, "until": number + BURST_AT_ONCE - 1, "every": sizes.burst_entries // 10}
        values["round"] = round_no
        connection.execute(BURST, values)


def _values(sizes: Sizes) -> dict[str, int]:
    return {
        "first": FIRST_CUSTOMER,
        "customers": max(sizes.burst_customers, sizes.customers_each * 100),
        "accounts": sizes.accounts,
        "each": sizes.customers_each,
        "live": LIVE_ACCOUNTS,
        "crowd": sizes.burst_customers,
        "entries": sizes.entries,
    }
