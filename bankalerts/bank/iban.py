"""IBANs with right check digits (ISO 13616: the rearranged number leaves 1 when divided by 97)."""

from __future__ import annotations


def dutch_iban(bank_code: str, account_number: int) -> str:
    """The IBAN of a Dutch account: four letters of the bank and a number of at most ten digits."""
    return make_iban("NL", f"{bank_code}{account_number:010}")


def make_iban(country: str, basic_account_number: str) -> str:
    """Country and basic account number with their check digits between them, from 02 to 98."""
    return f"{country}{98 - _remainder(f'{basic_account_number}{country}00'):02}{basic_account_number}"


def is_valid(iban: str) -> bool:
    """Whether the check digits fit; lengths by country are PostgreSQL's to check."""
    return "02" <= iban[2:4] <= "98" and _remainder(iban[4:] + iban[:4]) == 1


def _remainder(text: str) -> int:
    # A is 10, B is 11, up to Z, which is 35: the digits of base 36
    return int("".join(str(int(character, 36)) for character in text)) % 97
