"""Tells at a glance that an event matches nothing, from the wishes on its account alone. Pure.

Of a hundred events ninety and more match nothing: for them it is not asked who the customers are, what they may see, nor what
was seen before. What is said here is what engine/match.py would find: the same conditions with the same parameters. Where that
is not certain, the event is not quiet, and engine/match.py judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.catalogue import Catalogue
from engine.decode import Event
from engine.match import parameters_of, remembers
from engine.rows import Preference

# What is to be asked of an event, for each wish: its currency, the statuses (empty: any), the condition, its parameters.
# None: such events are never quiet.
Plan = tuple[tuple[str | None, frozenset[str], Callable[..., bool | None], Any], ...] | None


def plan(kind: str, wishes: Iterable[Preference], catalogue: Catalogue) -> Plan:
    """What to ask of events of this kind on an account with these wishes."""
    if kind not in catalogue.optional or catalogue.mandatory[kind]:
        return None
    asked: list[tuple[str | None, frozenset[str], Callable[..., bool | None], Any]] = []
    for wish in wishes:
        alert_type = catalogue.optional[kind].get(wish.alert_type)
        if alert_type is None or not wish.enabled:
            continue
        if alert_type.may_remember and remembers(alert_type, wish.parameters):
            asked.append((wish.currency, alert_type.statuses, _always, None))
        else:
            given = parameters_of(alert_type, wish.parameters)
            asked.append((wish.currency, alert_type.statuses, alert_type.condition.holds, given))
    return tuple(asked)


def is_quiet(event: Event, asked: Plan) -> bool:
    """Whether it is certain that the event matches none of what was asked for, and that none of it remembers the event."""
    if asked is None:
        return False
    status, currency = event.status, event.currency
    try:
        for wanted, statuses, holds, given in asked:
            if wanted == currency and (not statuses or status in statuses) and holds(event, given):
                return False
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return False  # engine/match.py says whose it is
    return True


def _always(*_: object) -> bool:
    """Of what is judged on what was seen before: that cannot be told at a glance."""
    return True
