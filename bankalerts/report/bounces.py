"""One bounce from a file or a pipe into the record of its message, with an exit code that a mail server understands."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bankalerts import faults, settings
from bankalerts.errors import BankalertsError
from notifier.bounce_mail import MAIL_OCTETS_MAX, MalformedBounceError, Outcome
from notifier.bounces import take
from notifier.database import Database
from notifier.receipt_book import UnknownMessageError

BECAME: dict[Outcome, str] = {
    "BOUNCED": "bounced ({}): its address is suppressed",
    "FAILED": "was not delivered ({})",
    "DELAYED": "is not delivered yet ({}), its server goes on trying",
}


def run(mail: str) -> int:
    """Take the mail in this file, or from standard input for `-`; the exit code. One line says what became of it or why not."""
    try:
        content = _content(mail)
    except OSError as error:
        return _fail(os.EX_NOINPUT, f"{mail} cannot be read ({error.strerror})")
    try:
        print(asyncio.run(_take(content)))
    except MalformedBounceError as error:
        return _fail(os.EX_DATAERR, f"refused: {error}")
    except UnknownMessageError:
        return _fail(os.EX_NOUSER, "refused: it is of no message that a provider took for this address")
    except BankalertsError as error:
        return _fail(os.EX_TEMPFAIL, f"try again later: {error}")
    except Exception as error:  # the mail server keeps it until this is mended
        return _fail(os.EX_TEMPFAIL, f"try again later: {faults.where(error)}")
    return os.EX_OK


def _content(mail: str) -> bytes:
    if mail == "-":
        return sys.stdin.buffer.read(MAIL_OCTETS_MAX + 1)
    with Path(mail).open("rb") as file:
        return file.read(MAIL_OCTETS_MAX + 1)


async def _take(content: bytes) -> str:
    database = await Database.connect(settings.database_url(), "bankalerts-bounces", 1)
    try:
        message_id, outcome, code = await take(database, content)
    finally:
        await database.close()
    return f"message {message_id} {BECAME[outcome].format(code)}"


def _fail(code: int, why: str) -> int:
    print(why, file=sys.stderr)
    return code
