"""Which preferences an event matches. Pure: no clock, no float, no iteration over sets (design 4.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date

import msgspec

from engine.catalogue import AlertType, Catalogue
from engine.decode import AccountEntry, Permission, Preference
from engine.snapshot import AccountState


class Unjudgeable(ValueError):
    """The event cannot be judged by one of its preferences; the text says why, without values."""


class Alert(msgspec.Struct, frozen=True, gc=False):
    """A decision: one preference matched one event. Identity and evidence; the times are added by who writes it."""

    alert_id: str  # 32 hexadecimal digits
    event_date: date
    customer_id: int
    alert_type: str
    preference_no: int
    channels: tuple[str, ...]
    evidence: bytes  # JSON


def judge(event: AccountEntry, state: AccountState, catalogue: Catalogue) -> Iterator[Alert]:
    """The alerts of one event, on the account's state and the catalogue of the versions stamped on it (design 4.1, 4.5).

    Raises Unjudgeable.
    """
    alert_types = catalogue.by_kind.get(event.kind, {})
    for preference, permission in state.candidates:
        alert_type = alert_types.get(preference.alert_type)
        if alert_type is None or event.status not in alert_type.statuses:
            continue
        if preference.currency != event.currency:
            continue
        if not is_valid(permission, event):
            continue
        if alert_type.uses_balance and not permission.may_see_balance:
            continue
        if is_met(alert_type, event, preference):
            yield _alert(event, alert_type, preference, permission)


def is_met(alert_type: AlertType, event: AccountEntry, preference: Preference) -> bool:
    """Whether the condition is true; unknown is not. Raises Unjudgeable where a parameter is not of the type declared.

    A parameter that is not given is NULL, as PostgreSQL has it: a preference may be older than its alert type's declaration.
    """
    try:
        return alert_type.condition.holds(event, preference.parameters) is True
    except KeyError:
        return alert_type.condition.holds_with_null(event, preference.parameters) is True
    except TypeError as error:
        raise Unjudgeable(
            f"preference {preference.preference_no} of customer {preference.customer_id} lacks what alert type "
            f"{alert_type.alert_type} declares ({type(error).__name__})"
        ) from error


def is_valid(permission: Permission, event: AccountEntry) -> bool:
    """Whether the permission was valid when the event was inserted."""
    if event.inserted_at < permission.valid_from:
        return False
    return permission.valid_until is None or event.inserted_at < permission.valid_until


def identity(event: AccountEntry, customer_id: int, alert_type: str, preference_no: int) -> str:
    """The alert's id: the first 128 bits of the sha256 of its identity, so it is the same wherever the decision is made."""
    parts = (
        *(event.kind, event.event_id, event.event_date.isoformat(), event.account_id),
        *(str(customer_id), alert_type, str(preference_no)),
    )
    return digest(*parts)


def digest(*parts: str) -> str:
    """32 hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _alert(event: AccountEntry, alert_type: AlertType, preference: Preference, permission: Permission) -> Alert:
    evidence = {
        "event": {column: getattr(event, column) for column in alert_type.shown},
        "parameters": preference.parameters,
        "state_version": event.state_version,
        "catalogue_version": event.catalogue_version,
        "preference_version": preference.state_version,
        "permission_version": permission.state_version,
    }
    return Alert(
        alert_id=identity(event, preference.customer_id, alert_type.alert_type, preference.preference_no),
        event_date=event.event_date,
        customer_id=preference.customer_id,
        alert_type=alert_type.alert_type,
        preference_no=preference.preference_no,
        channels=tuple(preference.channels),
        evidence=msgspec.json.encode(evidence),
    )
