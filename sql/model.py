"""The tables of head as SQLAlchemy has them: the one model that `alembic check` compares the database with.

Columns, types, keys and nullability stand here; triggers, functions, checks and comments in migrations/versions/*.sql, which
`sql/schema.sql` (the dump of head) and its test hold in place.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def key(name: str, kind: type = Text, refers_to: str | None = None) -> Column[object]:
    foreign = [ForeignKey(refers_to)] if refers_to else []
    return Column(name, kind, *foreign, primary_key=True, autoincrement=False)


def required(name: str, kind: object = Text, refers_to: str | None = None) -> Column[object]:
    foreign = [ForeignKey(refers_to)] if refers_to else []
    return Column(name, kind, *foreign, nullable=False)  # type: ignore[arg-type]


def optional(name: str, kind: object = Text) -> Column[object]:
    return Column(name, kind)  # type: ignore[arg-type]


Time = DateTime(timezone=True)
Texts = ARRAY(Text)

# bank: written by banking apps ------------------------------------------------------------------------------

Table("currency", metadata, key("currency"), required("minor_digits", SmallInteger), schema="bank")
Table("channel", metadata, key("channel"), schema="bank")
Table("time_zone", metadata, key("time_zone"), schema="bank")
Table(
    "customer",
    metadata,
    key("customer_id", BigInteger),
    required("full_name"),
    required("locale"),
    required("time_zone"),
    schema="bank",
)
Table(
    "contact_address",
    metadata,
    key("customer_id", BigInteger, "bank.customer.customer_id"),
    key("channel", Text, "bank.channel.channel"),
    key("address"),
    optional("verified_at", Time),
    schema="bank",
)
Table(
    "push_device",
    metadata,
    key("push_id"),
    required("customer_id", BigInteger, "bank.customer.customer_id"),
    required("platform"),
    required("provider"),
    Index("push_device_of_customer", "customer_id"),
    schema="bank",
)
Table(
    "account",
    metadata,
    key("account_id"),
    optional("iban"),
    required("currency", Text, "bank.currency.currency"),
    optional("product"),
    required("time_zone"),
    required("state_version", BigInteger),
    UniqueConstraint("iban", name="iban_is_unique"),
    schema="bank",
)
Table(
    "account_permission",
    metadata,
    key("account_id", Text, "bank.account.account_id"),
    key("customer_id", BigInteger, "bank.customer.customer_id"),
    required("role"),
    required("may_see_balance", Boolean),
    required("valid_from", Time),
    optional("valid_until", Time),
    required("state_version", BigInteger),
    schema="bank",
)
Table("catalogue", metadata, key("only_row", Boolean), required("catalogue_version", BigInteger), schema="bank")
Table(
    "alert_type",
    metadata,
    key("alert_type"),
    required("event_kind"),
    required("statuses", Texts),
    required("condition"),
    required("parameters", JSONB),
    required("category"),
    required("title"),
    required("uses_balance", Boolean),
    required("catalogue_version", BigInteger),
    schema="bank",
)
Table(
    "message_template",
    metadata,
    key("alert_type", Text, "bank.alert_type.alert_type"),
    key("channel", Text, "bank.channel.channel"),
    key("locale"),
    key("version", Integer),
    optional("subject"),
    required("body"),
    schema="bank",
)
Table(
    "alert_type_example",
    metadata,
    Column("alert_type", Text, ForeignKey("bank.alert_type.alert_type", ondelete="CASCADE"), primary_key=True),
    key("example_no", Integer),
    required("says"),
    optional("parameters", JSONB),
    required("events", JSONB),
    required("alerts", JSONB),
    schema="bank",
)
Table(
    "alert_preference",
    metadata,
    key("account_id", Text, "bank.account.account_id"),
    key("customer_id", BigInteger, "bank.customer.customer_id"),
    key("alert_type", Text, "bank.alert_type.alert_type"),
    key("preference_no", Integer),
    required("currency"),
    required("parameters", JSONB),
    required("channels", Texts),
    required("enabled", Boolean),
    required("state_version", BigInteger),
    schema="bank",
)
Table(
    "account_entry",
    metadata,
    key("entry_id"),
    key("booking_date", Date),
    required("account_id"),
    required("amount_minor", BigInteger),
    required("currency"),
    optional("balance_after_minor", BigInteger),
    required("status"),
    optional("occurred_at", Time),
    optional("value_date", Date),
    optional("original_amount_minor", BigInteger),
    optional("original_currency"),
    optional("entry_type"),
    optional("counterparty_account"),
    optional("counterparty_name"),
    optional("description"),
    optional("reverses_entry_id"),
    required("event_time", Time),
    required("state_version", BigInteger),
    required("catalogue_version", BigInteger),
    required("inserted_at", Time),
    Index("account_entry_of_account", "account_id", "event_time"),
    schema="bank",
    postgresql_partition_by="range (booking_date)",
)

# alerting: written by engine and notifiers ------------------------------------------------------------------

Table("topic_layout", metadata, key("only_row", Boolean), required("partitions", Integer), schema="alerting")
Table("capture_heartbeat", metadata, key("only_row", Boolean), required("beat_at", Time), schema="alerting")
Table(
    "alert",
    metadata,
    key("alert_id", Uuid),
    required("event_kind"),
    required("event_id"),
    key("event_date", Date),
    required("account_id"),
    required("customer_id", BigInteger),
    required("alert_type"),
    required("preference_no", Integer),
    required("channels", Texts),
    required("event_time", Time),
    required("inserted_at", Time),
    optional("committed_at", Time),
    optional("on_kafka_at", Time),
    required("decided_at", Time),
    required("written_at", Time),
    required("evidence", JSONB),
    UniqueConstraint(
        *("event_id", "event_date", "event_kind", "account_id", "customer_id", "alert_type", "preference_no"),
        name="one_alert_per_event_and_preference",
    ),
    schema="alerting",
    postgresql_partition_by="range (event_date)",
)
Table(
    "outbox",
    metadata,
    key("message_id", Uuid),
    required("alert_id", Uuid),
    key("event_date", Date),
    required("channel"),
    required("state"),
    optional("reason"),
    required("written_at", Time),
    optional("claimed_at", Time),
    optional("handed_at", Time),
    optional("finished_at", Time),
    Index("outbox_of_alert", "alert_id"),
    schema="alerting",
    postgresql_partition_by="range (event_date)",
)
Table(
    "outbox_due",
    metadata,
    key("message_id", Uuid),
    required("alert_id", Uuid),
    required("event_date", Date),
    required("channel"),
    required("due_at", Time),
    required("attempts", Integer),
    optional("lease_token", Uuid),
    Index("outbox_due_in_order", "channel", "due_at"),
    schema="alerting",
)
Table(
    "delivery_attempt",
    metadata,
    key("message_id", Uuid),
    key("event_date", Date),
    key("attempt_no", Integer),
    key("target"),
    required("started_at", Time),
    required("finished_at", Time),
    required("outcome"),
    optional("reason"),
    optional("provider_ref"),
    schema="alerting",
    postgresql_partition_by="range (event_date)",
)
Table(
    "engine_position",
    metadata,
    key("topic"),
    key("partition", Integer),
    required("topic_id"),
    required("position", BigInteger),
    required("written_at", Time),
    required("written_by"),
    schema="alerting",
)
Table(
    "quarantine",
    metadata,
    Column("quarantine_id", BigInteger, Identity(always=True), primary_key=True),
    required("topic"),
    required("topic_id"),
    required("partition", Integer),
    required("position", BigInteger),
    optional("event_key", LargeBinary),
    optional("event_value", LargeBinary),
    required("reason"),
    required("quarantined_at", Time),
    required("quarantined_by"),
    UniqueConstraint("topic_id", "partition", "position", name="quarantined_once"),
    schema="alerting",
)
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
    UniqueConstraint("account_id", "customer_id", "alert_type", "definition", "group_key", name="last_seen_once"),
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
    UniqueConstraint("account_id", "customer_id", "alert_type", "preference_no", name="preference_remembered_once"),
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

# audit: what was the case when ------------------------------------------------------------------------------


def validity() -> list[Column[object]]:
    """Who began and who ended a version of a row."""
    return [required("began_at", Time), required("began_by"), optional("ended_at", Time), optional("ended_by")]


Table(
    "account_permission_history",
    metadata,
    key("account_id"),
    key("customer_id", BigInteger),
    key("from_version", BigInteger),
    optional("until_version", BigInteger),
    required("role"),
    required("may_see_balance", Boolean),
    required("valid_from", Time),
    optional("valid_until", Time),
    *validity(),
    schema="audit",
)
Table(
    "alert_preference_history",
    metadata,
    key("account_id"),
    key("customer_id", BigInteger),
    key("alert_type"),
    key("preference_no", Integer),
    key("from_version", BigInteger),
    optional("until_version", BigInteger),
    required("currency"),
    required("parameters", JSONB),
    required("channels", Texts),
    required("enabled", Boolean),
    *validity(),
    schema="audit",
)
Table(
    "alert_type_history",
    metadata,
    key("alert_type"),
    key("from_version", BigInteger),
    optional("until_version", BigInteger),
    required("event_kind"),
    required("statuses", Texts),
    required("condition"),
    required("parameters", JSONB),
    required("category"),
    required("title"),
    required("uses_balance", Boolean),
    *validity(),
    schema="audit",
)
