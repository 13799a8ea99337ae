"""A loop that is told to stop by a halt, and a halt that nobody could look at yet."""

from __future__ import annotations

import threading
from pathlib import Path

from bankalerts.settings import Settings
from engine.halt import Halt, StopOrHalted
from tests.waiting import wait_until


def a_halt() -> Halt:
    return Halt(Settings(Path(), "", "", "", "", "", "", ""))


def test_until_it_was_looked_nothing_is_decided() -> None:
    halt, stop = a_halt(), threading.Event()
    both = StopOrHalted(stop, halt)
    assert both.is_set()
    halt.looked = True
    assert not both.is_set()
    halt.reason = "SLOT: gone"
    assert both.is_set()
    halt.reason = None
    stop.set()
    assert both.is_set()


def test_who_waits_wakes_for_either() -> None:
    halt, stop = a_halt(), threading.Event()
    halt.looked = True
    both = StopOrHalted(stop, halt)
    assert both.wait(0.01) is False
    threading.Timer(0.05, lambda: setattr(halt, "reason", "SLOT: gone")).start()
    assert both.wait(30) is True
    halt.reason = None
    threading.Timer(0.05, stop.set).start()
    assert both.wait(None) is True


def test_a_halted_engine_goes_on_when_it_may_or_ends_when_it_is_told() -> None:
    halt, stop = a_halt(), threading.Event()
    halt.looked, halt.reason = True, "RESTORE: another timeline"
    waiting = threading.Thread(target=halt.wait_for_leave, args=(stop,))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    halt.reason = None
    wait_until(lambda: not waiting.is_alive(), 10, "the engine goes on")
    halt.reason = "again"
    ending = threading.Thread(target=halt.wait_for_leave, args=(stop,))
    ending.start()
    stop.set()
    wait_until(lambda: not ending.is_alive(), 10, "the engine ends")
