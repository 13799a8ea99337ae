"""Schema vault: the customers' keys."""

from sqlalchemy import BigInteger, LargeBinary, Table

from sql.model.columns import Time, key, metadata, optional, required

Table(
    "customer_key",
    metadata,
    key("customer_id", BigInteger),
    required("made_at", Time),
    optional("key", LargeBinary),
    schema="vault",
)
Table(
    "erased_customer",
    metadata,
    key("customer_id", BigInteger, "vault.customer_key.customer_id"),
    required("erased_at", Time),
    required("erased_by"),
    optional("app_user"),
    required("reason"),
    schema="vault",
)
