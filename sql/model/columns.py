"""What the tables of the model have in common: kinds of columns, and columns that several tables have."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def key(name: str, kind: object = Text, refers_to: str | None = None) -> Column[object]:
    foreign = [ForeignKey(refers_to)] if refers_to else []
    return Column(name, kind, *foreign, primary_key=True, autoincrement=False)  # type: ignore[arg-type]


def required(name: str, kind: object = Text, refers_to: str | None = None) -> Column[object]:
    foreign = [ForeignKey(refers_to)] if refers_to else []
    return Column(name, kind, *foreign, nullable=False)  # type: ignore[arg-type]


def optional(name: str, kind: object = Text) -> Column[object]:
    return Column(name, kind)  # type: ignore[arg-type]


Time = DateTime(timezone=True)
Texts = ARRAY(Text)
Times = ARRAY(Time)


def app_users() -> list[Column[object]]:
    """Of a history table: the app's own user who began a row, and who ended it."""
    return [optional("began_app_user"), optional("ended_app_user")]


def validity() -> list[Column[object]]:
    """Who began and who ended a version of a row."""
    return [required("began_at", Time), required("began_by"), optional("ended_at", Time), optional("ended_by")]


def stamp() -> list[Column[object]]:
    """What the database notes of an event as it is inserted."""
    versions = [required("event_time", Time), required("state_version", BigInteger), required("catalogue_version", BigInteger)]
    order = [required("transaction_id", BigInteger), required("seen_below", BigInteger)]
    return [*versions, required("inserted_at", Time), *order]


def rules_of_alert_type() -> list[Column[object]]:
    """Who an alert type is for, its window, its pauses and its timer."""
    return [
        required("mandatory", Boolean),
        required("default_channels", Texts),
        required("purpose"),
        optional("window_aggregate"),
        optional("window_value"),
        required("window_group", Texts),
        optional("window_condition"),
        optional("window_length"),
        required("window_lateness", Integer),
        optional("cool_down"),
        optional("rearm_margin"),
        optional("rearm_condition"),
        optional("timer_arm"),
        optional("timer_cancel"),
        optional("timer_key"),
        optional("timer_after"),
        optional("timer_schedule", JSONB),
    ]
