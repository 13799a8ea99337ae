"""SMPP PDUs: another implementation (smpp34) reads ours; of whatever a message centre sends comes MalformedError at worst."""

from __future__ import annotations

import random
import struct

import pytest
import smpp34
from aiosmpplib.state import SmppCommand, SmppCommandStatus

from notifier import smpp_pdu
from notifier.message import Drop, Result, Retry, Sent, Unknown
from notifier.smpp import Answer
from notifier.smpp_parts import TEXTS_MAX, PartsInTransit
from notifier.smpp_pdu import HEADER, MalformedError, Report, read_deliver_sm, read_header, read_report
from notifier.smpp_provider import REFUSED_FOR_GOOD, judge

TEXT = b"id:abc-1 sub:001 dlvrd:001 submit date:2611230200 done date:2611230201 stat:DELIVRD err:000 text:hello"


def deliver_sm(text: bytes = TEXT, esm_class: int = 4, **tlvs: bytes) -> bytes:
    """The body of a deliver_sm, as smpp34 writes it; tlvs by name."""
    given = [smpp34.Tlv(getattr(smpp34, f"TLV_{name}"), value) for name, value in tlvs.items()]
    return smpp34.DeliverSm("31612345678", "Bank", text, esm_class=esm_class, tlvs=given).encode()[HEADER.size :]


@pytest.mark.parametrize("part", [b"hello \x1be", bytes(140), b"\x05\x00\x03\x01\x02\x01" + b"a" * 153])
def test_another_implementation_reads_what_we_submit(part: bytes) -> None:
    octets = smpp_pdu.submit(
        smpp_pdu.sender("Bank"), "31612345678", part, data_coding=8, has_header=True, wants_report=True, sequence=7
    )
    assert read_header(octets[: HEADER.size]).length == len(octets)
    read = smpp34.decode(octets)
    assert isinstance(read, smpp34.SubmitSm)
    assert (read.short_message, read.data_coding, read.esm_class, read.registered_delivery) == (part, 8, 0x40, 1)
    assert (read.destination_addr, read.dest_addr_ton, read.dest_addr_npi, read.sequence_number) == ("31612345678", 1, 1, 7)


@pytest.mark.parametrize(
    ("given", "number", "kind"), [("Bank", "Bank", 5), ("+31201234567", "31201234567", 1), ("1234", "1234", 0), ("", "", 0)]
)
def test_the_sender_is_a_name_a_number_or_a_short_number(given: str, number: str, kind: int) -> None:
    sender = smpp_pdu.sender(given)
    assert (sender.number, int(sender.ton)) == (number, kind)


@pytest.mark.parametrize(
    ("body", "report"),
    [
        (deliver_sm(), Report("abc-1", "DELIVRD", "000", False)),
        (deliver_sm(b"ID:7 STAT:undeliv ERR:00A"), Report("7", "UNDELIV", "00A", False)),
        (deliver_sm(b"id:7 stat:EXPIRED"), Report("7", "EXPIRED", None, False)),
        (deliver_sm(b"", RECEIPTED_MESSAGE_ID=b"77\0", MESSAGE_STATE=b"\x02"), Report("77", "DELIVRD", None, False)),
        (deliver_sm(RECEIPTED_MESSAGE_ID=b"77", MESSAGE_STATE=b"\x05"), Report("77", "UNDELIV", "000", False)),
        (deliver_sm(b"", MESSAGE_PAYLOAD=TEXT), Report("abc-1", "DELIVRD", "000", False)),
        (deliver_sm(b"id:7 stat:UNDELIV", NETWORK_ERROR_CODE=b"\x03\0\x01"), Report("7", "UNDELIV", None, True)),
        (deliver_sm(b"id:7 stat:UNDELIV", NETWORK_ERROR_CODE=b"\x03\0\x1b"), Report("7", "UNDELIV", None, False)),
        (deliver_sm(b"STOP", esm_class=0), None),
        (deliver_sm(TEXT, esm_class=0x20), None),
    ],
)
def test_reports_are_read_as_centres_write_them(body: bytes, report: Report | None) -> None:
    assert read_report(read_deliver_sm(body)) == report


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"id:7", b"stat:DELIVRD", b"id: stat:DELIVRD", b"id:a@b stat:DELIVRD", b"\xff" * 200]
)
def test_a_report_without_message_or_state_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        read_report(read_deliver_sm(deliver_sm(text)))


def test_whatever_comes_is_read_or_malformed() -> None:
    chance = random.Random(34)
    whole = deliver_sm(RECEIPTED_MESSAGE_ID=b"77", MESSAGE_STATE=b"\x05")
    read = 0
    for _ in range(20_000):
        body = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if body:
                body[chance.randrange(len(body))] = chance.randrange(256)
        try:
            read_report(read_deliver_sm(bytes(body)))
            read += 1
        except MalformedError:
            pass
    assert 0 < read < 20_000


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFF_FFFF])
def test_a_length_that_cannot_be_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError):
        read_header(struct.pack("!IIII", length, 0x80000004, 0, 1))


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0, b"abc\0"), Sent("abc")),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0, b""), Sent(None)),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0, b"a b\xff\0"), Sent(None)),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0x0B, b""), Drop("SMPP ESME_RINVDSTADR")),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0x58, b""), Retry("SMPP ESME_RTHROTTLED", provider_down=True)),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0x0A, b""), Retry("SMPP ESME_RINVSRCADR", provider_down=True)),
        (Answer(SmppCommand.SUBMIT_SM_RESP, 0x401, b""), Retry("SMPP 0x00000401", provider_down=True)),
        (Answer(SmppCommand.GENERIC_NACK, 3, b""), Retry("SMPP generic_nack ESME_RINVCMDID", provider_down=True)),
        (
            Answer(SmppCommand.ENQUIRE_LINK_RESP, 0, b""),
            Unknown("the message centre answered something else than a submit_sm_resp"),
        ),
    ],
)
def test_what_an_answer_means(answer: Answer, result: Result) -> None:
    assert judge(answer) == result


def test_no_status_is_both_for_good_and_of_us() -> None:
    ours = {SmppCommandStatus.ESME_RINVSRCADR, SmppCommandStatus.ESME_RINVSYSID, SmppCommandStatus.ESME_RTHROTTLED}
    assert not ours & REFUSED_FOR_GOOD


def test_a_text_is_delivered_with_its_last_part_and_fails_with_any() -> None:
    parts = PartsInTransit()
    assert parts.reference("alone", is_delivered=True) == "alone"
    parts.add("a", "a", is_last=False)
    assert parts.reference("a", is_delivered=True) is None  # the second part is not handed over yet
    parts.add("a", "b", is_last=True)
    assert parts.reference("a", is_delivered=True) is None
    assert parts.reference("b", is_delivered=False) == "a"
    assert parts.reference("b", is_delivered=True) == "a"
    assert parts.reference("b", is_delivered=True) == "a"  # a repetition
    parts.add(None, "c", is_last=True)
    assert parts.reference("c", is_delivered=True) == "c"


def test_old_texts_are_forgotten() -> None:
    parts = PartsInTransit()
    for number in range(TEXTS_MAX + 1):
        parts.add(f"{number}a", f"{number}a", is_last=False)
        parts.add(f"{number}a", f"{number}b", is_last=True)
    assert parts.reference("0b", is_delivered=False) == "0b"
    assert parts.reference("1b", is_delivered=False) == "1a"
