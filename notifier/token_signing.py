"""Tokens that a push service is shown: signed with a key that the bank has from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from notifier.provider_url import ProviderUrl

# APNs refuses a token that is an hour old, and one that is replaced more often than every 20 minutes.
APNS_TOKEN_S = 2400.0
ASSERTION_S = 3600
FCM_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class ApnsToken:
    """The token of APNs: ES256, by the key of a .p8 file. Signed anew every APNS_TOKEN_S, not for each message."""

    def __init__(self, url: ProviderUrl, clock: Callable[[], float] = time.time) -> None:
        """Options key (the file), key_id, team_id. Raises BankalertsError for what is missing or no such key."""
        key = _private_key(url, url.file("key"))
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise url.error("has a 'key' that is no P-256 key: give the .p8 file that Apple made")
        self._key = key
        self._key_id = url.required("key_id")
        self._team_id = url.required("team_id")
        self._clock = clock
        self._signed_at = 0.0
        self._token = ""

    def current(self) -> str:
        """The token to show now."""
        now = self._clock()
        if not self._token or not 0 <= now - self._signed_at < APNS_TOKEN_S:
            claims = {"iss": self._team_id, "iat": int(now)}
            self._token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
            self._signed_at = now
        return self._token

    def refused(self, token: str) -> None:
        """APNs says that it is too old: our clock and its own differ. The next one is signed anew."""
        if token == self._token:
            self._token = ""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What the JSON file of a Google service account holds, as far as it is needed."""

    email: str
    key: RSAPrivateKey
    key_id: str | None
    token_url: str

    def assertion(self, now: float) -> str:
        """What is exchanged at `token_url` for an access token; `now` in seconds since 1970."""
        claims = {"iss": self.email, "scope": FCM_SCOPE, "aud": self.token_url, "iat": int(now), "exp": int(now) + ASSERTION_S}
        headers = {"kid": self.key_id} if self.key_id else None
        return jwt.encode(claims, self.key, algorithm="RS256", headers=headers)


def service_account(url: ProviderUrl) -> ServiceAccount:
    """The service account in the file that the option `key` names. Raises BankalertsError when it is none."""
    try:
        held = json.loads(url.file("key"))
        email, pem, token_url = (str(held[name]) for name in ("client_email", "private_key", "token_uri"))
    except (ValueError, KeyError, TypeError) as error:
        raise url.error("has a 'key' that is no service account: give the JSON file that Google made") from error
    key = _private_key(url, pem)
    if not isinstance(key, RSAPrivateKey) or not token_url.startswith("https://"):
        raise url.error("has a 'key' without an RSA key and an https token_uri: give the JSON file that Google made")
    return ServiceAccount(email, key, held.get("private_key_id"), token_url)


def _private_key(url: ProviderUrl, pem: str) -> object:
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        # The error's own text may hold some of the file.
        raise url.error(f"has a 'key' that is no private key ({type(error).__name__}): give an unencrypted PEM") from error
