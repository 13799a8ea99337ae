"""Alert types, compiled. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.condition import BadCondition, Column, Condition, compile_condition
from engine.decode import AccountEntry, AlertTypeRow

# what a condition may read of each kind of event; bank.condition_form has the same names
COLUMNS = {
    AccountEntry.kind: {
        "entry_id": Column("text", nullable=False),
        "account_id": Column("text", nullable=False),
        "amount_minor": Column("integer", nullable=False),
        "currency": Column("text", nullable=False),
        "status": Column("text", nullable=False),
        "balance_after_minor": Column("integer", nullable=True),
        "entry_type": Column("text", nullable=True),
    }
}
ALWAYS_SHOWN = ("amount_minor", "currency")
BALANCE = "balance_after_minor"


@dataclass(frozen=True)
class AlertType:
    """An alert type as the matching needs it; `shown` are the event's columns that go into an alert's evidence."""

    alert_type: str
    statuses: frozenset[str]
    uses_balance: bool
    condition: Condition
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """Alert types by event kind and name, and those that do not compile, with the reason: nothing is judged by them."""

    by_kind: Mapping[str, Mapping[str, AlertType]]
    broken: Mapping[str, str]


def build_catalogue(rows: Mapping[str, AlertTypeRow]) -> Catalogue:
    by_kind: dict[str, dict[str, AlertType]] = {}
    broken: dict[str, str] = {}
    for row in rows.values():
        try:
            by_kind.setdefault(row.event_kind, {})[row.alert_type] = compile_alert_type(row)
        except BadCondition as error:
            broken[row.alert_type] = str(error)
    return Catalogue(by_kind, broken)


def compile_alert_type(row: AlertTypeRow) -> AlertType:
    """Raises BadCondition."""
    if row.event_kind not in COLUMNS:
        raise BadCondition(f"event kind {row.event_kind} is not known; known: {', '.join(sorted(COLUMNS))}")
    kinds = {name: str(rule.get("type")) for name, rule in row.parameters.items()}
    condition = compile_condition(row.condition, COLUMNS[row.event_kind], kinds)
    balance = (BALANCE,) if row.uses_balance else ()
    shown = dict.fromkeys((*ALWAYS_SHOWN, *balance, *condition.columns))
    return AlertType(row.alert_type, frozenset(row.statuses), row.uses_balance, condition, tuple(shown))
