"""Schema alerting: what operators and providers say of how messages go out."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, Integer, Table, Text, Uuid, text

from sql.model.columns import Time, key, metadata, optional, required

Table(
    "channel_policy",
    metadata,
    key("channel"),
    required("retries_unknown", Boolean),
    required("unknown_tries_max", Integer),
    optional("falls_back_to"),
    schema="alerting",
)
Table(
    "pause",
    metadata,
    Column("pause_id", BigInteger, Identity(always=True), primary_key=True),
    required("scope"),
    required("reason"),
    required("made_by"),
    required("made_at", Time),
    optional("ended_at", Time),
    optional("ended_by"),
    Index("one_open_pause_per_scope", "scope", unique=True, postgresql_where=text("ended_at is null")),
    schema="alerting",
)
Table(
    "suppressed_address",
    metadata,
    key("channel"),
    key("target"),
    required("reason"),
    optional("message_id", Uuid),
    required("since", Time),
    schema="alerting",
)
Table("pilot", metadata, key("alert_type"), required("since", Time), schema="alerting")
Table(
    "pilot_customer",
    metadata,
    Column("alert_type", Text, ForeignKey("alerting.pilot.alert_type", ondelete="CASCADE"), primary_key=True),
    key("customer_id", BigInteger),
    schema="alerting",
)
Table("type_volume", metadata, key("alert_type"), key("minute", Time), required("messages", BigInteger), schema="alerting")
Table(
    "throttle",
    metadata,
    key("customer_id", BigInteger),
    key("alert_type"),
    key("channel"),
    required("window_ends_at", Time),
    required("sent", Integer),
    required("held", Integer),
    schema="alerting",
)
