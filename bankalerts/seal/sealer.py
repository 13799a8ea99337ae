"""Seals what is due: a block is made, signed and committed, and its head is on the disk outside before the next one is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankalerts.database import Connection, connected
from bankalerts.errors import BankalertsError
from bankalerts.seal import signing
from bankalerts.seal.signing import Head
from bankalerts.statements import rows
from sql import queries

BLOCK = 20_000  # entries: about half a second


@dataclass(frozen=True)
class Sealed:
    seals: int
    entries: int


def seal_all(database_url: str, key_file: Path, heads_file: Path, most: int = BLOCK) -> Sealed:
    """Seal until nothing is due. Raises BankalertsError when the chain is not the one whose heads lie outside."""
    key = signing.read_key(key_file)
    public = key.public_key()
    with connected(database_url, "seal") as connection, signing.heads_locked(heads_file):
        last = _catch_up(connection, public, heads_file)
        seals = entries = 0
        while (made := _seal_next(connection, key, last, most)) is not None:
            signing.append_head(heads_file, made)
            last = made
            seals, entries = seals + 1, entries + made.entries
    return Sealed(seals, entries)


def _catch_up(connection: Connection, public: Any, heads_file: Path) -> Head | None:
    """Append what was committed when its sealer ended before it could; returns the last head outside."""
    heads = signing.read_heads(heads_file)
    last = heads[-1] if heads else None
    found = rows(connection, "seal", "read_seals", after=last.seal_no - 1 if last else 0)
    if last and (not found or found[0]["seal_no"] != last.seal_no or found[0]["head"].hex() != last.head):
        raise BankalertsError(
            f"seal {last.seal_no} of the database is not the one in {heads_file}: nothing was sealed. Run"
            " `bankalerts verify-chain`; after a restore that you accept, keep that file and go on with a new one"
        )
    for row in found[1:] if last else found:
        if not signing.is_signed(public, row["head"], row["signature"]):
            raise BankalertsError(
                f"seal {row['seal_no']} is not signed with this key: nothing was sealed. Run `bankalerts verify-chain`"
            )
        last = _head_of(row)
        signing.append_head(heads_file, last)
    return last


def _seal_next(connection: Connection, key: Any, last: Head | None, most: int) -> Head | None:
    with connection.transaction():
        seal_no = queries("seal", "psycopg").seal_next(connection, most=most)
        if seal_no is None:
            return None
        (row,) = rows(connection, "seal", "read_seals", after=seal_no - 1)
        if row["previous"] != (bytes.fromhex(last.head) if last else bytes(32)):
            raise BankalertsError(
                f"seal {seal_no} does not follow the last head outside: nothing was sealed. Run `bankalerts verify-chain`"
            )
        signature = signing.sign(key, row["head"])
        key_id = signing.key_id(key.public_key())
        queries("seal", "psycopg").sign_seal(connection, seal_no=seal_no, signature=signature, key_id=key_id)
    return _head_of({**row, "signature": signature, "key_id": key_id})


def _head_of(row: dict[str, Any]) -> Head:
    sealed_at = row["sealed_at"].isoformat()
    return Head(row["seal_no"], sealed_at, row["entries"], row["head"].hex(), row["signature"].hex(), row["key_id"])
