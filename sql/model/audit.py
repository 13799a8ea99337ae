"""Schema audit: what was the case when."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB

from sql.model.columns import Texts, Time, app_users, key, metadata, optional, required, rules_of_alert_type, validity

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
    *app_users(),
    Index("account_permission_history_of_customer", "customer_id", "began_at"),
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
    *app_users(),
    Index("alert_preference_history_of_customer", "customer_id", "began_at"),
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
    *rules_of_alert_type(),
    *validity(),
    schema="audit",
)
Table(
    "customer_preference_history",
    metadata,
    key("customer_id", BigInteger),
    key("alert_type"),
    key("preference_no", Integer),
    key("from_version", BigInteger),
    optional("until_version", BigInteger),
    required("parameters", JSONB),
    required("channels", Texts),
    required("enabled", Boolean),
    *validity(),
    *app_users(),
    schema="audit",
)
