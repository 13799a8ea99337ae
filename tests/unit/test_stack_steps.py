"""Steps run as soon as what they need is done; what needs a failed one is left out."""

from __future__ import annotations

import threading

import pytest

from bankalerts.errors import BankalertsError
from bankalerts.stack.steps import Step, run_steps


def nothing() -> None:
    """A step that is done at once."""


def failing(text: str) -> None:
    raise BankalertsError(text)


def test_a_step_runs_after_what_it_needs() -> None:
    ran: list[str] = []
    gate = threading.Event()

    def slow() -> None:
        gate.wait(10)
        ran.append("kafka")

    def other() -> None:
        ran.append("postgres")
        gate.set()

    run_steps(
        [Step("kafka", slow), Step("postgres", other), Step("connect", lambda: ran.append("connect"), ("kafka",))],
        threading.Event(),
    )
    assert ran == ["postgres", "kafka", "connect"]


def test_a_need_that_is_not_among_the_steps_counts_as_done() -> None:
    run_steps([Step("connect", nothing, ("kafka",))], threading.Event())


def test_what_needs_a_failed_step_is_left_out_and_each_failure_is_one_line() -> None:
    ran: list[str] = []
    steps = [
        Step("kafka", lambda: failing("kafka is not ready")),
        Step("postgres", lambda: failing("postgres is not ready")),
        Step("connect", lambda: ran.append("connect"), ("kafka",)),
        Step("engine", lambda: ran.append("engine"), ("connect",)),
        Step("provider", lambda: ran.append("provider")),
    ]
    with pytest.raises(BankalertsError) as raised:
        run_steps(steps, threading.Event())
    assert str(raised.value).splitlines() == ["kafka is not ready", "postgres is not ready"]
    assert ran == ["provider"]


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_steps([Step("kafka", lambda: print(1 / 0))], threading.Event())
