"""Timers: what is armed, and the events that those become which are due."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Index,
    Integer,
    Table,
)

from sql.model.columns import Time, Times, key, metadata, optional, required, stamp

Table(
    "timer_event",
    metadata,
    key("timer_id"),
    key("due_on", Date),
    optional("account_id"),
    required("customer_id", BigInteger),
    required("alert_type"),
    required("preference_no", Integer),
    required("timer_key"),
    required("starts", Boolean),
    required("time_zone"),
    required("routed_account"),
    required("routed_customer", BigInteger),
    *stamp(),
    Index("timer_event_of_customer", "customer_id", "event_time"),
    schema="bank",
    postgresql_partition_by="range (due_on)",
)
Table(
    "timer",
    metadata,
    key("timer_id"),
    required("series_id"),
    optional("account_id"),
    required("customer_id", BigInteger),
    required("alert_type"),
    required("preference_no", Integer),
    required("timer_key"),
    required("due_at", Time),
    required("state"),
    optional("reason"),
    required("armed_at", Time),
    required("event_kind"),
    required("event_id"),
    required("event_date", Date),
    required("written_at", Time),
    optional("rung_at", Time),
    optional("judged_at", Time),
    required("earlier_armed_at", Times),
    Index("timer_due", "due_at"),
    Index("timer_of_series", "series_id", "armed_at"),
    Index("timer_armed_again", "series_id"),
    schema="alerting",
)
Table(
    "timer_cancel",
    metadata,
    key("series_id"),
    key("cancelled_at", Time),
    required("event_kind"),
    required("event_id"),
    required("event_date", Date),
    required("written_at", Time),
    schema="alerting",
)
