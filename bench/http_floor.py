"""The floor of a push channel: aiohttp alone, posting the same bodies with the same headers to the same provider."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from uuid import uuid4

import aiohttp

IN_FLIGHT = 64


async def post_all(url: str, count: int) -> float:
    """POST so many messages, IN_FLIGHT at once; the seconds that it took."""
    made = [(uuid4(), number) for number in range(count)]
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=3.0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def one_after_another() -> None:
            while made:
                message_id, number = made.pop()
                headers = {"Content-Type": "application/json", "Idempotency-Key": f"{message_id}.0123456789abcdef"}
                body = {
                    "to": f"device-{number % 1000}",
                    "title": "Low balance",
                    "body": "The balance of your account a-1 is €90.00, below €100.00.",
                    "message_id": str(message_id),
                }
                data = json.dumps(body, ensure_ascii=False).encode()
                async with session.post(url, data=data, headers=headers, allow_redirects=False) as answer:
                    await answer.content.read(4096)

        started = time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - started


def main() -> None:
    """python -m bench.http_floor URL COUNT: messages and seconds, as JSON."""
    url, count = sys.argv[1], int(sys.argv[2])
    print(json.dumps({"messages": count, "seconds": asyncio.run(post_all(url, count))}))


if __name__ == "__main__":
    main()
