"""Finds what somebody did behind the system's back, whoever they were in the database.

What is believed: the signed heads that left the database, and the public key. Everything else is computed from the rows.

    HEADS       the file of heads itself was changed: a signature is wrong, a number missing or twice
    DELETED     a row, an entry or a whole block is gone
    EDITED      a row says something else than it said
    REORDERED   rows and entries are as they were, their order is not; or a block stands in another one's place
    REWRITTEN   a block is not the one whose head went outside
    UNSIGNED    a block behind the last head outside is not signed with the key
    UNSEALED    a row has no entry though it is old enough: somebody wrote it with a false time, or nobody seals
    KEY         a customer's key is gone, and nobody erased the customer
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bankalerts.database import Connection, connected
from bankalerts.seal import signing
from bankalerts.seal.signing import Head
from bankalerts.statements import rows
from sql import queries

AT_ONCE = 10  # blocks
UNSEALED_AFTER_S = 600.0
FAULTS_MAX = 1_000  # that are told one by one


@dataclass(frozen=True)
class Fault:
    fault: str
    seal_no: int | None
    kind: str  # HEAD, SEAL, ALERT, MESSAGE, ERASURE
    id: str | None
    event_date: str | None


@dataclass(frozen=True)
class Verdict:
    """What `verify-chain` found. `behind`: blocks that are signed and whose heads are not in the file given."""

    seals: int
    entries: int
    heads: int
    behind: int
    faults: list[Fault]

    @property
    def holds(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        told = [asdict(fault) for fault in self.faults[:FAULTS_MAX]]
        counts = {"seals": self.seals, "entries": self.entries, "heads": self.heads, "behind": self.behind}
        return {**counts, "holds": self.holds, "faults": len(self.faults), "first_faults": told}


def verify_chain(
    database_url: str, heads_file: Path, public_key_file: Path, unsealed_after_s: float = UNSEALED_AFTER_S
) -> Verdict:
    """Compare the database with the heads. Raises BankalertsError when heads or key cannot be read."""
    public = signing.read_public_key(public_key_file)
    heads = signing.read_heads(heads_file)
    faults = list(_faults_of_heads(heads, public))
    with connected(database_url, "verify-chain") as connection, connection.transaction():
        connection.execute(queries("seal", "psycopg").begin_reading.sql)
        chain = _Chain({head.seal_no: head for head in heads}, public)
        last = rows(connection, "seal", "read_last_seal")
        until = last[0]["seal_no"] if last else 0
        for first in range(1, until + 1, AT_ONCE):
            faults += _faults_of_blocks(connection, chain, first, first + AT_ONCE - 1)
        faults += [Fault("DELETED", head.seal_no, "SEAL", None, None) for head in heads if head.seal_no not in chain.seen]
        faults += [_fault(row) for row in rows(connection, "seal", "check_unsealed", older_than_s=unsealed_after_s)]
    return Verdict(len(chain.seen), chain.entries, len(heads), chain.behind, faults)


def _faults_of_heads(heads: list[Head], public: Ed25519PublicKey) -> Iterator[Fault]:
    for place, head in enumerate(heads, heads[0].seal_no if heads else 1):
        if head.seal_no != place or not signing.is_signed(public, bytes.fromhex(head.head), bytes.fromhex(head.signature)):
            yield Fault("HEADS", head.seal_no, "HEAD", None, None)


class _Chain:
    """The blocks in their order, each held against its head outside, or against its signature where that is behind."""

    def __init__(self, outside: dict[int, Head], public: Ed25519PublicKey) -> None:
        self.seen: set[int] = set()
        self.entries = 0
        self.behind = 0
        self._outside = outside
        self._numbers = {head.head: number for number, head in outside.items()}
        self._public = public
        self._previous = bytes(32)

    def fault_of(self, row: dict[str, Any], rows_are_whole: bool) -> str | None:
        """What is wrong with a block itself; `rows_are_whole`: each row behind its entries is as its entry says."""
        number, head = row["seal_no"], row["head"].hex()
        self.seen.add(number)
        self.entries += row["found_entries"]
        previous, self._previous = self._previous, row["head"]
        given = self._outside.get(number)
        if given is not None:
            self._previous = bytes.fromhex(given.head)
        if given is not None and head != given.head:
            return "REORDERED" if head in self._numbers else "REWRITTEN"
        if row["found_head"] != row["head"] or row["previous"] != previous:
            return "REWRITTEN"
        if row["found_entries"] != row["entries"] or row["last_entry"] != row["entries"]:
            return "DELETED"
        if row["found_digest"] != row["entries_digest"]:
            return "REORDERED" if rows_are_whole else "EDITED"
        if given is None and not signing.is_signed(self._public, row["head"], row["signature"]):
            return "UNSIGNED"
        self.behind += given is None
        return None


def _faults_of_blocks(connection: Connection, chain: _Chain, first: int, last: int) -> list[Fault]:
    names = ("check_alerts", "check_messages", "check_erasures")
    faults = [_fault(row) for name in names for row in rows(connection, "seal", name, from_seal=first, until_seal=last)]
    with_faults = {fault.seal_no for fault in faults}
    for row in rows(connection, "seal", "compute_seals", from_seal=first, until_seal=last):
        fault = chain.fault_of(row, row["seal_no"] not in with_faults)
        if fault is not None:
            faults.append(Fault(fault, row["seal_no"], "SEAL", None, None))
    return faults


def _fault(row: dict[str, Any]) -> Fault:
    identifier = None if row["id"] is None else str(row["id"])
    return Fault(row["fault"], row["seal_no"], row["kind"], identifier, row["event_date"].isoformat())
