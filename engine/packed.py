"""How the state of one account or customer is held: as bytes, a quarter of what objects take, unpacked on use. Pure.

Bytes are MessagePack, in one of two shapes:

- *whole*: a State, all of it in force and nothing waiting;
- a *log*: an array of records in the order they came, the first of which may be a State. What it means is what `Versions`
  (engine/state.py) makes of these records; while a topic is read from its start, a record is appended and nothing else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter, lt
from typing import Any, TypeVar

import msgspec

from engine.rows import Permission, Preference, Row
from engine.state import Versions

T = TypeVar("T")
RowKey = tuple[int] | tuple[int, str, int]  # of a permission: customer; of a preference: customer, alert type, number
LOG = 0xDD  # MessagePack's array of up to 2**32 - 1 elements: this byte and four for their number
HEADER = 5
FEW = 256


class State(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=0):
    """What is known of an account or a customer at a version: what an event is judged on.

    Permissions in the order of their customers; preferences, enabled or not, in the order of customer, alert type, number.
    """

    version: int
    permissions: tuple[Permission, ...]
    preferences: tuple[Preference, ...]


class PermissionPut(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """`following`: it came after the end of the topic was seen."""

    following: bool
    row: Permission


class PreferencePut(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    following: bool
    row: Preference


class Removed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    following: bool
    customer_id: int
    alert_type: str | None = None
    preference_no: int | None = None


class Marked(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """A marker that came before the end of the topic was seen, or to a state too large to be put together each time."""

    version: int


Change = PermissionPut | PreferencePut | Removed
Record = State | Change | Marked
EntityVersions = Versions[RowKey, Row, dict[RowKey, Row]]

pack = msgspec.msgpack.Encoder().encode
unpack_state = msgspec.msgpack.Decoder(State).decode
_unpack_log = msgspec.msgpack.Decoder(list[State | PermissionPut | PreferencePut | Removed | Marked]).decode


def _header(records: int) -> bytes:
    return bytes((LOG,)) + records.to_bytes(4, "big")


_LONGER = {_header(records): _header(records + 1) for records in range(1, FEW)}
_FIRST, _SECOND = _header(1), _header(2)
_BY_CUSTOMER: Callable[[Permission], Any] = attrgetter("customer_id")
_BY_PREFERENCE: Callable[[Preference], Any] = attrgetter("customer_id", "alert_type", "preference_no")


def is_whole(packed: bytes) -> bool:
    return packed[0] != LOG


def appended(packed: bytes | None, record: bytes) -> bytes:
    """A log that goes on with one record. Once in a while it is made as short as it can be."""
    if packed is None:
        return _FIRST + record
    if packed[0] != LOG:
        return _SECOND + packed + record
    longer = _LONGER.get(packed[:HEADER])
    if longer is not None:
        return longer + packed[HEADER:] + record
    records = int.from_bytes(packed[1:HEADER], "big") + 1
    log = _header(records) + packed[HEADER:] + record
    return log if records % FEW else pack_versions(unpack_versions(log))


def settled(packed: bytes) -> State | None:
    """What a log means that is rows and then their marker, as an initial snapshot gives them; None where it is more than that.

    A quarter of the time that `unpack_versions` takes, and after a start each account and customer has to be asked once.
    """
    puts = _unpack_log(packed)
    last = puts.pop()
    if type(last) is not Marked:
        return None
    permissions = _in_order([put.row for put in puts if type(put) is PermissionPut], _BY_CUSTOMER)
    preferences = _in_order([put.row for put in puts if type(put) is PreferencePut], _BY_PREFERENCE)
    if permissions is None or preferences is None or len(permissions) + len(preferences) != len(puts):
        return None
    return State(last.version, tuple(permissions), tuple(preferences))


def _in_order(rows: list[T], key: Callable[[T], Any]) -> list[T] | None:
    """By key; None where one is there twice."""
    if len(rows) < 2:
        return rows
    keys = list(map(key, rows))
    if all(map(lt, keys, keys[1:])):
        return rows  # as capture's snapshot often sends them
    return sorted(rows, key=key) if len(set(keys)) == len(keys) else None


def unpack_versions(packed: bytes) -> EntityVersions:
    """What a log, or a whole state, means."""
    versions: EntityVersions = Versions(dict)
    records: Iterable[Record] = (unpack_state(packed),) if is_whole(packed) else _unpack_log(packed)
    for record in records:
        if isinstance(record, Marked):
            versions.mark(record.version, following=False)
        elif isinstance(record, State):
            versions.begin(record.version, rows_of(record))
        elif isinstance(record, Removed):
            versions.change(key_of(record), None, record.following)
        else:
            versions.change(key_of(record.row), record.row, record.following)
    return versions


def pack_versions(versions: EntityVersions) -> bytes:
    """The shortest bytes that mean the same."""
    records = [] if versions.version < 0 else [pack(state_of(versions.version, versions.rows))]
    if records and not versions.waiting:
        return records[0]
    following = not versions.unsettled
    records += [pack(change_of(key, row, following)) for key, row in versions.waiting.items()]
    return _header(len(records)) + b"".join(records)


def change_of(key: RowKey, row: Row | None, following: bool) -> Change:
    if row is None:
        return Removed(following, *key)
    return PermissionPut(following, row) if isinstance(row, Permission) else PreferencePut(following, row)


def key_of(row: Row | Removed) -> RowKey:
    if isinstance(row, Permission) or row.alert_type is None:
        return (row.customer_id,)
    return row.customer_id, row.alert_type, row.preference_no or 0


def rows_of(state: State) -> dict[RowKey, Row]:
    found: dict[RowKey, Row] = {key_of(row): row for row in state.permissions}
    found.update((key_of(row), row) for row in state.preferences)
    return found


def state_of(version: int, rows: Mapping[RowKey, Row]) -> State:
    """In the order of the keys, so that the same rows always give the same alerts in the same order."""
    inside = [row for _, row in sorted(rows.items())]
    permissions = tuple(row for row in inside if isinstance(row, Permission))
    preferences = tuple(row for row in inside if isinstance(row, Preference))
    return State(version, permissions, preferences)
