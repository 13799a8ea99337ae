"""PUSH: notifications on devices, by FCM, by APNs, or by an HTTP provider (one POST of JSON per device). Settings: push_url."""

from __future__ import annotations

from collections.abc import Sequence

from bankalerts.settings import Settings
from notifier.apns import Apns
from notifier.channels import Provider
from notifier.fcm import Fcm
from notifier.http_post import HttpPost
from notifier.message import Outgoing, Reach, Result, Target
from notifier.provider_url import ProviderUrl, provider_urls

SCHEMES = ("fcm+https", "apns+https", "https", "http")


class HttpPush:
    """An HTTP provider of the devices that no push service of the settings serves."""

    def __init__(self, url: ProviderUrl, connections: int, services: frozenset[str]) -> None:
        """`services` are the devices' providers that the channel has a push service for."""
        self._post = HttpPost(url, connections)
        self._services = services
        self.name = url.name
        self.rate_per_s = url.rate_per_s

    def serves(self, target: Target) -> bool:
        """What is not another's."""
        return target.provider not in self._services

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target.address` is a push_id. The message's id and the device make the idempotency key."""
        content = {
            "to": target.address,
            "title": outgoing.text.subject,
            "body": outgoing.text.body,
            "message_id": str(outgoing.message_id),
        }
        return await self._post.post(outgoing.message_id, target.address, content)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._post.close()


class Channel:
    """Notifications on the customer's devices, as bank.push_device has them when the message is sent."""

    reach = Reach.DEVICES
    most_in_flight = 64
    balance_is_private = True

    def __init__(self, settings: Settings) -> None:
        urls = provider_urls("BANKALERTS_PUSH_URL", settings.push_url, "PUSH", SCHEMES)
        services = frozenset(url.scheme.removesuffix("+https") for url in urls if "+" in url.scheme)
        self.providers: Sequence[Provider] = [self._provider(url, services) for url in urls]

    async def close(self) -> None:
        """Let go of all connections."""
        for provider in self.providers:
            await provider.close()

    def _provider(self, url: ProviderUrl, services: frozenset[str]) -> Provider:
        if url.scheme == "fcm+https":
            return Fcm(url, self.most_in_flight)
        if url.scheme == "apns+https":
            return Apns(url)
        return HttpPush(url, self.most_in_flight, services)
