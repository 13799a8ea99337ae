"""EMAIL: text and HTML, by mail servers (SMTP). Settings: smtp_url, mail_from."""

from __future__ import annotations

from collections.abc import Sequence

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier.channels import Provider
from notifier.mail import Composer
from notifier.message import Reach
from notifier.provider_url import provider_urls
from notifier.smtp import Smtp

SCHEMES = ("smtp", "smtps")


class Channel:
    """E-mail to the customer's verified addresses."""

    reach = Reach.ADDRESSES
    most_in_flight = 8

    def __init__(self, settings: Settings) -> None:
        sender = settings.mail_from
        try:
            composer = Composer(sender)
        except ValueError as error:
            raise BankalertsError(f"BANKALERTS_MAIL_FROM is {sender!r}: write it as name@example.org") from error
        urls = provider_urls("BANKALERTS_SMTP_URL", settings.smtp_url, "EMAIL", SCHEMES)
        self.providers: Sequence[Provider] = [Smtp(url, composer, sender) for url in urls]

    async def close(self) -> None:
        """Let go of all connections."""
        for provider in self.providers:
            await provider.close()
