"""What is told at a glance is what the matching finds: a quiet event leads to nothing, and nothing remembers it."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from engine import wishes
from engine.catalogue import build_catalogue
from engine.decode import AccountEntry
from engine.match import judge
from engine.packed import State
from engine.rows import AlertTypeRow
from engine.snapshot import StateSnapshot
from engine.wishes import Wishes
from tests.unit.test_match import INSERTED, entry

AMOUNT = {"type": "integer"}
QUIET = {"minutes": {"type": "integer", "default": 0}}


def alert_type(name: str, condition: str, parameters: dict[str, Any], **more: Any) -> AlertTypeRow:
    return AlertTypeRow(name, "ACCOUNT_ENTRY", more.pop("statuses", ["BOOKED"]), condition, parameters, False, **more)


TYPES = {
    "BELOW": alert_type("BELOW", "event.balance_after_minor < :x", {"x": AMOUNT}),
    "DEFAULTED": alert_type("DEFAULTED", "event.amount_minor > :x", {"x": {**AMOUNT, "default": 50}}, statuses=[]),
    "COOLING": alert_type("COOLING", "event.amount_minor > :x", {"x": AMOUNT, **QUIET}, cool_down=":minutes * 60"),
    "COUNTED": alert_type(
        *("COUNTED", "history.count > :x", {"x": AMOUNT}),
        window_aggregate="COUNT",
        window_group=["account_id"],
        window_length="60",
    ),
    "DIVIDED": alert_type("DIVIDED", "event.amount_minor / :x > 1", {"x": AMOUNT}),
}
MANDATORY = alert_type("EVERYBODY", "event.amount_minor > 90", {}, mandatory=True, default_channels=["SMS"])
CATALOGUES = [build_catalogue(TYPES), build_catalogue({**TYPES, "EVERYBODY": MANDATORY})]

PARAMETERS = ("{}", '{"x": 0}', '{"x": 40}', '{"x": "40"}', '{"x": null}', '{"x": 5, "minutes": 5}', '{"minutes": 0, "x": 5}')


def some_preference(random: Random) -> dict[str, Any]:
    return {
        "alert_type": random.choice([*TYPES, "GONE"]),
        "currency": random.choice(["EUR", "EUR", "USD"]),
        "parameters": random.choice(PARAMETERS),
        "enabled": random.random() < 0.8,
    }


def some_entry(random: Random) -> AccountEntry:
    return entry(
        amount_minor=random.randint(-100, 100),
        balance_after_minor=random.choice([None, random.randint(-100, 100)]),
        currency=random.choice(["EUR", "EUR", "USD"]),
        status=random.choice(["BOOKED", "BOOKED", "PENDING"]),
        state_version=random.choice([7, 7, 7, 6, 8]),
    )


def held(rows: list[dict[str, Any]]) -> StateSnapshot:
    """A snapshot with one account at version 7, of customers who each have one preference, and a permission."""
    snapshot = StateSnapshot()
    snapshot.follow()
    for customer, row in enumerate(rows):
        owner = {"account_id": "a-1", "customer_id": customer}
        permission = {"may_see_balance": True, "valid_from": INSERTED.isoformat(), "valid_until": None, "state_version": 7}
        put(snapshot, owner, permission)
        put(
            snapshot,
            {**owner, "alert_type": row["alert_type"], "preference_no": 1},
            {**row, "channels": ["SMS"], "state_version": 7},
        )
    put(snapshot, {"account_id": "a-1"}, {"state_version": 7})
    return snapshot


def put(snapshot: StateSnapshot, key: dict[str, Any], row: dict[str, Any]) -> None:
    snapshot.apply(json.dumps(key).encode(), json.dumps({**key, **row}).encode())


def test_a_quiet_event_matches_nothing() -> None:
    seen: Counter[bool] = Counter()
    for seed in range(2_000):
        random = Random(seed)
        snapshot = held([some_preference(random) for _ in range(random.randint(1, 4))])
        catalogue = CATALOGUES[seed % 8 == 0]
        state = snapshot.at("a-1", 7)
        assert isinstance(state, State)
        for event in (some_entry(random) for _ in range(5)):
            is_quiet = snapshot.is_quiet(event, catalogue)
            seen[is_quiet] += 1
            if is_quiet:
                assert event.state_version == 7
                assert judge(event, state, catalogue) == ([], []), f"seed {seed}"
    assert min(seen[True], seen[False]) > 1_000, seen


def test_an_event_that_matches_nothing_is_called_quiet() -> None:
    """Else the glance would be of no use: most events match nothing."""
    snapshot = held([{"alert_type": "BELOW", "currency": "EUR", "parameters": '{"x": 40}', "enabled": True}])
    assert [snapshot.is_quiet(entry(balance_after_minor=at), CATALOGUES[0]) for at in (39, 40, 41)] == [False, True, True]


def test_a_changed_catalogue_is_asked_anew() -> None:
    snapshot = held([{"alert_type": "BELOW", "currency": "EUR", "parameters": '{"x": 40}', "enabled": True}])
    later = build_catalogue({"BELOW": alert_type("BELOW", "event.balance_after_minor > :x", {"x": AMOUNT})})
    event = entry(balance_after_minor=50)
    assert [snapshot.is_quiet(event, one) for one in (CATALOGUES[0], later, CATALOGUES[0])] == [True, False, True]


def test_a_pool_without_room_changes_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"alert_type": "BELOW", "currency": "EUR", "parameters": f'{{"x": {x}}}', "enabled": True} for x in (10, 20, 30, 20)
    ]
    pooled = held(rows)
    monkeypatch.setattr(wishes, "MOST_WISHES", 2)
    short = held(rows)
    assert (len(pooled.wishes), len(short.wishes)) == (3, 2)
    event = entry(balance_after_minor=25)
    states = [snapshot.at("a-1", 7) for snapshot in (pooled, short)]
    found = [judge(event, state, CATALOGUES[0]) for state in states if isinstance(state, State)]
    assert found[0] == found[1]
    assert [alert.customer_id for alert in found[0][0]] == [2]


def test_a_pool_that_was_kept_gives_the_same_numbers() -> None:
    pool = held([{"alert_type": name, "currency": "EUR", "parameters": "{}", "enabled": True} for name in TYPES]).wishes
    again = Wishes(pool.all())
    assert [again[number] for number in range(1, len(TYPES) + 1)] == [pool[number] for number in range(1, len(TYPES) + 1)]
    for number in (0, len(TYPES) + 1):
        with pytest.raises(KeyError):
            again[number]
