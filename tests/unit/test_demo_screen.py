"""What the demo draws: on a terminal again and again, elsewhere a line now and then."""

from __future__ import annotations

import io

from rich.console import Console

from bankalerts.demo.life import Living
from bankalerts.demo.screen import Screen
from bankalerts.report.figures import Figures

FIGURES = Figures({"BALANCE_BELOW": 3}, {("PUSH", "ACCEPTED"): 2, ("SMS", "PENDING"): 1})
MESSAGES = [
    {"channel": "PUSH", "to": "device-1", "subject": "Low", "body": "balance [bold]€1.00[/bold],\nbelow €2.00"},
    {"channel": "EMAIL", "to": "nobody@example.org", "subject": "Your balance is below €2.00", "body": "Dear Nobody"},
    {"channel": "PUSH", "to": "device-2", "subject": "Low", "body": "balance €0.50"},
]


def drawn(*, terminal: bool, times: int) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, color_system=None)
    living = Living()
    living.played = 1_500
    with Screen(console, 3_000).shown() as screen:
        for number in range(times):
            screen.draw(living, FIGURES, MESSAGES, last=number + 1 == times)
    return output.getvalue()


def test_a_terminal_shows_counters_and_messages_as_they_are() -> None:
    said = drawn(terminal=True, times=1)
    assert "1,500 of 3,000 entries" in said
    assert "3 alerts; 2 messages sent, 1 on their way" in said
    assert "balance [bold]€1.00[/bold], below €2.00" in said, "a message is no markup"
    assert "Your balance is below €2.00" in said, "an e-mail is shown by its subject"
    assert "device-1" in said


def test_without_a_terminal_there_are_few_lines_and_one_message_of_each_channel() -> None:
    said = drawn(terminal=False, times=4)
    assert said.count("1,500 of 3,000 entries") == 2, "the first and the last"
    assert said.count("PUSH to device-2: balance €0.50") == 2
    assert "device-1" not in said
    assert "\x1b" not in said
