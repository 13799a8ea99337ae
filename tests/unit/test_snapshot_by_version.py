"""What is held as bytes says of each version what it was, whatever capture sends again, compaction takes, restarts leave."""

from __future__ import annotations

import json
from random import Random
from time import process_time

import pytest

from engine import snapshot as snapshot_module
from engine.packed import State, pack_versions, unpack_versions
from engine.snapshot import StateSnapshot
from engine.state import Missing
from engine.wishes import Wishes
from tests.unit.test_state import Record, Told

ACCOUNT, CUSTOMER = "a-1", 42


def apply(snapshot: StateSnapshot, record: Record) -> None:
    """A key of the model is a preference; "d" is the permission, whose version holds the value."""
    name, value = record
    if name is None:
        snapshot.apply(*encoded({"account_id": ACCOUNT}, {"state_version": value}))
        return
    key = {"account_id": ACCOUNT, "customer_id": CUSTOMER}
    if name == "d":
        row = {"may_see_balance": True, "valid_from": "2026-01-01T00:00:00Z", "valid_until": None, "state_version": value}
    else:
        key |= {"alert_type": name, "preference_no": 1}
        row = {"currency": "EUR", "parameters": "{}", "channels": ["SMS"], "enabled": True, "state_version": value}
    snapshot.apply(*encoded(key, row if value is not None else None))


def encoded(key: dict[str, object], row: dict[str, object] | None) -> tuple[bytes, bytes | None]:
    return json.dumps(key).encode(), None if row is None else json.dumps({**key, **row}).encode()


def told_by(state: State) -> dict[str, int]:
    rows = {preference.alert_type: preference.state_version for preference in state.preferences}
    for permission in state.permissions:
        rows["d"] = permission.state_version
    return rows


def check(snapshot: StateSnapshot, told: Told, how: str) -> None:
    for version, rows in told.truth.items():
        found = snapshot.at(ACCOUNT, version)
        assert isinstance(found, Missing) or (found.version == version and told_by(found) == rows), f"version {version}, {how}"


@pytest.mark.parametrize("large", [snapshot_module.LARGE, 0])
def test_a_version_in_memory_is_the_state_it_was(monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    """Also of a state that is too large to be put together at each marker."""
    monkeypatch.setattr(snapshot_module, "LARGE", large)
    found = 0
    for seed in range(600):
        random = Random(seed)
        told = Told(random)
        end = random.randint(1, len(told.sent))
        before = random.choice([n for n in range(end + 1) if told.may_be_compacted(n, end)])
        snapshot = StateSnapshot()
        for record in told.read(before, end):
            apply(snapshot, record)
        snapshot.follow()
        check(snapshot, told, f"seed {seed}")
        for position in told.sent[end:]:
            apply(snapshot, told.log[position])
            check(snapshot, told, f"seed {seed}")
        newest = max(told.truth)
        found += isinstance(snapshot.at(ACCOUNT, newest), State)
        assert before > 0 or isinstance(snapshot.at(ACCOUNT, newest), State), f"the newest was not reached, seed {seed}"
    assert found > 500, "too little was found in memory"


def test_a_checkpoint_at_any_position_and_what_came_after_it() -> None:
    """The topic goes on, and is compacted, before the checkpoint is used; what follows then is as if nothing had been."""
    found = 0
    for seed in range(600):
        random = Random(seed)
        told = Told(random)
        taken = random.randint(1, len(told.sent))
        snapshot = StateSnapshot()
        followed = random.randint(0, taken)
        for position in told.sent[:followed]:
            apply(snapshot, told.log[position])
        snapshot.follow()
        for position in told.sent[followed:taken]:
            apply(snapshot, told.log[position])
        end = random.randint(taken, len(told.sent))
        before = random.choice([n for n in range(end + 1) if told.may_be_compacted(n, end)])
        again = StateSnapshot(dict(snapshot.packed), snapshot.spoilt, Wishes(snapshot.wishes.all()))
        for record in tail(told, taken, before, end):
            apply(again, record)
        again.follow()
        check(again, told, f"seed {seed}")
        for position in told.sent[end:]:
            apply(again, told.log[position])
            check(again, told, f"seed {seed}")
        found += isinstance(again.at(ACCOUNT, max(told.truth)), State)
    assert found > 500, "too little was found in memory"


def tail(told: Told, taken: int, before: int, end: int) -> list[Record]:
    """The topic from `taken` to `end`, compacted up to `before`; its tombstones are still there."""
    last = {told.log[position][0]: n for n, position in enumerate(told.sent[:before])}
    kept = [n for n in sorted(last.values()) if n >= taken]
    return [told.log[told.sent[n]] for n in (*kept, *range(max(before, taken), end))]


def test_bytes_mean_what_was_put_away() -> None:
    for seed in range(200):
        random = Random(seed)
        told = Told(random)
        snapshot = StateSnapshot()
        for n, sent in enumerate(told.sent):
            if n == len(told.sent) // 2:
                snapshot.follow()
            apply(snapshot, told.log[sent])
            packed = snapshot.packed[ACCOUNT]
            versions = unpack_versions(packed, snapshot.wishes)
            again = unpack_versions(pack_versions(versions), snapshot.wishes)
            assert (again.version, again.rows, again.waiting) == (versions.version, versions.rows, versions.waiting)
            assert again.unsettled == versions.unsettled, f"seed {seed}"


def test_many_changes_of_one_account_stay_short() -> None:
    snapshot = StateSnapshot()
    for version in range(3_000):
        apply(snapshot, ("a", version))
        apply(snapshot, (None, version))
    assert len(snapshot.packed[ACCOUNT]) < 20_000
    snapshot.follow()
    state = snapshot.at(ACCOUNT, 2_999)
    assert isinstance(state, State)
    assert told_by(state) == {"a": 2_999}


def test_an_account_with_thousands_of_rows_waiting() -> None:
    snapshot = StateSnapshot()
    snapshot.follow()
    apply(snapshot, (None, 0))
    for number in range(3_000):
        apply(snapshot, (f"T{number:04}", 1))
    assert snapshot.at(ACCOUNT, 1) is Missing.BEHIND
    apply(snapshot, (None, 1))
    state = snapshot.at(ACCOUNT, 1)
    assert isinstance(state, State)
    assert [preference.alert_type for preference in state.preferences] == [f"T{number:04}" for number in range(3_000)]


def test_thousands_of_changes_one_by_one_of_an_account_with_thousands_of_rows_hold_up_nobody() -> None:
    """0.2 s where nobody asks in between; to put the state together at each of them takes a minute."""
    snapshot = StateSnapshot()
    snapshot.follow()
    for number in range(4_000):
        apply(snapshot, (f"T{number:04}", number))
        if number > 2_000:
            apply(snapshot, (None, number))
    began = process_time()
    for number in range(4_000, 6_000):
        apply(snapshot, (f"T{number:04}", number))
        apply(snapshot, (None, number))
    assert process_time() - began < 5
    state = snapshot.at(ACCOUNT, 5_999)
    assert isinstance(state, State)
    assert len(state.preferences) == 6_000


def test_accounts_and_customers_do_not_meet() -> None:
    snapshot = StateSnapshot()
    snapshot.apply(*encoded({"account_id": "7"}, {"state_version": 3}))
    snapshot.apply(*encoded({"customer_id": 7}, {"state_version": 3}))
    snapshot.follow()
    assert len(snapshot) == 2
    assert snapshot.at("7", 3) == snapshot.at("\0customer/7", 3) == State(3, (), ())
