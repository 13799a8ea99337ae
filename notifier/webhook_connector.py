"""Connections to addresses that a customer chose: never into the bank's own networks, whatever a name says at whatever time."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bankalerts.errors import BankalertsError
from notifier.public_address import is_public, is_within, networks

RESOLVE_WITHIN_S = 3.0
# A lookup that is given up keeps its thread until the system gives up too. In the loop's own few threads, names that never
# answer would keep all other channels from finding their providers.
LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="webhook-names")

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class ForbiddenAddressError(OSError):
    """A name leads to an address that nothing is sent to; says neither."""

    def __init__(self) -> None:
        super().__init__("an address that is not reached from here")


class Reachable:
    """Which addresses may be connected to: those of the whole internet, and of the networks that the operator named."""

    def __init__(self, named: str, public: bool = True) -> None:
        """`named` as BANKALERTS_WEBHOOK_NETWORKS holds them; `public` false leaves nothing but them.

        Raises BankalertsError for one that is none.
        """
        self._public = public
        try:
            self._named = networks(named)
        except ValueError as error:
            raise BankalertsError(f"BANKALERTS_WEBHOOK_NETWORKS is wrong ({error}): write networks like 10.1.2.0/24") from error

    def is_reached(self, address: str) -> bool:
        """Whether it may be connected to; what is no numeric address may not."""
        return is_within(address, self._named) or (self._public and is_public(address))


class CheckedResolver(AbstractResolver):
    """Resolves a name once for a connection, and refuses it when any of its addresses is not reached."""

    def __init__(self, reachable: Reachable, resolve: Resolve | None = None) -> None:
        """`resolve` gives all addresses of a name; the machine's own resolver unless given."""
        self._reachable = reachable
        self._resolve = resolve or _addresses_of

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses to connect to. Raises ForbiddenAddressError, or OSError when there is no such name."""
        found = list(await self._resolve(host))
        if not found:
            raise OSError("the name has no address")
        if not all(self._reachable.is_reached(address) for address in found):
            raise ForbiddenAddressError
        return [_result(host, address, port) for address in found if family in (socket.AF_UNSPEC, _family(address))]

    async def close(self) -> None:
        """Nothing to close."""


def connector(reachable: Reachable, connections: int, resolve: Resolve | None = None) -> aiohttp.TCPConnector:
    """Connects to nothing but what `reachable` allows.

    A name is resolved once and its addresses are checked. Each socket is made for the very address that it then connects to,
    and checked again: also one that stood in the URL itself, in whatever writing.
    """

    def checked_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not reachable.is_reached(str(address[0])):
            raise ForbiddenAddressError
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        limit=connections,
        resolver=CheckedResolver(reachable, resolve),
        use_dns_cache=False,
        socket_factory=checked_socket,
    )


def is_forbidden(error: aiohttp.ClientConnectorError) -> bool:
    """Whether no connection was made because its address is not reached."""
    causes = (error.os_error, error.__cause__, error.__context__)
    return any(isinstance(cause, ForbiddenAddressError) for cause in causes)


async def _addresses_of(host: str) -> Sequence[str]:
    try:
        async with asyncio.timeout(RESOLVE_WITHIN_S):
            look_up = functools.partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
            found = await asyncio.get_running_loop().run_in_executor(LOOKUPS, look_up)
    except (UnicodeError, TimeoutError) as error:
        # No name, or none in time: nothing was sent. A TimeoutError would look like a request without an answer.
        raise OSError("no such name") from error
    return [str(address[0]) for _, _, _, _, address in found]


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _result(host: str, address: str, port: int) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=flags)
