"""The automatic brake's counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from notifier.brake import COUNTED_FOR, Brake

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def test_what_is_given_back_after_it_was_told_is_taken_off() -> None:
    brake, in_database = Brake(limits={"T": 600}), 0
    for _ in range(4):
        assert all(brake.let_through("T", NOW) for _ in range(250))
        for given_back in (False, True):
            for _ in range(250 * given_back):
                brake.take_back("T", NOW)
            in_database += sum(volume.messages for volume in brake.take_volumes())
    assert (in_database, brake.stopped) == (0, {})


def test_minutes_are_forgotten_by_the_clock_that_wrote_the_messages() -> None:
    """NOW is long past on this machine's clock."""
    brake = Brake(limits={"T": 1})
    assert brake.let_through("T", NOW)
    brake.take_volumes()
    brake.forget()
    assert not brake.let_through("T", NOW), "its count is kept, whatever time it is here"
    assert brake.let_through("T", NOW + COUNTED_FOR)
    brake.take_volumes()
    brake.forget()
    assert brake.let_through("T", NOW)
    assert brake.let_through("T", NOW + timedelta(hours=1))
