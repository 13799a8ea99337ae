"""The examples of alert types: events in, alerts out, and the messages that they lead to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from bankalerts.database import Connection
from notifier.address_book import Template
from notifier.message import Claimed, Recipient, Text
from notifier.render import choose, render
from sql import queries

_sql = queries("alert_types", "psycopg")

TIMER = "TIMER"
# what an example need not say
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "ACCOUNT_ENTRY": {"currency": "EUR", "status": "BOOKED"},
    "CARD_AUTHORISATION": {"currency": "EUR", "card_token": "card-1", "card_present": True, "outcome": "APPROVED"},
    "PAYMENT_ORDER": {"currency": "EUR", "order_id": "order-1"},
    "CUSTOMER_ACTIVITY": {"properties": {}},
    TIMER: {},
}
# where examples are told: a customer, an account, a moment
FULL_NAME, IBAN, CURRENCY = "Anna de Vries", "NL91ABNA0417164300", "EUR"
DIGITS: Mapping[str, int] = MappingProxyType({CURRENCY: 2})
TIME_ZONE = "Europe/Amsterdam"
BEGAN_AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
LOCALES = ("en-GB", "nl-NL")
CHANNELS = ("EMAIL", "SMS", "PUSH")


@dataclass(frozen=True)
class Event:
    """One event of an example: its kind, how long after the example's start it is, and its columns but for keys and times."""

    kind: str
    after: timedelta
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Alert:
    """An alert that an example expects: of the event at `index` (from 0), with these values of history, where it matters."""

    index: int
    history: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A row of bank.alert_type_example; `parameters` is None where there is no preference, as a mandatory type needs none."""

    alert_type: str
    example_no: int
    says: str
    parameters: Mapping[str, Any] | None
    events: tuple[Event, ...]
    alerts: tuple[Alert, ...]


def read_examples(connection: Connection) -> list[Example]:
    """All examples, by alert type and number."""
    return [
        Example(
            alert_type,
            example_no,
            says,
            parameters,
            tuple(_event(kind, given, after_s) for given, after_s in zip(events, after, strict=True)),
            tuple(Alert(alert["event"] - 1, alert.get("history", {})) for alert in alerts),
        )
        for alert_type, example_no, kind, says, parameters, events, after, alerts in _sql.list_examples(connection)
    ]


def read_templates(connection: Connection) -> dict[str, dict[tuple[str, str], Template]]:
    """The newest templates by channel, then by alert type and locale."""
    found: dict[str, dict[tuple[str, str], Template]] = {channel: {} for channel in CHANNELS}
    for channel, *row in _sql.list_templates(connection):
        template = Template(*row)
        found.setdefault(channel, {})[template.alert_type, template.locale] = template
    return found


def message(
    example: Example,
    alert: Alert,
    parameters: Mapping[str, Any],
    templates: Mapping[tuple[str, str], Template],
    locale: str,
    shown: Mapping[str, Any],
    began_at: datetime = BEGAN_AT,
    hides_balance: bool = False,
    minor_digits: Mapping[str, int] = DIGITS,
    plain_spaces: bool = False,
) -> Text:
    """The message of one alert of an example as its customer reads it; `shown` are the event's columns in the evidence.

    Raises RenderError.
    """
    event = example.events[alert.index]
    event_time = began_at + event.after
    claimed = Claimed(
        message_id=uuid.UUID(int=0),
        event_date=event_time.date(),
        lease_token=uuid.UUID(int=0),
        attempt_no=1,
        leased_at=event_time,
        written_at=event_time,
        age=timedelta(0),
        last_reason=None,
        claimed_at=event_time,
        event_id="event-1",
        event_time=event_time,
        account_id=IBAN,
        customer_id=1,
        alert_type=example.alert_type,
        evidence={"event": shown, "parameters": parameters, "history": history(alert)},
    )
    customer = Recipient(True, FULL_NAME, locale, TIME_ZONE, IBAN, IBAN, None, CURRENCY, True, True, ())
    template = choose(templates, example.alert_type, locale)
    return render(template, claimed, customer, minor_digits, hides_balance, plain_spaces)


def history(alert: Alert) -> dict[str, Any]:
    """All four values of history, NULL where the example says nothing of one."""
    return {"value": None, "previous": None, "last": None, "since": None, **alert.history}


def _event(type_kind: str, given: Mapping[str, Any], after_s: int) -> Event:
    kind = given.get("kind", type_kind)
    columns = {name: value for name, value in given.items() if name not in {"at", "kind"}}
    return Event(kind, timedelta(seconds=after_s), {**PLAIN[kind], **columns})
