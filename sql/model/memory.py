"""Schema alerting: what the engine remembers of events and preferences."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from sql.model.columns import Time, key, metadata, optional, required

Table(
    "seen_event",
    metadata,
    required("seen_no", BigInteger),
    key("event_id"),
    key("event_date", Date),
    key("event_kind"),
    optional("account_id"),
    optional("customer_id", BigInteger),
    schema="alerting",
)
Table(
    "last_seen",
    metadata,
    required("alert_type"),
    required("definition"),
    optional("account_id"),
    optional("customer_id", BigInteger),
    required("group_key"),
    required("last_time", Time),
    UniqueConstraint(
        "account_id",
        "customer_id",
        "alert_type",
        "definition",
        "group_key",
        name="last_seen_once",
        postgresql_nulls_not_distinct=True,
    ),
    Index("last_seen_of_customer", "customer_id"),
    schema="alerting",
)
Table(
    "preference_memory",
    metadata,
    optional("account_id"),
    required("customer_id", BigInteger),
    required("alert_type"),
    required("preference_no", Integer),
    required("armed", Boolean),
    optional("last_alert_time", Time),
    UniqueConstraint(
        "account_id",
        "customer_id",
        "alert_type",
        "preference_no",
        name="preference_remembered_once",
        postgresql_nulls_not_distinct=True,
    ),
    Index("preference_memory_of_customer", "customer_id"),
    schema="alerting",
)
Table(
    "parked_type",
    metadata,
    key("alert_type"),
    key("catalogue_version", BigInteger),
    required("reason"),
    required("parked_at", Time),
    schema="alerting",
)
