"""Which preferences an event matches. Pure: no clock, no float, no iteration over sets (design 4.7).

What was seen before comes in as an argument: a window's history, what is remembered of a preference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import msgspec

from engine.catalogue import AlertType, Catalogue, digest
from engine.decode import Event, Timer
from engine.packed import State, pack
from engine.parameters import complete
from engine.rows import Permission, Preference
from engine.timer import Operation, Owner, operations, operations_of_timer
from engine.window import History

MOST_CROWDS = 32
CROWD = 64  # preferences of one account from which on equal ones are looked at together
BEYOND = 10**18  # an integer parameter of this size or more is NULL, as in engine.parameters


class Unjudgeable(ValueError):
    """The event cannot be judged by one of its preferences; the text says why, without values."""


class Candidate(NamedTuple):
    """A preference that the event is judged by. No permission: a type without an account."""

    alert_type: AlertType
    preference: Preference
    permission: Permission | None


class Alert(msgspec.Struct, frozen=True, gc=False):
    """A decision: one preference matched one event. Identity and evidence; the times are added by who writes it."""

    alert_id: str  # 32 hexadecimal digits
    event_date: date
    customer_id: int
    alert_type: str
    preference_no: int
    channels: tuple[str, ...]
    evidence: bytes  # JSON


def judge(event: Event, state: State, catalogue: Catalogue) -> tuple[list[Alert], list[Candidate]]:
    """The alerts of one event by what it says alone, and the candidates that are judged on what was seen before.

    `state` and `catalogue` are those of the versions stamped on the event (design 4.1, 4.5): the preferences of its account or
    customer for which kind, status, currency and permission fit. Raises Unjudgeable.
    """
    if isinstance(event, Timer):
        return [], [*candidates_of_timer(event, state, catalogue)]
    alert_types = catalogue.optional.get(event.kind)
    if alert_types is None:
        return [], []
    matched, remembering = _among_preferences(event, state, alert_types)
    for alert_type in catalogue.mandatory[event.kind]:
        if not alert_type.statuses or event.status in alert_type.statuses:
            for candidate in mandatory_candidates(event, state, alert_type):
                _sort_in(candidate, event, matched, remembering)
    if not matched and not remembering:
        return [], []
    permissions = {permission.customer_id: permission for permission in state.permissions}
    return (
        [alert(event, candidate) for candidate in _permitted(event, matched, permissions)],
        [candidate for candidate in _permitted(event, remembering, permissions) if _has_to_remember(candidate, event)],
    )


def _among_preferences(
    event: Event, state: State, alert_types: Mapping[str, AlertType]
) -> tuple[list[Candidate], list[Candidate]]:
    """Of the optional types: what matches by what the event says, and what remembers. Permissions are looked at later.

    This is the engine's innermost loop: most preferences do not match, so the rest is done for those that do.
    """
    if len(state.preferences) >= CROWD:
        return _among_wishes(event, state, alert_types)
    matched: list[Candidate] = []
    remembering: list[Candidate] = []
    status, currency = event.status, event.currency
    for preference in state.preferences:
        alert_type = alert_types.get(preference.alert_type)
        if alert_type is None or preference.currency != currency or not preference.enabled:
            continue
        if alert_type.statuses and status not in alert_type.statuses:
            continue
        given = preference.parameters
        if given.keys() == alert_type.plain_names:
            if _is_plainly_met(alert_type, preference, event, given):
                matched.append(Candidate(alert_type, preference, None))
        elif alert_type.may_remember and remembers(alert_type, given):
            remembering.append(Candidate(alert_type, preference, None))
        elif is_met(alert_type, preference, event, parameters_of(alert_type, given), None):
            matched.append(Candidate(alert_type, preference, None))
    return matched, remembering


def _is_plainly_met(alert_type: AlertType, preference: Preference, event: Event, given: Mapping[str, Any]) -> bool:
    """`is_met` of what `parameters_of` makes of plain parameters, in one call. Raises Unjudgeable."""
    for name, kind in alert_type.read_types:
        value = given[name]
        if type(value) is not kind or (kind is int and not -BEYOND < value < BEYOND):  # type: ignore[operator]
            return is_met(alert_type, preference, event, complete(alert_type.declared, given), None)
    try:
        return alert_type.condition.holds(event, given) is True
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return is_met(alert_type, preference, event, given, None)  # says whose it is


def _among_wishes(event: Event, state: State, alert_types: Mapping[str, AlertType]) -> tuple[list[Candidate], list[Candidate]]:
    """The same for an account of many customers: most want the same as others do, which is looked at once."""
    matched: list[Candidate] = []
    remembering: list[Candidate] = []
    for same in _wishes(state):
        first = same[0]
        alert_type = alert_types.get(first.alert_type)
        if alert_type is None or first.currency != event.currency:
            continue
        if alert_type.statuses and event.status not in alert_type.statuses:
            continue
        if alert_type.may_remember and remembers(alert_type, first.parameters):
            remembering += [Candidate(alert_type, preference, None) for preference in same]
        elif is_met(alert_type, first, event, parameters_of(alert_type, first.parameters), None):
            matched += [Candidate(alert_type, preference, None) for preference in same]
    return sorted(matched, key=_by_preference), sorted(remembering, key=_by_preference)


def _wishes(state: State) -> list[list[Preference]]:
    """The enabled preferences, those with the same alert type, currency and parameters together.

    Remembered for the few crowds whose states stay unpacked; the state is kept with it, so that its id is its own.
    """
    kept = _CROWDS.get(id(state))
    if kept is not None:
        return kept[1]
    found: dict[tuple[str, str | None, bytes], list[Preference]] = {}
    for preference in state.preferences:
        if preference.enabled:
            wish = (preference.alert_type, preference.currency, pack(preference.parameters))
            found.setdefault(wish, []).append(preference)
    if len(_CROWDS) >= MOST_CROWDS:
        _CROWDS.clear()
    _CROWDS[id(state)] = (state, list(found.values()))
    return _CROWDS[id(state)][1]


_CROWDS: dict[int, tuple[State, list[list[Preference]]]] = {}


def _by_preference(candidate: Candidate) -> tuple[int, str, int]:
    preference = candidate.preference
    return preference.customer_id, preference.alert_type, preference.preference_no


def _sort_in(candidate: Candidate, event: Event, matched: list[Candidate], remembering: list[Candidate]) -> None:
    alert_type, preference, _ = candidate
    if remembers(alert_type, preference.parameters):
        remembering.append(candidate)
    elif is_met(alert_type, preference, event, parameters_of(alert_type, preference.parameters), None):
        matched.append(candidate)


def _permitted(event: Event, found: Iterable[Candidate], permissions: Mapping[int, Permission]) -> Iterator[Candidate]:
    """Those of the candidates whose customer may see what their type looks at, with the permission; activity needs none."""
    for candidate in found:
        alert_type, preference, _ = candidate
        if event.account_id is None:
            yield candidate
            continue
        permission = permissions.get(preference.customer_id)
        if permission is not None and may_see(permission, alert_type, event):
            yield Candidate(alert_type, preference, permission)


def _has_to_remember(candidate: Candidate, event: Event) -> bool:
    """Not a timer's type without a window, where the event neither arms nor cancels."""
    alert_type, preference, _ = candidate
    if alert_type.timer is None or alert_type.window is not None:
        return True
    return bool(operations_of(candidate, event, complete(alert_type.declared, preference.parameters)))


def candidates_of_timer(timer: Timer, state: State, catalogue: Catalogue) -> Iterator[Candidate]:
    """The one preference that a TIMER event is about, where it is enabled and its type still has a timer.

    Without a permission where none is enough now: its schedule goes on, and there is no alert.
    """
    found = [types[timer.alert_type] for types in catalogue.by_kind.values() if timer.alert_type in types]
    for alert_type in found:
        if alert_type.timer is None:
            continue
        own = [
            preference
            for preference in state.preferences
            if (preference.customer_id, preference.alert_type, preference.preference_no)
            == (timer.customer_id, timer.alert_type, timer.preference_no)
            and (preference.enabled or alert_type.mandatory)
        ]
        if not own and alert_type.mandatory and timer.preference_no == 0 and not _has_wishes(state, timer):
            own = [default_preference(alert_type, timer.customer_id, None)]
        for preference in own:
            yield Candidate(alert_type, preference, permission_of(state, preference.customer_id, alert_type, timer))


def _has_wishes(state: State, timer: Timer) -> bool:
    """Whether the customer has a preference of the timer's type by now: then the defaults do not count for them."""
    return any((each.customer_id, each.alert_type) == (timer.customer_id, timer.alert_type) for each in state.preferences)


def operations_of(candidate: Candidate, event: Event, parameters: Mapping[str, Any]) -> tuple[Operation, ...]:
    """What the event does to the timers of a preference. Raises Unjudgeable."""
    alert_type, preference, _ = candidate
    rule = alert_type.timer
    if rule is None:
        return ()
    try:
        if isinstance(event, Timer):
            return operations_of_timer(event, rule, parameters)
        owner = Owner(event.account_id, preference.customer_id, alert_type.alert_type, preference.preference_no)
        return operations(event, owner, rule, parameters)
    except (TypeError, ValueError, ArithmeticError, AttributeError, KeyError) as error:
        raise Unjudgeable(
            f"preference {preference.preference_no} of customer {preference.customer_id}: the timer of alert type "
            f"{alert_type.alert_type} cannot be computed ({type(error).__name__})"
        ) from error


def permission_of(state: State, customer_id: int, alert_type: AlertType, event: Event) -> Permission | None:
    """The customer's permission, where it is enough for the event and the type."""
    for permission in state.permissions:
        if permission.customer_id == customer_id:
            return permission if may_see(permission, alert_type, event) else None
    return None


def mandatory_candidates(event: Event, state: State, alert_type: AlertType) -> Iterator[Candidate]:
    """Each customer who may see the account (or the customer who did it), by their preferences, or by the type's defaults."""
    own: dict[int, list[Preference]] = {}
    for preference in state.preferences:
        if preference.alert_type == alert_type.alert_type and preference.currency == event.currency:
            own.setdefault(preference.customer_id, []).append(preference)
    if event.account_id is None:
        customers = [event.customer_id or 0]
    else:
        customers = [permission.customer_id for permission in state.permissions]
    for customer_id in customers:
        for preference in own.get(customer_id) or [default_preference(alert_type, customer_id, event.currency)]:
            yield Candidate(alert_type, preference, None)


def default_preference(alert_type: AlertType, customer_id: int, currency: str | None) -> Preference:
    """What a mandatory type has for a customer without a preference: number 0, and no version."""
    return Preference(customer_id, alert_type.alert_type, 0, currency, {}, alert_type.default_channels, True, -1)


def may_see(permission: Permission, alert_type: AlertType, event: Event) -> bool:
    """Whether the permission was valid when the event was inserted, and reaches as far as the type looks."""
    if event.inserted_at < permission.valid_from:
        return False
    if permission.valid_until is not None and event.inserted_at >= permission.valid_until:
        return False
    return permission.may_see_balance or not alert_type.uses_balance


def remembers(alert_type: AlertType, given: Mapping[str, Any]) -> bool:
    """Whether such a preference is judged on what was seen before: a window, a timer, a cool-down, a re-arm margin."""
    if alert_type.always_remembers:
        return True
    for name in alert_type.quiet_names:
        if name in given:
            return any(alert_type.quiet(complete(alert_type.declared, given)))
    return alert_type.quiet_by_default


def parameters_of(alert_type: AlertType, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the condition reads as its parameters: as given where all it reads was given well, else completed."""
    for name, kind in alert_type.read_types:
        value = given.get(name)
        if type(value) is not kind or (kind is int and not -BEYOND < value < BEYOND):  # type: ignore[operator]
            return complete(alert_type.declared, given)
    return given


def is_met(
    alert_type: AlertType, preference: Preference, event: Event, parameters: Mapping[str, Any], history: History | None
) -> bool:
    """Whether the condition is true; unknown is not. Raises Unjudgeable."""
    try:
        return alert_type.condition.holds(event, parameters, history) is True
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Unjudgeable(
            f"preference {preference.preference_no} of customer {preference.customer_id}: the condition of alert type "
            f"{alert_type.alert_type} cannot be computed ({type(error).__name__})"
        ) from error


def identity(event: Event, customer_id: int, alert_type: str, preference_no: int) -> str:
    """The alert's id: the first 128 bits of the sha256 of its identity, so it is the same wherever the decision is made."""
    parts = (
        *(event.kind, event.event_id, event.event_date.isoformat(), event.account_id or ""),
        *(str(customer_id), alert_type, str(preference_no)),
    )
    return digest(*parts)


def alert(event: Event, candidate: Candidate, history: History | None = None) -> Alert:
    """The decision, with the values that were compared: no free text, all of the history where there is one."""
    alert_type, preference, permission = candidate
    evidence: dict[str, Any] = {
        "event": {column: getattr(event, column) for column in alert_type.shown},
        "parameters": complete(alert_type.declared, preference.parameters),
    }
    if history is not None:
        evidence["history"] = history._asdict()
    evidence |= {
        "state_version": event.state_version,
        "catalogue_version": event.catalogue_version,
        "preference_version": preference.state_version if preference.preference_no else None,
        "permission_version": None if permission is None else permission.state_version,
    }
    return Alert(
        alert_id=identity(event, preference.customer_id, alert_type.alert_type, preference.preference_no),
        event_date=event.event_date,
        customer_id=preference.customer_id,
        alert_type=alert_type.alert_type,
        preference_no=preference.preference_no,
        channels=preference.channels,
        evidence=msgspec.json.encode(evidence),
    )
