"""Which addresses of the Internet anybody may reach: a customer's webhook must not lead into the bank's networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network

# IANA's special-purpose registries, written out: what ipaddress.is_global says changes with Python's version, and it holds
# multicast, the deprecated relays and most ways to write an IPv4 address within IPv6 to be global.
NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds have their metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# All that IANA has given out for public use lies in it. IPv4 within IPv6 (::/96, ::ffff:0:0/96, NAT64's 64:ff9b::/96) does not.
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address within
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Whether a numeric address, as the operating system writes it, is one of the Internet's public ones."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return found.is_global and not _is_in(found, NOT_PUBLIC_V4)
    # A zone belongs to a link-local address.
    return found.scope_id is None and found.is_global and found in PUBLIC_V6 and not _is_in(found, NOT_PUBLIC_V6)


def networks(text: str) -> tuple[Network, ...]:
    """Networks separated by spaces. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(network) for network in text.split())


def is_within(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a numeric address is in one of the networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _is_in(found, allowed)


def _is_in(address: IPv4Address | IPv6Address, found_in: Sequence[Network]) -> bool:
    return any(address in network for network in found_in)
