"""SMS through a message centre over SMPP 3.4: smpp://system_id:password@host:port?from=Bank (smpps:// with TLS).

Options: `from`, the sender that customers see (+31..., a name, a short number); `type`: transceiver (unless given), or
transmitter, which takes no delivery reports; `window`, how many requests may wait for their answers at once (10); `dead`, the
centre's own error codes, separated by commas, that say of a number that nobody has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from aiosmpplib.state import SmppCommand, SmppCommandStatus

from notifier import retry, smpp_pdu, sms_text
from notifier.database import Database, DatabaseAwayError
from notifier.message import Drop, Outgoing, Result, Retry, Sent, Target, Unknown
from notifier.provider_url import ProviderUrl
from notifier.receipt_book import WAIT_FOR_MESSAGE_S, ReceiptBook, UnknownMessageError
from notifier.receipt_payload import Receipt, code
from notifier.receipt_payload import Status as ReceiptStatus
from notifier.smpp import Account, Answer, LostError, NotBoundError, Session
from notifier.smpp_parts import PartsInTransit

log = logging.getLogger(__name__)

BIND = {"transceiver": SmppCommand.BIND_TRANSCEIVER, "transmitter": SmppCommand.BIND_TRANSMITTER}
WINDOW = 10
PLACE_WITHIN_S = 3.0
# A centre that is busy with the second part has taken the first: it is worth waiting for.
PART_TRIES, PART_PAUSE_S = 5, 0.5
NUMBER = re.compile(r"\+?([0-9]{3,15})")
PROVIDER_REF = re.compile(r"[A-Za-z0-9._:-]{1,64}")

Status = SmppCommandStatus
# What is about this one message. All others are about us or the centre: dropping would lose every message of that time.
REFUSED_FOR_GOOD = frozenset(
    {
        Status.ESME_RINVMSGLEN,
        Status.ESME_RINVDSTADR,
        Status.ESME_RINVDSTTON,
        Status.ESME_RINVDSTNPI,
        Status.ESME_RX_P_APPN,
        Status.ESME_RX_R_APPN,
    }
)
REPORTED: dict[str, ReceiptStatus] = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "FAILED",
    "EXPIRED": "FAILED",
    "DELETED": "FAILED",
    "REJECTD": "FAILED",
}


class SmppProvider:
    """One message centre with one session, bound again whenever it ends."""

    def __init__(self, url: ProviderUrl) -> None:
        """Raises BankalertsError naming what is wrong with the URL."""
        url.only("from", "type", "window", "dead")
        self.name = url.name
        self.rate_per_s = url.rate_per_s
        self._account = _account(url)
        self._sender = smpp_pdu.sender(url.options.get("from", ""))
        self._dead = frozenset(filter(None, url.options.get("dead", "").split(",")))
        self._places = asyncio.Semaphore(_window(url))
        self._session: Session | None = None
        self._binding = asyncio.Lock()
        self._book: ReceiptBook | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._parts = PartsInTransit()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def serves(self, _target: Target) -> bool:
        """Every number."""
        return True

    async def open(self, database: Database) -> None:
        """Bind, and stay bound: delivery reports come whether or not there is something to send."""
        self._book = ReceiptBook(database)
        self._keeping = asyncio.create_task(self.keep_bound())
        self._counting = asyncio.create_task(self._book.run(self._stop))

    async def close(self) -> None:
        """Let go of the session."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._stop.set()
        if self._counting is not None:
            await self._counting

    async def send(self, target: Target, outgoing: Outgoing) -> Result:
        """Hand over the text, in one part after another. SMPP has no idempotency key: a repetition is another SMS."""
        number = NUMBER.fullmatch(target.address)
        if number is None:
            return Drop("it is no telephone number")
        if not outgoing.text.body:
            return Drop("the text is empty")
        try:
            text = sms_text.encode(outgoing.text.body)
        except sms_text.TooLongError as error:
            return Drop(str(error))
        parts = text.with_headers(outgoing.message_id.bytes[0])
        if len(parts) == 1:
            return await self._send_parts(number[1], parts, text.alphabet.data_coding)
        # Two texts for one telephone may have the same reference: their parts do not go side by side.
        async with self._turns.setdefault(number[1], asyncio.Lock()):
            return await self._send_parts(number[1], parts, text.alphabet.data_coding)

    async def _send_parts(self, number: str, parts: Sequence[bytes], data_coding: int) -> Result:
        first: Sent | None = None
        for place, part in enumerate(parts, 1):
            result = await self._send_part(number, part, data_coding, len(parts) > 1, tries=PART_TRIES if first else 1)
            if not isinstance(result, Sent):
                # What was taken of the text cannot be taken back.
                return result if first is None else Unknown(f"part {place} of {len(parts)}: {result.reason}"[:200])
            first = first or result
            if len(parts) > 1:
                self._parts.add(first.provider_ref, result.provider_ref, is_last=place == len(parts))
        return first or Drop("the text is empty")

    async def _send_part(self, number: str, part: bytes, data_coding: int, has_header: bool, tries: int) -> Result:
        def make(sequence: int) -> bytes:
            return smpp_pdu.submit(
                self._sender,
                number,
                part,
                data_coding=data_coding,
                has_header=has_header,
                wants_report=self._account.command == SmppCommand.BIND_TRANSCEIVER,
                sequence=sequence,
            )

        for attempt in range(1, tries + 1):
            try:
                async with self._place():
                    result = judge(await (await self._bound()).ask(make))
            except TimeoutError:
                result = Retry("too many requests wait for the message centre's answer")
            except NotBoundError as error:
                result = Retry(str(error), provider_down=True)
            except LostError as error:
                return Unknown(str(error))
            if not isinstance(result, Retry) or attempt == tries:
                break
            await asyncio.sleep(PART_PAUSE_S)
        return result

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        async with asyncio.timeout(PLACE_WITHIN_S):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _bound(self) -> Session:
        async with self._binding:
            if self._session is None or not self._session.is_open:
                self._session = await Session.bind(self._account, self._deliver)
            return self._session

    async def keep_bound(self) -> None:
        """Bind, and bind again whenever the session has ended, for ever."""
        failures = 0
        while True:
            try:
                session = await self._bound()
            except NotBoundError as error:
                failures += 1
                if failures == 1:
                    log.warning("%s: %s; trying again", self.name, error)
            else:
                failures = 0
                await session.watch()
                log.warning("%s: the session with the message centre ended; binding again", self.name)
            await asyncio.sleep(retry.provider_pause_s(failures + 1, random.random()))  # noqa: S311  jitter is no secret

    async def _deliver(self, body: bytes) -> SmppCommandStatus:
        """Take a deliver_sm: a delivery report; anything else is let pass. Raises MalformedError."""
        if self._book is None:
            return Status.ESME_RX_T_APPN
        try:
            report = smpp_pdu.read_report(smpp_pdu.read_deliver_sm(body))
        except smpp_pdu.MalformedError:
            self._book.refuse(self.name, "MALFORMED")
            raise
        if report is None or report.state not in REPORTED:
            return Status.ESME_ROK
        try:
            await self._take(self._book, report, datetime.now(UTC))
        except UnknownMessageError:
            self._book.refuse(self.name, "UNKNOWN_MESSAGE")
            return Status.ESME_RX_T_APPN
        except DatabaseAwayError:
            return Status.ESME_RX_T_APPN
        return Status.ESME_ROK

    async def _take(self, book: ReceiptBook, report: smpp_pdu.Report, now: datetime) -> None:
        is_dead = report.is_unknown_subscriber or report.error in self._dead
        status = REPORTED[report.state]
        if is_dead and status == "FAILED":
            status = "BOUNCED"
        reason = code(f"{report.state}:{report.error}" if report.error else report.state)
        give_up_at = asyncio.get_running_loop().time() + WAIT_FOR_MESSAGE_S
        while True:
            # Asked again each time: the answer to a part may come behind the report on it.
            reference = self._parts.reference(report.message_id, is_delivered=status == "DELIVERED")
            if reference is None:
                return
            try:
                await book.take_now(self.name, [Receipt(reference, status, reason, now)])
            except UnknownMessageError:
                if asyncio.get_running_loop().time() > give_up_at:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


def judge(answer: Answer) -> Result:
    """What the answer to a submit_sm means."""
    if answer.command == SmppCommand.GENERIC_NACK:
        return Retry(f"SMPP generic_nack {smpp_pdu.status_name(answer.status)}", provider_down=True)
    if answer.command != SmppCommand.SUBMIT_SM_RESP:
        return Unknown("the message centre answered something else than a submit_sm_resp")
    if answer.status == Status.ESME_ROK:
        reference = smpp_pdu.read_message_id(answer.body)
        return Sent(reference if PROVIDER_REF.fullmatch(reference) else None)
    reason = f"SMPP {smpp_pdu.status_name(answer.status)}"
    return Drop(reason) if answer.status in REFUSED_FOR_GOOD else Retry(reason, provider_down=True)


def _account(url: ProviderUrl) -> Account:
    kind = url.options.get("type", "transceiver")
    if kind not in BIND:
        raise url.error(f"has the type {kind!r}: use {' or '.join(BIND)}")
    if url.port is None:
        raise url.error("has no port: write smpp://system_id:password@host:port")
    system_id, password = url.user or "", url.password or ""
    try:
        smpp_pdu.bind(BIND[kind], system_id, password, 1)
        smpp_pdu.sender(url.options.get("from", "")).number.encode("ascii")
    except ValueError as error:
        # The error's own text may hold the password.
        raise url.error(
            "has a system_id of more than 15, a password of more than 8 or a sender of more than 20 characters, or not in ASCII"
        ) from error
    return Account(url.host, url.port, system_id, password, BIND[kind], url.tls_context() if url.is_secure else None)


def _window(url: ProviderUrl) -> int:
    given = url.options.get("window", str(WINDOW))
    if not given.isdecimal() or not 1 <= int(given) <= 1000:
        raise url.error(f"has the window {given!r}: write 1 to 1000")
    return int(given)
