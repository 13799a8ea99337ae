"""Reading what an HTTP server answers, whatever it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

ANSWER_BYTES_MAX = 65536
# A provider may ask to be left alone; a message waits no longer for it than for any other retry.
RETRY_AFTER_S_MAX = 300.0


class NotSentError(Exception):
    """The server certainly did not take the request: there was no connection, or the server says so. Holds kinds alone."""


class NoAnswerError(Exception):
    """The request was sent, at least in part, and no answer to it can be had. Holds kinds alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; header names in small letters, `body` is None when it was longer than ANSWER_BYTES_MAX."""

    status: int
    headers: dict[str, str]
    body: bytes | None


async def read_whole(answer: aiohttp.ClientResponse) -> bytes | None:
    """The answer's body; None when it is longer than ANSWER_BYTES_MAX. Raises aiohttp.ClientError when it breaks off."""
    body = b""
    while not answer.content.at_eof():
        body += await answer.content.read(ANSWER_BYTES_MAX + 1 - len(body))
        if len(body) > ANSWER_BYTES_MAX:
            # What is left of it is not worth reading: the connection goes.
            answer.close()
            return None
    return body


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """What Retry-After asks for, in seconds or as a date; None when it asks for nothing that can be understood."""
    if header is None:
        return None
    try:
        asked_s = float(header) if header.strip().isascii() else math.nan
    except ValueError:
        asked_s = _until(header, now or datetime.now(UTC))
    return None if math.isnan(asked_s) else min(max(asked_s, 0.0), RETRY_AFTER_S_MAX)


def _until(header: str, now: datetime) -> float:
    try:
        then = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return math.nan
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - now.timestamp()
