"""APNs, Apple's push service: one HTTP/2 request per device."""

from __future__ import annotations

import json
import re
from uuid import UUID, uuid5

import msgspec

from notifier.http2 import Http2
from notifier.http_answer import Answer, NoAnswerError, NotSentError, retry_after_s
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Unknown
from notifier.provider_url import ProviderUrl
from notifier.token_signing import ApnsToken

DEVICE_TOKEN = re.compile(r"[0-9A-Fa-f]{16,200}")
PAYLOAD_BYTES_MAX = 4096
REASON = re.compile(r"[A-Za-z]{1,40}")

DEAD = frozenset({"Unregistered", "ExpiredToken", "BadDeviceToken"})
# Of the answers 400: these are about our settings, so they say nothing about this message.
OF_SETTINGS = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed", "InvalidPushType", "IdleTimeout", "BadPath"})
TOO_MANY_FOR_DEVICE = "TooManyRequests"
STALE_TOKEN = "ExpiredProviderToken"  # noqa: S105  the name of an answer


class Apns:
    """Takes messages for devices whose provider is `apns`. URL: apns+https://host?key=/path.p8&key_id=..&team_id=..&topic=.."""

    def __init__(self, url: ProviderUrl) -> None:
        """Raises BankalertsError naming what is missing or wrong."""
        url.only("key", "key_id", "team_id", "topic")
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._topic = url.required("topic")
        self._token = ApnsToken(url)
        self._http = Http2(url.host, url.port or 443, url.tls_context())

    def serves(self, target: Target) -> bool:
        """Devices that registered with Apple."""
        return target.provider == "apns"

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """`target.address` is the device token. A repetition has the same apns-id, and replaces the first on the device."""
        if not DEVICE_TOKEN.fullmatch(target.address):
            return Drop("it is no device token of APNs")
        body = payload(outgoing)
        if len(body) > PAYLOAD_BYTES_MAX:
            return Drop("it is longer than APNs takes")
        token = self._token.current()
        try:
            answer = await self._http.post(f"/3/device/{target.address}", self._headers(token, target, outgoing), body)
        except NotSentError as error:
            return Retry(f"APNs: {error}", provider_down=True)
        except NoAnswerError as error:
            return Unknown(f"APNs: {error}")
        result = judge(answer)
        if isinstance(result, Retry) and STALE_TOKEN in result.reason:
            self._token.refused(token)
        return result

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()

    def _headers(self, token: str, target: Target, outgoing: Outgoing) -> list[tuple[str, str]]:
        return [
            ("authorization", f"bearer {token}"),
            ("content-type", "application/json"),
            ("apns-topic", self._topic),
            ("apns-push-type", "alert"),
            ("apns-priority", "10"),
            ("apns-id", str(apns_id(outgoing.message_id, target.address))),
            ("apns-collapse-id", str(outgoing.message_id)),
        ]


def apns_id(message_id: UUID, device_token: str) -> UUID:
    """The same for the same message to the same device."""
    return uuid5(message_id, device_token)


def payload(outgoing: Outgoing) -> bytes:
    """The notification as APNs takes it."""
    alert = {"body": outgoing.text.body}
    if outgoing.text.subject is not None:
        alert["title"] = outgoing.text.subject
    return msgspec.json.encode({"aps": {"alert": alert, "sound": "default"}, "message_id": str(outgoing.message_id)})


def judge(answer: Answer) -> Result:
    """What an answer means. APNs names each message it takes; whoever does not is not APNs."""
    if answer.status == 200:
        return _taken(answer)
    reason = _reason(answer.body)
    said = f"APNs {answer.status} {reason}".strip()
    if answer.status == 410 or (answer.status == 400 and reason in DEAD):
        return Drop(said, address_is_dead=True)
    if answer.status == 413 or (answer.status == 400 and reason and reason not in OF_SETTINGS):
        return Drop(said)
    after_s = retry_after_s(answer.headers.get("retry-after"))
    return Retry(said, provider_down=reason != TOO_MANY_FOR_DEVICE, after_s=after_s)


def _taken(answer: Answer) -> Result:
    try:
        return Sent(str(UUID(answer.headers.get("apns-id", ""))))
    except ValueError:
        return Unknown("APNs 200 without an apns-id")


def _reason(body: bytes | None) -> str:
    try:
        found = json.loads(body or b"")["reason"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and REASON.fullmatch(found) else ""
