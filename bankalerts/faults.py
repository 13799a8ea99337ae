"""What may be told of an exception in a log: what kind it is, where it came up and what it is about, never a value.

An exception's own text may hold what it was raised over: PostgreSQL's DETAIL and CONTEXT hold rows, a driver's refusal the
parameter, a ValueError the text that it could not read. All of these may be a customer's.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

# Of these classes of SQLSTATE the message itself is about the server or the statement: connections, names, privileges, objects
# in use, the system; and BA, the schema's own refusals, which keep values in DETAIL. 22 and 23 are about values.
TELLING = frozenset({"08", "28", "3D", "3F", "42", "53", "55", "57", "58", "BA"})
NAMES = ("constraint_name", "schema_name", "table_name", "column_name")
LENGTH_MAX = 300


def told(error: BaseException) -> str:
    """One line: the class; of PostgreSQL's refusals SQLSTATE and names too, and the text where that has no value."""
    kind = type(error).__name__
    state = getattr(error, "sqlstate", None)
    if state:
        about = getattr(error, "diag", error)  # psycopg has them there, asyncpg on the error itself
        found = [(name.removesuffix("_name"), getattr(about, name, None)) for name in NAMES]
        parts = [kind, f"SQLSTATE {state}", *(f"{name} {value}" for name, value in found if value)]
        return ", ".join(parts) + (f": {_message(about, error)}" if state[:2] in TELLING else "")
    if isinstance(error, OSError):
        return f"{kind}: {error.strerror}" if error.strerror else kind
    if kind == "OperationalError":  # libpq on the connection: what it says is of hosts, users and the network
        return f"{kind}: {_first_line(str(error))}"
    return kind


def where(error: BaseException) -> str:
    """What `told` says, and the innermost place that it came from: "KeyError at gate.py:41 in decide"."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{told(error)} at {_place(frames[-1])}" if frames else told(error)


def trace(error: BaseException) -> str:
    """The traceback in lines, without the texts of exceptions: causes first, as Python prints them."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "which led to"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_place(frame)}: {frame.line}"
    yield told(error)
    for inner in getattr(error, "exceptions", ()):
        if id(inner) not in seen:
            yield from (f"  | {line}" for line in _lines(inner, seen))


def _place(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno} in {frame.name}"


def _message(about: object, error: BaseException) -> str:
    # a driver that noticed it by itself has no message of the server, and its own text
    return _first_line(getattr(about, "message_primary", None) or getattr(about, "message", None) or str(error))


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "no text")[:LENGTH_MAX]
