"""Schema bank: what banking apps and designers write of customers, accounts, alert types and preferences."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    types,
)
from sqlalchemy.dialects.postgresql import JSONB

from sql.model.columns import Texts, Time, key, metadata, optional, required, rules_of_alert_type

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
    required("state_version", BigInteger),
    required("contact_status"),
    optional("quiet_from", types.Time),
    optional("quiet_until", types.Time),
    required("shows_balance", Boolean),
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
    required("registered_at", Time),
    optional("retired_at", Time),
    optional("retired_reason"),
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
    required("status"),
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
    *rules_of_alert_type(),
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
    "customer_preference",
    metadata,
    key("customer_id", BigInteger, "bank.customer.customer_id"),
    key("alert_type", Text, "bank.alert_type.alert_type"),
    key("preference_no", Integer),
    required("parameters", JSONB),
    required("channels", Texts),
    required("enabled", Boolean),
    required("state_version", BigInteger),
    schema="bank",
)
