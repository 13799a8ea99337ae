"""Schema audit: how long what is kept, and what was done about it."""

from sqlalchemy import BigInteger, Column, Identity, Interval, Table

from sql.model.columns import Texts, Time, key, metadata, optional, required

Table(
    "retention_policy",
    metadata,
    key("data_class"),
    required("kept_in"),
    required("relations", Texts),
    optional("keeps", Interval),
    required("action"),
    optional("ahead", Interval),
    required("reason"),
    required("changed_at", Time),
    required("changed_by"),
    optional("app_user"),
    schema="audit",
)
Table(
    "maintenance",
    metadata,
    Column("run_no", BigInteger, Identity(always=True), primary_key=True),
    required("what"),
    required("data_class"),
    required("relation"),
    required("rows_or_partitions", BigInteger),
    required("took", Interval),
    required("at", Time),
    required("by"),
    optional("app_user"),
    schema="audit",
)
