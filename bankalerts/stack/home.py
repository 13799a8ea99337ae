"""The home folder of a local stack: its layout, its lock, and what `stack.json` remembers."""

from __future__ import annotations

import base64
import fcntl
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bankalerts.errors import BankalertsError
from bankalerts.settings import CHECKPOINTS, STACK_FILE, Settings
from bankalerts.stack import logins

LOOPBACK = "127.0.0.1"
DATABASE = "bank"
DATABASE_USER = "bankalerts"
PORTS = ("postgres", "kafka", "kafka-controller", "connect", "smtp", "mail", "provider", "receipts")


@dataclass(frozen=True)
class Home:
    """Paths below the home folder. `down --purge` deletes what is the stack's, see purge.py."""

    path: Path

    def log(self, part: str) -> Path:
        """Where a part's output goes."""
        return self.path / "logs" / f"{part}.log"

    def record(self, part: str) -> Path:
        """Which process a part runs as."""
        return self.path / "run" / f"{part}.json"

    def ready_file(self, part: str) -> Path:
        """Written by a part when it is ready."""
        return self.path / "run" / f"{part}.ready"

    def data(self, part: str) -> Path:
        """What a part keeps."""
        return self.path / "data" / part

    @property
    def stack_file(self) -> Path:
        """What is remembered between commands, and where every command finds the addresses."""
        return self.path / STACK_FILE

    def exists(self) -> bool:
        """Whether a stack was ever started here."""
        return self.stack_file.exists()

    @contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Only one command at a time changes the stack. `on_wait` is called when another one is at it."""
        for folder in ("logs", "run", "data"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _new_receipts_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Remembered:
    """The content of `stack.json`, but for the addresses, which follow from it."""

    ports: dict[str, int] = field(default_factory=dict)
    password: str = ""
    engines: int = 1
    receipts_secret: str = field(default_factory=_new_receipts_secret)

    def save(self, home: Home) -> None:
        """Write the file whole, readable by its owner only: the database's password and the secret of receipts are in it."""
        content = {**vars(self), "settings": addresses(self)}
        unfinished = home.stack_file.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(home.stack_file)


def remembered(home: Home) -> Remembered:
    """What the last command wrote; nothing yet in a new folder."""
    if not home.exists():
        return Remembered(password=secrets.token_urlsafe(12))
    try:
        content: dict[str, Any] = json.loads(home.stack_file.read_text(encoding="utf-8"))
        # A stack of an older version has no secret yet: it gets one, and keeps it from then on.
        secret = content.get("receipts_secret") or _new_receipts_secret()
        return Remembered(content["ports"], content["password"], content["engines"], secret)
    except (ValueError, KeyError) as error:
        raise BankalertsError(f"{home.stack_file} cannot be read ({error}): `bankalerts down --purge` starts afresh") from error


def choose_ports(ports: dict[str, int], in_use_by_us: set[str]) -> dict[str, int]:
    """A free loopback port for each name: the remembered one where it is ours already or still free."""
    kept = {name: port for name, port in ports.items() if name in PORTS and (name in in_use_by_us or _is_free(port))}
    missing = [name for name in PORTS if name not in kept]
    return kept | dict(zip(missing, _free_ports(len(missing)), strict=True))


def addresses(stack: Remembered) -> dict[str, str]:
    """The fields of Settings that a local stack gives."""

    def at(name: str) -> str:
        return f"{LOOPBACK}:{stack.ports[name]}"

    database_url = f"postgresql://{DATABASE_USER}:{stack.password}@{at('postgres')}/{DATABASE}"
    return {
        "database_url": database_url,
        "capture_database_url": logins.url_of(logins.CAPTURE, database_url),
        "kafka": at("kafka"),
        "connect_url": f"http://{at('connect')}",
        "smtp_url": f"smtp://{at('smtp')}",
        "sms_url": f"http://{at('provider')}/sms",
        "push_url": f"http://{at('provider')}/push",
        "provider_url": f"http://{at('provider')}",
        "mail_url": f"http://{at('mail')}",
        "webhook_networks": f"{LOOPBACK}/32",
        "receipts_listen": at("receipts"),
        "receipts_secrets": stack.receipts_secret,
    }


def settings_of(home: Home, stack: Remembered, part: str) -> Settings:
    """What one part of this stack is given, whatever the caller's environment says."""
    found = addresses(stack)
    role = logins.role_of(part)
    if role is not None:
        found["database_url"] = logins.url_of(role, found["database_url"])
    return Settings(
        home=home.path,
        name=part,
        checkpoints=home.path.joinpath(*CHECKPOINTS),
        ready_file=home.ready_file(part),
        metrics_listen=f"{LOOPBACK}:0",
        **found,
    )


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    # All are held before the first is let go, so that none is given twice.
    trials = [socket.socket() for _ in range(count)]
    try:
        for trial in trials:
            trial.bind((LOOPBACK, 0))
        return [trial.getsockname()[1] for trial in trials]
    finally:
        for trial in trials:
            trial.close()
