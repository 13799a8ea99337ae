"""Posting a message to an HTTP provider, and what its answers mean. Used by the channels that speak HTTP."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp

from bankalerts.errors import BankalertsError
from notifier.message import Drop, Result, Retry, Sent

CONNECT_WITHIN_S = 3.0
ANSWER_BYTES_MAX = 4096
# An opaque name: nothing that could be an address fits in.
PROVIDER_REF = re.compile(r"[A-Za-z0-9._:-]{1,80}")

# Answers that are about this one message. All others may end: 404 and 405 are also what a wrong path or a provider between
# two of its versions says to every message, and dropping them would lose a channel's alerts of that time.
REFUSED_FOR_GOOD = frozenset({400, 410, 413, 422, 451})
# While the first request with an Idempotency-Key is still at work, its repetition is answered so. It is about this message.
STILL_AT_WORK = 409


class HttpPost:
    """One provider's address with its kept-alive connections."""

    def __init__(self, variable: str, url: str, connections: int) -> None:
        """`variable` is the setting that `url` came from. Raises BankalertsError when it is no http address."""
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BankalertsError(f"{variable} is {url!r}: write it as https://host:port/path")
        self._url = url
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def post(self, message_id: UUID, target: str, content: dict[str, Any]) -> Result:
        """POST one message. The same message to the same target always has the same Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key(message_id, target)}
        body = json.dumps(content, ensure_ascii=False).encode()
        try:
            async with self._open().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                return judge(answer.status, await answer.content.read(ANSWER_BYTES_MAX))
        except aiohttp.ClientConnectorError:
            return Retry("no connection to the provider", provider_down=True)
        except (aiohttp.ClientError, OSError) as error:
            # TimeoutError is an OSError. The text may hold what was sent, so only its kind is told.
            return Retry(f"the request failed with {type(error).__name__}", provider_down=True)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first message: a session belongs to the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def idempotency_key(message_id: UUID, target: str) -> str:
    """The message's id, and a digest of the target: a message to two devices is two requests, neither a repetition."""
    return f"{message_id}.{hashlib.sha256(target.encode()).hexdigest()[:16]}"


def judge(status: int, body: bytes) -> Result:
    """What an answer means. `body` is the start of the answer; a JSON object may name the message in provider_ref."""
    if 200 <= status < 300:
        return Sent(_provider_ref(body))
    if status in REFUSED_FOR_GOOD:
        return Drop(f"HTTP {status}")
    return Retry(f"HTTP {status}", provider_down=status != STILL_AT_WORK)


def _provider_ref(body: bytes) -> str | None:
    try:
        found = json.loads(body).get("provider_ref")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) and PROVIDER_REF.fullmatch(found) else None
