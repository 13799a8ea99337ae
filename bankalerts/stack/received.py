"""`bankalerts messages`: what the local mail server and provider received."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import requests
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from bankalerts.stack.kept import Message

ANSWER_WITHIN_S = 10
FOLLOW_EVERY_S = 0.5
SHOWN = 50  # rows of the table; --json shows all that the servers hold
CHANNELS = ("EMAIL", "SMS", "PUSH")


def show_messages(settings: Settings, channel: str | None, follow: bool, as_json: bool) -> None:
    """Print the messages received, oldest first; with `follow`, go on with new ones until interrupted.

    As JSON it is one list, or with `follow` one object a line. Raises BankalertsError for an unknown channel, or when
    a server does not answer.
    """
    if channel is not None and channel.upper() not in CHANNELS:
        raise BankalertsError(f"channel {channel!r} is unknown: use {', '.join(CHANNELS)}")
    received = Received(settings, channel.upper() if channel else None)
    if follow:
        _follow(received, as_json)
    elif as_json:
        print(json.dumps(received.new(), ensure_ascii=False, indent=2))
    else:
        messages = received.new()
        Console().print(_table(messages[-SHOWN:]))
        if len(messages) > SHOWN:
            Console().print(f"The newest {SHOWN} of {len(messages)} messages; --json shows all.")


class Received:
    """The messages that the local servers received, each told once."""

    def __init__(self, settings: Settings, channel: str | None = None) -> None:
        """Of one channel, or of all. Raises BankalertsError when no server is known."""
        bases = [base for base in (settings.mail_url, settings.provider_url) if base]
        if not bases:
            raise BankalertsError("no local mail server or provider is known: start the stack with `bankalerts up`")
        # A cursor per server: one may show a message that is older than the newest of the other.
        self._since = dict.fromkeys(bases, 0)
        self._channel = channel

    def new(self) -> list[Message]:
        """What was received since the last call, oldest first. Raises BankalertsError when a server does not answer."""
        found: list[Message] = []
        for base, since in self._since.items():
            messages = _ask(base, since, self._channel)
            if messages:
                self._since[base] = messages[-1]["received_at"]
            found += messages
        return sorted(found, key=lambda message: int(message["received_at"]))


def _ask(base: str, since: int, channel: str | None) -> list[Message]:
    asked = {"since": str(since), **({"channel": channel} if channel else {})}
    try:
        answer = requests.get(f"{base}/messages", params=asked, timeout=ANSWER_WITHIN_S)
        answer.raise_for_status()
        messages: list[Message] = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise BankalertsError(f"{base} does not answer: `bankalerts status` says what runs") from error
    return messages


def _follow(received: Received, as_json: bool) -> None:
    while True:
        messages = received.new()
        if as_json:
            for message in messages:
                print(json.dumps(message, ensure_ascii=False), flush=True)
        elif messages:
            Console().print(_table(messages))
        time.sleep(FOLLOW_EVERY_S)


def _table(messages: list[Message]) -> Table:
    table = Table("received (UTC)", "channel", "to", "subject", "body")
    for message in messages:
        at = datetime.fromtimestamp(message["received_at"] / 1e6, UTC)
        cells = (message["channel"], message["to"], message["subject"] or "", message["body"])
        # Text: square brackets in a message are no markup of the table.
        table.add_row(f"{at:%H:%M:%S.%f}", *(Text(str(cell)) for cell in cells))
    return table
