"""Schema audit: who changed which row of the tables whose changes are recorded."""

from sqlalchemy import BigInteger, Index, LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from sql.model.columns import Texts, Time, key, metadata, optional, required

Table(
    "recorded_table",
    metadata,
    key("table_name"),
    required("key_columns", Texts),
    required("personal_columns", Texts),
    required("left_out", Texts),
    schema="audit",
)
Table(
    "change",
    metadata,
    key("change_no", BigInteger),
    required("table_name"),
    required("row_key"),
    optional("customer_id", BigInteger),
    required("operation"),
    required("changed", JSONB),
    optional("sealed", LargeBinary),
    optional("changed_at", Time),
    optional("changed_by"),
    optional("app_user"),
    required("transaction_id", BigInteger),
    Index("change_of_row", "table_name", "row_key", text("changed_at DESC NULLS LAST")),
    Index("change_of_customer", "customer_id", "changed_at", postgresql_where=text("customer_id IS NOT NULL")),
    schema="audit",
)
