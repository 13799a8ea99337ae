"""The notifier among real neighbours: PostgreSQL, the local mail server, the local provider, on one event loop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from bankalerts.settings import Settings
from bankalerts.stack import mail_server, provider
from notifier.__main__ import serve

T = TypeVar("T")

POLL_S = 0.02
DEADLINE_S = 20.0
EVENT = {"amount_minor": -5000, "currency": "EUR", "balance_after_minor": 9000}
EVENT_DATE = date(2026, 3, 1)
EVENT_TIME = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


async def eventually(ask: Callable[[], Awaitable[T]], what: str, deadline_s: float = DEADLINE_S) -> T:
    """The first true answer of `ask`, asked again and again; fails with `what` when none comes in time."""
    never = asyncio.Event()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + deadline_s
    while not (answer := await ask()):
        if loop.time() > deadline:
            raise AssertionError(f"not within {deadline_s} s: {what} (last answer: {answer!r})")
        await asyncio.wait([asyncio.ensure_future(never.wait())], timeout=POLL_S)
    return answer


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


@dataclass
class Servers:
    """The mail server and the provider, and the settings that lead to them."""

    settings: Settings
    http: aiohttp.ClientSession

    async def received(self, channel: str) -> list[dict[str, Any]]:
        """What arrived on this channel, oldest first."""
        async with self.http.get(f"{self._base(channel)}/messages", params={"channel": channel}) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def behave(self, channel: str, **behaviour: Any) -> None:
        """Change how the channel's server answers: `mode` for EMAIL; `status`, `delay_ms`, `drop_answer` for the others."""
        given = behaviour if channel == "EMAIL" else {"channel": channel, **behaviour}
        async with self.http.post(f"{self._base(channel)}/behaviour", json=given) as answer:
            assert answer.status == 204, await answer.text()

    def _base(self, channel: str) -> str:
        base = self.settings.mail_url if channel == "EMAIL" else self.settings.provider_url
        assert base is not None
        return base


@asynccontextmanager
async def servers(folder: Path, database_url: str = "") -> AsyncIterator[Servers]:
    """Both servers on free ports; what they keep goes below `folder`."""
    smtp, page, provided = free_port(), free_port(), free_port()
    settings = Settings(
        home=folder,
        database_url=database_url,
        kafka="",
        connect_url="",
        smtp_url=f"smtp://127.0.0.1:{smtp}",
        sms_url=f"http://127.0.0.1:{provided}/sms",
        push_url=f"http://127.0.0.1:{provided}/push",
        capture_database_url="",
        provider_url=f"http://127.0.0.1:{provided}",
        mail_url=f"http://127.0.0.1:{page}",
        name="notifier-test",
    )
    stop, mail_ready, provider_ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
    running = [
        asyncio.create_task(mail_server.serve(smtp, page, folder / "mail", stop, mail_ready.set)),
        asyncio.create_task(provider.serve(provided, folder / "provider", stop, provider_ready.set)),
    ]
    try:
        await mail_ready.wait()
        await provider_ready.wait()
        async with aiohttp.ClientSession() as http:
            yield Servers(settings, http)
    finally:
        stop.set()
        await asyncio.gather(*running)


@asynccontextmanager
async def notifier(settings: Settings) -> AsyncIterator[None]:
    """A notifier that drains until the end of the block, then stops as at SIGTERM."""
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await running


class Bank:
    """A test's database with customers, and its outbox, written as the engine writes it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def run(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Any statement."""
        rows: list[asyncpg.Record] = await self.connection.fetch(statement, *arguments)
        return rows

    async def run_all(self, statements: str) -> None:
        """Any statements, with a semicolon in between."""
        await self.connection.execute(statements)

    async def customer(self, customer_id: int, locale: str = "en-GB", name: str = "Ada Lovelace") -> None:
        """A customer with an account a-<id>, the permission to see it, one address of each kind and one device."""
        account = f"a-{customer_id}"
        await self.run(
            "insert into bank.customer (customer_id, full_name, locale, time_zone, shows_balance)"
            " values ($1, $2, $3, 'Europe/Amsterdam', true)",
            *(customer_id, name, locale),
        )
        await self.run("insert into bank.account (account_id, currency, product) values ($1, 'EUR', 'Current')", account)
        await self.run(
            "insert into bank.account_permission (account_id, customer_id, role, valid_from)"
            " values ($1, $2, 'OWNER', now() - interval '1 day')",
            account,
            customer_id,
        )
        await self.run(
            "insert into bank.contact_address values ($1, 'EMAIL', $2, now()), ($1, 'SMS', $3, now())",
            customer_id,
            email_of(customer_id),
            number_of(customer_id),
        )
        await self.run("insert into bank.push_device values ($2, $1, 'IOS', 'local')", customer_id, device_of(customer_id))

    async def message(self, channel: str, customer_id: int = 1, alert_type: str = "BALANCE_BELOW", **more: bool) -> UUID:
        """One alert and its message on this channel; returns the message's id."""
        return (await self.messages(channel, [customer_id], alert_type, **more))[0]

    async def messages(
        self, channel: str, customer_ids: list[int], alert_type: str = "BALANCE_BELOW", with_account: bool = True
    ) -> list[UUID]:
        """One alert and one message for each customer, in one transaction, in the order of the customers."""
        evidence = json.dumps({"event": EVENT, "parameters": {"threshold_minor": 10000}})
        alerts = [(uuid4(), customer_id) for customer_id in customer_ids]
        await self.connection.executemany(
            "insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type,"
            " preference_no, channels, event_time, inserted_at, decided_at, evidence) values"
            " ($1, 'ACCOUNT_ENTRY', $1::uuid::text, $2, $3, $4, $5, 1, $6, $7, now(), now(), $8)",
            [
                (alert, EVENT_DATE, f"a-{who}" if with_account else None, who, alert_type, [channel], EVENT_TIME, evidence)
                for alert, who in alerts
            ],
        )
        ids = await self.run(
            "select alerting.message_id(a, $2) as id from unnest($1::uuid[]) a", [a for a, _ in alerts], channel
        )
        return [row["id"] for row in ids]

    async def outbox(self, message_id: UUID) -> asyncpg.Record:
        """The message's row."""
        return (await self.run("select * from alerting.outbox where message_id = $1", message_id))[0]

    async def attempts(self, message_id: UUID) -> list[asyncpg.Record]:
        """Its delivery attempts, oldest first."""
        return await self.run(
            "select * from alerting.delivery_attempt where message_id = $1 order by attempt_no, target", message_id
        )

    async def reaches(self, message_id: UUID, state: str) -> asyncpg.Record:
        """Wait until the message is in this state; returns its row."""

        async def there() -> asyncpg.Record | None:
            row = await self.outbox(message_id)
            return row if row["state"] == state else None

        row = await eventually(there, f"message {message_id} is {state}")
        assert row is not None
        return row

    async def is_tried(self, message_id: UUID, times: int = 1) -> None:
        """Wait until the message was tried so often and waits for its next attempt."""

        async def there() -> bool:
            due = await self.run("select attempts, lease_token from alerting.outbox_due where message_id = $1", message_id)
            return bool(due) and due[0]["attempts"] >= times and due[0]["lease_token"] is None

        await eventually(there, f"message {message_id} was tried {times} times")

    async def make_due(self) -> None:
        """Let every backoff and every lease have run out."""
        await self.run("update alerting.outbox_due set due_at = now() - interval '1 second'")


def email_of(customer_id: int) -> str:
    """The test customer's e-mail address."""
    return f"customer{customer_id}@example.org"


def number_of(customer_id: int) -> str:
    """The test customer's telephone number."""
    return f"+316{10000000 + customer_id}"


def device_of(customer_id: int) -> str:
    """The test customer's device."""
    return f"device-{customer_id}"


@dataclass
class Scene:
    """What a scenario plays with."""

    bank: Bank
    servers: Servers

    @property
    def settings(self) -> Settings:
        """Of a notifier that finds them all."""
        return self.servers.settings


def play(database_url: str, folder: Path, scenario: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a scenario with the servers, and a bank that has customer 1 and the product's own alert types."""

    async def on_stage() -> None:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(servers(folder, database_url))
            connection = await asyncpg.connect(database_url)
            stack.push_async_callback(connection.close)
            bank = Bank(connection)
            await bank.customer(1)
            await scenario(Scene(bank, running))

    asyncio.run(on_stage())
