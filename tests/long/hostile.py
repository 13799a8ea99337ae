"""Hostile names, descriptions and addresses: what comes out is what went in, literally, on every channel, and nowhere else.

Names and products are rows of the bank, descriptions are in alerts' evidence. The messages are claimed, looked up and rendered
by what the notifier does that with, and each is sent by every rig of its channel to a real server. Then hostile addresses: the
bank refuses them, or the channel does, or exactly that address gets the message.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from notifier import address_book, outbox
from notifier.channels import discover, providers_of, traits_of
from notifier.database import Database
from notifier.message import Claimed, Drop, Outgoing, Recipient, Retry, Sent, Target, Text
from notifier.templates import Templates
from tests.long.frame import Options, Report, fresh_stack, say
from tests.long.hostile_mail import UNPRINTABLE, fault_of_mail
from tests.rigs import DATABASE_URL, Rig, Stage, rigs
from tests.running_stack import ALL_BUT_POSTGRES

CORPUS = json.loads(Path(__file__).with_name("hostile_corpus.json").read_text(encoding="utf-8"))
ADDRESSES: dict[str, list[str]] = CORPUS["addresses"]
CHARACTERS_MAX = 60  # of a product's name; four such texts in a message are what APNs still takes, however they are escaped
SMALL_SHARE = 20
MIXTURES = 9  # for each text of the corpus
SHOWN = 3  # of the faults of one kind
ALERT_TYPE = "HOSTILE"
ADD_TYPE = f"""
select bank.put_alert_type(
    alert_type => '{ALERT_TYPE}', event_kind => 'CARD_AUTHORISATION', title => 't', category => 'c', statuses => '{{}}',
    parameters => '{{"word": {{"type": "text"}}}}', condition => 'event.merchant_id = :word');
insert into bank.message_template (alert_type, channel, locale, version, subject, body)
     select '{ALERT_TYPE}', channel, 'en', 1, '{{{{ customer.full_name }}}}',
            '{{{{ customer.full_name }}}}|{{{{ account.product }}}}|{{{{ event.merchant_id }}}}|{{{{ parameters.word }}}}'
       from unnest('{{EMAIL,SMS,PUSH}}'::text[]) channel;
"""
WRITE = """
with customer as (insert into bank.customer (customer_id, full_name, locale, time_zone) values (%(id)s, %(name)s, 'en', 'UTC')),
     account as (insert into bank.account (account_id, currency, product) values ('a-' || %(id)s, 'EUR', %(product)s))
insert into alerting.alert (alert_id, event_kind, event_id, event_date, account_id, customer_id, alert_type, preference_no,
                            channels, event_time, inserted_at, decided_at, evidence)
     values (gen_random_uuid(), 'CARD_AUTHORISATION', 'e-' || %(id)s, current_date, 'a-' || %(id)s, %(id)s, %(alert_type)s, 1,
             %(channels)s, now(), now(), now(), %(evidence)s)
"""


@dataclass(frozen=True)
class Case:
    """A message whose four values are hostile, as its channel's template has written it."""

    message: Claimed
    recipient: Recipient
    text: Text

    def outgoing(self) -> Outgoing:
        """As a channel takes it, a message of its own each time."""
        message = self.message
        return Outgoing(uuid4(), self.text, message.alert_type, message.customer_id, self.recipient.locale, message.event_time)


@dataclass
class Findings:
    """What was found of one rig."""

    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def expect(self, holds: bool, what: str, *of: object) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(" ".join([what, *map(repr, of)]))

    def line(self, report: Report, what: str) -> None:
        """Say whether there was none."""
        shown = "; ".join(self.faults[:SHOWN])
        report.line(not self.faults, f"{what}: {len(self.faults)} are wrong: {shown}" if self.faults else what)


def run(options: Options, report: Report) -> None:
    """On a stack of its own, PostgreSQL alone."""
    without = [word for part in ALL_BUT_POSTGRES for word in ("--without", part)]
    with fresh_stack(*without) as stack:
        play(stack.settings.database_url, options, report)


def play(url: str, options: Options, report: Report) -> None:
    """On a migrated database without a bank."""
    texts = corpus(random.Random(options.seed), SMALL_SHARE if options.small else 1)
    report.figure("texts", len(texts))
    report.figure("hostile addresses", sum(map(len, ADDRESSES.values())))
    write(url, texts, list(discover()))
    offer_addresses(url, report)
    asyncio.run(send_all(url, texts, report))


def corpus(chance: random.Random, share: int) -> list[str]:
    """One text in `share`, and mixtures of several: each of 1 to CHARACTERS_MAX characters, none twice."""
    controls = [f"a{chr(code)}b" for code in (*range(0x01, 0x20), *range(0x7F, 0xA0))]
    marks = (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    directions = [f"a{chr(mark)}b\u0633\u0644\u0627\u0645c" for mark in marks]
    every = [*controls, *directions, *(text for kind in CORPUS["texts"].values() for text in kind)]
    some = every[chance.randrange(share) :: share]
    pieces = [*every, " ", "word"]
    mixed = ("".join(chance.choices(pieces, k=chance.randrange(2, 6))) for _ in range(MIXTURES * len(some)))
    return list(dict.fromkeys(text[:CHARACTERS_MAX] for text in (*some, *mixed)))


def values(texts: Sequence[str], customer_id: int) -> list[str]:
    """A message's name, product, merchant and word. Each text is in each place once."""
    return [texts[(customer_id + shift) % len(texts)] for shift in range(4)]


def write(url: str, texts: Sequence[str], channels: list[str]) -> None:
    """A customer, an account and an alert for each text, with a message on each channel."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(ADD_TYPE)
        for customer_id in range(1, len(texts) + 1):
            name, product, merchant, word = values(texts, customer_id)
            evidence = Jsonb({"event": {"merchant_id": merchant}, "parameters": {"word": word}})
            row = {"id": customer_id, "name": name, "product": product, "evidence": evidence}
            cursor.execute(WRITE, {**row, "alert_type": ALERT_TYPE, "channels": channels})


def offer_addresses(url: str, report: Report) -> None:
    """To the bank: what it takes of them is of the signs that addresses are made of."""
    taken = []
    with psycopg.connect(url, autocommit=True) as connection:
        for channel in ("EMAIL", "SMS", "WEBHOOK"):
            for end in ADDRESSES[channel]:
                address = f"https://hooks.example{end}" if channel == "WEBHOOK" else end
                row = (1, channel, address)
                try:
                    connection.execute(
                        "insert into bank.contact_address (customer_id, channel, address) values (%s, %s, %s)", row
                    )
                    taken.append(address)
                except psycopg.DataError:  # PostgreSQL holds no NUL
                    pass
                except psycopg.Error as error:
                    if error.sqlstate != "BA001":
                        raise
    report.figure("addresses that the bank takes", len(taken))
    odd = [
        address
        for address in taken
        if not re.fullmatch(r"[!-~]+", address) or re.search(r"[<>\"\s]", address.partition("//")[0])
    ]
    report.line(not odd, f"the bank takes no address with blanks, controls or letters of no address{odd[:SHOWN] or ''}")


async def send_all(url: str, texts: Sequence[str], report: Report) -> None:
    """Render each channel's messages, and send them by each of its rigs."""
    database = await Database.connect(url, "hostile", 2)
    try:
        for channel in discover():
            cases = await database.run(lambda connection, of=channel: rendered(connection, of, len(texts)))  # type: ignore[misc]
            found = Findings()
            found.expect(len(cases) == len(texts), f"{len(cases)} messages")
            for case in cases:
                given = values(texts, case.message.customer_id)
                found.expect(case.text == Text(given[0], "|".join(given)), "written", given, case.text)
            found.line(report, f"{channel}: all {len(cases)} messages are written literally")
            for name, rig in rigs().items():
                if channel == rig.CHANNEL:
                    await send_by(rig, name, url, cases, report)
    finally:
        await database.close()


async def rendered(connection: Any, channel: str, most: int) -> list[Case]:
    """The channel's messages, as the notifier claims, looks up and writes them."""
    templates = Templates(channel, plain_spaces=getattr(discover()[channel], "plain_spaces", False))
    await templates.refresh(connection)
    messages = await outbox.claim(connection, channel, most)
    recipients = await address_book.recipients(connection, channel, discover()[channel].reach, messages)
    pairs = zip(messages, recipients, strict=True)
    return [Case(message, recipient, templates.text(message, recipient)) for message, recipient in pairs]


async def send_by(rig: Rig, name: str, url: str, cases: Sequence[Case], report: Report) -> None:
    """All messages to the rig's target, then one to each hostile address."""
    say(f"{name}: {len(cases)} messages")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / DATABASE_URL).write_text(url, encoding="utf-8")
        async with rig.stage(Path(folder)) as stage:
            found = await send_texts(rig, stage, cases)
            found.line(report, f"{name}: {found.outcomes['Sent']} messages arrive literally, at their address alone")
            found = await send_to_addresses(rig, stage, cases[0])
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
            found.line(report, f"{name}: hostile addresses ({outcomes}) get their message or none, and no other does")


async def send_texts(rig: Rig, stage: Stage, cases: Sequence[Case]) -> Findings:
    """One after the other, so that what is received comes in the same order."""
    found = Findings()
    provider = next(provider for provider in providers_of(stage.channel) if provider.serves(rig.TARGET))
    for case in cases:
        outgoing = case.outgoing()
        result = await provider.send(rig.TARGET, outgoing)
        found.outcomes[type(result).__name__] += 1
        found.expect(isinstance(result, Sent), "not sent", result, case.text)
        if rig.CHANNEL == "EMAIL":
            fault = fault_of_mail(rig.TARGET.address, outgoing)
            found.expect(fault is None, "as a mail", fault, case.text)
    received = await stage.received()
    found.expect(len(received) == len(cases), f"{len(received)} received of {len(cases)}")
    has_subject = traits_of(rig.CHANNEL, stage.channel).has_subject
    for case, message in zip(cases, received, strict=False):
        found.expect(message["to"] == rig.TARGET.address, "another address", message["to"])
        found.expect(message["body"] == seen(rig, case.text.body), "body", case.text.body, message["body"])
        if has_subject:
            found.expect(
                message["subject"] == subject_seen(rig, case.text.subject or ""), "subject", case.text.subject, message
            )
    return found


async def send_to_addresses(rig: Rig, stage: Stage, case: Case) -> Findings:
    """To each hostile address of the channel, then to the rig's own: that is reached as before."""
    found, before, reached = Findings(), len(await stage.received()), []
    provider = next(provider for provider in providers_of(stage.channel) if provider.serves(rig.TARGET))
    for end in [*ADDRESSES[rig.CHANNEL], None]:
        target = rig.TARGET if end is None else hostile(rig, end)
        result = await provider.send(target, case.outgoing())
        found.outcomes[type(result).__name__] += 1
        found.expect(isinstance(result, Sent | Drop | Retry), "it is", result, target.address)
        found.expect(isinstance(result, Sent) or not end or end not in result.reason, "its reason tells it", result, end)
        if isinstance(result, Sent):
            reached.append(target.address)
    received = [message["to"] for message in (await stage.received())[before:]]
    if rig.CHANNEL == "WEBHOOK":  # one server stands for all of its URLs
        found.expect(len(received) == len(reached), "received", received, reached)
    else:
        found.expect(received == [seen_number(rig, address) for address in reached], "received", received, reached)
    found.expect(bool(reached) and reached[-1] == rig.TARGET.address, "the own address is not reached", reached)
    return found


def hostile(rig: Rig, end: str) -> Target:
    """The rig's target with another address."""
    return replace(rig.TARGET, address=rig.TARGET.address + end if rig.CHANNEL == "WEBHOOK" else end)


def seen(rig: Rig, text: str) -> str:
    """How a body is read at the other end."""
    return str(getattr(rig, "seen_as", str)(text))


def subject_seen(rig: Rig, subject: str) -> str:
    """A mail's subject has one line: breaks and controls are a blank."""
    return UNPRINTABLE.sub(" ", subject).strip() if rig.CHANNEL == "EMAIL" else subject


def seen_number(rig: Rig, address: str) -> str:
    """SMPP says by a number's type that it is international: a plus sign is no part of it."""
    return f"+{address.removeprefix('+')}" if rig.NAME == "SMS_SMPP" else address
