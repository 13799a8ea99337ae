"""What customers and the bank settle of delivery: consent, replaced addresses, rules of alert types, secrets, the inbox."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Interval, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from sql.model.columns import Time, key, metadata, optional, required


def _of(name: str, kind: object, refers_to: str) -> Column[object]:
    """A part of the key that goes when the row it refers to goes."""
    return Column(name, kind, ForeignKey(refers_to, ondelete="CASCADE"), primary_key=True, autoincrement=False)  # type: ignore[arg-type]


def _of_customer() -> Column[object]:
    return _of("customer_id", BigInteger, "bank.customer.customer_id")


Table(
    "customer_consent",
    metadata,
    _of_customer(),
    key("purpose"),
    required("granted", Boolean),
    required("changed_at", Time),
    schema="bank",
)
Table(
    "replaced_address",
    metadata,
    _of_customer(),
    key("channel", Text, "bank.channel.channel"),
    key("address"),
    required("replaced_at", Time),
    schema="bank",
)
Table(
    "delivery_rule",
    metadata,
    _of("alert_type", Text, "bank.alert_type.alert_type"),
    required("time_to_live", Interval),
    optional("throttle_messages", Integer),
    optional("throttle_window", Interval),
    optional("per_minute_max", Integer),
    schema="bank",
)
Table(
    "webhook_secret",
    metadata,
    _of_customer(),
    key("address"),
    required("secret"),
    key("made_at", Time),
    schema="bank",
)
Table(
    "inbox_message",
    metadata,
    key("message_id", UUID),
    required("customer_id", BigInteger),
    required("alert_type"),
    optional("subject"),
    required("body"),
    required("written_at", Time),
    optional("read_at", Time),
    Index("inbox_message_of_customer", "customer_id", "written_at"),
    schema="bank",
)
