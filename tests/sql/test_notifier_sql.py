"""The notifier's statements: each can be prepared, each uses its index, and none joins alerting with bank."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import sql
from notifier.database import SERVER_SETTINGS
from sql import queries

FILES = ("notifier", "controls", "recipients")
STATEMENTS: dict[str, str] = {
    name: getattr(queries(file, "asyncpg"), name).sql
    for file in FILES
    for name in queries(file, "asyncpg").available_queries
    if not name.endswith("_cursor")
}
INDEXES = {
    "claim_messages": {"outbox_due_in_order", "outbox_due_pkey", "message_id_is_unique", "alert_id_is_unique"},
    "record_messages": {"outbox_due_pkey", "message_id_is_unique"},
    "give_back_messages": {"outbox_due_in_order", "outbox_due_pkey", "message_id_is_unique"},
    "count_undrained": {"outbox_due_in_order"},
    "read_oldest_due": {"outbox_due_in_order"},
    "read_tried_targets": {"attempt_is_recorded_once"},
    "read_suppressed_targets": {"suppressed_address_pkey"},
    "read_recipients": {
        "customer_pkey",
        "account_pkey",
        "account_permission_pkey",
        "contact_address_pkey",
        "push_device_of_customer",
        "replaced_address_pkey",
        "customer_consent_pkey",
        "delivery_rule_pkey",
        "webhook_secret_pkey",
    },
    "release_paused": {"outbox_due_held", "one_open_pause_per_scope"},
    "claim_digest": {"outbox_due_held", "message_id_is_unique", "alert_id_is_unique"},
}
SCANNED_WHOLE = {
    "forget_replaced_addresses": {"scan of replaced_address"},
    "forget_volumes": {"scan of throttle", "scan of type_volume"},
    "read_limits": {"scan of delivery_rule"},
    "read_pauses": {"scan of pause"},
    "read_policies": {"scan of channel_policy"},
    "read_currencies": {"scan of currency"},
    "read_templates": {"scan of message_template"},
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_statement_joins_alerting_with_bank(name: str) -> None:
    text = re.sub(r"--.*", "", STATEMENTS[name])
    assert not (re.search(r"\balerting\.", text) and re.search(r"\bbank\.", text))


def test_the_statements_that_are_looked_at_are_there() -> None:
    assert (INDEXES.keys() | SCANNED_WHOLE.keys()) <= STATEMENTS.keys()


def test_each_statement_is_introduced_by_a_sentence() -> None:
    text = "".join((Path(sql.__file__).parent / f"{file}.sql").read_text(encoding="utf-8") for file in FILES)
    assert len(re.findall(r"^-- name: \w+[$!]?\n-- [A-Z]", text, re.MULTILINE)) == len(STATEMENTS)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_each_statement_can_be_prepared_and_uses_its_indexes(database: str, name: str) -> None:
    async def plan() -> set[str]:
        connection = await asyncpg.connect(database, server_settings=SERVER_SETTINGS)
        statement = await connection.prepare(STATEMENTS[name])
        count = len(statement.get_parameters())
        await connection.execute(f"prepare planned as {STATEMENTS[name]}")
        nulls = ", ".join(["null"] * count)
        found = await connection.fetchval(f"explain (format json) execute planned{f'({nulls})' if count else ''}")
        await connection.close()
        return set(_access(json.loads(found)))

    used = asyncio.run(plan())
    assert SCANNED_WHOLE.get(name, set()) >= {word for word in used if word.startswith("scan of ")}
    # An index of a partition is named for its columns; its parent's name is what the design speaks of.
    for wanted in INDEXES.get(name, set()):
        assert any(wanted in index or _of_partition(wanted, index) for index in used), f"{wanted} is not among {sorted(used)}"


def _of_partition(wanted: str, index: str) -> bool:
    partitioned = {
        "message_id_is_unique": "outbox_default_pkey",
        "alert_id_is_unique": "alert_default_pkey",
        "attempt_is_recorded_once": "delivery_attempt_default_pkey",
    }
    return partitioned.get(wanted) == index


def _access(plan: Any) -> list[str]:
    """The indexes of a plan, and `scan of <table>` for each table that is read whole."""
    if isinstance(plan, list):
        return [word for part in plan for word in _access(part)]
    if not isinstance(plan, dict):
        return []
    own = [plan["Index Name"]] if "Index Name" in plan else []
    own += [f"scan of {plan['Relation Name']}"] if plan.get("Node Type") == "Seq Scan" else []
    return own + [word for value in plan.values() for word in _access(value)]
