"""Where providers post receipts: POST /receipts/<provider>, signed as Standard Webhooks has it.

The body is as receipt_payload.py says. The answer is 204 once all receipts are written; else nothing was changed: it is a 4xx
with {"error", "index"} (503 while PostgreSQL is away: the provider repeats it). Every refusal is counted in
alerting.refused_receipt.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bankalerts.errors import BankalertsError
from bankalerts.settings import Settings
from notifier.database import Database, DatabaseAwayError
from notifier.receipt_book import ReceiptBook, UnknownMessageError
from notifier.receipt_payload import MalformedReceiptError, parse

BODY_OCTETS_MAX = 64 * 1024
BODY_WITHIN_S = 5.0
REQUESTS_AT_ONCE = 32
# A secret, and before it the one provider that it is for, where it is not for all.
SECRET = re.compile(r"(?:(?P<provider>[A-Za-z0-9_-]{1,40})=)?(?P<secret>whsec_[A-Za-z0-9+/]{32,88}={0,2})")
SIGNED_BY = ("webhook-id", "webhook-timestamp", "webhook-signature")
NOT_OURS = "no secret is for this provider"
NOBODY = "?"  # who sent what has no good signature


class Receiver:
    """Takes requests one by one; what it is given to write to is the book."""

    def __init__(self, book: ReceiptBook, secrets: Sequence[tuple[str | None, Webhook]]) -> None:
        self._book = book
        self._secrets = secrets
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    def application(self) -> web.Application:
        """The HTTP application."""
        application = web.Application(client_max_size=BODY_OCTETS_MAX)
        application.add_routes([web.post("/receipts/{provider}", self.take)])
        return application

    async def take(self, request: web.Request) -> web.Response:
        """Answer one request.

        1. Refuse by its head what cannot be good: too long, no secret for this provider, no signature.
        2. Read the body, and verify who signed it.
        3. Take one of REQUESTS_AT_ONCE places: whoever cannot sign gets none, and holds up nobody who can.
        4. Apply it.
        """
        provider = request.match_info["provider"]
        if (request.content_length or 0) > BODY_OCTETS_MAX:
            return self._refuse_too_large()
        fault = self._fault_of_head(provider, request)
        if fault:
            return self._refuse(401, NOBODY, "SIGNATURE", fault)
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await request.read()
        except TimeoutError:
            return self._refuse(408, NOBODY, "TOO_SLOW", f"the body did not come within {BODY_WITHIN_S:.0f} s")
        except web.HTTPRequestEntityTooLarge:
            return self._refuse_too_large()
        fault = self._fault_of_signature(provider, request, body)
        if fault:
            return self._refuse(401, NOBODY, "SIGNATURE", fault)
        async with self._places:
            return await self._take_signed(provider, body)

    async def _take_signed(self, provider: str, body: bytes) -> web.Response:
        try:
            await self._book.take(provider, parse(body, datetime.now(UTC)))
        except MalformedReceiptError as error:
            return self._refuse(400, provider, "MALFORMED", str(error), error.index)
        except UnknownMessageError as error:
            return self._refuse(404, provider, "UNKNOWN_MESSAGE", str(error), error.index)
        except DatabaseAwayError:
            return web.json_response({"error": "try again later", "index": None}, status=503, headers={"Retry-After": "5"})
        return web.Response(status=204)

    def _fault_of_head(self, provider: str, request: web.Request) -> str | None:
        """Why no body could make it good; None when one could."""
        if not any(owner in (None, provider) for owner, _ in self._secrets):
            return NOT_OURS
        missing = [name for name in SIGNED_BY if not request.headers.get(name)]
        return f"it has no {', '.join(missing)}" if missing else None

    def _fault_of_signature(self, provider: str, request: web.Request, body: bytes) -> str | None:
        """What is wrong with it; None when one of the secrets for this provider made it."""
        fault = NOT_OURS
        for owner, secret in self._secrets:
            if owner in (None, provider):
                try:
                    secret.verify(body, dict(request.headers), json_parse=False)
                except (WebhookVerificationError, ValueError) as error:
                    fault = str(error) if isinstance(error, WebhookVerificationError) else "the signature cannot be read"
                else:
                    return None
        return fault

    def _refuse_too_large(self) -> web.Response:
        return self._refuse(413, NOBODY, "TOO_LARGE", f"the body is longer than {BODY_OCTETS_MAX} octets")

    def _refuse(self, status: int, provider: str, reason: str, text: str, index: int | None = None) -> web.Response:
        self._book.refuse(provider, reason)
        return web.json_response({"error": text, "index": index}, status=status)


def secrets_of(settings: Settings) -> list[tuple[str | None, Webhook]]:
    """Who may sign, and with what: None is every provider. Raises BankalertsError, without the secret in its text."""
    found = []
    for number, word in enumerate(settings.receipts_secrets.split(), 1):
        match = SECRET.fullmatch(word)
        if match is None:
            raise BankalertsError(
                f"number {number} of BANKALERTS_RECEIPTS_SECRETS is no secret:"
                " write whsec_ and 24 to 64 octets in base64, or provider=whsec_..."
            )
        found.append((match["provider"], Webhook(match["secret"])))
    if not found:
        raise BankalertsError(
            "BANKALERTS_RECEIPTS_LISTEN is set and BANKALERTS_RECEIPTS_SECRETS is not:"
            " without a signature anybody could say what was delivered; set it"
        )
    return found


def address_of(settings: Settings) -> tuple[str, int]:
    """Where to listen. Raises BankalertsError when it is no host:port."""
    host, _, port = settings.receipts_listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BankalertsError(f"BANKALERTS_RECEIPTS_LISTEN is {settings.receipts_listen!r}: write it as host:port")
    return host.strip("[]"), int(port)


async def serve(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Take receipts until `stop` is set; at once when no address to listen at is given. Raises BankalertsError."""
    if not settings.receipts_listen:
        return
    host, port = address_of(settings)
    book = ReceiptBook(database)
    runner = web.AppRunner(Receiver(book, secrets_of(settings)).application(), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise BankalertsError(
                f"receipts cannot be taken at {host}:{port} ({error}): set BANKALERTS_RECEIPTS_LISTEN"
            ) from error
        await book.run(stop)
    finally:
        await runner.cleanup()
        await book.flush()
