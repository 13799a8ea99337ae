"""Words for codes, as a customer reads them: why a payment or a card was refused, and what kind of shop a merchant is.

A code that is not here is written as its own words (CARD_EXPIRED as "card expired"), a merchant category as its number. A
language that is not here gets English, as its templates do.
"""

from __future__ import annotations

from collections.abc import Mapping

FALLBACK_LANGUAGE = "en"

# The codes of bank.payment_order.disclosable_reason and bank.card_authorisation.decline_reason. Each reads on after a colon.
REASONS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "ACCOUNT_BLOCKED": "the account is blocked",
        "ACCOUNT_CLOSED": "the account is closed",
        "APPROVAL_MISSING": "it was not approved in time",
        "BENEFICIARY_ACCOUNT_CLOSED": "the beneficiary's account is closed",
        "BENEFICIARY_ACCOUNT_UNKNOWN": "the beneficiary's account does not exist",
        "BENEFICIARY_BANK_UNREACHABLE": "the beneficiary's bank cannot be reached",
        "CARD_BLOCKED": "the card is blocked",
        "CARD_EXPIRED": "the card has expired",
        "DUPLICATE": "the same payment was made before",
        "INSUFFICIENT_FUNDS": "there is not enough money in the account",
        "LIMIT_EXCEEDED": "it is above the limit",
        "NOT_ALLOWED_ABROAD": "the card is switched off for this part of the world",
        "NOT_ALLOWED_ONLINE": "the card is switched off for payments on the internet",
        "REFUSED_BY_BENEFICIARY_BANK": "the beneficiary's bank refused it",
        "WRONG_DETAILS": "the details are not correct",
        "WRONG_PIN": "the PIN was not correct",
    },
    "nl": {
        "ACCOUNT_BLOCKED": "de rekening is geblokkeerd",
        "ACCOUNT_CLOSED": "de rekening is opgeheven",
        "APPROVAL_MISSING": "er is niet op tijd akkoord gegeven",
        "BENEFICIARY_ACCOUNT_CLOSED": "de rekening van de ontvanger is opgeheven",
        "BENEFICIARY_ACCOUNT_UNKNOWN": "de rekening van de ontvanger bestaat niet",
        "BENEFICIARY_BANK_UNREACHABLE": "de bank van de ontvanger is niet bereikbaar",
        "CARD_BLOCKED": "de pas is geblokkeerd",
        "CARD_EXPIRED": "de pas is verlopen",
        "DUPLICATE": "dezelfde betaling is al eerder gedaan",
        "INSUFFICIENT_FUNDS": "er staat niet genoeg geld op de rekening",
        "LIMIT_EXCEEDED": "het bedrag is hoger dan de limiet",
        "NOT_ALLOWED_ABROAD": "de pas staat uit voor dit deel van de wereld",
        "NOT_ALLOWED_ONLINE": "de pas staat uit voor betalen op internet",
        "REFUSED_BY_BENEFICIARY_BANK": "de bank van de ontvanger heeft geweigerd",
        "WRONG_DETAILS": "de gegevens kloppen niet",
        "WRONG_PIN": "de pincode klopte niet",
    },
}

# The frequent ones of ISO 18245.
MERCHANT_CATEGORIES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "4111": "public transport",
        "4121": "taxis",
        "4511": "airlines",
        "5311": "department stores",
        "5411": "supermarkets",
        "5541": "petrol stations",
        "5651": "clothing",
        "5732": "electronics",
        "5812": "restaurants",
        "5814": "fast food",
        "5912": "pharmacies",
        "6010": "cash at a counter",
        "6011": "cash machines",
        "7011": "hotels",
        "7995": "gambling",
    },
    "nl": {
        "4111": "openbaar vervoer",
        "4121": "taxi's",
        "4511": "vliegreizen",
        "5311": "warenhuizen",
        "5411": "supermarkten",
        "5541": "tankstations",
        "5651": "kleding",
        "5732": "elektronica",
        "5812": "restaurants",
        "5814": "fastfood",
        "5912": "apotheken",
        "6010": "contant geld aan de balie",
        "6011": "geldautomaten",
        "7011": "hotels",
        "7995": "kansspelen",
    },
}
CATEGORY = {"en": "category {}", "nl": "categorie {}"}


HELD_BACK = {"en": "{messages} messages of “{title}”:", "nl": "{messages} berichten van “{title}”:"}


def held_back(messages: int, title: str, language: str) -> str:
    """The first line of a digest: how many messages of an alert type it stands for."""
    return _in(HELD_BACK, language).format(messages=messages, title=title)


def reason(code: str, language: str) -> str:
    """Why something was refused, to be read after a colon."""
    return _of(REASONS, language).get(code) or code.replace("_", " ").lower()


def merchant_category(code: str, language: str) -> str:
    """What kind of shop a merchant category of four digits is."""
    words = _of(MERCHANT_CATEGORIES, language)
    return words.get(code) or _in(CATEGORY, language).format(code)


def _of(words: Mapping[str, Mapping[str, str]], language: str) -> Mapping[str, str]:
    return words.get(language) or words[FALLBACK_LANGUAGE]


def _in(sentences: Mapping[str, str], language: str) -> str:
    return sentences.get(language) or sentences[FALLBACK_LANGUAGE]
