"""A session with a message centre over SMPP 3.4: bound, its requests answered, its end noticed."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmpplib.state import SmppCommand, SmppCommandStatus

from notifier import smpp_pdu
from notifier.smpp_pdu import HEADER, Header, MalformedError, status_name

CONNECT_WITHIN_S = 3.0
ANSWER_WITHIN_S = 8.0  # less than SEND_WITHIN_S in send.py: the session knows what was written, the caller does not
# A message centre drops a session that is silent for a minute or so; and a connection that broke unseen shows itself.
SILENT_S_MAX = 30.0
DELIVERIES_AT_ONCE = 64
DELIVERED_WITHIN_S = 2.0  # at a stop
SEQUENCE_MAX = 0x7FFF_FFFF

# Takes the body of a deliver_sm and says how it is answered. Raises MalformedError.
Deliver = Callable[[bytes], Awaitable[SmppCommandStatus]]


class NotBoundError(Exception):
    """There is no session: nothing was sent. The text holds codes and kinds of errors."""


class LostError(Exception):
    """The request was sent, and no answer that could be understood came. The text holds kinds of errors."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the message centre is and who we are there. `command` is how to bind."""

    host: str
    port: int
    system_id: str
    password: str
    command: SmppCommand
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. `command` may be GENERIC_NACK."""

    command: int
    status: int
    body: bytes


class Session:
    """One bound connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deliver: Deliver) -> None:
        self._reader = reader
        self._writer = writer
        self._deliver = deliver
        self._sequences = itertools.cycle(range(1, SEQUENCE_MAX + 1))
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._delivering: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def bind(cls, account: Account, deliver: Deliver) -> Session:
        """Connect and log in. Raises NotBoundError."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                reader, writer = await asyncio.open_connection(account.host, account.port, ssl=account.tls)
        except (OSError, ssl.SSLError) as error:
            raise NotBoundError(f"no connection to the message centre ({type(error).__name__})") from error
        session = cls(reader, writer, deliver)
        try:
            answer = await session.ask(
                lambda sequence: smpp_pdu.bind(account.command, account.system_id, account.password, sequence),
                within_s=CONNECT_WITHIN_S,
            )
        except BaseException as error:
            await session.close()
            if isinstance(error, LostError):
                raise NotBoundError(f"the message centre does not bind ({error})") from error
            raise
        if answer.status:
            await session.close()
            raise NotBoundError(f"the message centre refuses to bind: {status_name(answer.status)}")
        return session

    @property
    def is_open(self) -> bool:
        """Whether requests can still be sent."""
        return not self._ended.is_set()

    async def ask(self, make: Callable[[int], bytes], within_s: float | None = None) -> Answer:
        """Send a request, made with the sequence number that it is given, and wait for its answer (ANSWER_WITHIN_S).

        Raises NotBoundError when it was not sent, LostError when it was and no answer came.
        """
        within_s = ANSWER_WITHIN_S if within_s is None else within_s
        if not self.is_open:
            raise NotBoundError("the session has ended")
        sequence = next(self._sequences)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answered
        try:
            self._writer.write(make(sequence))
            async with asyncio.timeout(within_s):
                await self._writer.drain()
                return await answered
        except TimeoutError as error:
            raise LostError(f"no answer within {within_s:.0f} s") from error
        except OSError as error:
            raise LostError(f"the connection broke with {type(error).__name__}") from error
        finally:
            del self._waiting[sequence]
            answered.cancel()

    async def watch(self) -> None:
        """Return when the session has ended; ask for a sign of life in between."""
        while self.is_open:
            try:
                async with asyncio.timeout(SILENT_S_MAX):
                    await self._ended.wait()
            except TimeoutError:
                try:
                    await self.ask(lambda sequence: smpp_pdu.request(SmppCommand.ENQUIRE_LINK, sequence))
                except (LostError, NotBoundError):
                    await self.close()

    async def close(self) -> None:
        """End it, politely where that can be done at once. Requests without an answer are lost."""
        if self.is_open:
            self._writer.write(smpp_pdu.request(SmppCommand.UNBIND, next(self._sequences)))
        self._end("it was closed")
        self._reading.cancel()
        # What the message centre delivered last may still be written; without an answer it delivers that again.
        if self._delivering:
            await asyncio.wait(self._delivering, timeout=DELIVERED_WITHIN_S)
        for task in self._delivering:
            task.cancel()
        await asyncio.gather(self._reading, *self._delivering, return_exceptions=True)

    async def _read(self) -> None:
        cause = "the message centre closed the connection"
        try:
            while True:
                header = smpp_pdu.read_header(await self._reader.readexactly(HEADER.size))
                body = await self._reader.readexactly(header.length - HEADER.size)
                if not self._take(header, body):
                    cause = "the message centre ended the session"
                    return
        except MalformedError:
            cause = "the message centre sent what is no SMPP"
        except asyncio.IncompleteReadError:
            pass
        except OSError as error:
            cause = f"the connection broke with {type(error).__name__}"
        finally:
            self._end(cause)

    def _take(self, header: Header, body: bytes) -> bool:
        """Act on one PDU; whether the session goes on."""
        if header.command & 0x8000_0000:
            answered = self._waiting.get(header.sequence)
            # An answer that nobody waits for any more came too late.
            if answered is not None and not answered.done():
                answered.set_result(Answer(header.command, header.status, body))
        elif header.command == SmppCommand.DELIVER_SM:
            self._start_delivery(header, body)
        elif header.command == SmppCommand.ENQUIRE_LINK:
            self._writer.write(smpp_pdu.answer(SmppCommand.ENQUIRE_LINK_RESP, header.sequence))
        elif header.command == SmppCommand.UNBIND:
            self._writer.write(smpp_pdu.answer(SmppCommand.UNBIND_RESP, header.sequence))
            return False
        else:
            status = SmppCommandStatus.ESME_RINVCMDID
            self._writer.write(smpp_pdu.answer(SmppCommand.GENERIC_NACK, header.sequence, status))
        return True

    def _start_delivery(self, header: Header, body: bytes) -> None:
        if len(self._delivering) >= DELIVERIES_AT_ONCE:
            self._answer_delivery(header, SmppCommandStatus.ESME_RX_T_APPN)
            return
        task = asyncio.create_task(self._deliver_one(header, body))
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)

    async def _deliver_one(self, header: Header, body: bytes) -> None:
        try:
            status = await self._deliver(body)
        except MalformedError:
            status = SmppCommandStatus.ESME_RX_P_APPN
        if self.is_open:
            self._answer_delivery(header, status)

    def _answer_delivery(self, header: Header, status: SmppCommandStatus) -> None:
        self._writer.write(smpp_pdu.answer(SmppCommand.DELIVER_SM_RESP, header.sequence, status))

    def _end(self, cause: str) -> None:
        self._ended.set()
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(LostError(cause))
        self._writer.close()
