"""SMPP 3.4 PDUs: those that we send, as octets, and those that a message centre sends, read with care. Pure."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from aiosmpplib import protocol
from aiosmpplib.state import NPI, TON, PhoneNumber, SmppCommand, SmppCommandStatus

HEADER = struct.Struct("!IIII")
# The longest PDU of SMPP 3.4 is a message_payload of 64 KB and its fields.
PDU_OCTETS_MAX = 70_000
UDH_FOLLOWS = 0x40
# Bits 2 to 5 of esm_class: what kind of message it is.
KIND_OF_MESSAGE = 0x3C
DELIVERY_REPORT = 0x04

RECEIPTED_MESSAGE_ID, NETWORK_ERROR_CODE, MESSAGE_PAYLOAD, MESSAGE_STATE = 0x001E, 0x0423, 0x0424, 0x0427
STATES = {1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD"}
# network_error_code: the number is not in use (3GPP TS 29.002, "unknown subscriber") in a GSM network.
UNKNOWN_SUBSCRIBER = b"\x03\x00\x01"

# The text of a delivery report (SMPP 3.4, appendix B). Message centres differ in what they leave out.
REPORT_ID = re.compile(rb"\bid:([A-Za-z0-9._:-]{1,64})(?= |\Z)", re.IGNORECASE)
REPORT_STATE = re.compile(rb"\bstat:([A-Za-z]{4,10})\b", re.IGNORECASE)
REPORT_ERROR = re.compile(rb"\berr:([A-Za-z0-9]{1,8})\b", re.IGNORECASE)


class MalformedError(ValueError):
    """What came is no PDU of SMPP 3.4."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first 16 octets. `status` is 0 where all is well."""

    length: int
    command: int
    status: int
    sequence: int


@dataclass(frozen=True, slots=True)
class DeliverSm:
    """What is read of a deliver_sm. `text` is the short message, or the payload where that stands in its place."""

    esm_class: int
    text: bytes
    parameters: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report: the message centre's name for the message, its state (DELIVRD, UNDELIV, ...), its error code if given.

    `is_unknown_subscriber` says that nobody has the number.
    """

    message_id: str
    state: str
    error: str | None
    is_unknown_subscriber: bool


def read_header(octets: bytes) -> Header:
    """Raises MalformedError when the length cannot be one."""
    header = Header(*HEADER.unpack(octets))
    if not HEADER.size <= header.length <= PDU_OCTETS_MAX:
        raise MalformedError(f"a PDU of {header.length} octets")
    return header


def status_name(status: int) -> str:
    """ESME_RTHROTTLED of 0x58; the number where it has no name."""
    try:
        return str(SmppCommandStatus(status).name)
    except ValueError:
        return f"0x{status:08X}"


def bind(command: SmppCommand, system_id: str, password: str, sequence: int) -> bytes:
    """Log in as transceiver or transmitter. Raises ValueError when the name or the password is too long (15 and 8)."""
    kind = protocol.BindTransmitter if command is SmppCommand.BIND_TRANSMITTER else protocol.BindTransceiver
    octets: bytes = kind(system_id=system_id, password=password, sequence_num=sequence).pdu()
    return octets


def sender(given: str) -> PhoneNumber:
    """The sender that customers see: a number in E.164 (+31...), a name of at most 11 characters, or a short number."""
    if given.startswith("+"):
        return PhoneNumber(given[1:], TON.INTERNATIONAL, NPI.ISDN)
    if given.isdigit() or not given:
        return PhoneNumber(given)
    return PhoneNumber(given, TON.ALPHANUMERIC, NPI.UNKNOWN)


def submit(
    source: PhoneNumber, number: str, part: bytes, *, data_coding: int, has_header: bool, wants_report: bool, sequence: int
) -> bytes:
    """Hand over one part for `number`, the digits of a number in E.164. `part` is not empty."""
    message = protocol.SubmitSm(
        short_message="-",  # it wants one, though the octets below are what is sent
        source=source,
        destination=PhoneNumber(number, TON.INTERNATIONAL, NPI.ISDN),
        esm_class=UDH_FOLLOWS if has_header else 0,
        registered_delivery=int(wants_report),
        encoding="ucs2" if data_coding else None,
        sequence_num=sequence,
    )
    message.set_encoded_message(part)
    octets: bytes = message.pdu()
    return octets


def answer(command: SmppCommand, sequence: int, status: SmppCommandStatus = SmppCommandStatus.ESME_ROK) -> bytes:
    """The answer to a request of the message centre. A deliver_sm_resp has an empty message_id."""
    body = b"\x00" if command is SmppCommand.DELIVER_SM_RESP else b""
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def request(command: SmppCommand, sequence: int) -> bytes:
    """A request without a body: enquire_link, unbind."""
    return HEADER.pack(HEADER.size, command, 0, sequence)


def read_message_id(body: bytes) -> str:
    """The message centre's name for what it took: of a submit_sm_resp."""
    return body.partition(b"\x00")[0].decode("latin-1")


def read_deliver_sm(body: bytes) -> DeliverSm:
    """Raises MalformedError when fields are missing or longer than the PDU."""
    try:
        _, at = _c_string(body, 0)  # service type
        for _ in ("source", "destination"):
            _, at = _c_string(body, at + 2)  # behind type of number and numbering plan
        esm_class, at = body[at], at + 3
        for _ in ("schedule", "validity"):
            _, at = _c_string(body, at)
        at += 4  # registered_delivery, replace_if_present, data_coding, sm_default_msg_id
        length, at = body[at], at + 1
        text, at = _octets(body, at, length)
        parameters: dict[int, bytes] = {}
        while at < len(body):
            tag, length = struct.unpack_from("!HH", body, at)
            parameters[tag], at = _octets(body, at + 4, length)
    except (IndexError, ValueError, struct.error) as error:
        raise MalformedError("a deliver_sm whose fields do not fit") from error
    return DeliverSm(esm_class, text or parameters.get(MESSAGE_PAYLOAD, b""), parameters)


def read_report(delivered: DeliverSm) -> Report | None:
    """The delivery report in it; None where it is another kind of message (a customer's answer, an intermediate notice).

    The parameters are the standard's own, so they go before the text. Raises MalformedError when a report names no message or
    no state.
    """
    if delivered.esm_class & KIND_OF_MESSAGE != DELIVERY_REPORT:
        return None
    message_id = delivered.parameters.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\x00") or _found(REPORT_ID, delivered.text)
    number = delivered.parameters.get(MESSAGE_STATE, b"")
    state = STATES.get(number[0]) if number else (_found(REPORT_STATE, delivered.text) or b"").decode("ascii").upper()
    if not message_id or not state:
        raise MalformedError("a delivery report without a message or a state")
    error = _found(REPORT_ERROR, delivered.text)
    return Report(
        message_id.decode("latin-1"),
        state,
        error.decode("ascii") if error else None,
        delivered.parameters.get(NETWORK_ERROR_CODE) == UNKNOWN_SUBSCRIBER,
    )


def _c_string(body: bytes, at: int) -> tuple[bytes, int]:
    end = body.index(b"\x00", at)
    return body[at:end], end + 1


def _octets(body: bytes, at: int, length: int) -> tuple[bytes, int]:
    if at + length > len(body):
        raise ValueError
    return body[at : at + length], at + length


def _found(pattern: re.Pattern[bytes], text: bytes) -> bytes | None:
    found = pattern.search(text)
    return found[1] if found else None
