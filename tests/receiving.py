"""A notifier's endpoint of receipts, and providers that post to it what a test wants."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
from standardwebhooks.webhooks import Webhook

from notifier import receipts
from notifier.database import Database
from tests.notifying import EVENT_DATE, Bank, eventually, free_port
from tests.rigs import settings as blank_settings

SECRET, OTHER, OF_ACME = (f"whsec_{letter * 32}" for letter in "abc")


@dataclasses.dataclass
class Post:
    """A bank with customer 1, and a way to post receipts to its notifier."""

    bank: Bank
    http: aiohttp.ClientSession
    base: str

    async def taken(
        self,
        channel: str = "SMS",
        targets: tuple[str, ...] = ("one",),
        state: str = "ACCEPTED",
        alert_type: str = "BALANCE_BELOW",
    ) -> tuple[UUID, list[str]]:
        """A message that provider acme took for these targets, and the provider's names for it."""
        message_id = await self.bank.message(channel, 1, alert_type)
        if state != "PENDING":
            await self.bank.run("delete from alerting.outbox_due where message_id = $1", message_id)
            await self.bank.run(
                "update alerting.outbox set state = $2, reason = case when $2 = 'UNKNOWN' then 'no answer' end,"
                " claimed_at = now(), finished_at = now(), handed_at = case when $2 = 'ACCEPTED' then now() end"
                " where message_id = $1",
                message_id,
                state,
            )
        return message_id, [await self.take(message_id, target) for target in targets]

    async def take(self, message_id: UUID, target: str, reference: str | None = "", outcome: str = "SENT") -> str:
        """Provider acme took the message for one more target, or may have."""
        reference = uuid4().hex if reference == "" else reference
        await self.bank.run(
            "insert into alerting.delivery_attempt (message_id, event_date, attempt_no, target, started_at, finished_at,"
            " outcome, reason, provider_ref, provider)"
            " values ($1, $2, 1, $3, now(), now(), $5, case when $5 <> 'SENT' then 'no answer' end, $4, 'acme')",
            message_id,
            EVENT_DATE,
            target,
            reference,
            outcome,
        )
        return reference or ""

    async def says(self, *said: dict[str, Any], provider: str = "acme", secret: str = SECRET) -> tuple[int, Any]:
        """Post these receipts with a good signature; the status and the content of the answer."""
        return await self.post(json.dumps({"receipts": said}).encode(), provider=provider, secret=secret)

    async def post(
        self,
        body: bytes,
        provider: str = "acme",
        secret: str = SECRET,
        at: datetime | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> tuple[int, Any]:
        """Post a body signed now, or at `at`; `headers` replaces some headers, or leaves them out (None)."""
        at = at or datetime.now(UTC)
        signed: dict[str, str | None] = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode("utf-8", "replace")),
        }
        sent = {name: value for name, value in {**signed, **(headers or {})}.items() if value is not None}
        async with self.http.post(f"{self.base}/receipts/{provider}", data=body, headers=sent) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def digest(self) -> str:
        """Of all that a receipt can change, but for the counts."""
        tables = (
            "alerting.outbox",
            "alerting.outbox_due",
            "alerting.delivery_attempt",
            "alerting.receipt",
            "alerting.suppressed_address",
        )
        rows = [await self.bank.run(f"select t::text from {table} t order by 1") for table in tables]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    async def refused(self) -> dict[tuple[str, str], int]:
        """The counts of today, by provider and reason."""
        found = await self.bank.run("select provider, reason, receipts from alerting.refused_receipt")
        return {(row["provider"], row["reason"]): row["receipts"] for row in found}


@asynccontextmanager
async def receiving(database_url: str, folder: Path) -> AsyncIterator[Post]:
    port = free_port()
    settings = blank_settings(
        folder,
        database_url=database_url,
        receipts_listen=f"127.0.0.1:{port}",
        receipts_secrets=f"{SECRET} {OTHER} corner={OF_ACME}",
    )
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(database_url)
        stack.push_async_callback(connection.close)
        bank = Bank(connection)
        await bank.customer(1)
        database = await Database.connect(database_url, "receipts-test", 3)
        stack.push_async_callback(database.close)
        stop = asyncio.Event()
        serving = asyncio.create_task(receipts.serve(settings, database, stop))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        try:
            await eventually(lambda: listens(port, serving), "receipts are taken")
            yield Post(bank, http, f"http://127.0.0.1:{port}")
        finally:
            stop.set()
            await serving


async def listens(port: int, serving: asyncio.Task[None]) -> bool:
    if serving.done():
        serving.result()
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
