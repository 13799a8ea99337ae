"""SMS: one POST of JSON per message to an HTTP provider. Settings: sms_url."""

from __future__ import annotations

from bankalerts.settings import Settings
from notifier.http_post import HttpPost
from notifier.message import Outgoing, Reach, Result


class Channel:
    """Text messages; an SMS has no subject."""

    reach = Reach.ADDRESSES
    most_in_flight = 32

    def __init__(self, settings: Settings) -> None:
        self._provider = HttpPost("BANKALERTS_SMS_URL", settings.sms_url, self.most_in_flight)

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """`address` is a number in E.164. The message's id and the number make the idempotency key."""
        content = {"to": address, "body": outgoing.text.body, "message_id": str(outgoing.message_id)}
        return await self._provider.post(outgoing.message_id, address, content)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._provider.close()
