"""Posting a message as JSON to an HTTP provider, and what its answers mean. Used by SMS and PUSH."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from notifier.http1 import Http1
from notifier.http_answer import NoAnswerError, NotSentError, retry_after_s
from notifier.message import Drop, Result, Retry, Sent, Unknown
from notifier.provider_url import ProviderUrl

PRINTABLE = re.compile(r"[\x21-\x7e]+")
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
        """A user and password in the URL go with every request. Raises BankalertsError for what cannot be called."""
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._head = _head(url)
        tls = url.tls_context() if url.is_secure else None
        self._http = Http1(url.host, url.port or (443 if url.is_secure else 80), tls, connections)

    async def post(self, message_id: UUID, target: str, content: dict[str, Any]) -> Result:
        """POST one message. The same message to the same target always has the same Idempotency-Key."""
        head = b"%bIdempotency-Key: %b\r\n" % (self._head, idempotency_key(message_id, target).encode("ascii"))
        try:
            answer = await self._http.post(head, msgspec.json.encode(content))
        except NotSentError:
            return Retry("no connection to the provider", provider_down=True)
        except NoAnswerError as error:
            return Unknown(f"no answer to the request: {error}")
        return judge(answer.status, answer.body, retry_after_s(answer.headers.get("retry-after")))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()


def _head(url: ProviderUrl) -> bytes:
    """The lines of a request that are always the same."""
    parts = urlsplit(url.http_url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not PRINTABLE.fullmatch(target + parts.netloc):
        raise url.error("has signs that no request can hold: write them as %XX")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json", "User-Agent: bankalerts"]
    if url.user:
        secret = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode("ascii")
        lines.append(f"Authorization: Basic {secret}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


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
