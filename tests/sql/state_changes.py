"""Random statements on permissions and preferences, of every kind that PostgreSQL has, and the states they lead to."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
ACCOUNTS = ("a", "b", "c")
CUSTOMERS = (1, 2, 3)
TYPES = ("BALANCE_BELOW", "CREDITED_ABOVE")

SET_UP = """
    insert into bank.customer (customer_id, full_name) select n, 'Customer' from generate_series(1, 3) n;
    insert into bank.account (account_id, currency) select unnest('{a,b,c}'::text[]), 'EUR';
"""
ROWS = """
    select account_id, 'permission', customer_id, '', 0,
           role || may_see_balance || valid_from || coalesce(valid_until::text, '')
      from bank.account_permission
    union all
    select account_id, 'preference', customer_id, alert_type, preference_no, currency || parameters || channels::text || enabled
      from bank.alert_preference
     order by 1, 2, 3, 4, 5
"""
HISTORY = """
    select account_id, 'permission', customer_id, '', 0,
           role || may_see_balance || valid_from || coalesce(valid_until::text, '')
      from audit.account_permission_history
     where account_id = %(account)s and from_version <= %(version)s and (until_version is null or %(version)s < until_version)
    union all
    select account_id, 'preference', customer_id, alert_type, preference_no, currency || parameters || channels::text || enabled
      from audit.alert_preference_history
     where account_id = %(account)s and from_version <= %(version)s and (until_version is null or %(version)s < until_version)
     order by 1, 2, 3, 4, 5
"""
STATEMENTS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").rstrip().split("\n\n")[1:]

State = list[tuple[Any, ...]]


def statement(random: Random) -> str:
    """The next one."""
    words = {
        "a": f"'{random.choice(ACCOUNTS)}'",
        "a2": f"'{random.choice(ACCOUNTS)}'",
        "as": "'{" + ",".join(random.sample(ACCOUNTS, random.randint(1, 3))) + "}'::text[]",
        "c": random.choice(CUSTOMERS),
        "c2": random.choice(CUSTOMERS),
        "t": random.choice(TYPES),
        "no": random.randint(1, 2),
        "bool": random.choice(("true", "false")),
        "role": random.choice(("OWNER", "AUTHORISED", "VIEWER")),
        "p": f'{{"threshold_minor": {random.randint(0, 9)}}}',
        "ch": random.choice(("{SMS}", "{PUSH}", "{EMAIL,PUSH}")),
    }
    return re.sub(r"\{(\w+)\}", lambda found: str(words[found[1]]), random.choice(STATEMENTS))


def versions(connection: Connection) -> dict[str, int]:
    return dict(connection.execute("select account_id, state_version from bank.account").fetchall())


def states(connection: Connection) -> dict[str, State]:
    """The rows that are there now, by account."""
    found: dict[str, State] = {account: [] for account in ACCOUNTS}
    for row in connection.execute(ROWS).fetchall():
        found[row[0]].append(row)
    return found


def state_at(connection: Connection, account: str, version: int) -> State:
    """The rows that the history tables say were there."""
    return connection.execute(HISTORY, {"account": account, "version": version}).fetchall()
