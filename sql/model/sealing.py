"""Schema alerting: the seals."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, Uuid, text

from sql.model.columns import Time, key, metadata, optional, required

Table(
    "seal",
    metadata,
    key("seal_no", BigInteger),
    required("sealed_at", Time),
    required("entries", BigInteger),
    required("entries_digest", LargeBinary),
    required("previous", LargeBinary),
    required("head", LargeBinary),
    optional("signature", LargeBinary),
    optional("key_id"),
    schema="alerting",
)
Table(
    "seal_entry",
    metadata,
    Column(
        "seal_no",
        BigInteger,
        ForeignKey("alerting.seal.seal_no", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    key("entry_no", Integer),
    required("kind"),
    required("id", Uuid),
    required("event_date", Date),
    optional("customer_id", BigInteger),
    optional("state"),
    optional("evidence_commitment", LargeBinary),
    required("leaf", LargeBinary),
    Index("seal_entry_of_row", "id", "kind", "seal_no"),
    Index("seal_entry_of_customer", "customer_id", "event_date", postgresql_where=text("kind = 'ALERT'")),
    schema="alerting",
)
Table("seal_until", metadata, key("kind"), required("until", Time), schema="alerting")
Table("seal_mark", metadata, key("at", Time), required("first_unseen", BigInteger), schema="alerting")
