"""The templates of one channel and the currencies, kept for a moment. Permissions and addresses are never kept."""

from __future__ import annotations

import time
from typing import Any

from notifier import address_book
from notifier.address_book import Template
from notifier.message import Claimed, Recipient, Text
from notifier.render import choose, render

# A new template version is in use this soon; reading them for each batch would double the queries.
FRESH_FOR_S = 5.0


# A channel that has no template of a type takes those of another, which says as much and is as short.
INSTEAD = {"WEBHOOK": "PUSH", "INBOX": "PUSH"}


class Templates:
    """What a channel's messages are rendered from. The rest is as notifier.channels has it."""

    def __init__(self, channel: str, balance_is_private: bool = False, plain_spaces: bool = False) -> None:
        self._channel = channel
        self._plain_spaces = plain_spaces
        self._balance_is_private = balance_is_private
        self._read_at = float("-inf")
        self._templates: dict[tuple[str, str], Template] = {}
        self._minor_digits: dict[str, int] = {}

    async def refresh(self, connection: Any) -> None:
        """Read them again unless they were read FRESH_FOR_S ago or later."""
        if time.monotonic() - self._read_at < FRESH_FOR_S:
            return
        own = await address_book.templates(connection, self._channel)
        if self._channel in INSTEAD:
            types = {alert_type for alert_type, _ in own}
            others = await address_book.templates(connection, INSTEAD[self._channel])
            own |= {key: template for key, template in others.items() if key[0] not in types}
        self._templates = own
        self._minor_digits = await address_book.minor_digits(connection)
        self._read_at = time.monotonic()

    def text(self, message: Claimed, recipient: Recipient) -> Text:
        """The message in the recipient's language. Raises RenderError."""
        template = choose(self._templates, message.alert_type, recipient.locale)
        hides_balance = self._balance_is_private and not recipient.shows_balance
        return render(template, message, recipient, self._minor_digits, hides_balance, self._plain_spaces)
