"""SMS over SMPP: smpp34's server, an implementation of its own, behind a relay that can misbehave as a server cannot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import smpp34
from aiosmpplib.state import SmppCommandStatus as Status

from bankalerts.settings import Settings
from notifier.channels.sms import Channel
from notifier.message import Target
from tests.notifying import free_port
from tests.rigs import Stage

NAME = "SMS_SMPP"
CHANNEL = "SMS"
TARGET = Target("key", "+31612345678")
IS_IDEMPOTENT = False

REFUSALS = {"refuse": Status.ESME_RINVDSTADR, "tempfail": Status.ESME_RTHROTTLED}
NONSENSE = b"<html>Bad Gateway</html>"
UDH_OCTETS = 6


@dataclass
class Centre:
    """The message centre.

    `mode` is accept, refuse, tempfail, or silent: it takes a part and never answers. `refuse_parts` are the statuses that it
    answers once each, by the place of a part in its text. `sessions` are those bound now; `taken` the parts that it took, with
    the names it gave them; `held` those that it never answers.
    """

    server: smpp34.Server
    mode: str = "accept"
    sessions: dict[str, smpp34.Esme] = field(default_factory=dict)
    taken: list[tuple[str, smpp34.SubmitSmEvent]] = field(default_factory=list)
    held: list[smpp34.SubmitSmEvent] = field(default_factory=list)
    refuse_parts: dict[int, list[int]] = field(default_factory=dict)
    bound: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Answer what comes as the mode says, for ever."""
        while True:
            event = await self.server.next()
            if isinstance(event, smpp34.Esme):
                self.sessions[event.session_id] = event
                self.bound.set()
            elif isinstance(event, smpp34.Unbound):
                self.sessions.pop(event.session_id, None)
            elif self.mode == "silent":
                self.held.append(event)
            elif self.mode in REFUSALS:
                event.reject(REFUSALS[self.mode])
            elif statuses := self.refuse_parts.get(place_of(event)):
                event.reject(statuses.pop(0))
            else:
                name = uuid4().hex
                self.taken.append((name, event))
                event.accept(message_id=name)

    async def report(self, text: str, tlvs: Sequence[smpp34.Tlv] = ()) -> int:
        """Send a delivery report on the newest session; returns the status of its answer."""
        return await self.says(text, tlvs, esm_class=4)

    async def says(self, text: str, tlvs: Sequence[smpp34.Tlv] = (), esm_class: int = 0) -> int:
        """Send a text of the customer's on the newest session; returns the status of its answer."""
        session = list(self.sessions.values())[-1]
        answer = await session.deliver_sm(
            "Bank", text.encode(), source_addr="31612345678", esm_class=esm_class, tlvs=list(tlvs)
        )
        return answer.command_status

    def texts(self) -> list[dict[str, Any]]:
        """The whole texts that were taken, oldest first, as a telephone shows them."""
        found: list[dict[str, Any]] = []
        parts: dict[tuple[str, int], dict[int, bytes]] = {}
        for _, event in self.taken:
            octets, whole = event.short_message, event.short_message
            if event.esm_class & 0x40:
                total, place = octets[4], octets[5]
                gathered = parts.setdefault((event.destination_addr, octets[3]), {})
                gathered[place] = octets[UDH_OCTETS:]
                if len(gathered) < total:
                    continue
                whole = b"".join(part for _, part in sorted(parts.pop((event.destination_addr, octets[3])).items()))
            body = whole.decode("utf-16-be" if event.data_coding == 8 else "gsm03.38")
            found.append({"to": f"+{event.destination_addr}", "subject": None, "body": body, "key": None})
        return found


def place_of(event: smpp34.SubmitSmEvent) -> int:
    """Which part of its text it is, from 1."""
    return event.short_message[5] if event.esm_class & 0x40 else 1


class Relay:
    """TCP between the channel and the message centre; what comes from the centre it can lose or garble."""

    def __init__(self, port: int, centre_port: int) -> None:
        self._port = port
        self._centre_port = centre_port
        self.mode = "accept"
        self._listener: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._relay, "127.0.0.1", self._port)

    async def behave(self, mode: str) -> None:
        """Connections that misbehaved end, and the channel has seen that when this returns."""
        was, self.mode = self.mode, mode
        if mode == "down" and self._listener is not None:
            self._listener.close()
            self._listener = None
        if mode == "down" or was in ("nonsense", "hang"):
            await self.cut()
        if mode != "down" and self._listener is None:
            await self.start()

    async def cut(self) -> None:
        """End all connections, and wait until the other side has closed its own."""
        for writer in self._open.values():
            writer.write_eof()
        await asyncio.gather(*self._open)

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for writer in self._open.values():
            writer.close()
        await asyncio.gather(*self._open)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        centre_reader, centre_writer = await asyncio.open_connection("127.0.0.1", self._centre_port)
        back = asyncio.create_task(self._back(centre_reader, writer))
        with contextlib.suppress(OSError):
            while octets := await reader.read(65536):
                centre_writer.write(octets)
        back.cancel()
        for one in (writer, centre_writer):
            one.close()
        del self._open[task]

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            # What comes first is the answer to the bind: it is the messages that meet the behaviour.
            writer.write(await reader.read(65536))
            while octets := await reader.read(65536):
                if self.mode == "drop_answer":
                    writer.close()
                    return
                if self.mode != "hang":
                    writer.write(NONSENSE if self.mode == "nonsense" else octets)
            writer.close()


@asynccontextmanager
async def centre_at(port: int) -> AsyncIterator[Centre]:
    """A message centre on this port."""
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="centre")
    await server.start()
    centre = Centre(server)
    running = asyncio.create_task(centre.run())
    try:
        yield centre
    finally:
        running.cancel()
        await server.stop()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """The message centre behind its relay, and a channel that reaches it by the relay alone."""
    port, centre_port = free_port(), free_port()
    relay = Relay(port, centre_port)
    async with centre_at(centre_port) as centre:
        await relay.start()
        channel = Channel(
            Settings(
                home=folder,
                database_url="",
                kafka="",
                connect_url="",
                smtp_url="",
                sms_url=f"smpp://bank:secret@127.0.0.1:{port}?from=Bank",
                push_url="",
                capture_database_url="",
            )
        )

        async def behave(mode: str) -> None:
            centre.mode = mode
            await relay.behave(mode)

        async def received() -> list[dict[str, Any]]:
            return centre.texts()

        try:
            yield Stage(channel, behave, received)
        finally:
            await channel.close()
            await relay.stop()
