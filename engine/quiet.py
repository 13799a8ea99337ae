"""Tells at a glance that an event matches nothing, from the wishes on its account alone. Pure.

Of a hundred events ninety and more match nothing: for them it is not asked who the customers are, what they may see, nor what
was seen before. What is said here is what engine/match.py would find: the same conditions with the same parameters. Where that
is not certain, the event is not quiet, and engine/match.py judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.catalogue import AlertType, Catalogue
from engine.decode import Event
from engine.match import parameters_of, remembers
from engine.rows import Preference
from engine.wishes import Wishes

# What is to be asked of an event for one wish: its currency, the statuses (empty: any), the condition, its parameters.
Asked = tuple[object, frozenset[str], Callable[..., bool | None], Any]
NO_CURRENCY = object()  # of a wish that no event of the kind is asked for


class Glance:
    """Looks at events of one kind, with the alert types of one catalogue and the wishes of one partition."""

    def __init__(self, kind: str, catalogue: Catalogue, wishes: Wishes) -> None:
        self._alert_types = None if catalogue.mandatory.get(kind) else catalogue.optional.get(kind)
        self._wishes = wishes
        self._asked: dict[int, Asked] = {}  # by the wish's number

    def is_quiet(self, event: Event, numbers: Iterable[int]) -> bool:
        """Whether it is certain that the event matches none of these wishes, and that nothing on its account remembers it."""
        if self._alert_types is None:
            return False
        status, currency, known = event.status, event.currency, self._asked
        try:
            for number in numbers:
                wanted, statuses, holds, given = known.get(number) or self._ask(number, self._alert_types)
                if wanted == currency and (not statuses or status in statuses) and holds(event, given):
                    return False
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return False  # engine/match.py says whose it is
        return True

    def _ask(self, number: int, alert_types: Mapping[str, AlertType]) -> Asked:
        wish = self._wishes[number]
        self._asked[number] = asked = _asked(wish, alert_types.get(wish.alert_type))
        return asked


def _asked(wish: Preference, alert_type: AlertType | None) -> Asked:
    if alert_type is None or not wish.enabled:
        return NO_CURRENCY, frozenset(), _always, None
    if alert_type.may_remember and remembers(alert_type, wish.parameters):
        return wish.currency, alert_type.statuses, _always, None
    return wish.currency, alert_type.statuses, alert_type.condition.holds, parameters_of(alert_type, wish.parameters)


def _always(*_: object) -> bool:
    """Of what is judged on what was seen before: that cannot be told at a glance."""
    return True
