"""What the bank knows: customers, permissions, addresses, templates, rules. The only module that touches the schema bank."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from notifier.message import Attempt, Claimed, Drop, Reach, Recipient, Target
from sql import queries

SQL = queries("recipients", "asyncpg")

# Without a row of bank.delivery_rule. A day covers a provider's long outage and a night's maintenance; an older alert tells the
# customer nothing new.
TIME_TO_LIVE = timedelta(hours=24)
# The newest two secrets of a webhook sign: while one is exchanged for another, the receiver may know either.
SECRETS_THAT_SIGN = 2


@dataclass(frozen=True, slots=True)
class Template:
    """The newest version of a row of bank.message_template. `history_is_balance`: its type's window is over balances."""

    alert_type: str
    locale: str
    version: int
    subject: str | None
    body: str
    history_is_balance: bool = False


async def recipients(connection: Any, channel: str, reach: Reach, messages: Sequence[Claimed]) -> list[Recipient]:
    """Who the messages go to, in their order, as the bank has it at this moment. One query, never cached."""
    rows = SQL.read_recipients(
        connection,
        channel=channel,
        reach=reach.name,
        customer_ids=[message.customer_id for message in messages],
        account_ids=[message.account_id for message in messages],
        alert_types=[message.alert_type for message in messages],
    )
    found = [row async for row in rows]
    return [_recipient(row, message, reach) for row, message in zip(found, messages, strict=True)]


async def templates(connection: Any, channel: str) -> dict[tuple[str, str], Template]:
    """All templates of a channel by (alert type, locale)."""
    rows = SQL.read_templates(connection, channel=channel)
    return {(row["alert_type"], row["locale"]): Template(**row) async for row in rows}


async def minor_digits(connection: Any) -> dict[str, int]:
    """How many digits the minor unit of each currency has."""
    return {row["currency"]: row["minor_digits"] async for row in SQL.read_currencies(connection)}


async def limits(connection: Any) -> dict[str, int]:
    """How many messages a minute of an alert type are at most sent, where a rule says so."""
    return {row["alert_type"]: row["per_minute_max"] async for row in SQL.read_limits(connection)}


async def retire_devices(connection: Any, dead: Sequence[tuple[Claimed, Attempt]]) -> None:
    """Send nothing more to the devices of these attempts, unless they were registered again after the message was claimed."""
    refused = [(message, attempt, attempt.result) for message, attempt in dead if isinstance(attempt.result, Drop)]
    await SQL.retire_devices(
        connection,
        push_ids=[attempt.target.key for _, attempt, _ in refused],
        reasons=[result.reason[:200] for _, _, result in refused],
        tried_at=[message.leased_at for message, _, _ in refused],
    )


async def forget_replaced_addresses(connection: Any) -> None:
    """Delete the replaced addresses that are not written to any more."""
    await SQL.forget_replaced_addresses(connection)


def _recipient(row: Mapping[str, Any], message: Claimed, reach: Reach) -> Recipient:
    return Recipient(
        known=row["known"],
        full_name=row["full_name"] or "",
        locale=row["locale"] or "en",
        time_zone=row["time_zone"] or "UTC",
        account_id=message.account_id,
        iban=row["iban"],
        product=row["product"],
        currency=row["currency"],
        permitted=row["permitted"],
        balance_permitted=bool(row["balance_permitted"]),
        targets=_targets(row, message, reach),
        purpose=row["purpose"] or "SERVICE",
        mandatory=bool(row["mandatory"]),
        consent=row["consent"],
        contact_status=row["contact_status"] or "ACTIVE",
        account_status=row["account_status"],
        quiet_from=row["quiet_from"],
        quiet_until=row["quiet_until"],
        shows_balance=bool(row["shows_balance"]),
        title=row["title"] or message.alert_type,
        time_to_live=row["time_to_live"] or TIME_TO_LIVE,
        throttle_messages=row["throttle_messages"],
        throttle_window=row["throttle_window"],
    )


def _targets(row: Mapping[str, Any], message: Claimed, reach: Reach) -> tuple[Target, ...]:
    if reach is Reach.CUSTOMER:
        return (Target("customer", str(message.customer_id)),) if row["known"] else ()
    if reach is Reach.DEVICES:
        return tuple(Target(push_id, push_id, provider) for push_id, provider in row["targets"])
    secrets: Sequence[tuple[str, str]] = row["secrets"] or ()
    return tuple(Target(_key(address), address, secrets=_newest(secrets, address)) for address, _ in row["targets"])


def _newest(secrets: Sequence[tuple[str, str]], address: str) -> tuple[str, ...]:
    return tuple([secret for of, secret in secrets if of == address][:SECRETS_THAT_SIGN]) if secrets else ()


def _key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
