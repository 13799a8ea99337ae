"""Alert types, compiled. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from engine.condition import BadCondition, Column, Condition, compile_condition, compile_integer
from engine.decode import COLUMNS
from engine.parameters import TYPES, complete, kinds
from engine.rows import AlertTypeRow
from engine.timer import TimerRule, compile_timer

AGGREGATES = ("COUNT", "SUM", "MIN", "MAX", "AVERAGE", "SINCE")
ALWAYS_SHOWN = {
    "ACCOUNT_ENTRY": ("amount_minor", "currency"),
    "CARD_AUTHORISATION": ("amount_minor", "currency", "merchant_category", "country", "card_present", "decline_reason"),
    "PAYMENT_ORDER": ("order_id", "status", "amount_minor", "currency", "disclosable_reason"),
    "CUSTOMER_ACTIVITY": ("activity_type",),
    "TIMER": (),
}
# free text, and what names somebody else: never in an alert's evidence
NEVER_SHOWN = frozenset({"description", "properties", "counterparty_account", "card_token", "event_time"})
BALANCE = "balance_after_minor"
PARAMETER = re.compile(r":([a-z][a-z0-9_]*)")
MOST_GROUPS = 2

Seconds = Callable[[Mapping[str, Any]], "int | None"]


@dataclass(frozen=True)
class Window:
    """What a type counts over which time. `definition`: the same for windows with the same members and values."""

    kind: str
    statuses: frozenset[str]
    aggregate: str
    value: str | None
    group: tuple[str, ...]
    members: Condition | None  # which events count; None: all of the kind with such a status
    length: Seconds | None  # seconds; None: without a beginning
    lateness_s: int
    definition: str  # digest

    @property
    def latest_only(self) -> bool:
        """Whether only the latest member is asked for, however old: what alerting.last_seen keeps."""
        return self.length is None

    def group_of(self, event: Any) -> Hashable | None:
        """The group that the event belongs to; None where one of its columns is NULL: such an event has none.

        The values of the columns; where the latest member is kept in PostgreSQL, their digest, as it is kept there.
        """
        values = tuple(getattr(event, column) for column in self.group)
        if None in values:
            return None
        return self._named(values)

    def group_asked_by(self, event: Any) -> Hashable | None:
        """The group whose members an event is judged on: its own; of a TIMER the only one, for its type groups by nothing."""
        return self.group_of(event) if event.kind == self.kind else self._named(())

    def _named(self, values: tuple[Any, ...]) -> Hashable:
        return digest(*values) if self.length is None else values

    def counts(self, event: Any) -> bool:
        """Whether the event is a member of its group."""
        if self.statuses and event.status not in self.statuses:
            return False
        return self.members is None or self.members.holds(event, {}) is True

    def value_of(self, event: Any) -> int | None:
        return None if self.value is None else getattr(event, self.value)


class Quiet(NamedTuple):
    """How long a preference stays quiet after an alert. Zero: the option is not used."""

    cool_down_s: int
    rearm_margin: int


@dataclass(frozen=True)
class AlertType:
    """An alert type as the matching needs it; `shown` are the event's columns that go into an alert's evidence."""

    alert_type: str
    kind: str
    statuses: frozenset[str]  # empty: any
    uses_balance: bool
    mandatory: bool
    default_channels: tuple[str, ...]
    declared: Mapping[str, Mapping[str, Any]]
    condition: Condition
    read_types: tuple[tuple[str, type], ...]  # the parameters that the condition reads, with their Python types
    shown: tuple[str, ...]
    window: Window | None = None
    timer: TimerRule | None = None
    cool_down: Seconds | None = None
    rearm_margin: Seconds | None = None
    rearm_condition: Condition | None = None
    quiet_names: tuple[str, ...] = ()  # the parameters that cool-down and re-arm margin read
    quiet_by_default: bool = False  # whether one of the two is used when these are not given
    may_remember: bool = False  # whether any of its preferences is judged on what was seen before
    # a preference that gives exactly these, all that the condition reads, is judged on the event alone; None: no such
    plain_names: frozenset[str] | None = None

    @property
    def always_remembers(self) -> bool:
        """Whether each of its preferences is judged on what was seen before, whatever its parameters."""
        return self.window is not None or self.timer is not None

    def quiet(self, parameters: Mapping[str, Any]) -> Quiet:
        """`parameters`: complete."""
        cool_down = self.cool_down(parameters) if self.cool_down else 0
        margin = self.rearm_margin(parameters) if self.rearm_margin else 0
        return Quiet(max(cool_down or 0, 0), max(margin or 0, 0))


@dataclass(frozen=True)
class Catalogue:
    """Alert types by event kind and name, and those that do not compile, with the reason: nothing is judged by them."""

    by_kind: Mapping[str, Mapping[str, AlertType]]
    optional: Mapping[str, Mapping[str, AlertType]]  # by kind and name, those that are not mandatory
    mandatory: Mapping[str, tuple[AlertType, ...]]
    broken: Mapping[str, str]


def build_catalogue(rows: Mapping[str, AlertTypeRow]) -> Catalogue:
    by_kind: dict[str, dict[str, AlertType]] = {}
    broken: dict[str, str] = {}
    for row in rows.values():
        try:
            by_kind.setdefault(row.event_kind, {})[row.alert_type] = compile_alert_type(row)
        except BadCondition as error:
            broken[row.alert_type] = str(error)
    mandatory = {kind: tuple(types[name] for name in sorted(types) if types[name].mandatory) for kind, types in by_kind.items()}
    optional = {kind: {name: found for name, found in types.items() if not found.mandatory} for kind, types in by_kind.items()}
    return Catalogue(by_kind, optional, mandatory, broken)


def compile_alert_type(row: AlertTypeRow) -> AlertType:
    """Raises BadCondition."""
    if row.event_kind not in COLUMNS:
        raise BadCondition(f"event kind {row.event_kind} is not known; known: {', '.join(sorted(COLUMNS))}")
    columns, names = COLUMNS[row.event_kind], kinds(row.parameters)
    timer = compile_timer(row, columns, names)
    window = _window(row, columns, names)
    if timer is not None and row.window_group:
        raise BadCondition("a type with a timer has no window_group: a timer belongs to no group")
    judged_kind = row.event_kind if timer is None else "TIMER"
    condition = compile_condition(row.condition, COLUMNS[judged_kind], names, history=window is not None)
    if (row.rearm_margin is None) != (row.rearm_condition is None):
        raise BadCondition("rearm_margin and rearm_condition go together: one of them is missing")
    cool_down = compile_integer(row.cool_down, names) if row.cool_down else None
    margin = compile_integer(row.rearm_margin, names) if row.rearm_margin else None
    found = AlertType(
        alert_type=row.alert_type,
        kind=row.event_kind,
        statuses=frozenset(row.statuses),
        uses_balance=row.uses_balance,
        mandatory=row.mandatory,
        default_channels=tuple(row.default_channels),
        declared=row.parameters,
        condition=condition,
        read_types=tuple((name, TYPES[names[name]]) for name in _read(row.condition) if name in names),
        shown=_shown(row, condition, judged_kind),
        window=window,
        timer=timer,
        cool_down=cool_down,
        rearm_margin=margin,
        rearm_condition=compile_condition(row.rearm_condition, columns, names) if row.rearm_condition else None,
        quiet_names=_read(f"{row.cool_down or ''} {row.rearm_margin or ''}"),
    )
    quiet_by_default = any(found.quiet(complete(row.parameters, {})))
    read = frozenset(name for name, _ in found.read_types)
    is_plain = not found.always_remembers and not quiet_by_default and read.isdisjoint(found.quiet_names)
    return replace(
        found,
        quiet_by_default=quiet_by_default,
        may_remember=found.always_remembers or cool_down is not None or margin is not None,
        plain_names=read if is_plain else None,
    )


def _window(row: AlertTypeRow, columns: Mapping[str, Column], names: Mapping[str, str]) -> Window | None:
    if row.window_aggregate is None:
        return None
    if row.window_aggregate not in AGGREGATES:
        raise BadCondition(f"window_aggregate {row.window_aggregate} is not known; known: {', '.join(AGGREGATES)}")
    wanted = () if row.window_value is None else (row.window_value,)
    missing = [column for column in (*row.window_group, *wanted) if column not in columns]
    if missing or len(row.window_group) > MOST_GROUPS:
        raise BadCondition(f"a window groups by at most {MOST_GROUPS} columns of the event: {', '.join(sorted(columns))}")
    if (row.window_value is None) != (row.window_aggregate in ("COUNT", "SINCE")):
        raise BadCondition("window_value is for all aggregates but COUNT and SINCE")
    if row.window_value is not None and columns[row.window_value].kind != "integer":
        raise BadCondition(f"window_value {row.window_value} is {columns[row.window_value].kind}, integer is needed")
    if row.window_length is None and row.window_aggregate != "SINCE":
        raise BadCondition("window_length is missing: only SINCE has none")
    return Window(
        kind=row.event_kind,
        statuses=frozenset(row.statuses),
        aggregate=row.window_aggregate,
        value=row.window_value,
        group=tuple(row.window_group),
        members=compile_condition(row.window_condition, columns, {}) if row.window_condition else None,
        length=compile_integer(row.window_length, names) if row.window_length else None,
        lateness_s=row.window_lateness,
        definition=digest(
            *(row.event_kind, sorted(row.statuses), row.window_value, row.window_group),
            *(row.window_condition, row.window_length is None),
        ),
    )


def digest(*parts: Any) -> str:
    """32 hexadecimal digits: the first 128 bits of the sha256 of their JSON."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _shown(row: AlertTypeRow, condition: Condition, kind: str) -> tuple[str, ...]:
    balance = (BALANCE,) if row.uses_balance and kind == "ACCOUNT_ENTRY" else ()
    group = () if kind == "TIMER" else row.window_group
    shown = dict.fromkeys((*ALWAYS_SHOWN[kind], *balance, *condition.columns, *group))
    return tuple(column for column in shown if column not in NEVER_SHOWN)


def _read(text: str) -> tuple[str, ...]:
    """The names of parameters that an expression reads; one inside a text constant is there as well, to no harm."""
    return tuple(dict.fromkeys(PARAMETER.findall(text)))
