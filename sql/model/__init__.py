"""The tables of head as SQLAlchemy has them: the one model that `alembic check` compares the database with.

Columns, types, keys and nullability stand here; triggers, functions, checks and comments in migrations/versions/*.sql, which
`sql/schema.sql` (the dump of head) and its test hold in place.
"""

from sql.model import (
    alerting,
    audit,
    bank,
    completeness,
    delivery,
    events,
    history,
    memory,
    receipts,
    retention,
    sealing,
    settings,
    timers,
    vault,
)
from sql.model.columns import metadata

__all__ = [
    "alerting",
    "audit",
    "bank",
    "completeness",
    "delivery",
    "events",
    "history",
    "memory",
    "metadata",
    "receipts",
    "retention",
    "sealing",
    "settings",
    "timers",
    "vault",
]
