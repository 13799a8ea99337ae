"""What the functions and operators of a condition do. Pure; the SQL side of each stands in migration 0009.

None is NULL, unknown. Nothing here raises: what has no value (a division by zero, a text that grew too long) is None.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_TEXT = 2_000  # characters that || and replace may make
LONGEST_PATTERN = 100  # characters of LIKE and ILIKE
FAR = 100_000  # beyond the ends of every text
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
TO_UPPER = {lower: upper for upper, lower in TO_LOWER.items()}
TIME_PARTS: dict[str, Callable[[datetime], int]] = {
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "isodow": datetime.isoweekday,
    "day": lambda time: time.day,
    "month": lambda time: time.month,
    "year": lambda time: time.year,
}


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """NULL where an argument is."""

    def with_null(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return with_null


def strict_two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same for two arguments."""
    return lambda a, b: None if a is None or b is None else function(a, b)


def and3(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def or3(a: bool | None, b: bool | None) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def not3(a: bool | None) -> bool | None:
    return None if a is None else not a


def in3(a: Any, values: tuple[Any, ...]) -> bool | None:
    found: bool | None = False
    for value in values:
        found = or3(found, None if a is None or value is None else a == value)
    return found


def between3(a: Any, low: Any, high: Any) -> bool | None:
    return and3(_le(low, a), _le(a, high))


def case_of(value: Any, default: Any, *branches: Any) -> Any:
    """CASE value WHEN a THEN x WHEN b THEN y ELSE default END; branches: a, x, b, y."""
    for compared, result in zip(branches[::2], branches[1::2], strict=True):
        if value is not None and compared == value:
            return result
    return default


def quotient(a: int, b: int) -> int | None:
    """Toward zero, as PostgreSQL divides."""
    if b == 0:
        return None
    whole = abs(a) // abs(b)
    return whole if (a < 0) is (b < 0) else -whole


def remainder(a: int, b: int) -> int | None:
    """With the sign of a."""
    if b == 0:
        return None
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def nullif(a: Any, b: Any) -> Any:
    return None if a is not None and a == b else a


def greatest(*values: Any) -> Any:
    return max((value for value in values if value is not None), default=None)


def least(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def lower(text: str) -> str:
    return text.translate(TO_LOWER)


def upper(text: str) -> str:
    return text.translate(TO_UPPER)


def left(text: str, number: int) -> str:
    return text[:number]


def right(text: str, number: int) -> str:
    if number > 0:
        return text[-number:]
    return text[-number:] if number < 0 else ""


def substr(text: str, start: int, number: int = 2 * FAR) -> str | None:
    start, number = max(-FAR, min(FAR, start)) - 1, min(2 * FAR, number)
    return None if number < 0 else text[max(0, start) : max(0, start + number)]


def strpos(text: str, part: str) -> int:
    return text.find(part) + 1


def replace(text: str, old: str, new: str) -> str | None:
    if old == "":
        return text if len(text) <= LONGEST_TEXT else None
    length = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if length <= LONGEST_TEXT else None


def joined(a: str, b: str) -> str | None:
    return a + b if len(a) + len(b) <= LONGEST_TEXT else None


def integer_of(text: str) -> int | None:
    return int(text) if WHOLE_NUMBER.fullmatch(text) else None


def like(text: str, pattern: str) -> bool | None:
    regex = _regex(pattern)
    return None if regex is None else regex.fullmatch(text) is not None


def ilike(text: str, pattern: str) -> bool | None:
    return like(lower(text), lower(pattern))


def property_text(properties: Mapping[str, Any], name: str) -> str | None:
    """Of a text, a whole number or a boolean; None of anything else."""
    value = properties.get(name)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and abs(value) < 10**18 else None


def epoch(time: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (time - EPOCH) // SECOND


def time_part(part: str, time: datetime, zone: str) -> int | None:
    """hour, minute, isodow (Monday is 1), day, month or year in an IANA time zone; None outside the years 1 to 9999."""
    try:
        return TIME_PARTS[part](time.astimezone(_zone(zone)))
    except (OverflowError, ValueError):
        return None


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=1_000)
def _regex(pattern: str) -> re.Pattern[str] | None:
    """What LIKE means; None for a pattern that is too long or ends in a lone backslash."""
    if len(pattern) > LONGEST_PATTERN:
        return None
    parts: list[str | None] = []
    signs = iter(pattern)
    for sign in signs:
        if sign == "\\":
            escaped = next(signs, None)
            if escaped is None:
                return None
            parts.append(re.escape(escaped))
        elif sign == "%":
            parts.append(None)
        else:
            parts.append("." if sign == "_" else re.escape(sign))
    return _without_backtracking(parts)


def _without_backtracking(parts: list[str | None]) -> re.Pattern[str]:
    """None is %. A piece between two % is found as early as possible and then kept: it costs text times pattern, no more."""
    pieces = [""]
    for part in parts:
        if part is None:
            pieces.append("")
        else:
            pieces[-1] += part
    first, *others = pieces
    kept = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{kept}.*{others[-1]}" if others else first, re.DOTALL)


_le = strict_two(operator.le)
