"""A text as SMS carries it (3GPP TS 23.038, 23.040): in the GSM alphabet or UCS-2, in one part or several. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

import gsm0338  # noqa: F401  registers the codec

ESCAPE = 0x1B
# The receiving side counts parts in one octet.
PARTS_MAX = 255
UDH_CONCATENATED = b"\x05\x00\x03"  # length of the header, element 0 (concatenated, 8-bit reference), its length


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How characters become octets, and how many fit.

    `data_coding` is SMPP's number for it. A part holds `octets_alone` octets, or `octets_joined` besides the header that joins
    several: a GSM septet counts as one octet here, as SMPP sends it.
    """

    name: str
    data_coding: int
    octets_alone: int
    octets_joined: int


GSM = Alphabet("GSM", 0, 160, 153)
UCS2 = Alphabet("UCS-2", 8, 140, 134)


class TooLongError(ValueError):
    """The text needs more parts than SMS can join."""


@dataclass(frozen=True, slots=True)
class SmsText:
    """A text in the octets of its alphabet, one item for each part (segment) that is sent and paid for."""

    alphabet: Alphabet
    parts: tuple[bytes, ...]

    def with_headers(self, reference: int) -> tuple[bytes, ...]:
        """The parts as they are sent: where there are several, each with the header that joins them by `reference` (0..255)."""
        if len(self.parts) == 1:
            return self.parts
        head = UDH_CONCATENATED + bytes((reference, len(self.parts)))
        return tuple(head + bytes((number,)) + part for number, part in enumerate(self.parts, 1))


def encode(text: str) -> SmsText:
    """The text in the GSM alphabet where that has all its characters, else in UCS-2 (as UTF-16). Raises TooLongError."""
    characters = [_GSM_OCTETS.get(character) for character in text]
    if None in characters:
        return _split(UCS2, [character.encode("utf-16-be") for character in text])
    return _split(GSM, [octets for octets in characters if octets is not None])


def _split(alphabet: Alphabet, characters: Sequence[bytes]) -> SmsText:
    whole = b"".join(characters)
    if len(whole) <= alphabet.octets_alone:
        return SmsText(alphabet, (whole,))
    parts: list[bytes] = []
    part = bytearray()
    for octets in characters:
        # An escape and what it escapes, or the two halves of a surrogate pair, stay together.
        if len(part) + len(octets) > alphabet.octets_joined:
            parts.append(bytes(part))
            part.clear()
        part += octets
    parts.append(bytes(part))
    if len(parts) > PARTS_MAX:
        raise TooLongError(f"the text needs {len(parts)} SMS, at most {PARTS_MAX} can be joined")
    return SmsText(alphabet, tuple(parts))


def _gsm_octets() -> dict[str, bytes]:
    """Each character of the default alphabet and its extension, with its octets.

    Not in it, though the codec has them: ESCAPE, which would change the character behind it into another, and the form feed,
    which a telephone without the extension shows as a line feed.
    """
    decode = codecs.lookup("gsm03.38").decode
    found: dict[str, bytes] = {}
    for septet in range(128):
        for octets in (bytes((septet,)), bytes((ESCAPE, septet))):
            try:
                character, _ = decode(octets)
            except UnicodeDecodeError:
                continue
            if len(character) == 1:
                found.setdefault(character, octets)
    return {character: octets for character, octets in found.items() if character not in "\x1b\x0c"}


_GSM_OCTETS = _gsm_octets()
