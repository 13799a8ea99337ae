"""The ten questions of docs/auditing.md as statements for psycopg, and the plans that PostgreSQL makes for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

PAGE = Path(__file__).parents[1] / "docs" / "auditing.md"
QUESTION = re.compile(r"^## (\d+)\. .*?^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r":'(\w+)'|(?<!:):(\w+)")
# an auditor's tables that grow for ever; settings and templates do not
GROWING = {
    *("account_permission_history", "alert_preference_history", "customer_preference_history", "change"),
    *("alert", "outbox", "delivery_attempt", "receipt", "seen_event"),
    *("account_entry", "card_authorisation", "payment_order", "customer_activity", "timer_event"),
}
FEW_ROWS = 500
MONTHLY = re.compile(r"_(default|\d{4}_\d{2})$")


def questions() -> dict[int, str]:
    """Number -> statement, with %(name)s for psql's variables."""
    text = PAGE.read_text(encoding="utf-8")
    found = {int(number): sql.strip().rstrip(";") for number, sql in QUESTION.findall(text)}
    return {number: VARIABLE.sub(lambda v: f"%({v[1] or v[2]})s", sql.replace("%", "%%")) for number, sql in found.items()}


Plan = dict[str, Any]


@contextmanager
def explained(connection: psycopg.Connection[Any]) -> Iterator[list[Plan]]:
    """The plans of all statements that run meanwhile, those inside of functions too (auto_explain)."""
    plans: list[Plan] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if "plan:\n" in text:
            plans.append(json.loads(text.partition("plan:\n")[2])["Plan"])

    connection.execute("load 'auto_explain'")
    connection.execute(
        "set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;"
        " set auto_explain.log_format = json; set auto_explain.log_level = notice; set client_min_messages = notice"
    )
    connection.add_notice_handler(keep)
    try:
        yield plans
    finally:
        connection.remove_notice_handler(keep)
        connection.execute("set auto_explain.log_min_duration = -1")


def nodes(plan: Plan) -> Iterator[Plan]:
    """It and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def scans(connection: psycopg.Connection[Any], plans: list[Plan]) -> tuple[set[str], set[str]]:
    """Which growing tables were read one by one from the start, and by which indexes something was read.

    A partition with few rows is read from its start because that is quicker: it does not count.
    """
    large = {
        name
        for (name,) in connection.execute(
            "select relname from pg_class where relkind = 'r' and reltuples > %s", [FEW_ROWS]
        ).fetchall()
    }
    sequential, indexes = set(), set()
    for node in (node for plan in plans for node in nodes(plan)):
        name = node.get("Relation Name", "")
        if node["Node Type"].endswith("Seq Scan") and name in large and MONTHLY.sub("", name) in GROWING:
            sequential.add(name)
        if "Index Name" in node:
            indexes.add(node["Index Name"])
    return sequential, indexes


def ask(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The answer, with the values written into the statement as psql does."""
    with psycopg.ClientCursor(connection) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()
