"""Identifiers of the real world: IBANs, currencies, e-mail addresses, telephone numbers, time zones (shared data)."""

from __future__ import annotations

import csv
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.shared_data import shared_data

Connection = psycopg.Connection[tuple[Any, ...]]


def rows(*path: str) -> list[dict[str, str]]:
    with shared_data("ids", *path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def iban_fault(connection: Connection, iban: str) -> str | None:
    found = connection.execute("select bank.iban_fault(%s)", [iban]).fetchone()
    assert found is not None
    fault: str | None = found[0]
    return fault


def takes(connection: Connection, channel: str, address: str) -> bool:
    """Whether the address is taken; what is not is refused with a sentence of ours."""
    try:
        with connection.transaction():
            connection.execute(
                "insert into bank.contact_address (customer_id, channel, address) values (1, %s, %s) on conflict do nothing",
                [channel, address],
            )
    except psycopg.DatabaseError as error:
        if error.sqlstate == "BA001":
            return False
        raise
    return True


@pytest.fixture
def bank(connection: Connection) -> Connection:
    connection.execute("insert into bank.customer (customer_id, full_name) values (1, 'Anna')")
    return connection


def test_every_valid_iban_is_accepted_and_every_other_refused(bank: Connection) -> None:
    """Those marked `checkdigit_ok` are in print format, with spaces: refused so. Without them the check digits are right; some
    are of countries that write numbers like an IBAN and are not in the registry, or have another length by now (Burundi)."""
    for row in rows("iban", "iban_vectors.csv"):
        fault = iban_fault(bank, row["iban"])
        assert (fault is None) == (row["expected"] == "valid"), (row, fault)
        if row["expected"] == "checkdigit_ok":
            assert "check digits" not in str(iban_fault(bank, row["iban"].replace(" ", ""))), row


def test_every_country_of_the_registry_has_its_length(bank: Connection) -> None:
    registry = rows("iban", "iban_lengths_v99.csv")
    assert len(registry) == 89
    for row in registry:
        assert len(row["example"]) == int(row["length"])
        fault = iban_fault(bank, row["example"])
        assert fault is None, (row, fault)
        assert iban_fault(bank, row["example"] + "0") is not None


def test_every_wrong_digit_and_every_swap_is_seen(bank: Connection) -> None:
    """What check digits are for: one character wrong, or two neighbours swapped."""
    iban = "NL91ABNA0417164300"
    wrong = [iban[:n] + chr(ord("0") + (ord(iban[n]) + 1) % 10) + iban[n + 1 :] for n in range(2, 18)]
    swapped = [iban[:n] + iban[n + 1] + iban[n] + iban[n + 2 :] for n in range(4, 17) if iban[n] != iban[n + 1]]
    for one in wrong + swapped:
        assert one == iban or iban_fault(bank, one) is not None, one


def test_the_currencies_of_iso_4217(bank: Connection) -> None:
    """All that are money: metals, tests and units of account have no minor unit, and nobody keeps an account in them."""
    iso = {row["code"]: row["minor_units"] for row in rows("iso4217", "iso4217.csv")}
    listed = {code: int(digits) for code, digits in iso.items() if digits != "N.A."}
    assert dict(bank.execute("select currency, minor_digits from bank.currency").fetchall()) == listed


def test_every_time_zone_is_known_to_python(bank: Connection) -> None:
    zones = [zone for (zone,) in bank.execute("select time_zone from bank.time_zone").fetchall()]
    assert {"UTC", "Europe/Amsterdam", "Europe/Prague", "America/Argentina/Buenos_Aires"} <= set(zones)
    for zone in zones:
        ZoneInfo(zone)


def test_e_mail_addresses(bank: Connection) -> None:
    """Accepted: what is valid without quotes, comments and address literals, in a domain with a dot. `test@io` is the one valid
    vector that is refused: mail to a top-level domain is a typing error in practice."""
    for row in rows("email", "isemail_tests.csv"):
        pictures = {chr(0x2400 + code): chr(code) for code in range(33)}
        address = "".join(pictures.get(character, character) for character in row["address_with_control_pictures"])
        if "\0" in address:
            continue
        valid = row["category"] == "ISEMAIL_VALID_CATEGORY" and address != "test@io"
        assert takes(bank, "EMAIL", address) is valid, row


def test_telephone_numbers(bank: Connection) -> None:
    """Every valid number in E.164 is accepted. That a number is in use is not checked: numbering plans change every month."""
    for row in rows("phone", "phone_examples.csv"):
        if row["valid"] == "True":
            assert takes(bank, "SMS", row["e164"]), row
            assert not takes(bank, "SMS", row["national"]), row
