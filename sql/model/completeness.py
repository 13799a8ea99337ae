"""Schema alerting: what capture is to be, and what holds up the engines."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Table, text

from sql.model.columns import Texts, Time, key, metadata, optional, required

Table(
    "capture_identity",
    metadata,
    key("only_row", Boolean),
    required("system_identifier"),
    required("timeline"),
    required("slot"),
    required("recorded_at", Time),
    required("recorded_by"),
    schema="alerting",
)
Table("captured_table", metadata, key("table_name"), required("columns", Texts), required("types", Texts), schema="alerting")
Table(
    "halt",
    metadata,
    Column("halt_id", BigInteger, Identity(always=True), primary_key=True),
    required("cause"),
    required("detail"),
    required("began_at", Time),
    required("began_by"),
    optional("ended_at", Time),
    optional("ended_by"),
    optional("app_user"),
    optional("reason"),
    Index("one_open_halt_per_cause", "cause", unique=True, postgresql_where=text("ended_at is null")),
    schema="alerting",
)
