"""The in-memory tables of one partition of the state topic, and of the catalogue. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from engine.catalogue import Catalogue, build_catalogue
from engine.decode import Event
from engine.packed import (
    Marked,
    Removed,
    State,
    appended,
    change_of,
    is_whole,
    key_of,
    pack,
    pack_versions,
    pack_whole,
    settled,
    state_of,
    unpack_versions,
    unpack_whole,
    wishes_at,
)
from engine.quiet import Glance
from engine.rows import (
    AlertTypeRow,
    CatalogueKey,
    CatalogueMarker,
    Marker,
    StateKey,
    catalogue_key,
    catalogue_row,
    state_key,
    state_row,
)
from engine.state import Missing, Versions
from engine.wishes import Wishes

KEPT_IN_ALL = 20_000  # earlier versions in a partition; what is older is asked of the history tables
LARGE = 20_000  # bytes: an account with hundreds of customers
KEPT_FROM = 2_000  # bytes: a smaller one is unpacked in the time that keeping it takes
KEPT_UNPACKED = 4_096  # states of a partition that stay as objects; a hundred times as many would take more than their bytes do


class StateSnapshot:
    """One partition: its accounts and customers. Nothing is judged on it before `following`: the end of the topic was seen."""

    def __init__(
        self, packed: dict[str, bytes] | None = None, spoilt: Iterable[str] = (), wishes: Wishes | None = None
    ) -> None:
        """`packed`, `spoilt`, `wishes`: from a checkpoint."""
        self.following = False
        self.packed: dict[str, bytes] = {} if packed is None else packed
        self.spoilt = set(spoilt)
        self.wishes = wishes or Wishes()
        self._glances: dict[str, Glance] = {}  # by event kind
        self._glanced_by: Catalogue | None = None
        self._unpacked: dict[str, State] = {}  # of those that are whole
        self._asked: set[str] = set()
        self._earlier: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._untidy: list[str] = []  # of those that were there when the end was seen: not looked at since

    def apply(self, raw_key: bytes | None, value: bytes | None) -> None:
        """One record of the topic. Raises Undecodable: from then on the history tables tell the state of its entity."""
        key = state_key(raw_key)
        entity = key.account_id or key.entity
        if entity in self.spoilt:
            return
        if value is None and key.is_marker:
            self.packed.pop(entity, None)
            self._unpacked.pop(entity, None)
            return
        try:
            record = self._record(key, value)
        except ValueError:
            self._spoil(entity)
            raise
        if self.following:
            self._unpacked.pop(entity, None)
        if isinstance(record, bytes):
            self.packed[entity] = appended(self.packed.get(entity), record, self.wishes)
        else:
            self._mark(entity, record.version)

    def _record(self, key: StateKey, value: bytes | None) -> bytes | Marked:
        """What a log is to be continued with; a marker, once the end was seen, brings its changes into force at once."""
        if value is None:
            return pack(Removed(self.following, key.customer_id or 0, key.alert_type, key.preference_no))
        row = state_row(key, value, self.wishes)
        if isinstance(row, Marker):
            marked = Marked(row.state_version)
            return marked if self.following else pack(marked)
        return pack(change_of(key_of(row), row, self.following))

    def _spoil(self, entity: str) -> None:
        self.packed.pop(entity, None)
        self._unpacked.pop(entity, None)
        self.spoilt.add(entity)

    def _mark(self, entity: str, version: int) -> None:
        """The changes that wait come into force, and what was in force is kept as an earlier version.

        A large state would hold up all others: its changes come into force when it is asked for, and no earlier one is kept.
        """
        packed = self.packed.get(entity)
        if packed is None:
            self.packed[entity] = pack_whole(State(version, (), ()))
            return
        if len(packed) > LARGE:
            self.packed[entity] = appended(packed, pack(Marked(version)), self.wishes)
            return
        versions = unpack_versions(packed, self.wishes)
        before, rows = versions.version, dict(versions.rows)
        if versions.mark(version, following=True):
            self._keep_earlier(entity, before, pack_whole(state_of(before, rows)))
        self.packed[entity] = pack_versions(versions)

    def _keep_earlier(self, entity: str, version: int, packed: bytes) -> None:
        self._earlier[entity, version] = packed
        if len(self._earlier) > KEPT_IN_ALL:
            self._earlier.popitem(last=False)

    def is_quiet(self, event: Event, catalogue: Catalogue) -> bool:
        """Whether it is certain, at a glance, that the event matches nothing; False says nothing."""
        packed = self.packed.get(event.entity)
        numbers = None if packed is None or not self.following else wishes_at(packed, event.state_version)
        if numbers is None:
            return False
        if catalogue is not self._glanced_by:
            self._glances, self._glanced_by = {}, catalogue
        glance = self._glances.get(event.kind)
        if glance is None:
            self._glances[event.kind] = glance = Glance(event.kind, catalogue, self.wishes)
        return glance.is_quiet(event, numbers)

    def at(self, entity: str, version: int) -> State | Missing:
        """The state that an event with this version stamped on it is judged on."""
        state = self._unpacked.get(entity)
        if state is not None and state.version == version:
            return state  # none is kept while the end was not seen
        return self._look_up(entity, version)

    def _look_up(self, entity: str, version: int) -> State | Missing:
        if not self.following:
            return Missing.BEHIND
        packed = self.packed.get(entity)
        if packed is None:
            return Missing.PASSED if entity in self.spoilt else Missing.BEHIND
        if is_whole(packed):
            state = unpack_whole(packed, self.wishes)
        else:
            found = settled(packed, self.wishes)
            if found is None:
                return self._at_changed(entity, version, packed)
            state, self.packed[entity] = found, pack_whole(found)
        if version != state.version:
            return Missing.BEHIND if version > state.version else self._earlier_at(entity, version)
        if len(packed) >= KEPT_FROM:
            self._keep_unpacked(entity, state)
        return state

    def _at_changed(self, entity: str, version: int, packed: bytes) -> State | Missing:
        versions = unpack_versions(packed, self.wishes)
        if not versions.waiting:
            self.packed[entity] = pack_versions(versions)
        rows = versions.at(version)
        if not isinstance(rows, Missing):
            return state_of(version, rows)
        return rows if rows is Missing.BEHIND or versions.unsettled else self._earlier_at(entity, version)

    def _keep_unpacked(self, entity: str, state: State) -> None:
        """As objects, where it was asked for twice of late: most are asked for once, and what stays a while costs time."""
        if entity in self._asked:
            if len(self._unpacked) >= KEPT_UNPACKED:
                self._unpacked.clear()
            self._unpacked[entity] = state
        elif len(self._asked) >= KEPT_UNPACKED:
            self._asked = {entity}
        else:
            self._asked.add(entity)

    def _earlier_at(self, entity: str, version: int) -> State | Missing:
        packed = self._earlier.get((entity, version))
        return Missing.PASSED if packed is None else unpack_whole(packed, self.wishes)

    def follow(self) -> None:
        """The end was seen: from here every version is whole."""
        self.following = True
        self._untidy = list(self.packed)

    def tidy(self, most: int) -> bool:
        """Make the logs of so many into whole states: who asks for them finds them at once. Returns whether there are more."""
        for entity in self._untidy[-most:]:
            packed = self.packed.get(entity)
            found = None if packed is None or is_whole(packed) else settled(packed, self.wishes)
            if found is not None:
                self.packed[entity] = pack_whole(found)
        del self._untidy[-most:]
        return bool(self._untidy)

    def unfollow(self) -> None:
        """Reading fell so far behind that compaction may have taken changes away."""
        self.following = False
        self._untidy.clear()
        self._earlier.clear()
        self._unpacked.clear()

    def __len__(self) -> int:
        return len(self.packed)


class CatalogueSnapshot:
    """The catalogue of alert types: one partition, read by every engine."""

    def __init__(self) -> None:
        self.following = False
        self._spoilt = False
        self._versions: Versions[str, AlertTypeRow, Catalogue] = Versions(build_catalogue)

    def apply(self, raw_key: bytes | None, value: bytes | None) -> None:
        """One record of the topic. Raises Undecodable: from then on the history tables tell the catalogue."""
        try:
            key: CatalogueKey = catalogue_key(raw_key)
            row = None if value is None else catalogue_row(key, value)
        except ValueError:
            self._spoilt = True
            raise
        if isinstance(row, CatalogueMarker):
            self._versions.mark(row.catalogue_version, self.following)
        elif key.alert_type is not None:
            self._versions.change(key.alert_type, row, self.following)

    def at(self, version: int) -> Catalogue | Missing:
        if self._spoilt:
            return Missing.PASSED
        return self._versions.at(version) if self.following else Missing.BEHIND

    def follow(self) -> None:
        self.following = True

    def unfollow(self) -> None:
        self.following = False
        self._versions.forget_earlier()
