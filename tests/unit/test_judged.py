"""Cool-down, re-arm and repeats in the order in which events were seen: what is alerted, what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Message

from engine.catalogue import Catalogue, build_catalogue
from engine.decode import AccountEntry
from engine.judged import Judged, Record, decide, in_portions, needs_of
from engine.memory import Memory
from engine.packed import State, key_of, state_of
from engine.rows import AlertTypeRow, Permission, Preference
from engine.state_follower import Stamped

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
DECLARED = {name: {"type": "integer", "default": 0} for name in ("margin_minor", "pause_s")}
ROW = AlertTypeRow(
    *("BELOW", "ACCOUNT_ENTRY", ["BOOKED"], "event.balance_after_minor < 100", DECLARED, True),
    cool_down=":pause_s",
    rearm_margin=":margin_minor",
    rearm_condition="event.balance_after_minor >= 100 + :margin_minor",
)
CATALOGUE = build_catalogue({"BELOW": ROW})


def state(**given: int) -> State:
    rows: list[Permission | Preference] = [
        Permission(1, True, START - timedelta(days=1), None, 1),
        Preference(1, "BELOW", 1, "EUR", dict(given), ("SMS",), True, 2),
    ]
    return state_of(1, {key_of(row): row for row in rows})


def entry(number: int, at_s: int, balance: int) -> AccountEntry:
    return AccountEntry(
        entry_id=f"e-{number}",
        booking_date=20455,
        account_id="a",
        amount_minor=-1,
        currency="EUR",
        status="BOOKED",
        event_time=START + timedelta(seconds=at_s),
        state_version=1,
        catalogue_version=1,
        inserted_at=START,
        op="c",
        balance_after_minor=balance,
    )


def judge(
    events: list[AccountEntry], found: State, memory: Memory, recorded: set[Any] | None = None, by: Catalogue = CATALOGUE
) -> list[Judged]:
    message = Message(topic="t", partition=0, offset=0, value=b"", timestamp=(1, 0))
    records = [Record(0, offset, message, event, Stamped(found, by)) for offset, event in enumerate(events)]
    judged: list[Judged] = []
    for portion in in_portions(records):
        for entity in needs_of(portion, memory).preferences:
            memory.of(entity).preferences = {}
        judged += decide(portion, memory, recorded if recorded is not None else set(), START)
    return judged


def alerted(balances: list[tuple[int, int]], **given: int) -> list[int]:
    """Places, from 0, of the entries (second, balance) that led to an alert."""
    events = [entry(number, at_s, balance) for number, (at_s, balance) in enumerate(balances)]
    return [one.record.offset for one in judge(events, state(**given), Memory()) if one.decisions]


@pytest.mark.parametrize(
    ("balances", "given", "expected"),
    [
        ([(0, 90), (1, 90), (2, 90)], {}, [0, 1, 2]),
        # exactly as long ago as the pause: over
        ([(0, 90), (59, 90), (60, 90), (61, 90)], {"pause_s": 60}, [0, 2]),
        # what stays quiet begins no pause
        ([(0, 90), (40, 90), (70, 90)], {"pause_s": 60}, [0, 2]),
        # a late event near the newest alert is quiet as well; one far before it is not
        ([(1000, 90), (950, 90), (900, 90)], {"pause_s": 60}, [0, 2]),
        # that one begins no pause anew: the newest alert counts
        ([(1000, 90), (900, 90), (1050, 90), (1060, 90)], {"pause_s": 60}, [0, 1, 3]),
        # armed again at the margin or above, not below it
        ([(0, 90), (1, 149), (2, 90), (3, 150), (4, 90)], {"margin_minor": 50}, [0, 4]),
        # the same order of seeing, whatever the times say
        ([(9, 90), (8, 150), (7, 90)], {"margin_minor": 50}, [0, 2]),
        # both: armed again within the pause, alerted after it
        ([(0, 90), (1, 150), (2, 90), (70, 90), (71, 90)], {"margin_minor": 50, "pause_s": 60}, [0, 3]),
    ],
)
def test_cool_down_and_re_arm(balances: list[tuple[int, int]], given: dict[str, int], expected: list[int]) -> None:
    assert alerted(balances, **given) == expected


def test_an_event_that_was_judged_before_is_not_judged_on_the_past_again() -> None:
    memory, first = Memory(), entry(0, 0, 90)
    recorded: set[Any] = set()
    (one,) = judge([first, first], state(pause_s=60), memory, recorded)
    assert one.seen is not None
    assert recorded == {("ACCOUNT_ENTRY", "e-0", first.event_date)}
    assert judge([first], state(pause_s=60), memory, recorded) == []


def test_what_no_option_needs_is_not_recorded() -> None:
    (one,) = judge([entry(0, 0, 90)], state(), Memory())
    assert (one.seen, one.preferences, len(one.decisions)) == (None, [], 1)


def test_what_is_remembered_goes_with_the_alert() -> None:
    (one,) = judge([entry(0, 5, 90)], state(pause_s=60, margin_minor=1), Memory())
    (row,) = one.preferences
    assert (row.account_id, row.customer_id, row.preference_no) == ("a", 1, 1)
    assert (row.armed, row.last_alert_time) == (False, START + timedelta(seconds=5))


def test_memory_is_bounded_and_forgets_who_was_not_used_for_the_longest_time() -> None:
    memory = Memory(most_kept=3)
    for entity in ("a", "b", "c", "a", "d", "e"):
        memory.of(entity)
        memory.prune()
    assert [entity for entity in "abcde" if entity in memory] == ["a", "d", "e"]


def test_one_ring_serves_windows_of_all_lengths_and_only_late_events_need_more() -> None:
    """The lengths come in any order: 1, 30 and 7 seconds."""
    rows = {
        name: AlertTypeRow(
            *(name, "ACCOUNT_ENTRY", ["BOOKED"], "history.value > 0", {}, False),
            window_aggregate="COUNT",
            window_length=length,
            window_lateness=5,
        )
        for name, length in (("A", "1"), ("B", "30"), ("C", "7"))
    }
    wishes = [Preference(1, name, 1, "EUR", {}, ("SMS",), True, 2) for name in rows]
    rights: list[Permission | Preference] = [Permission(1, True, START, None, 1), *wishes]
    found = state_of(1, {key_of(row): row for row in rights})
    events = [entry(number, at_s, 0) for number, at_s in enumerate((100, 96, 101, 94))]
    message = Message(topic="t", partition=0, offset=0, value=b"", timestamp=(1, 0))
    stamped = Stamped(found, build_catalogue(rows))
    (portion,) = in_portions([Record(0, offset, message, event, stamped) for offset, event in enumerate(events)])
    needs = needs_of(portion, Memory())
    (wanted,) = needs.windows.values()
    assert (wanted.first_us - wanted.since_us) / 1_000_000 == 30 + 5
    assert [event_id for _, (_, (_, event_id, _)) in needs.late] == ["e-3"], "six seconds late"
