"""The key that signs heads (Ed25519), and the file outside of the database where signed heads are kept."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bankalerts import settings
from bankalerts.errors import BankalertsError

PURPOSE = b"bankalerts seal head\0"  # a signature of ours says nothing about any other 32 bytes


@dataclass(frozen=True)
class Head:
    """A line of the file of heads; head and signature in hexadecimal."""

    seal_no: int
    sealed_at: str
    entries: int
    head: str
    signature: str
    key_id: str


def default_folder() -> Path:
    """Where key and heads lie unless told otherwise: in the home folder of the local stack."""
    return settings.home() / "data" / "seal"


def make_key(private_file: Path) -> Path:
    """Make a key unless there is one: PEM, for its owner alone, the public one beside it (.pub), whose path is returned."""
    public_file = private_file.with_suffix(".pub")
    private_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(private_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        key = read_key(private_file)
    else:
        key = Ed25519PrivateKey.generate()
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            )
    public_file.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return public_file


def read_key(file: Path) -> Ed25519PrivateKey:
    """The private key. Raises BankalertsError when there is none, or others may read it."""
    try:
        if file.stat().st_mode & 0o077:
            raise BankalertsError(f"{file} may be read by others: chmod 600 {file}")
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise BankalertsError(f"{file} is no readable key: make one with `bankalerts seal --make-key`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BankalertsError(f"{file} is no Ed25519 key: make one with `bankalerts seal --make-key`")
    return key


def read_public_key(file: Path) -> Ed25519PublicKey:
    """The public key. Raises BankalertsError when there is none."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BankalertsError(f"{file} is no readable public key: `bankalerts seal --make-key` writes it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BankalertsError(f"{file} is no Ed25519 public key")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Eight bytes of the public key's sha256, in hexadecimal."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256(raw).hexdigest()[:16]


def sign(key: Ed25519PrivateKey, head: bytes) -> bytes:
    return key.sign(PURPOSE + head)


def is_signed(key: Ed25519PublicKey, head: bytes, signature: bytes | None) -> bool:
    """Whether the signature is this key's under this head."""
    try:
        key.verify(signature or b"", PURPOSE + head)
    except InvalidSignature:
        return False
    return True


def read_heads(file: Path) -> list[Head]:
    """The heads in the order of the file. A last line without its end was never whole. Raises BankalertsError for any other."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    heads = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        try:
            heads.append(Head(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise BankalertsError(f"{file}, line {number} is no head: take the copy that was shipped elsewhere") from error
    return heads


@contextmanager
def heads_locked(file: Path) -> Iterator[None]:
    """One sealer at a time writes the file. Cuts off a last line that was never whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.seek(0)
        content = opened.read()
        opened.truncate(content.rfind(b"\n") + 1)
        yield


def append_head(file: Path, head: Head) -> None:
    """Append a line and wait until it is on the disk."""
    with file.open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(asdict(head)) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
