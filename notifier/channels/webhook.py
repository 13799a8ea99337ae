"""WEBHOOK: one signed POST of JSON to an address of the customer's (Standard Webhooks). Settings: webhook_networks."""

from __future__ import annotations

import asyncio
import binascii
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec
from standardwebhooks import Webhook
from yarl import URL

from bankalerts.settings import Settings
from notifier.breaker import Breaker
from notifier.channels import Provider
from notifier.http_answer import retry_after_s
from notifier.http_post import REFUSED_FOR_GOOD, idempotency_key
from notifier.message import Drop, Outgoing, Reach, Result, Retry, Sent, Target, Unknown
from notifier.webhook_connector import Reachable, Resolve, connector, is_forbidden

CONNECT_WITHIN_S = 3.0
# A receiver is somebody's own server: what is slow there must not take all places from the others.
IN_FLIGHT_PER_RECEIVER = 8
BUSY_AFTER_S = 1.0
# Of so many receivers that fail it is kept in mind; who has failed longer ago than all of them is tried as if nothing had been.
FAILING_MAX = 10_000
SIGNING = 2  # the newest secrets sign, so that a receiver can go from one to the next
# Whatever is not base64 the library takes for less than it says, and signs with that.
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")
GONE = 410
NO_CONNECTION = Retry("no connection to the receiver")
DISALLOWED = "its address leads where nothing is sent"


class Receivers:
    """All webhooks of all customers. Each is a server of its own: what one answers says nothing of the others."""

    name = "webhook"
    rate_per_s: float | None = None
    is_many = True

    def __init__(self, networks: str, connections: int, resolve: Resolve | None = None) -> None:
        """Raises BankalertsError for networks that are none."""
        # Without TLS anybody on the way reads it: only into networks that the operator named.
        self._reachable = {"https": Reachable(networks), "http": Reachable(networks, public=False)}
        self._connections = connections
        self._resolve = resolve
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._in_flight: Counter[str] = Counter()
        self._failing: dict[str, Breaker] = {}

    def serves(self, _target: Target) -> bool:
        """Every one."""
        return True

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target.address` is the URL. The message and the target make the webhook-id, by which a repetition can be known."""
        url = parsed(target.address)
        if url is None:
            return Drop(DISALLOWED)
        host = url.host or ""
        wait_s = self._busy_for_s(host, time.monotonic())
        if wait_s > 0:
            return Retry("too many at once to this receiver, or it is down", after_s=wait_s)
        body = content(outgoing)
        try:
            headers = signed(target, outgoing, body, datetime.now(UTC))
        except (ValueError, binascii.Error):
            return Drop("it has no secret to sign with")
        self._in_flight[host] += 1
        has_answered = False
        try:
            result = await self._post(url, body, headers)
            has_answered = not isinstance(result, Unknown) and result != NO_CONNECTION
        finally:
            self._in_flight[host] -= 1
            if not self._in_flight[host]:
                del self._in_flight[host]
            self._judge(host, has_answered, time.monotonic())
        return result

    def _busy_for_s(self, host: str, now: float) -> float:
        """Seconds until a message may go to this receiver; 0: now."""
        breaker = self._failing.get(host)
        if breaker is None or breaker.is_open:
            return BUSY_AFTER_S if self._in_flight[host] >= IN_FLIGHT_PER_RECEIVER else 0.0
        # One message finds out whether it is back.
        return max(breaker.closed_for_s(now), BUSY_AFTER_S if self._in_flight[host] else 0.0)

    def _judge(self, host: str, has_answered: bool, now: float) -> None:
        """A receiver that was silent three times in a row is left alone for a while; only such as fail are kept in mind."""
        breaker = self._failing.pop(host, None)
        if has_answered:
            return
        breaker = self._failing[host] = breaker or Breaker()  # the last one that failed stands last
        breaker.is_unknown(now, random.random())  # noqa: S311
        if len(self._failing) > FAILING_MAX:
            del self._failing[next(iter(self._failing))]

    async def close(self) -> None:
        """Let go of all connections."""
        for session in self._sessions.values():
            await session.close()

    async def _post(self, url: URL, body: bytes, headers: dict[str, str]) -> Result:
        try:
            async with self._session(url.scheme).post(url, data=body, headers=headers, allow_redirects=False) as answer:
                result = judge(answer.status, retry_after_s(answer.headers.get("Retry-After")))
                # What it answers is not read: it promises nothing, and may be endless.
                answer.close()
                return result
        except aiohttp.InvalidURL:
            return Drop(DISALLOWED)
        except aiohttp.ClientConnectorError as error:
            return Drop(DISALLOWED) if is_forbidden(error) else NO_CONNECTION
        except aiohttp.ConnectionTimeoutError:
            return NO_CONNECTION
        except (aiohttp.ClientError, OSError) as error:
            return Unknown(f"no answer to the request: {type(error).__name__}")

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        # Made at the first message: a session belongs to the running event loop.
        if scheme not in self._sessions:
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector(self._reachable[scheme], self._connections, self._resolve),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[scheme]


class Channel:
    """Webhooks: addresses of the customer's choice, each with a secret of its own."""

    reach = Reach.ADDRESSES
    most_in_flight = 64

    def __init__(self, settings: Settings) -> None:
        self.providers: Sequence[Provider] = [Receivers(settings.webhook_networks, self.most_in_flight)]

    async def close(self) -> None:
        """Let go of all connections."""
        await asyncio.gather(*(provider.close() for provider in self.providers))


def parsed(address: str) -> URL | None:
    """A webhook's address; None for what is none, or names a user."""
    try:
        url = URL(address)
        whole = url.host and url.port
    except ValueError:
        return None
    return url if whole and url.scheme in ("https", "http") and not (url.user or url.password or url.fragment) else None


def content(outgoing: Outgoing) -> bytes:
    """What a receiver gets; `timestamp` is the event's."""
    data = {
        "message_id": str(outgoing.message_id),
        "title": outgoing.text.subject,
        "body": outgoing.text.body,
        "locale": outgoing.locale,
    }
    return msgspec.json.encode({"type": outgoing.alert_type, "timestamp": outgoing.event_time, "data": data})


def signed(target: Target, outgoing: Outgoing, body: bytes, now: datetime) -> dict[str, str]:
    """The headers, signed with the target's newest two secrets. Raises ValueError when it has none that can sign."""
    # The signature joins id, time and body with full stops, so the id has none.
    webhook_id = idempotency_key(outgoing.message_id, target.address).replace(".", "_")
    secrets = target.secrets[:SIGNING]
    if not secrets or not all(SECRET.fullmatch(secret) for secret in secrets):
        raise ValueError("no secret")
    signatures = [Webhook(secret).sign(webhook_id, now, body.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def judge(status: int, after_s: float | None = None) -> Result:
    """What an answer means: any 2xx is enough, a redirect is not followed."""
    if 200 <= status < 300:
        return Sent()
    if status in REFUSED_FOR_GOOD:
        return Drop(f"HTTP {status}", address_is_dead=status == GONE)
    return Retry(f"HTTP {status}", after_s=after_s)
