"""Posting a message as JSON to an HTTP provider, and what its answers mean. Used by SMS and PUSH."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from notifier.http_answer import read_whole, retry_after_s
from notifier.message import Drop, Result, Retry, Sent, Unknown
from notifier.provider_url import ProviderUrl

CONNECT_WITHIN_S = 3.0
# An opaque name: nothing that could be an address fits in.
PROVIDER_REF = re.compile(r"[A-Za-z0-9._:-]{1,80}")

# Answers that are about this one message. All others may end: 404 and 405 are also what a wrong path or a provider between
# two of its versions says to every message, and dropping them would lose a channel's alerts of that time.
REFUSED_FOR_GOOD = frozenset({400, 410, 413, 422, 451})
GONE = 410  # the number or device is no more: nothing is sent to it again
# While the first request with an Idempotency-Key is still at work, its repetition is answered so. It is about this message.
STILL_AT_WORK = 409


class HttpPost:
    """One provider's address with its kept-alive connections."""

    def __init__(self, url: ProviderUrl, connections: int) -> None:
        """A user and password in the URL go with every request. Raises BankalertsError for certificates that are none."""
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._url = url.http_url
        self._auth = aiohttp.BasicAuth(url.user, url.password or "", "utf-8") if url.user else None
        self._tls: ssl.SSLContext | bool = url.tls_context() if url.is_secure else True
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def post(self, message_id: UUID, target: str, content: dict[str, Any]) -> Result:
        """POST one message. The same message to the same target always has the same Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key(message_id, target)}
        body = msgspec.json.encode(content)
        try:
            async with self._open().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                whole = await read_whole(answer)
                return judge(answer.status, whole, retry_after_s(answer.headers.get("Retry-After")))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Retry("no connection to the provider", provider_down=True)
        except (aiohttp.ClientError, OSError) as error:
            # TimeoutError is an OSError. The text may hold what was sent, so only its kind is told.
            return Unknown(f"no answer to the request: {type(error).__name__}")

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first message: a session belongs to the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._tls),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                auth=self._auth,
            )
        return self._session


def idempotency_key(message_id: UUID, target: str) -> str:
    """The message's id, and a digest of the target: a message to two devices is two requests, neither a repetition."""
    return f"{message_id}.{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def judge(status: int, body: bytes | None, after_s: float | None = None) -> Result:
    """What an answer means. A body is a JSON object, which may name the message in provider_ref, or empty; None: too long.

    `after_s` is what the provider asks for before the next request.
    """
    if 200 <= status < 300:
        return _taken(status, body)
    if status in REFUSED_FOR_GOOD:
        return Drop(f"HTTP {status}", address_is_dead=status == GONE)
    return Retry(f"HTTP {status}", provider_down=status != STILL_AT_WORK, after_s=after_s)


def _taken(status: int, body: bytes | None) -> Result:
    if body == b"":
        return Sent()
    try:
        answer = json.loads(body) if body is not None else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return Unknown(f"HTTP {status} with something that is no JSON object")
    found = answer.get("provider_ref")
    return Sent(found if isinstance(found, str) and PROVIDER_REF.fullmatch(found) else None)
