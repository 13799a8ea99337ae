"""What the local mail server and provider received: the newest in memory, all of it in a file of JSON lines."""

from __future__ import annotations

import argparse
import html
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bankalerts.errors import BankalertsError

IN_MEMORY = 20_000
FILE_BYTES_MAX = 50_000_000
ON_PAGE = 100
LOOPBACK = "127.0.0.1"

Message = dict[str, Any]  # received_at (epoch microseconds), channel, to, subject, body, message_id, and more


class Kept:
    """The messages that a server received, oldest first.

    `received_at` is the time of receipt in epoch microseconds; it strictly increases, so that it can serve as a cursor.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` gets a file messages.jsonl; what an earlier process kept there is shown again."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "messages.jsonl"
        self.total = 0
        self._newest: deque[Message] = deque(_read(path), maxlen=IN_MEMORY)
        self._last = self._newest[-1]["received_at"] if self._newest else 0
        if path.exists() and path.stat().st_size > FILE_BYTES_MAX:
            path.replace(path.with_suffix(".jsonl.1"))
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, **message: Any) -> int:
        """Keep a message; returns its `received_at`."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        kept = {"received_at": self._last, **message}
        self._newest.append(kept)
        self._file.write(json.dumps(kept, ensure_ascii=False) + "\n")
        self.total += 1
        return self._last

    def since(self, received_at: int, channel: str | None = None) -> list[Message]:
        """Messages received after this time (epoch microseconds), oldest first, of one channel or all."""
        found = []
        for message in reversed(self._newest):
            if message["received_at"] <= received_at:
                break
            if channel in (None, message["channel"]):
                found.append(message)
        return found[::-1]

    def newest(self, count: int) -> list[Message]:
        """The newest messages, newest first."""
        return [message for message, _ in zip(reversed(self._newest), range(count), strict=False)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def routes(kept: Kept, title: str, behave: Callable[..., Awaitable[None]]) -> list[web.RouteDef]:
    """What both servers offer over HTTP.

    GET / is a page with the newest messages; GET /messages?since=&channel= is a JSON list; POST /behaviour calls
    `behave` with the names of its JSON object, which raises ValueError with the remedy for a wrong value.
    """

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=_page(title, kept.newest(ON_PAGE)), content_type="text/html")

    async def messages(request: web.Request) -> web.Response:
        try:
            since = int(request.query.get("since", "0"))
        except ValueError:
            return web.Response(status=400, text="since is a time in epoch microseconds\n")
        return web.json_response(kept.since(since, request.query.get("channel")))

    async def behaviour(request: web.Request) -> web.Response:
        try:
            await behave(**await request.json())
        except (ValueError, TypeError) as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.Response(status=204)

    return [web.get("/", page), web.get("/messages", messages), web.post("/behaviour", behaviour)]


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments of both servers; each adds its ports."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen at (default: %(default)s)")
    parser.add_argument("--home", type=Path, required=True, help="folder for the messages received")
    return parser


async def serve_http(application: web.Application, port: int, host: str = LOOPBACK) -> web.AppRunner:
    """Serve at `host`; `cleanup` of what is returned ends it. Raises BankalertsError for an address that cannot be used."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise BankalertsError(f"port {port} cannot be used at {host} ({error.strerror}): choose another") from error
    return runner


def _read(path: Path) -> Iterable[Message]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            # A line that a kill cut off is no message.
            if line.endswith("}\n"):
                yield json.loads(line)


def _page(title: str, messages: list[Message]) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in _cells(message)) + "</tr>" for message in messages
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
        f"<p>The newest {len(messages)} messages.</p>"
        "<table border=1 cellpadding=4><tr><th>received (UTC)<th>channel<th>to<th>subject<th>body</tr>"
        f"{rows}</table></html>"
    )


def _cells(message: Message) -> tuple[str, ...]:
    received = datetime.fromtimestamp(message["received_at"] / 1e6, UTC)
    return (
        f"{received:%Y-%m-%d %H:%M:%S.%f}",
        message["channel"],
        message["to"],
        message["subject"] or "",
        message["body"],
    )
