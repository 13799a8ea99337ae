"""The in-memory tables of one partition of the account state topic, and of the catalogue. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from engine.catalogue import Catalogue, build_catalogue
from engine.decode import (
    AccountKey,
    AlertTypeRow,
    CatalogueKey,
    CatalogueMarker,
    Marker,
    Permission,
    Preference,
    account_key,
    account_row,
    catalogue_key,
    catalogue_row,
)
from engine.state import Missing, Versions

AccountRow = Permission | Preference
KEPT_IN_ALL = 20_000  # earlier versions of all accounts of a partition; what is older is asked of the history tables


@dataclass(frozen=True)
class AccountState:
    """What the matching needs of an account: its enabled preferences, each with the permission of its customer."""

    candidates: tuple[tuple[Preference, Permission], ...]


def build_account(rows: Mapping[AccountKey, AccountRow]) -> AccountState:
    """In the order of the keys, so that the same rows always give the same alerts in the same order."""
    permissions = {row.customer_id: row for row in rows.values() if isinstance(row, Permission)}
    preferences = sorted(
        (row for row in rows.values() if isinstance(row, Preference) and row.enabled),
        key=lambda row: (row.customer_id, row.alert_type, row.preference_no),
    )
    return AccountState(tuple((row, permissions[row.customer_id]) for row in preferences if row.customer_id in permissions))


Account = Versions[AccountKey, AccountRow, AccountState]


class AccountSnapshot:
    """One partition. Nothing is judged on it before `following`: the end of the topic was seen."""

    def __init__(self) -> None:
        self.following = False
        self._accounts: dict[str, Account] = {}
        self._kept: deque[Account] = deque()  # an account for each earlier version that it keeps, oldest first
        self._spoilt: set[str] = set()

    def apply(self, raw_key: bytes | None, value: bytes | None) -> None:
        """One record of the topic. Raises Undecodable: from then on the history tables tell the state of its account."""
        key = account_key(raw_key)
        if key.account_id in self._spoilt:
            return
        if value is None and key.customer_id is None:
            self._accounts.pop(key.account_id, None)
            return
        account = self._accounts.get(key.account_id)
        if account is None:
            account = self._accounts[key.account_id] = Versions(build_account)
        try:
            row = None if value is None else account_row(key, value)
        except ValueError:
            del self._accounts[key.account_id]
            self._spoilt.add(key.account_id)
            raise
        if isinstance(row, Marker):
            if account.mark(row.state_version, self.following):
                self._remember_kept(account)
        else:
            account.change(key, row, self.following)

    def _remember_kept(self, account: Account) -> None:
        self._kept.append(account)
        if len(self._kept) > KEPT_IN_ALL:
            self._kept.popleft().forget_oldest()

    def at(self, account_id: str, version: int) -> AccountState | Missing:
        if not self.following:
            return Missing.BEHIND
        account = self._accounts.get(account_id)
        if account is None:
            return Missing.PASSED if account_id in self._spoilt else Missing.BEHIND
        return account.at(version)

    def follow(self) -> None:
        """The end was seen: from here every version is whole."""
        self.following = True

    def unfollow(self) -> None:
        """Reading fell so far behind that compaction may have taken changes away."""
        self.following = False
        self._kept.clear()
        for account in self._accounts.values():
            account.forget_earlier()

    def __len__(self) -> int:
        return len(self._accounts)


class CatalogueSnapshot:
    """The catalogue of alert types: one partition, read by every engine."""

    def __init__(self) -> None:
        self.following = False
        self._spoilt = False
        self._versions: Versions[str, AlertTypeRow, Catalogue] = Versions(build_catalogue)

    def apply(self, raw_key: bytes | None, value: bytes | None) -> None:
        """One record of the topic. Raises Undecodable: from then on the history tables tell the catalogue."""
        try:
            key: CatalogueKey = catalogue_key(raw_key)
            row = None if value is None else catalogue_row(key, value)
        except ValueError:
            self._spoilt = True
            raise
        if isinstance(row, CatalogueMarker):
            self._versions.mark(row.catalogue_version, self.following)
        elif key.alert_type is not None:
            self._versions.change(key.alert_type, row, self.following)

    def at(self, version: int) -> Catalogue | Missing:
        if self._spoilt:
            return Missing.PASSED
        return self._versions.at(version) if self.following else Missing.BEHIND

    def follow(self) -> None:
        self.following = True

    def unfollow(self) -> None:
        self.following = False
        self._versions.forget_earlier()
