"""FCM, Google's push service, by its HTTP v1 interface: one POST of JSON per device."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from notifier.http_answer import read_whole, retry_after_s
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Unknown
from notifier.provider_url import ProviderUrl
from notifier.token_signing import ServiceAccount, service_account

NAME_OF_TAKEN = re.compile(r"projects/[^/]{1,80}/messages/([A-Za-z0-9._:%-]{1,80})")
CODE = re.compile(r"[A-Z_]{1,40}")
CONNECT_WITHIN_S = 3.0
# An access token is asked for anew so long before it ends.
RENEW_BEFORE_S = 300.0
TOKEN_WITHIN_S = 4.0
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# Answers about this one device or message. All others are about our settings or FCM itself: they may end.
DEAD = "UNREGISTERED"
STALE_TOKEN = frozenset({"FCM 401", "FCM 401 UNAUTHENTICATED"})
REFUSED_FOR_GOOD = frozenset({DEAD, "INVALID_ARGUMENT", "SENDER_ID_MISMATCH"})
OF_ONE_PLATFORM = "THIRD_PARTY_AUTH_ERROR"  # FCM cannot pass it on to Apple, or to the browser's push service


class Fcm:
    """Takes messages for devices whose provider is `fcm`. URL: fcm+https://host/v1/projects/P?key=/path/service-account.json"""

    def __init__(self, url: ProviderUrl, connections: int) -> None:
        """Raises BankalertsError naming what is missing or wrong."""
        url.only("key")
        if not re.fullmatch(r"/v1/projects/[^/]+/?", url.path):
            raise url.error("names no project: write fcm+https://fcm.googleapis.com/v1/projects/PROJECT")
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._url = f"https://{url.host}:{url.port or 443}{url.path.rstrip('/')}/messages:send"
        self._connector = _Connector(url, connections)
        self._token = _AccessToken(service_account(url))

    def serves(self, target: Target) -> bool:
        """Devices that registered with Firebase."""
        return target.provider == "fcm"

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target.address` is the registration token. FCM takes no idempotency key; the device shows a repetition once."""
        session = self._connector.session()
        token = await self._token.current(session)
        if isinstance(token, Retry):
            return token
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        try:
            async with session.post(
                self._url, data=payload(target.address, outgoing), headers=headers, allow_redirects=False
            ) as answer:
                result = judge(answer.status, await read_whole(answer), retry_after_s(answer.headers.get("Retry-After")))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Retry("FCM: no connection", provider_down=True)
        except (aiohttp.ClientError, OSError) as error:
            return Unknown(f"FCM: no answer to the request: {type(error).__name__}")
        if isinstance(result, Retry) and result.reason in STALE_TOKEN:
            self._token.refused(token)
        return result

    async def close(self) -> None:
        """Let go of all connections."""
        await self._connector.close()


class _Connector:
    """The kept-alive connections; made at the first message, for a session belongs to the running event loop."""

    def __init__(self, url: ProviderUrl, connections: int) -> None:
        self._tls = url.tls_context()
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._tls),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class _AccessToken:
    """The access token of a service account: asked for once for all messages, and again shortly before it ends."""

    def __init__(self, account: ServiceAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._clock = clock
        self._asking = asyncio.Lock()
        self._token = ""
        self._ends_at = 0.0

    async def current(self, session: aiohttp.ClientSession) -> str | Retry:
        """The token to show now; why there is none when it is not given."""
        try:
            # Bounded here, the wait for another message to ask included: nothing was sent yet, so nothing is unknown.
            async with asyncio.timeout(TOKEN_WITHIN_S), self._asking:
                if not self._token or self._clock() > self._ends_at - RENEW_BEFORE_S:
                    return await self._ask(session)
                return self._token
        except TimeoutError:
            return Retry("FCM: no access token in time", provider_down=True)

    def refused(self, token: str) -> None:
        """FCM does not take it: the next message asks for another."""
        if token == self._token:
            self._token = ""

    async def _ask(self, session: aiohttp.ClientSession) -> str | Retry:
        now = self._clock()
        form = {"grant_type": GRANT_TYPE, "assertion": self._account.assertion(now)}
        try:
            async with session.post(self._account.token_url, data=form, allow_redirects=False) as answer:
                body = await read_whole(answer)
                if answer.status != 200:
                    after_s = retry_after_s(answer.headers.get("Retry-After"))
                    return Retry(f"FCM: no access token: HTTP {answer.status}", provider_down=True, after_s=after_s)
        except (aiohttp.ClientError, OSError) as error:
            return Retry(f"FCM: no access token: {type(error).__name__}", provider_down=True)
        given = _json_object(body)
        token, lasts_s = given.get("access_token"), given.get("expires_in")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token) or not isinstance(lasts_s, int | float):
            return Retry("FCM: no access token: an answer that is none", provider_down=True)
        self._token, self._ends_at = token, now + lasts_s
        return token


def payload(registration_token: str, outgoing: Outgoing) -> bytes:
    """The message as FCM takes it. Its id marks the notification on each kind of device: a repetition replaces it."""
    mark = str(outgoing.message_id)
    message = {
        "token": registration_token,
        "notification": {"title": outgoing.text.subject, "body": outgoing.text.body},
        "data": {"message_id": mark},
        "android": {"priority": "HIGH", "notification": {"tag": mark}},
        "apns": {"headers": {"apns-collapse-id": mark}},
        "webpush": {"notification": {"tag": mark}},
    }
    return msgspec.json.encode({"message": message})


def judge(status: int, body: bytes | None, after_s: float | None = None) -> Result:
    """What an answer means. `body` is None when it was too long."""
    answer = _json_object(body)
    if 200 <= status < 300:
        named = NAME_OF_TAKEN.fullmatch(str(answer.get("name", "")))
        return Sent(named.group(1)) if named else Unknown(f"FCM {status} without the name of a message")
    code = _error_code(answer)
    said = f"FCM {status} {code}".strip()
    if code in REFUSED_FOR_GOOD:
        return Drop(said, address_is_dead=code == DEAD)
    return Retry(said, provider_down=code != OF_ONE_PLATFORM, after_s=after_s)


def _json_object(body: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error_code(answer: dict[str, Any]) -> str:
    """FCM's own code if it gives one, else that of Google's interfaces in general, else nothing."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    found = [detail.get("errorCode") for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    codes = [code for code in (*found, error.get("status")) if isinstance(code, str) and CODE.fullmatch(code)]
    return codes[0] if codes else ""
