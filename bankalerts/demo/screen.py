"""What the demo shows while the bank lives: drawn again and again on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bankalerts.demo.life import Living
from bankalerts.report.figures import Figures
from bankalerts.stack.kept import Message

SHOWN = 10
LINE_EVERY_S = 3.0


class Screen:
    """Counters, and the newest messages as the mail server and the provider received them."""

    def __init__(self, console: Console, entries: int) -> None:
        self._console = console
        self._entries = entries
        self._newest: deque[Message] = deque(maxlen=SHOWN)
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._next_line_s = 0.0

    @contextmanager
    def shown(self) -> Iterator[Screen]:
        """Draw until the block ends; what was drawn last stays."""
        if self._live is None:
            yield self
            return
        with self._live:
            yield self

    def draw(self, living: Living, figures: Figures, messages: list[Message], *, last: bool = False) -> None:
        """Show the state of things; `messages` are those received since the call before. The last one is always shown."""
        self._newest.extend(messages)
        if self._live is not None:
            self._live.update(Group(self._counters(living, figures), _table(self._newest)), refresh=True)
        elif last or living.seconds >= self._next_line_s:
            self._next_line_s = living.seconds + LINE_EVERY_S
            self._console.print(self._counters(living, figures), soft_wrap=True)
            for message in _one_of_each_channel(messages):
                self._console.print(_line(message), soft_wrap=True)

    def _counters(self, living: Living, figures: Figures) -> Text:
        entries = f"{living.played:,} of {self._entries:,} entries, {living.changed:,} changes"
        messages = f"{figures.in_state('ACCEPTED'):,} messages sent, {figures.in_state('PENDING'):,} on their way"
        return Text(f"{living.seconds:3.0f} s: {entries}; {sum(figures.alerts.values()):,} alerts; {messages}")


def _table(messages: deque[Message]) -> Table:
    table = Table(title="as received by the mail server and the provider", title_justify="left", expand=True)
    table.add_column("channel", width=7)
    table.add_column("to", width=34, no_wrap=True, overflow="ellipsis")
    table.add_column("message", ratio=1, no_wrap=True, overflow="ellipsis")
    for message in messages:
        # Text: square brackets in a message are no markup of the table
        table.add_row(message["channel"], Text(str(message["to"])), Text(_summary(message)))
    return table


def _one_of_each_channel(messages: list[Message]) -> list[Message]:
    return list({message["channel"]: message for message in messages}.values())


def _line(message: Message) -> Text:
    return Text(f"        {message['channel']} to {message['to']}: {_summary(message)}")


def _summary(message: Message) -> str:
    """An e-mail by its subject, anything else by its text."""
    if message["channel"] == "EMAIL":
        return str(message["subject"])
    return " ".join(str(message["body"]).split())
