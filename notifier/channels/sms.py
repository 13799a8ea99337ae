"""SMS: by HTTP providers (one POST of JSON per message) or message centres (SMPP 3.4). Settings: sms_url."""

from __future__ import annotations

from collections.abc import Sequence

from bankalerts.settings import Settings
from notifier import sms_text
from notifier.channels import Provider
from notifier.database import Database
from notifier.http_post import HttpPost
from notifier.message import Drop, Outgoing, Reach, Result, Target
from notifier.provider_url import ProviderUrl, provider_urls
from notifier.smpp_provider import SmppProvider

SCHEMES = ("http", "https", "smpp", "smpps")


class HttpSms:
    """An HTTP provider. It is told the alphabet and the number of segments, which it may check against its own count."""

    def __init__(self, url: ProviderUrl, connections: int) -> None:
        self._post = HttpPost(url, connections)
        self.name = url.name
        self.rate_per_s = url.rate_per_s

    def serves(self, _target: Target) -> bool:
        """Every number."""
        return True

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target` is a number in E.164. The message's id and the number make the idempotency key."""
        try:
            text = sms_text.encode(outgoing.text.body)
        except sms_text.TooLongError as error:
            return Drop(str(error))
        content = {
            "to": target.address,
            "body": outgoing.text.body,
            "encoding": text.alphabet.name,
            "segments": len(text.parts),
            "message_id": str(outgoing.message_id),
        }
        return await self._post.post(outgoing.message_id, target.address, content)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._post.close()


class Channel:
    """Text messages; an SMS has no subject."""

    reach = Reach.ADDRESSES
    most_in_flight = 32
    has_subject = False
    balance_is_private = True
    plain_spaces = True

    def __init__(self, settings: Settings) -> None:
        urls = provider_urls("BANKALERTS_SMS_URL", settings.sms_url, "SMS", SCHEMES)
        self._centres = {url.name: SmppProvider(url) for url in urls if url.scheme.startswith("smpp")}
        self.providers: Sequence[Provider] = [self._centres.get(url.name) or HttpSms(url, self.most_in_flight) for url in urls]

    async def open(self, database: Database) -> None:
        """Bind to the message centres: delivery reports come whether or not there is something to send."""
        for centre in self._centres.values():
            await centre.open(database)

    async def close(self) -> None:
        """Let go of all connections."""
        for provider in self.providers:
            await provider.close()
