"""A text in the octets of SMS: the alphabet that has all of it, in as few parts as it takes, nothing torn apart."""

from __future__ import annotations

import random
import unicodedata

import pytest

from notifier.sms_text import GSM, PARTS_MAX, UCS2, SmsText, TooLongError, encode

# Table 1 and the extension table of 3GPP TS 23.038, but for ESCAPE and the page break.
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "^{}\\[~]|€"


def read(text: SmsText) -> str:
    """What a telephone shows."""
    if text.alphabet is UCS2:
        return "".join(part.decode("utf-16-be") for part in text.parts)
    return "".join(part.decode("gsm03.38") for part in text.parts)


@pytest.mark.parametrize(
    ("text", "alphabet", "parts"),
    [
        ("", GSM, 1),
        ("a" * 160, GSM, 1),
        ("a" * 161, GSM, 2),
        ("a" * 306, GSM, 2),
        ("a" * 307, GSM, 3),
        ("€" * 80, GSM, 1),
        ("€" * 81, GSM, 2),
        ("a" * 152 + "€" * 77, GSM, 3),  # an escape does not fit at the end of the first part
        (ALPHABET, GSM, 1),
        (EXTENSION, GSM, 1),
        ("ç", UCS2, 1),
        ("ф" * 70, UCS2, 1),
        ("ф" * 71, UCS2, 2),
        ("ф" * 134, UCS2, 2),
        ("ф" * 135, UCS2, 3),
        ("😀" * 35, UCS2, 1),
        ("😀" * 36, UCS2, 2),
        ("😀" * 67, UCS2, 3),  # 66 code units a part: the 67th would tear a pair
        ("\x1be", UCS2, 1),  # in the GSM alphabet it would be read as a euro sign
        ("a\x0cb", UCS2, 1),
        ("a\tb", UCS2, 1),
        ("\u202eabc", UCS2, 1),
    ],
)
def test_alphabet_and_number_of_parts(text: str, alphabet: object, parts: int) -> None:
    encoded = encode(text)
    assert (encoded.alphabet, len(encoded.parts)) == (alphabet, parts)
    assert read(encoded) == text


def test_the_gsm_alphabet_is_the_standards() -> None:
    in_it = {chr(code) for code in range(0x3000) if encode(chr(code)).alphabet is GSM}
    assert in_it == {*ALPHABET, *EXTENSION}


def test_any_text_comes_back_and_fits() -> None:
    chance = random.Random(38)
    plain, all_else = ALPHABET + EXTENSION, [c for c in map(chr, range(0x2FFF)) if unicodedata.category(c) != "Cs"]
    for _ in range(300):
        characters = plain if chance.random() < 0.5 else [*plain, *all_else, "😀", "🇳"]
        text = "".join(chance.choices(characters, k=chance.randrange(0, 700)))
        encoded = encode(text)
        assert read(encoded) == text
        assert all(len(part) <= encoded.alphabet.octets_alone for part in encoded.with_headers(reference=255))
        for part in encoded.parts:
            part.decode("utf-16-be" if encoded.alphabet is UCS2 else "gsm03.38")  # nothing is torn apart


def test_joined_parts_carry_their_place() -> None:
    first, second, third = encode("a" * 400).with_headers(reference=0xAB)
    assert first[:6] == bytes((5, 0, 3, 0xAB, 3, 1))
    assert second[:6] == bytes((5, 0, 3, 0xAB, 3, 2))
    assert third[:6] == bytes((5, 0, 3, 0xAB, 3, 3))
    assert encode("a").with_headers(reference=0xAB) == (b"a",)


def test_more_parts_than_can_be_joined_are_refused() -> None:
    assert len(encode("a" * 153 * PARTS_MAX).parts) == PARTS_MAX
    with pytest.raises(TooLongError, match="needs 256 SMS, at most 255"):
        encode("a" * (153 * PARTS_MAX + 1))
