"""PUSH: one POST of JSON per device to an HTTP provider. Settings: push_url."""

from __future__ import annotations

from bankalerts.settings import Settings
from notifier.http_post import HttpPost
from notifier.message import Outgoing, Reach, Result


class Channel:
    """Notifications on the customer's devices, as bank.push_device has them when the message is sent."""

    reach = Reach.DEVICES
    most_in_flight = 64

    def __init__(self, settings: Settings) -> None:
        self._provider = HttpPost("BANKALERTS_PUSH_URL", settings.push_url, self.most_in_flight)

    async def send(self, address: str, outgoing: Outgoing) -> Result:
        """`address` is a push_id. The message's id and the device make the idempotency key."""
        content = {
            "to": address,
            "title": outgoing.text.subject,
            "body": outgoing.text.body,
            "message_id": str(outgoing.message_id),
        }
        return await self._provider.post(outgoing.message_id, address, content)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._provider.close()
