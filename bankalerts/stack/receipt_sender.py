"""Receipts that the local provider posts to the notifier, signed as Standard Webhooks has it: while one post is under way the
next receipts gather."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
from standardwebhooks.webhooks import Webhook

log = logging.getLogger(__name__)

STATUSES = ("DELIVERED", "BOUNCED", "FAILED")
BATCH_MAX = 500
POST_WITHIN_S = 10.0
# While the notifier restarts its receipts wait; a receipt that it does not know even then is let go.
TRIES = 30
PAUSE_S = 1.0


@dataclass(frozen=True)
class Receipt:
    """What became of one message; `provider` is the name under which the notifier knows who sends it."""

    provider: str
    provider_ref: str
    status: str


class ReceiptSender:
    """Posts to the notifier's address; the first of the secrets signs."""

    def __init__(self, listens_at: str, secrets: str) -> None:
        """Both as in the settings. Without one of them nothing is ever sent."""
        self._base = f"http://{listens_at}/receipts" if listens_at else None
        self._secret = secrets.split()[0] if secrets else None
        self._queue: asyncio.Queue[Receipt] = asyncio.Queue()

    @property
    def can_send(self) -> bool:
        """Whether the settings say where to, and what to sign with."""
        return self._base is not None and self._secret is not None

    def add(self, receipt: Receipt) -> None:
        """Have it posted as soon as possible."""
        self._queue.put_nowait(receipt)

    async def run(self) -> None:
        """Post until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=POST_WITHIN_S)) as session:
            while True:
                waiting = [await self._queue.get()]
                while not self._queue.empty() and len(waiting) < BATCH_MAX:
                    waiting.append(self._queue.get_nowait())
                for provider in {receipt.provider for receipt in waiting}:
                    receipts = [receipt for receipt in waiting if receipt.provider == provider]
                    if self._secret:
                        await self._post(session, provider, receipts, Webhook(self._secret))

    async def _post(self, session: aiohttp.ClientSession, provider: str, receipts: list[Receipt], signs: Webhook) -> None:
        """All at once; without each one that the notifier refuses, again. A wrong one spoils all of its request."""
        at = datetime.now(UTC)
        while receipts:
            status, index = await self._answer(session, provider, _body(receipts, at), signs)
            if status == 204:
                return
            refused = receipts.pop(index) if index is not None and index < len(receipts) else None
            if refused is None:
                log.warning("%d receipts of %s were not taken (last answer: %s)", len(receipts), provider, status or "none")
                return
            log.warning("a receipt of %s was not taken (%s)", provider, status)

    async def _answer(self, session: aiohttp.ClientSession, provider: str, body: str, signs: Webhook) -> tuple[int, int | None]:
        """The status, 0 for no answer, and which receipt it is about."""
        status = 0
        for _ in range(TRIES):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with session.post(f"{self._base}/{provider}", data=body, headers=_headers(body, signs)) as answer:
                    status = answer.status
                    if status == 204:
                        return status, None
                    if status < 500:
                        return status, (await answer.json()).get("index")
            await asyncio.sleep(PAUSE_S)
        return status, None


def _body(receipts: list[Receipt], at: datetime) -> str:
    return json.dumps({"receipts": [_content(receipt, at) for receipt in receipts]})


def _headers(body: str, signs: Webhook) -> dict[str, str]:
    identity, now = f"msg_{uuid4().hex}", datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signs.sign(identity, now, body),
    }


def _content(receipt: Receipt, at: datetime) -> dict[str, str]:
    reason = {} if receipt.status == "DELIVERED" else {"reason": "TOLD_TO"}
    return {"provider_ref": receipt.provider_ref, "status": receipt.status, "at": at.isoformat(), **reason}
