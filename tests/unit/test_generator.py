"""The made-up bank: the same from the same seed, and plausible whatever the seed."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bankalerts.bank import generator, iban

BEGAN_AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
PRINT_DIGEST = """
import hashlib, itertools
from datetime import UTC, datetime
from bankalerts.bank import generator
bank, preferences = generator.make_bank(7)
entries = generator.make_entries(bank, {}, 7, "run", 100, datetime(2026, 1, 1, tzinfo=UTC), 50.0)
changes = list(itertools.islice(generator.make_changes(bank, preferences, 7, "run"), 100))
print(hashlib.sha256(repr((bank, preferences, entries, changes)).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bank_in_another_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_gives_another_bank() -> None:
    assert generator.make_bank(1) != generator.make_bank(2)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers())
def test_every_row_refers_to_rows_that_are_there(seed: int) -> None:
    bank, preferences = generator.make_bank(seed)
    customers = {customer.customer_id for customer in bank.customers}
    accounts = {account.account_id for account in bank.accounts}
    permitted = {(permission.account_id, permission.customer_id) for permission in bank.permissions}
    assert len(permitted) == len(bank.permissions)
    assert len({account.iban for account in bank.accounts}) == len(bank.accounts) == len(accounts)
    assert all(account in accounts and customer in customers for account, customer in permitted)
    assert {(preference.account_id, preference.customer_id) for preference in preferences} <= permitted
    assert {address.customer_id for address in bank.addresses} == customers
    assert {device.customer_id for device in bank.devices} == customers
    assert {preference.alert_type for preference in preferences} == set(generator.THRESHOLDS_MINOR)
    assert {channel for preference in preferences for channel in preference.channels} == {"EMAIL", "SMS", "PUSH"}


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(), count=st.integers(1, 500))
def test_each_balance_follows_from_the_one_before(seed: int, count: int) -> None:
    bank, _ = generator.make_bank(seed)
    balances = {account.account_id: 1_000 for account in bank.accounts}
    entries = generator.make_entries(bank, balances, seed, "run", count, BEGAN_AT, rate=200)
    for entry in entries:
        balances[entry.account_id] += entry.amount_minor
        assert entry.balance_after_minor == balances[entry.account_id]
    assert len({entry.entry_id for entry in entries}) == count
    assert entries[-1].occurred_at == BEGAN_AT + timedelta(seconds=(count - 1) / 200)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers())
def test_a_permission_is_revoked_and_granted_by_turns(seed: int) -> None:
    bank, preferences = generator.make_bank(seed)
    revoked = set()
    for change in itertools.islice(generator.make_changes(bank, preferences, seed, "run"), 500):
        if change.action == "revoke":
            assert change.permission not in revoked
            revoked.add(change.permission)
        elif change.action == "grant":
            revoked.remove(change.permission)
        else:
            assert change.preference is not None


@given(number=st.integers(0, 9_999_999_999))
def test_a_made_iban_has_right_check_digits(number: int) -> None:
    made = iban.dutch_iban("DEMO", number)
    assert len(made) == 18
    assert iban.is_valid(made)


@given(
    number=st.integers(0, 9_999_999_999),
    place=st.integers(8, 17),
    change=st.integers(1, 9),
)
def test_one_wrong_digit_is_found(number: int, place: int, change: int) -> None:
    made = iban.dutch_iban("DEMO", number)
    wrong = f"{made[:place]}{(int(made[place]) + change) % 10}{made[place + 1 :]}"
    assert not iban.is_valid(wrong)


def test_known_ibans() -> None:
    assert iban.make_iban("NL", "ABNA0417164300") == "NL91ABNA0417164300"
    assert iban.make_iban("GB", "WEST12345698765432") == "GB82WEST12345698765432"
    assert iban.make_iban("BE", "539007547034") == "BE68539007547034"
