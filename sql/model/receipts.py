"""Receipts: what providers say of messages after they took them."""

from sqlalchemy import BigInteger, Date, Index, Integer, Table, Uuid

from sql.model.columns import Time, key, metadata, optional, required

Table(
    "receipt",
    metadata,
    key("message_id", Uuid),
    key("event_date", Date),
    key("attempt_no", Integer),
    key("target"),
    key("status"),
    required("provider"),
    optional("reason"),
    required("said_at", Time),
    required("received_at", Time),
    Index("receipt_received", "received_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    schema="alerting",
    postgresql_partition_by="range (event_date)",
)
Table(
    "refused_receipt",
    metadata,
    key("day", Date),
    key("provider"),
    key("reason"),
    required("receipts", BigInteger),
    schema="alerting",
)
